//! Tests the shutdown of a host: running calls complete, and waiting ones are made by the next start.

use std::time::Duration;

use glance_host::Host;
use glance_host::model::Content;
use glance_sdk::axum::Json;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::http::header::RETRY_AFTER;
use glance_sdk::axum::response::IntoResponse;
use serde_json::json;

use crate::peer::Peer;

async fn peer() -> Peer {
    let webhook = json!({ "event": "room_message", "url": "hook" });
    Peer::serve("com.example.slow", webhook).await
}

#[tokio::test]
async fn running_call_completes_and_waiting_one_is_made_after_restart() {
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

    let host = start().await.unwrap();
    peer.called(2).await;
    let bodies = peer.seen().into_iter().map(|seen| seen.body);
    let said = bodies.map(|body| {
        body["item"]["message"]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    assert_eq!(said.collect::<Vec<_>>(), ["first", "second"]);
    let timeline = host.state().timeline(room.id, 10).await.unwrap();
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

#[tokio::test]
async fn call_that_waits_for_its_retry_is_made_after_restart() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Host::builder().port(0).data(folder.path()).start();
    let host = start().await.unwrap();
    let room = host.open_room("ops").await.unwrap();
    let peer = peer().await;
    host.install(&room, &peer.url).await.unwrap();
    let user = host.user("Ann", |_| {}).await;
    let pause = [(RETRY_AFTER, "10")];
    peer.answer((StatusCode::SERVICE_UNAVAILABLE, pause));
    host.say(&room, &user, "hello").await.unwrap();
    peer.called(1).await;
    host.shutdown().await;

    let _host = start().await.unwrap();
    peer.called(2).await;
    let bodies: Vec<_> = peer.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies[0], bodies[1]);
}
