//! Tests which webhooks the host calls, and their payloads.

use std::sync::{Arc, Mutex};

use glance_host::Host;
use glance_host::webhooks;
use glance_sdk::auth::{SigningKey, Token, now};
use glance_sdk::axum::Json;
use glance_sdk::axum::http::header;
use glance_sdk::client::Method;
use glance_sdk::model::webhook::{
    RoomArchived, RoomCreated, RoomDeleted, RoomEnter, RoomEvent, RoomExit, RoomMessage,
    RoomNotification, RoomTopicChange, RoomUnarchived, WebhookItem, WebhookPayload,
};
use glance_sdk::model::{Color, Event, Notification, Scope, Webhook};
use glance_sdk::prelude::*;
use serde_json::{Value, json};

use crate::answers::{deliver_message, messages, said, status};
use crate::corpus;
use crate::log::Log;
use crate::peer::Peer;

/// Replies with the requested build.
#[webhook(event = RoomMessage, pattern = "^/build")]
async fn build(said: WebhookRequest<RoomMessage>) -> Option<Notification> {
    let what = said.item().message.message.strip_prefix("/build ")?;
    Some(Notification::text(format!("Building {what}.")).color(Color::Green))
}

#[tokio::test]
async fn webhook_answers_message_in_room() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let add_on = AddOn::new("com.example.builds", "Builds");
    let add_on = add_on.refuse_replays().webhook::<build>();
    let installed = room.install(add_on).await;
    other.says("ann", "/build elsewhere").await;
    room.says("ann", "hello").await;
    let command = room.says("ann", "/build all").await;
    let answer = room.notification("Building").await;
    assert_eq!(answer.message, "Building all.");
    assert_eq!(answer.color, Some(Color::Green));

    let delivery = room.delivery(said("/build all")).await;
    assert_eq!(delivery.event, Event::RoomMessage);
    assert_eq!(&delivery.oauth_id, installed.oauth_id());
    assert_eq!((delivery.attempts, status(&delivery)), (1, Some(200)));
    assert_eq!(delivery.body["item"]["message"]["id"], json!(command.id));
    assert_eq!(room.deliveries().len(), 1, "the pattern is matched before");
    assert!(other.deliveries().is_empty());
    assert_eq!(room.timeline().await.len(), 3, "it is answered once");
}

type Journal = Arc<Mutex<Vec<Event>>>;

fn note<E: RoomEvent>(journal: &Journal, _: &WebhookRequest<E>) {
    journal.lock().unwrap().push(E::EVENT);
}

macro_rules! listeners {
    ($($name:ident: $event:ty,)*) => {
        $(
            #[webhook(event = $event)]
            async fn $name(request: WebhookRequest<$event>, State(journal): State<Journal>) {
                note(&journal, &request);
            }
        )*

        fn listener(journal: &Journal) -> AddOn<Journal> {
            AddOn::new("com.example.listener", "Listener").state(journal.clone())$( .webhook::<$name>() )*
        }
    };
}

listeners! {
    archived: RoomArchived,
    created: RoomCreated,
    deleted: RoomDeleted,
    enter: RoomEnter,
    exit: RoomExit,
    message: RoomMessage,
    notification: RoomNotification,
    topic: RoomTopicChange,
    unarchived: RoomUnarchived,
}

