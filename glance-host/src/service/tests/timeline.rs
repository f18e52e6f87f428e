//! Appending entries.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::model::event::Event;

fn message(room: &Room, user: &User, text: &str) -> Entry {
    Entry::message(room.id, user, Message::new(text, &[]))
}

#[tokio::test]
async fn entry_is_stored_published_and_queued_once() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let mut received = services.bus.subscribe(room.id);
    let entry = message(&room, &ann, "hi");
    let queued = AtomicU32::new(0);
    let append = || {
        services.timeline.append(&entry, || {
            queued.fetch_add(1, Ordering::Relaxed);
        })
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

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_published_in_stored_order() {
    let services = Arc::new(Services::new());
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let mut received = services.bus.subscribe(room.id);
    let appends = (0..50).map(|n| {
        let (services, entry) = (Arc::clone(&services), message(&room, &ann, &n.to_string()));
        tokio::spawn(async move { services.timeline.append(&entry, || ()).await.unwrap() })
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
