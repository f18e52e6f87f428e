//! Appending entries.

use std::sync::atomic::{AtomicU32, Ordering};

use glance_sdk::model::Notification;
use serde_json::json;

use super::*;
use crate::model::event::Event;
use crate::service::messages::Draft;

fn message(room: &Room, user: &User, text: &str) -> Entry {
    Entry::message(room.id, user, Message::new(text, &[]))
}

#[tokio::test]
async fn entry_is_stored_published_and_queued_once() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let mut received = services.bus.subscribe(room.id);
    let entry = message(&room, &ann, "hi");
    let queued = Arc::new(AtomicU32::new(0));
    let append = || {
        let queued = Arc::clone(&queued);
        let effects = Effects::calls(Vec::new(), move |_| {
            queued.fetch_add(1, Ordering::Relaxed);
        });
        services.timeline.append(&entry, None, effects)
    };
    assert!(append().await.unwrap());
    assert!(!append().await.unwrap(), "the id exists");
    let event = received.try_recv().unwrap().event.clone();
    let Event::Posted(posted) = event else {
        panic!("{event:?}");
    };
    assert_eq!(posted.entry, entry);
    let rendered: Value = serde_json::from_str(&posted.rendered).unwrap();
    assert_eq!(rendered["text"], "hi");
    assert!(received.try_recv().is_err());
    assert_eq!(queued.load(Ordering::Relaxed), 1);
    assert_eq!(services.texts(room.id).await, ["hi"]);
}

#[tokio::test]
async fn reply_is_published_with_mentions_and_its_parent() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann Lee").await);
    let installed = services.install("a", room.id, &[]).await;
    let notification = Notification::html("<b>4</b> builds");
    let notified = services.messages.notify(&room, &installed, notification);
    let (parent, _) = notified.await.unwrap();
    let mut received = services.bus.subscribe(room.id);
    let reply = Draft {
        reply_to: Some(parent.id.clone()),
        ..Draft::from("@annlee and @nobody".to_owned())
    };
    services.messages.post(&room, &ann, reply).await.unwrap();
    let Event::Posted(posted) = received.try_recv().unwrap().event.clone() else {
        panic!("no entry");
    };
    let rendered: Value = serde_json::from_str(&posted.rendered).unwrap();
    assert_eq!(rendered["mentions"], json!(["AnnLee"]));
    let expected = json!({ "id": parent.id, "by": "a", "name": "a", "excerpt": "4 builds" });
    assert_eq!(rendered["parent"], expected);
    assert_eq!(rendered["sender"]["name"], "Ann Lee");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_published_in_stored_order() {
    let services = Arc::new(Services::new());
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let mut received = services.bus.subscribe(room.id);
    let appends = (0..50).map(|n| {
        let (services, entry) = (Arc::clone(&services), message(&room, &ann, &n.to_string()));
        tokio::spawn(async move {
            services
                .timeline
                .append(&entry, None, Effects::none())
                .await
                .unwrap()
        })
    });
    for append in appends.collect::<Vec<_>>() {
        append.await.unwrap();
    }
    let published: Vec<_> = std::iter::from_fn(|| received.try_recv().ok())
        .map(|delivery| match &delivery.event {
            Event::Posted(posted) => text(&posted.entry),
            event => panic!("{event:?}"),
        })
        .collect();
    assert_eq!(published.len(), 50);
    assert_eq!(services.texts(room.id).await, published);
}
