//! What an add-on answers wrong, late or not at all costs its own glances only.

use glance_host::Host;
use glance_sdk::axum::Router;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::routing::get;
use serde_json::json;

use crate::add_on::{Pager, add_on, always, data};
use crate::by_hand::{descriptor, serve};

#[tokio::test]
async fn an_add_on_that_is_down_costs_only_its_own_glances() {
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
