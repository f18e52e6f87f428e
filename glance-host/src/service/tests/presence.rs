//! Webhooks for people who enter and leave rooms.

use glance_sdk::model::Event;

use super::*;

#[tokio::test]
async fn first_viewer_enters_and_last_viewer_leaves() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let events = [Event::RoomEnter, Event::RoomExit];
    let installed = services.install("a", room.id, &events).await;
    let settle = || services.presence.settle(room.id, ann.id);
    let calls = || services.webhook_events(&installed.oauth_id);

    let first = services.attendance.enter(room.id, Some(ann.id));
    settle().await;
    let second = services.attendance.enter(room.id, Some(ann.id));
    settle().await;
    assert_eq!(calls().await, ["room_enter"]);
    drop(first);
    settle().await;
    assert_eq!(calls().await, ["room_enter"]);
    drop(second);
    settle().await;
    assert_eq!(calls().await, ["room_enter", "room_exit"]);
}

#[tokio::test]
async fn leaving_and_returning_at_once_calls_no_webhook() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let events = [Event::RoomEnter, Event::RoomExit];
    let installed = services.install("a", room.id, &events).await;
    let first = services.attendance.enter(room.id, Some(ann.id));
    services.presence.settle(room.id, ann.id).await;
    drop(first);
    let _second = services.attendance.enter(room.id, Some(ann.id));
    services.presence.settle(room.id, ann.id).await;
    assert_eq!(
        services.webhook_events(&installed.oauth_id).await,
        ["room_enter"]
    );
}
