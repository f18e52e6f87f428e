//! Tests the outcomes of webhook calls: retried, given up, dropped, or answered in the room.

use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::stream;
use glance_host::Host;
use glance_host::model::{Delivery, Outcome};
use glance_host::testing::TestRoom;
use glance_sdk::axum::Json;
use glance_sdk::axum::body::Body;
use glance_sdk::axum::http::{StatusCode, header};
use glance_sdk::axum::response::IntoResponse;
use glance_sdk::model::Notification;
use serde_json::json;

use crate::peer::Peer;

pub(crate) fn status(delivery: &Delivery) -> Option<u16> {
    match &delivery.outcome {
        Outcome::Answered { status, .. } => Some(*status),
        _ => None,
    }
}

pub(crate) fn said(text: &str) -> impl Fn(&Delivery) -> bool {
    move |delivery| delivery.body["item"]["message"]["message"] == text
}

pub(crate) async fn messages(key: &str, authentication: &str) -> Peer {
    let webhook =
        json!({ "event": "room_message", "url": "said?a=1", "authentication": authentication });
    Peer::serve(key, json!([webhook])).await
}

pub(crate) async fn deliver_message(room: &TestRoom, text: &str) -> Arc<Delivery> {
    room.says("ann", text).await;
    room.delivery(said(text)).await
}

#[tokio::test]
async fn failed_webhook_is_retried_and_answered_once() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let peer = messages("faulty", "jwt").await;
    room.install_url(&peer.url).await.unwrap();
    peer.answer(StatusCode::SERVICE_UNAVAILABLE);
    peer.answer(StatusCode::TOO_MANY_REQUESTS);
    peer.answer(Json(Notification::text("At last")));
    room.says("ann", "first").await;
    room.says("ann", "second").await;
    let delivery = room.delivery(said("first")).await;
    assert_eq!((delivery.attempts, status(&delivery)), (3, Some(200)));
    room.delivery(said("second")).await;
    assert_eq!(room.notifications().await.len(), 1);

    let seen = peer.seen();
    let texts: Vec<_> = seen
        .iter()
        .map(|seen| &seen.body["item"]["message"]["message"])
        .collect();
    assert_eq!(
        texts,
        ["first", "first", "first", "second"],
        "they keep their order"
    );
    assert_ne!(seen[0].uri, seen[1].uri, "each is signed anew");
    assert_eq!(seen[0].body, seen[1].body);
}

#[tokio::test]
async fn permanent_failures_are_not_retried() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let (peer, elsewhere) = (
        messages("odd", "none").await,
        messages("else", "none").await,
    );
    room.install_url(&peer.url).await.unwrap();
    let problem = |delivery: &Delivery| match &delivery.outcome {
        Outcome::Answered { problem, entry, .. } => {
            assert_eq!(*entry, None);
            problem.clone().unwrap_or_default()
        }
        other => format!("{other:?}"),
    };
    let redirect = [(header::LOCATION, elsewhere.url.clone())];
    peer.answer((StatusCode::TEMPORARY_REDIRECT, redirect));
    peer.answer(StatusCode::BAD_REQUEST);
    peer.answer(StatusCode::INTERNAL_SERVER_ERROR);
    peer.answer(Body::from_stream(stream::iter([Err::<&str, _>(
        "it crashed",
    )])));
    peer.answer("OK");
    peer.answer("\"Thank you!\"");
    peer.answer("<p>Hello");
    peer.answer(r#"{"color":"green"}"#);
    peer.answer(r#"{"message":""}"#);
    peer.answer("[".repeat(100_000));
    peer.answer("x".repeat(300_000));
    peer.answer(" \n");
    for (text, words) in [
        ("redirect", "answered 307"),
        ("bad", "answered 400"),
        ("acted, then failed", "answered 500"),
        ("acted, then hung up", "gave no whole answer"),
        ("a word", ""),
        ("a word in JSON", ""),
        ("a page", "no JSON object"),
        ("no message", "/message"),
        ("empty message", "/message"),
        ("deep", "no JSON object"),
        ("huge", "more than 262144 bytes"),
        ("nothing", ""),
    ] {
        room.says("ann", text).await;
        let delivery = room.delivery(said(text)).await;
        assert_eq!(delivery.attempts, 1, "{text}");
        let problem = problem(&delivery);
        assert!(problem.contains(words), "{text}: {problem}");
    }
    assert!(elsewhere.seen().is_empty(), "a redirect is not followed");
    assert!(room.notifications().await.is_empty());
}

#[tokio::test]
async fn webhook_of_unreachable_add_on_is_given_up() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let peer = messages("away", "jwt").await;
    room.install_url(&peer.url).await.unwrap();
    peer.stop().await;
    room.says("ann", "hi").await;
    let delivery = room.delivery(said("hi")).await;
    assert_eq!(delivery.attempts, 4);
    let Outcome::Failed(why) = &delivery.outcome else {
        panic!("{delivery:?}");
    };
    assert!(why.contains("cannot be reached"), "{why}");
}

