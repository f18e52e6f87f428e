//! Tests images of add-ons, which the host proxies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use glance_host::Host;
use glance_host::viewer::{LineState, ShownStatus};
use glance_sdk::axum::Router;
use glance_sdk::axum::http::{StatusCode, header};
use glance_sdk::axum::routing::get;
use reqwest::Response;
use serde_json::json;

use crate::by_hand::serve;

const SVG: &str = "<svg xmlns='http://www.w3.org/2000/svg'/>";

/// Starts a host and an add-on whose glances have these icons, also as their status.
async fn host_of(icons: &[(&str, &str)], server: &str) -> (Host, Vec<(String, String, String)>) {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let glances: Vec<_> = icons
        .iter()
        .map(|(key, url)| {
            json!({
                "key": key, "name": { "value": key }, "queryUrl": format!("{server}/data?icon={key}"),
                "icon": { "url": url, "url@2x": url },
            })
        })
        .collect();
    let descriptor = json!({
        "key": "com.example.icons", "name": "Icons", "description": "Icons.",
        "links": { "self": format!("{server}/") }, "capabilities": { "glance": glances },
    });
    room.install_url(&format!("data:,{descriptor}"))
        .await
        .unwrap();
    let lines = room.viewer("member").await.settled().await.lines;
    let shown = lines.iter().map(|line| {
        let LineState::Ready {
            status: Some(ShownStatus::Icon(status)),
            ..
        } = &line.state
        else {
            panic!("{line:?}")
        };
        (
            line.key.clone(),
            line.icon.url_2x.clone().unwrap(),
            status.url.clone(),
        )
    });
    let shown = shown.collect();
    (host, shown)
}

async fn ask(host: &Host, address: &str) -> Response {
    let url = format!("{}{address}", host.base_url());
    glance_host::testing::http_client()
        .get(url)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn page_loads_images_from_host_only() {
    let fetched = Arc::new(AtomicU32::new(0));
    let server = serve(|base| {
        let status = json!({ "type": "icon", "value": {
            "url": format!("{base}/icon.svg"), "url@2x": format!("{base}/icon.svg"),
        } });
        let data = json!({ "label": { "type": "html", "value": "x" }, "status": status });
        let cors = [("access-control-allow-origin", "*")];
        let counted = Arc::clone(&fetched);
        let svg = async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            ([("content-type", "image/svg+xml; charset=utf-8")], SVG)
        };
        let moved = async || (StatusCode::FOUND, [("location", "/icon.svg")]);
        let huge = async || ([("content-type", "image/png")], vec![0; 3_000_000]);
        let failed = async || {
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                [("content-type", "image/png")],
                "x",
            )
        };
        Router::new()
            .route("/data", get(async move || (cors, data.to_string())))
            .route("/icon.svg", get(svg))
            .route("/moved", get(moved))
            .route(
                "/page",
                get(async || ([("content-type", "text/html")], "<script>")),
            )
            .route("/untyped", get(async || vec![0x89, 0x50]))
            .route("/huge", get(huge))
            .route("/failed", get(failed))
    })
    .await;
    let of = |path: &str| format!("{server}/{path}");
    let icons = [
        ("svg", of("icon.svg")),
        ("moved", of("moved")),
        ("page", of("page")),
        ("untyped", of("untyped")),
        ("huge", of("huge")),
        ("failed", of("failed")),
        ("gone", of("gone")),
        ("script", "javascript:alert(1)".to_owned()),
        ("data", "data:image/png;base64,AAAA".to_owned()),
    ];
    let icons: Vec<_> = icons
        .iter()
        .map(|(key, url)| (*key, url.as_str()))
        .collect();
    let (host, shown) = host_of(&icons, &server).await;
    assert_eq!(shown.len(), icons.len());
    for (key, icon, status) in &shown {
        assert!(status.starts_with("/icon/"), "{status}");
        match key.as_str() {
            "script" => assert_eq!(icon, "/assets/icon.svg"),
            "data" => assert_eq!(icon, "data:image/png;base64,AAAA"),
            _ => {
                assert!(icon.starts_with("/icon/"), "{icon}");
                let answer = ask(&host, icon).await;
                let expected = match key.as_str() {
                    "svg" | "moved" => StatusCode::OK,
                    _ => StatusCode::NOT_FOUND,
                };
                assert_eq!(answer.status(), expected, "{key}");
            }
        }
    }

    let svg = &shown.iter().find(|(key, ..)| key == "svg").unwrap().1;
    let before = fetched.load(Ordering::SeqCst);
    let image = ask(&host, svg).await;
    assert_eq!(fetched.load(Ordering::SeqCst), before, "it is kept");
    let headers = image.headers();
    assert_eq!(headers[header::CONTENT_TYPE], "image/svg+xml");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && policy.ends_with("sandbox"),
        "{policy}"
    );
    assert_eq!(image.text().await.unwrap(), SVG);

    let page = ask(&host, "/").await;
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("img-src 'self' data:;"), "{policy}");

    let (place, _) = svg.rsplit_once('/').unwrap();
    for forged in [
        format!("{place}/AAAAAAAAAAAAAAAAAAAAAGh0dHA6Ly8xMjcuMC4wLjEv"),
        svg.replace("/icon/", "/icon/x"),
        format!("{svg}A"),
    ] {
        assert_eq!(
            ask(&host, &forged).await.status(),
            StatusCode::NOT_FOUND,
            "{forged}"
        );
    }
}

#[tokio::test]
async fn image_url_survives_restart() {
    let svg = async || ([("content-type", "image/svg+xml")], SVG);
    let server = serve(|_| Router::new().route("/icon.svg", get(svg))).await;
    let url = format!("{server}/icon.svg");
    let glance = json!({
        "key": "still", "name": { "value": "Still" }, "icon": { "url": url, "url@2x": url },
    });
    let descriptor = json!({
        "key": "com.example.still", "name": "Still", "description": "Still.",
        "links": { "self": format!("{server}/") }, "capabilities": { "glance": [glance] },
    });
    let folder = tempfile::tempdir().unwrap();
    let start = || Host::builder().port(0).data(folder.path()).start();
    let host = start().await.unwrap();
    let room = host.room("ops").await;
    room.install_url(&format!("data:,{descriptor}"))
        .await
        .unwrap();
    let shown = room.viewer("member").await.settled().await;
    let address = shown.line("still").unwrap().icon.url.clone();
    host.shutdown().await;

    let again = start().await.unwrap();
    assert_eq!(ask(&again, &address).await.text().await.unwrap(), SVG);
    let other = Host::start().await;
    assert_eq!(ask(&other, &address).await.status(), StatusCode::NOT_FOUND);
}