/// The tenth event, `room_file_upload`, cannot happen: the host stores no files.
#[tokio::test]
async fn nine_events_are_delivered_and_accepted() {
    let host = Host::start().await;
    let journal = Journal::default();
    let installed = host.install_everywhere(listener(&journal)).await;
    let room = host.room("ops").await;
    let ann = host.user("ann", |_| {}).await;
    let expect_event = async |event: Event| {
        let delivery = room.delivery(|delivery| delivery.event == event).await;
        assert_eq!(status(&delivery), Some(204), "{delivery:?}");
        let payload: WebhookPayload = serde_json::from_value(delivery.body.clone()).unwrap();
        assert!(!matches!(payload.typed().item, WebhookItem::Other(_)));
    };
    expect_event(Event::RoomCreated).await;
    let viewer = room.viewer("ann").await;
    let second = room.viewer("ann").await;
    expect_event(Event::RoomEnter).await;
    room.says("ann", "hi").await;
    expect_event(Event::RoomMessage).await;
    drop((viewer, second));
    expect_event(Event::RoomExit).await;
    let writer = AddOn::new("com.example.writer", "Writer");
    let writer = writer.scopes([Scope::AdminRoom, Scope::SendNotification]);
    let writer = room.install(writer).await;
    let client = writer.client().await;
    let written = Notification::text("hi");
    client.room(room.room.id).notify(&written).await.unwrap();
    expect_event(Event::RoomNotification).await;
    let id = room.room.id.to_string();
    let topic = client.request(Method::Put, ["room", &id, "topic"]);
    let topic = topic.body(&json!({ "topic": "Peace" })).unwrap();
    topic.send().await.unwrap();
    expect_event(Event::RoomTopicChange).await;
    for event in [
        webhooks::RoomEvent::Archived(ann.clone()),
        webhooks::RoomEvent::Unarchived(ann.clone()),
        webhooks::RoomEvent::Deleted(ann.clone()),
    ] {
        let kind = event.event().unwrap();
        room.emit(event).await;
        expect_event(kind).await;
    }

    assert_eq!(
        *journal.lock().unwrap(),
        [
            Event::RoomCreated,
            Event::RoomEnter,
            Event::RoomMessage,
            Event::RoomExit,
            Event::RoomNotification,
            Event::RoomTopicChange,
            Event::RoomArchived,
            Event::RoomUnarchived,
            Event::RoomDeleted,
        ],
        "two viewers of a person are one person"
    );
    drop(installed);
}

#[tokio::test]
async fn token_is_in_both_places_or_none() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let ann = host.user("ann", |_| {}).await;
    let (signed, unsigned) = (
        messages("signed", "jwt").await,
        messages("unsigned", "none").await,
    );
    let installed = room.install_url(&signed.url).await.unwrap();
    room.install_url(&unsigned.url).await.unwrap();
    room.says("ann", "hi").await;
    for (peer, count) in [(&signed, 1), (&unsigned, 1)] {
        room.delivery(|delivery| delivery.url.starts_with(&peer.url))
            .await;
        assert_eq!(peer.seen().len(), count);
    }

    let seen = &signed.seen()[0];
    let header = seen.headers[header::AUTHORIZATION].to_str().unwrap();
    let token = header.strip_prefix("JWT ").unwrap();
    let query = seen.uri.query().unwrap();
    assert_eq!(query, format!("a=1&signed_request={token}"));
    let key = jsonwebtoken::DecodingKey::from_secret(installed.oauth_secret.expose().as_bytes());
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    rules.set_issuer(&[installed.oauth_id.as_str()]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &rules)
        .unwrap()
        .claims;
    // One framework refuses a call that is not signed for its sender.
    let sender = &seen.body["item"]["message"]["from"]["id"];
    assert_eq!(
        (claims["sub"].as_str(), sender),
        (Some(&*ann.id.to_string()), &json!(ann.id))
    );
    assert_eq!(claims["prn"], claims["sub"]);
    assert_eq!(claims["context"]["room_id"], json!(room.room.id));
    assert_eq!(seen.headers[header::CONTENT_TYPE], "application/json");
    let kept = room
        .delivery(|delivery| delivery.oauth_id == installed.oauth_id)
        .await;
    assert!(!format!("{kept:?}").contains(token), "no token is kept");

    let seen = &unsigned.seen()[0];
    assert_eq!(seen.uri.query(), Some("a=1"));
    assert!(!seen.headers.contains_key(header::AUTHORIZATION));
}

