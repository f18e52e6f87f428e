//! Tests that invalid, late or missing responses of an add-on affect only its own glances.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use glance_host::Host;
use glance_host::viewer::LineState;
use glance_sdk::axum::Router;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::routing::get;
use serde_json::json;
use tokio::sync::Notify;

use crate::add_on::{Pager, add_on, always, data};
use crate::by_hand::{descriptor, serve};

#[tokio::test]
async fn unreachable_add_on_affects_only_its_own_glances() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let healthy = room.install(add_on(&Pager::new(4))).await;
    let hanging = serve(|base| {
        let mut descriptor = descriptor(base);
        let glance = |key: &str| {
            json!({
                "key": key, "name": {"value": format!("Name of {key}")}, "queryUrl": format!("{base}/{key}"),
                "icon": {"url": format!("{base}/i.png"), "url@2x": format!("{base}/i.png")},
            })
        };
        let names = ["hangs", "huge", "html", "error", "no-cors", "refused", "empty"];
        descriptor["capabilities"]["glance"] = names.iter().map(|name| glance(name)).collect();
        descriptor["capabilities"]["installable"] = json!({});
        let descriptor = descriptor.to_string();
        let cors = [("Access-Control-Allow-Origin", "*")];
        Router::new()
            .route("/", get(move || async { descriptor }))
            .route("/hangs", get(|| async { std::future::pending::<()>().await }))
            .route("/huge", get(move || async move { (cors, "x".repeat(3_000_000)) }))
            .route("/html", get(move || async move { (cors, "<p>hello") }))
            .route("/error", get(move || async move { (cors, r#"{"error": "no", "label": {"type": "html", "value": "x"}}"#) }))
            .route("/no-cors", get(|| async { r#"{"label": {"type": "html", "value": "x"}}"# }))
            .route("/refused", get(move || async move { (cors, r#"{"label": {"type": "html", "value": ""}}"#) }))
            .route("/empty", get(move || async move { (StatusCode::NO_CONTENT, cors) }))
    })
    .await;
    room.install_url(&hanging).await.unwrap();

    let mut viewer = room.viewer("member").await;
    assert_eq!(viewer.glance::<always>().await.label_text(), "4 incidents");
    let keys = ["huge", "html", "error", "no-cors", "refused", "empty"];
    let sidebar = viewer
        .wait_for(|sidebar| {
            keys.iter()
                .all(|key| sidebar.line(key).is_some_and(|line| line.is_failed()))
        })
        .await;
    assert_eq!(sidebar.line("html").unwrap().name, "Name of html");
    assert_eq!(sidebar.loading, 1, "the hanging one still loads");
    let client = healthy.client().await;
    client
        .room(room.room.id)
        .push::<always>(data(9))
        .await
        .unwrap();
    viewer.label("always", "9 incidents").await;
}

/// Lets time pass without waiting for it.
async fn advance(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn query_times_out_after_ten_seconds() {
    let arrived = Arc::new(Notify::new());
    let asked = Arc::clone(&arrived);
    let add_on = serve(|base| {
        let glance = |key: &str| {
            json!({
                "key": key, "name": {"value": key}, "queryUrl": format!("{base}/{key}"),
                "icon": {"url": format!("{base}/i.png"), "url@2x": format!("{base}/i.png")},
            })
        };
        let mut descriptor = descriptor(base);
        descriptor["capabilities"]["glance"] = json!([glance("hangs"), glance("quick")]);
        descriptor["capabilities"]["installable"] = json!({});
        let descriptor = descriptor.to_string();
        let times = Arc::new(AtomicU32::new(0));
        let quick = async move || {
            let label = format!("time {}", times.fetch_add(1, Ordering::Relaxed));
            let data = json!({"label": {"type": "html", "value": label}});
            ([("Access-Control-Allow-Origin", "*")], data.to_string())
        };
        let hangs = async move || {
            asked.notify_one();
            std::future::pending::<()>().await;
        };
        Router::new()
            .route("/", get(async move || descriptor))
            .route("/hangs", get(hangs))
            .route("/quick", get(quick))
    })
    .await;
    let host = Host::start().await;
    let room = host.room("ops").await;
    room.install_url(&add_on).await.unwrap();
    let mut viewer = room.viewer("ann").await;
    let sidebar = viewer.label("quick", "time 0").await;
    arrived.notified().await;
    advance(Duration::from_secs(9)).await;
    // An answer that comes after it.
    viewer.retry(sidebar.line("quick").unwrap());
    let sidebar = viewer.label("quick", "time 1").await;
    assert_eq!(sidebar.line("hangs").unwrap().state, LineState::Loading);
    advance(Duration::from_secs(1)).await;
    let sidebar = viewer.settled().await;
    let problem = "It gave no answer within 10 seconds.".to_owned();
    let state = &sidebar.line("hangs").unwrap().state;
    assert_eq!(*state, LineState::Failed { problem });
}