#[tokio::test]
async fn hanging_add_on_delays_no_other() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let (hanging, good) = (
        messages("hanging", "jwt").await,
        messages("good", "jwt").await,
    );
    room.install_url(&hanging.url).await.unwrap();
    room.install_url(&good.url).await.unwrap();
    let _never = hanging.hold();
    room.says("ann", "first").await;
    let of = |peer: &Peer| {
        let url = peer.url.clone();
        move |delivery: &Delivery| delivery.url.starts_with(&url)
    };
    room.delivery(of(&good)).await;
    // One call may be running while a hundred wait; further ones are dropped.
    for n in 0..102 {
        let n = n.to_string();
        room.says("ann", &n).await;
        let text = said(&n);
        room.delivery(|delivery| of(&good)(delivery) && text(delivery))
            .await;
    }
    let dropped = room.delivery(of(&hanging)).await;
    let Outcome::Skipped(why) = &dropped.outcome else {
        panic!("{dropped:?}");
    };
    assert!(why.contains("100 events wait"), "{why}");
    assert_eq!(dropped.attempts, 0);
    assert_eq!(good.seen().len(), 103);
    assert_eq!(hanging.seen().len(), 1);
}

#[tokio::test]
async fn removed_add_on_is_not_called_and_does_not_write() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let (gone, stays) = (
        messages("gone", "jwt").await,
        messages("stays", "jwt").await,
    );
    let installed = room.install_url(&gone.url).await.unwrap();
    room.install_url(&stays.url).await.unwrap();
    let answer = gone.hold();
    room.says("ann", "under way").await;
    gone.called(1).await;
    room.says("ann", "waits").await;
    host.uninstall(&installed.oauth_id).await.unwrap();
    let too_late = Json(Notification::text("too late"));
    answer.send(too_late.into_response()).unwrap();

    let outcome = async |text: &str| {
        let is_his = |delivery: &Delivery| delivery.oauth_id == installed.oauth_id;
        let delivery = room.delivery(|one| is_his(one) && said(text)(one)).await;
        format!("{:?}", delivery.outcome)
    };
    let under_way = outcome("under way").await;
    assert!(
        under_way.contains("removed before it answered"),
        "{under_way}"
    );
    assert_eq!(
        deliver_message(&room, "after").await.url,
        format!("{}said?a=1", stays.url)
    );
    assert_eq!(gone.seen().len(), 1);
    assert!(room.notifications().await.is_empty());
}

#[tokio::test]
async fn expensive_patterns_delay_no_messages() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let pattern = r"(?:[a-q][^x]{0,60}){1,20}\d$";
    let webhook = json!({ "event": "room_message", "url": "costly", "pattern": pattern });
    let costly = Peer::serve("costly", vec![webhook; 40].into()).await;
    let good = messages("good", "jwt").await;
    room.install_url(&costly.url).await.unwrap();
    room.install_url(&good.url).await.unwrap();
    for nth in 1..=3 {
        let text = format!("{}{nth}", "ab cd efg ".repeat(999));
        room.says("ann", &text).await;
    }
    good.called(3).await;
    let called = costly.seen().len();
    assert_eq!(called, 0, "they are still looked for in the first message");
    costly.called(1).await;
}

#[tokio::test]
async fn webhook_calls_keep_message_order() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let peer = messages("peer", "none").await;
    room.install_url(&peer.url).await.unwrap();
    host.user("bo", |_| {}).await;
    let (room, writers) = (&room, ["ann", "bo", "cy", "di", "ed"]);
    let writing = writers.map(async |name| {
        for nth in 0..20 {
            let to = ["", "@bo "][nth % 2];
            room.says(name, &format!("{to}{name} {nth}")).await;
        }
    });
    join_all(writing).await;
    peer.called(100).await;
    let delivered = peer.seen().into_iter();
    let delivered = delivered.map(|seen| seen.body["item"]["message"]["id"].clone());
    let written = room
        .timeline()
        .await
        .into_iter()
        .map(|entry| json!(entry.id));
    assert_eq!(delivered.collect::<Vec<_>>(), written.collect::<Vec<_>>());
}

/// The REST API refuses it there too.
#[tokio::test]
async fn response_is_not_posted_into_archived_room() {
    let host = Host::start().await;
    let mut room = host.room("ops").await;
    let webhook = json!({ "event": "room_archived", "url": "archived" });
    let peer = Peer::serve("peer", webhook).await;
    room.install_url(&peer.url).await.unwrap();
    peer.answer(Json(Notification::text("So long")));
    room.change(|room| room.is_archived = true).await;
    let delivery = room.delivery(|_| true).await;
    let Outcome::Answered { entry, problem, .. } = &delivery.outcome else {
        panic!("{delivery:?}");
    };
    let why = "Room ops is archived and can only be read";
    assert_eq!((entry.as_deref(), problem.as_deref()), (None, Some(why)));
    assert!(room.timeline().await.is_empty());
}