/// Some frameworks respond with 500 to a token without a subject.
#[tokio::test]
async fn events_without_person_have_no_subject() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let webhook = json!({ "event": "room_notification", "url": "said", "authentication": "jwt" });
    let peer = Peer::serve("peer", webhook).await;
    let installed = room.install_url(&peer.url).await.unwrap();
    let writer = AddOn::new("com.example.writer", "Writer").scopes([Scope::SendNotification]);
    let client = room.install(writer).await.client().await;
    let written = Notification::text("hi");
    client.room(room.room.id).notify(&written).await.unwrap();
    peer.called(1).await;
    let seen = &peer.seen()[0];
    let token = seen.headers[header::AUTHORIZATION].to_str().unwrap();
    let key = SigningKey::new(&installed.oauth_secret);
    let token = Token::parse(token.strip_prefix("JWT ").unwrap()).unwrap();
    let claims = token.verify(&key, now()).unwrap();
    assert_eq!(claims.sub.as_deref(), Some("0"));
    assert_eq!(claims.prn, claims.sub);
    assert_eq!(seen.body["item"]["message"]["from"], "Writer");
}

/// Returns the members and their types at every depth; the first entry represents a list.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let shapes = members
                .iter()
                .map(|(name, value)| (name.clone(), shape(value)));
            Value::Object(shapes.collect())
        }
        Value::Array(list) => list.first().map_or(json!("list"), shape),
        Value::String(_) => json!("string"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("Boolean"),
        Value::Null => Value::Null,
    }
}

#[tokio::test]
async fn payload_has_shape_of_real_ones() {
    let host = Host::start().await;
    let peer = Peer::serve("one", json!({ "event": "room_message", "url": "said" })).await;
    let mut room = host.room("ops").await;
    room.install_url(&peer.url).await.unwrap();
    room.says("ann", "public").await;
    host.user("bo", |_| {}).await;
    room.change(|room| room.is_public = false).await;
    room.says("ann", "private @bo").await;
    let public = room.delivery(said("public")).await.body.clone();
    let private = room.delivery(said("private @bo")).await.body.clone();

    assert!(public["webhook_id"].is_u64());
    assert!(public["oauth_client_id"].is_string());
    let item = &public["item"];
    assert_eq!(item["room"]["privacy"], "public");
    assert_eq!(item["room"]["links"].get("members"), None);
    assert_eq!(item["message"]["mentions"], json!([]));
    let date = item["message"]["date"].as_str().unwrap();
    assert_eq!((date.len(), &date[26..]), (32, "+00:00"));
    let item = &private["item"];
    assert_eq!(item["message"]["mentions"][0]["mention_name"], "bo");
    let members = format!("{}/v2/room/{}/member", host.base_url(), room.room.id);
    assert_eq!(item["room"]["links"]["members"], members);
    assert_ne!(item["room"]["version"], public["item"]["room"]["version"]);

    let Some(corpus) = corpus::corpus() else {
        return;
    };
    for (name, ours) in [
        (
            "dagguh__tournaments-for-hipchat__room_message-public.json",
            &public,
        ),
        (
            "tbetous__hipchat-tnt-bot__room_message-mentions.json",
            &private,
        ),
    ] {
        let real = std::fs::read(corpus.join("webhooks").join(name)).unwrap();
        let real: Value = serde_json::from_slice(&real).unwrap();
        assert_eq!(shape(ours), shape(&real), "{name}");
    }
}

