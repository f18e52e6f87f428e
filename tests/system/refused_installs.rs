//! Tests that a refused installation has a reason, and leaves nothing behind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use glance_host::{Host, InstallError};
use glance_sdk::axum::Router;
use glance_sdk::axum::http::header::ACCEPT;
use glance_sdk::axum::http::{HeaderMap, StatusCode};
use glance_sdk::axum::routing::{get, post};
use serde_json::json;
use tokio::net::TcpListener;

use crate::add_on::{Pager, add_on};
use crate::by_hand::{descriptor, serve};
use crate::install::is_empty;
use crate::log::Log;

#[tokio::test]
async fn invalid_descriptor_is_refused_with_reason() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let base = serve(|_| {
        Router::new()
            .route("/html", get(|| async { "<!doctype html><p>Hello" }))
            .route("/list", get(|| async { "[]" }))
            .route("/huge", get(|| async { "x".repeat(2_000_000) }))
            .route(
                "/fields",
                get(|| async { r#"{"key": "k", "links": {}, "capabilities": {"glance": [{}]}}"# }),
            )
    })
    .await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };

    for (url, words) in [
        ("not an address".to_owned(), "is no address of a descriptor"),
        (
            "ftp://example.com/".to_owned(),
            "is no address of a descriptor",
        ),
        (closed, "cannot be reached"),
        (format!("{base}/gone"), "answered 404"),
        (
            format!("{base}/html"),
            "is no JSON: expected a value at line 1 column 1",
        ),
        (format!("{base}/huge"), "answered more than"),
        (format!("{base}/list"), "it must be an object"),
        (
            format!("{base}/fields"),
            "/capabilities/glance/0/icon: `icon` is missing",
        ),
    ] {
        let error = room.install_url(&url).await.unwrap_err();
        assert!(error.to_string().contains(words), "{url}: {error}");
    }
    assert!(is_empty(&host, &room).await);

    let fields = room.install_url(&format!("{base}/fields")).await;
    let Err(InstallError::Invalid { problems, .. }) = fields else {
        panic!("{fields:?}")
    };
    let pointers: Vec<_> = problems
        .iter()
        .map(|problem| problem.pointer.as_str())
        .collect();
    assert_eq!(
        pointers,
        [
            "/name",
            "/links/self",
            "/capabilities/glance/0/key",
            "/capabilities/glance/0/name",
            "/capabilities/glance/0/icon"
        ]
    );
}

#[tokio::test]
async fn integrations_page_shows_problems_with_positions() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let base =
        serve(|_| Router::new().route("/", get(|| async { r#"{"key": "<b>", "links": {}}"# })))
            .await;
    let page = format!("{}/rooms/{}/integrations", host.base_url(), room.room.id);

    let answer = glance_host::testing::http_client()
        .post(&page)
        .form(&[("url", &base)])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), reqwest::StatusCode::UNPROCESSABLE_ENTITY);
    let html = answer.text().await.unwrap();
    assert!(
        html.contains("<code>&#x2f;links&#x2f;self</code>")
            || html.contains("<code>/links/self</code>"),
        "{html}"
    );
    assert!(html.contains("is missing; add it"), "{html}");
}

#[tokio::test]
async fn refusing_add_on_is_not_installed() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let base = serve(|base| {
        let descriptor = descriptor(base).to_string();
        Router::new()
            .route("/", get(move || async { descriptor }))
            .route(
                "/installed",
                post(|| async { (StatusCode::BAD_REQUEST, "rooms only, please") }),
            )
    })
    .await;

    let error = room.install_url(&base).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the add-on refused the installation with status 400: rooms only, please"
    );
    assert!(is_empty(&host, &room).await);
    // The second attempt works: the refused one left nothing behind.
    assert!(matches!(
        room.install_url(&base).await,
        Err(InstallError::Refused { status: 400, .. })
    ));
}

