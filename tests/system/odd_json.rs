//! Tests JSON that browsers accept and stricter parsers refuse, on every path into the host; and
//! lozenges of every kind.

use std::collections::HashMap;

use glance_host::Host;
use glance_sdk::axum::Router;
use glance_sdk::axum::extract::Path;
use glance_sdk::axum::routing::get;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::add_on::{Pager, add_on};
use crate::answers::{messages, said};
use crate::by_hand::{descriptor, serve};
use crate::rest::Rest;

const MARK: &str = "\u{feff}";

/// Returns the descriptor of an add-on whose glances respond with these texts.
async fn glances(answers: &[(&'static str, String)], prefix: &'static str) -> String {
    let answers: HashMap<&'static str, String> = answers.iter().cloned().collect();
    serve(|base| {
        let mut descriptor = descriptor(base);
        let glance = |key: &&str| {
            json!({
                "key": key, "name": {"value": key}, "queryUrl": format!("{base}/query/{key}"),
                "icon": {"url": format!("{base}/i.png"), "url@2x": format!("{base}/i.png")},
            })
        };
        descriptor["capabilities"]["glance"] = answers.keys().map(glance).collect();
        descriptor["capabilities"]["installable"] = json!({});
        let descriptor = format!("{prefix}{descriptor}");
        let cors = [("Access-Control-Allow-Origin", "*")];
        Router::new()
            .route("/", get(move || async { descriptor }))
            .route(
                "/query/{key}",
                get(move |Path(key): Path<String>| async move { (cors, answers[&*key].clone()) }),
            )
    })
    .await
}

fn data(label: &str) -> String {
    format!(r#"{{"label": {{"type": "html", "value": "{label}"}}}}"#)
}

#[tokio::test]
async fn glance_data_and_descriptors_are_parsed_like_in_browsers() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let twice = r#"{"label": 7, "label": {"type": "text", "type": "html", "value": "last"}}"#;
    let answers = [
        ("lone", data("cut \\ud83d")),
        ("mark", format!("{MARK}{}", data("marked"))),
        ("twice", twice.to_owned()),
        (
            "large",
            r#"{"more": 1e400, "label": {"type": "html", "value": "large"}}"#.to_owned(),
        ),
    ];
    room.install_url(&glances(&answers, MARK).await)
        .await
        .unwrap();
    let mut viewer = room.viewer("member").await;
    for (key, label) in [
        ("lone", "cut \u{fffd}"),
        ("mark", "marked"),
        ("twice", "last"),
        ("large", "large"),
    ] {
        viewer.label(key, label).await;
    }
}

#[tokio::test]
async fn lozenges_of_every_kind_are_shown() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let kinds = [
        "default", "success", "error", "current", "new", "moved", "complete", "odd",
    ];
    let answers = kinds.map(|kind| {
        let data = json!({
            "label": {"type": "html", "value": kind},
            "status": {"type": "lozenge", "value": {"type": kind, "label": "WORD"}}
        });
        (kind, data.to_string())
    });
    room.install_url(&glances(&answers, "").await)
        .await
        .unwrap();
    let mut viewer = room.viewer("member").await;
    for kind in kinds {
        let sidebar = viewer.label(kind, kind).await;
        assert_eq!(sidebar.line(kind).unwrap().lozenge(), Some((kind, "WORD")));
    }
}

#[tokio::test]
async fn api_bodies_are_parsed_like_in_browsers() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(1))).await;
    let rest = Rest::of(&host, &installed);
    let token = rest.token("").await;
    let post = async |path: &str, body: String| {
        let call = rest.call(&token, Method::POST, &format!("{path}/{}", room.room.id));
        let call = call.header(CONTENT_TYPE, "application/json").body(body);
        call.send().await.unwrap().status()
    };
    let mut viewer = room.viewer("member").await;
    let push = format!(
        r#"{MARK}{{"glance": [], "glance": [{{"key": "always", "content": {}}}]}}"#,
        data("cut \\udc00")
    );
    assert_eq!(post("addon/ui/room", push).await, StatusCode::NO_CONTENT);
    viewer.label("always", "cut \u{fffd}").await;

    let notify = async |body: &str| {
        let path = format!("room/{}/notification", room.room.id);
        let call = rest.call(&token, Method::POST, &path);
        let call = call.header(CONTENT_TYPE, "application/json");
        call.body(body.to_owned()).send().await.unwrap().status()
    };
    let body = format!(r#"{MARK}{{"message": 1, "message": "half \ud83d"}}"#);
    assert_eq!(notify(&body).await, StatusCode::NO_CONTENT);
    room.notification("half \u{fffd}").await;
    let deep = format!(
        r#"{{"message": "x", "more": {}1{}}}"#,
        "[".repeat(64),
        "]".repeat(64)
    );
    assert_eq!(notify(&deep).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn webhook_responses_are_parsed_like_in_browsers() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let peer = messages("odd", "none").await;
    room.install_url(&peer.url).await.unwrap();
    peer.answer(format!(
        r#"{MARK}{{"message": "half \ud83d", "color": "red", "color": "green"}}"#
    ));
    room.says("ann", "hello").await;
    room.delivery(said("hello")).await;
    room.notification("half \u{fffd}").await;
}