#[tokio::test]
async fn patterns_are_python_and_invalid_ones_never_match() {
    let log = Log::record();
    let host = Host::start().await;
    let room = host.room("ops").await;
    let webhook = |url: &str, pattern: &str| json!({ "event": "room_message", "url": url, "pattern": pattern });
    let webhooks = json!([
        webhook("flags", r"(?i)^r?\/[\w:!\?\-]+"),
        webhook("around", "^(?!x)"),
        webhook("literal", "{{ pattern }}"),
        { "event": "room_enter", "url": "enter", "pattern": "nothing" },
    ]);
    let peer = Peer::serve("patterns", webhooks).await;
    room.install_url(&peer.url).await.unwrap();
    let text = log.text();
    assert!(
        text.contains("around is never called: the pattern"),
        "{text}"
    );
    assert!(text.contains("look-around"), "{text}");

    let viewer = room.viewer("ann").await;
    for text in ["R/Go!", "hello", "a {{ pattern }}", "/last"] {
        room.says("ann", text).await;
    }
    room.delivery(said("/last")).await;
    let called: Vec<_> = peer
        .seen()
        .iter()
        .map(|seen| seen.uri.path().to_owned())
        .collect();
    let count = |path| called.iter().filter(|called| *called == path).count();
    assert_eq!(
        (count("/flags"), count("/around"), count("/literal")),
        (2, 0, 1)
    );
    room.delivery(|delivery| delivery.event == Event::RoomEnter)
        .await;
    drop(viewer);
}

/// Each add-on answers every notification, so they would answer each other endlessly.
#[tokio::test]
async fn own_notifications_and_answers_cause_no_webhooks() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let webhook = json!({ "event": "room_notification", "url": "written" });
    let (one, two) = (
        Peer::serve("one", webhook.clone()).await,
        Peer::serve("two", webhook).await,
    );
    room.install_url(&one.url).await.unwrap();
    room.install_url(&two.url).await.unwrap();
    let writer = AddOn::new("com.example.writer", "Writer")
        .scopes([Scope::SendNotification, Scope::SendMessage]);
    let writer = room.install(writer).await;
    let client = writer.client().await;
    for nth in 0..3 {
        for peer in [&one, &two] {
            peer.answer(Json(Notification::text("heard")));
        }
        let note = Notification::text(format!("note {nth}"));
        client.room(room.room.id).notify(&note).await.unwrap();
    }
    // It looks like a person's message, but is not one.
    let id = room.room.id.to_string();
    let request = client.request(Method::Post, ["room", &id, "message"]);
    request
        .body(&json!({ "message": "note" }))
        .unwrap()
        .send()
        .await
        .unwrap();
    for peer in [&one, &two] {
        let url = peer.url.clone();
        room.delivery(|delivery| delivery.url.starts_with(&url) && said("note 2")(delivery))
            .await;
        assert_eq!(peer.seen().len(), 3);
        let from = &peer.seen()[0].body["item"]["message"]["from"];
        assert_eq!(from, "Writer");
    }
    assert_eq!(room.notifications().await.len(), 9);
}

fn webhook(key: &str, url: String) -> Webhook {
    let mut webhook = Webhook::new(Event::RoomMessage, url);
    webhook.key = Some(key.to_owned());
    webhook
}

#[tokio::test]
async fn runtime_webhook_is_called_until_removal() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let peer = messages("peer", "none").await;
    let add_on = AddOn::new("com.example.creator", "Creator").scopes([Scope::AdminRoom]);
    let creator = host.install_everywhere(add_on).await;
    let client = creator.client().await;
    let webhooks = client.room(room.room.id).webhooks();
    webhooks
        .create(&webhook("k", format!("{}k", peer.url)))
        .await
        .unwrap();
    deliver_message(&room, "one").await;
    other.says("ann", "elsewhere").await;

    webhooks
        .create(&webhook("k", format!("{}moved", peer.url)))
        .await
        .unwrap();
    deliver_message(&room, "two").await;
    webhooks.remove("k").await.unwrap();
    room.says("ann", "unheard").await;
    webhooks
        .create(&webhook("l", format!("{}l", peer.url)))
        .await
        .unwrap();
    deliver_message(&room, "three").await;
    let paths: Vec<_> = peer
        .seen()
        .iter()
        .map(|seen| seen.uri.path().to_owned())
        .collect();
    assert_eq!(paths, ["/k", "/moved", "/l"]);
    assert!(other.deliveries().is_empty());
}