#[tokio::test]
async fn multiline_refusal_is_shown_and_logged() {
    let log = Log::record();
    let host = Host::start().await;
    let room = host.room("ops").await;
    let accept_headers = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&accept_headers);
    let is_refused = Arc::new(AtomicBool::new(false));
    let refused = Arc::clone(&is_refused);
    let base = serve(move |base| {
        let descriptor = descriptor(base).to_string();
        let refuse = move || async move {
            match refused.load(Ordering::SeqCst) {
                true => (
                    StatusCode::FORBIDDEN,
                    "Two things are wrong:\n- the plan\n- the room\n",
                ),
                false => (StatusCode::OK, ""),
            }
        };
        let read = move |headers: HeaderMap| async move {
            let accepted = headers[ACCEPT].to_str().unwrap().to_owned();
            heard.lock().unwrap().push(accepted);
            descriptor
        };
        Router::new()
            .route("/", get(read))
            .route("/installed", post(refuse))
    })
    .await;
    let installed = room.install_url(&base).await.unwrap();
    is_refused.store(true, Ordering::SeqCst);
    let error = host.update(&installed, &base).await.unwrap_err();
    let all = "the add-on refused the update with status 403:\n\
               Two things are wrong:\n- the plan\n- the room";
    assert_eq!(error.to_string(), all);
    assert!(log.text().contains("- the room"), "{}", log.text());
    assert_eq!(*accept_headers.lock().unwrap(), ["application/json"; 2]);

    let page = format!("{}/rooms/{}/integrations", host.base_url(), room.room.id);
    let update = format!("{page}/{}/update", installed.oauth_id);
    let answer = glance_host::testing::http_client()
        .post(update)
        .form(&[("digest", "")])
        .send();
    let html = answer.await.unwrap().text().await.unwrap();
    assert!(
        html.contains("refused the update with status 403:\nTwo things"),
        "{html}"
    );
}

#[tokio::test]
async fn global_only_descriptor_is_not_installed_in_room() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let base = serve(|base| {
        let mut descriptor = descriptor(base);
        descriptor["capabilities"]["installable"]["allowRoom"] = json!(false);
        let descriptor = descriptor.to_string();
        Router::new().route("/", get(move || async { descriptor }))
    })
    .await;
    assert!(matches!(
        room.install_url(&base).await,
        Err(InstallError::NotAllowed(_))
    ));
}

#[tokio::test]
async fn add_on_refuses_host_that_does_not_know_secret() {
    let built = add_on(&Pager::new(1))
        .listen("127.0.0.1", 0, None)
        .await
        .unwrap();
    let callback = format!("{}/installed", built.base_url());
    let installations = built.add_on().installations().clone();
    tokio::spawn(built.run(std::future::pending()));
    let impostor = serve(|base| {
        let elsewhere = json!({
            "links": { "self": "https://other.example/v2/capabilities" },
            "capabilities": {
                "oauth2Provider": { "tokenUrl": format!("{base}/token") },
                "hipchatApiProvider": { "url": format!("{base}/") },
            },
        });
        Router::new().route(
            "/capabilities",
            get(move || async move { elsewhere.to_string() }),
        )
    })
    .await;

    for (body, status) in [
        (json!({}), 400),
        (json!("text"), 400),
        (
            json!({"oauthId": "a", "oauthSecret": "s", "capabilitiesUrl": "nonsense", "groupId": 1}),
            502,
        ),
        (
            json!({"oauthId": "a", "oauthSecret": "s", "capabilitiesUrl": format!("{impostor}/capabilities"), "groupId": 1}),
            502,
        ),
        (
            json!({"oauthId": "a", "oauthSecret": "s", "capabilitiesUrl": format!("{impostor}/gone"), "groupId": 1}),
            500,
        ),
    ] {
        let answer = glance_host::testing::http_client()
            .post(&callback)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{body}");
    }
    assert!(installations.list().await.unwrap().is_empty());
}
