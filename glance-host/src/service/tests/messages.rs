//! Posts by people, by add-ons, and in answers of webhooks.

use std::time::Duration;

use glance_sdk::model::{Event, Notification};

use super::*;
use crate::model::Outcome;
use crate::service::messages::{AddOnPostError, Draft, MAX_TEXT, PostError};

fn draft(text: &str) -> Draft {
    Draft::from(text.to_owned())
}

#[tokio::test]
async fn archived_room_refuses_every_post() {
    let services = Services::new();
    let (room, ann) = (
        services.archived_room("ops").await,
        services.user("Ann").await,
    );
    let installed = services.install("a", room.id, &[]).await;
    let messages = &services.messages;
    let refused = messages.post(&room, &ann, draft("hi")).await;
    assert!(matches!(refused, Err(PostError::Archived(name)) if name == "ops"));
    let refused = messages
        .post_as_add_on(&room, &installed, draft("hi"))
        .await;
    let is_archived = |error| matches!(error, AddOnPostError::Post(PostError::Archived(_)));
    assert!(is_archived(refused.unwrap_err()));
    let refused = messages
        .notify(&room, &installed, Notification::text("hi"))
        .await;
    assert!(is_archived(refused.unwrap_err()));
    assert!(services.texts(room.id).await.is_empty());
}

#[tokio::test]
async fn length_of_text_is_limited() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    for (length, is_allowed) in [
        (0, false),
        (1, true),
        (MAX_TEXT, true),
        (MAX_TEXT + 1, false),
    ] {
        let posted = services
            .messages
            .post(&room, &ann, draft(&"é".repeat(length)))
            .await;
        match posted {
            Ok(_) => assert!(is_allowed, "{length}"),
            Err(PostError::Length(found)) => assert_eq!((found, is_allowed), (length, false)),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn reply_needs_an_entry_of_the_same_room() {
    let services = Services::new();
    let ann = services.user("Ann").await;
    let (room, other) = (services.room("ops").await, services.room("dev").await);
    let parent = services
        .messages
        .post(&room, &ann, draft("a"))
        .await
        .unwrap();
    let reply = || Draft {
        reply_to: Some(parent.id.clone()),
        ..draft("b")
    };
    let refused = services.messages.post(&other, &ann, reply()).await;
    assert!(matches!(refused, Err(PostError::NoParent(id)) if id == parent.id));
    services.messages.post(&room, &ann, reply()).await.unwrap();
    assert_eq!(services.texts(room.id).await, ["a", "b"]);
}

#[tokio::test]
async fn repeated_draft_with_an_id_is_posted_once() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let id = "8b8ec9e1-3a54-4b52-a2b5-6b1f1f7d3f11";
    let with_id = |text: &str, id: &str| Draft {
        id: Some(id.to_owned()),
        ..draft(text)
    };
    let post = |user, draft| services.messages.post(&room, user, draft);
    let first = post(&ann, with_id("hi", id)).await.unwrap();
    assert_eq!(first.id, id);
    assert_eq!(post(&ann, with_id("hi", id)).await.unwrap().at, first.at);
    let refused = post(&ann, with_id("other text", id)).await;
    assert!(matches!(refused, Err(PostError::IdTaken)));
    let bo = services.user("Bo").await;
    let refused = post(&bo, with_id("hi", id)).await;
    assert!(matches!(refused, Err(PostError::IdTaken)));
    let refused = post(&ann, with_id("hi", "1")).await;
    assert!(matches!(refused, Err(PostError::BadId)));
    assert_eq!(services.texts(room.id).await, ["hi"]);
}

#[tokio::test]
async fn add_on_has_a_message_limit_per_minute() {
    let services = Services::new();
    let room = services.room("ops").await;
    let installed = services.install("a", room.id, &[]).await;
    let post = |text| {
        services
            .messages
            .post_as_add_on(&room, &installed, draft(text))
    };
    post("").await.unwrap_err();
    let (_, allowance) = post("a").await.unwrap();
    assert_eq!(allowance.remaining, 1, "a refused draft is not counted");
    let notified = services
        .messages
        .notify(&room, &installed, Notification::text("b"))
        .await;
    assert_eq!(notified.unwrap().1.remaining, 0);
    let refused = post("c").await.unwrap_err();
    assert!(matches!(refused, AddOnPostError::TooMany(_)), "{refused}");
    services.clock.advance(Duration::from_secs(60));
    post("d").await.unwrap();
    assert_eq!(services.texts(room.id).await, ["a", "b", "d"]);
}

#[tokio::test]
async fn answers_of_webhooks_count_as_posts() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let installed = services.install("a", room.id, &[Event::RoomMessage]).await;
    services.add_ons.answer_with(r#"{"message": "answer"}"#);
    for _ in 0..=MESSAGE_LIMIT {
        services
            .messages
            .post(&room, &ann, draft("hi"))
            .await
            .unwrap();
        services.webhooks.idle(&installed.oauth_id).await;
    }
    let expected = ["hi", "answer", "hi", "answer", "hi"];
    assert_eq!(services.texts(room.id).await, expected);
    let deliveries = services.webhooks.deliveries(room.id);
    let Outcome::Answered { problem, .. } = &deliveries.last().unwrap().outcome else {
        panic!("{deliveries:?}");
    };
    let expected = "the add-on of a webhook has written too much into the room";
    assert_eq!(problem.as_deref(), Some(expected));
}
