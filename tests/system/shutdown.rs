//! Tests the shutdown of a host: running calls complete, and no new ones start.

use std::time::Duration;

use glance_host::Host;
use glance_host::model::Content;
use glance_sdk::axum::Json;
use glance_sdk::axum::response::IntoResponse;
use serde_json::json;

use crate::peer::Peer;

async fn peer() -> Peer {
    let webhook = json!({ "event": "room_message", "url": "hook" });
    Peer::serve("com.example.slow", webhook).await
}

#[tokio::test]
async fn running_call_completes_and_waiting_ones_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Host::builder().port(0).data(folder.path()).start();
    let host = start().await.unwrap();
    let room = host.open_room("ops").await.unwrap();
    let peer = peer().await;
    host.install(&room, &peer.url).await.unwrap();
    let user = host.user("Ann", |_| {}).await;
    let answer = peer.hold();
    host.say(&room, &user, "first").await.unwrap();
    host.say(&room, &user, "second").await.unwrap();
    peer.called(1).await;

    let events = format!("{}/events", host.room_url(&room));
    let page = glance_host::testing::http_client()
        .get(events)
        .send()
        .await
        .unwrap();
    assert!(page.status().is_success());
    let base_url = host.base_url().to_owned();
    let ending = tokio::spawn(host.shutdown());
    page.text().await.unwrap();
    assert!(
        glance_host::testing::http_client()
            .get(&base_url)
            .send()
            .await
            .is_err()
    );
    assert!(!ending.is_finished());
    let said = Json(json!({ "message": "late, but heard", "message_format": "text" }));
    answer.send(said.into_response()).unwrap();
    ending.await.unwrap();
    assert_eq!(peer.seen().len(), 1);

    let timeline = start().await.unwrap().state().timeline(room.id, 10).await;
    let timeline = timeline.unwrap();
    assert_eq!(timeline.len(), 3);
    assert!(matches!(
        &timeline[2].content,
        Content::Notification(notification) if notification.message == "late, but heard"
    ));
}

#[tokio::test]
async fn shutdown_does_not_wait_for_hanging_add_on() {
    let host = Host::builder().port(0).grace(Duration::ZERO);
    let host = host.start().await.unwrap();
    let room = host.room("ops").await;
    let peer = peer().await;
    room.install_url(&peer.url).await.unwrap();
    let user = host.user("Ann", |_| {}).await;
    let _never = peer.hold();
    host.say(&room.room, &user, "hello").await.unwrap();
    peer.called(1).await;
    host.shutdown().await;
}
