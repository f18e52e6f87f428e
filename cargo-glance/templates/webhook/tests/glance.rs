//! Tests signed deliveries and the glance in a room.

use aws_lc_rs::hmac;
use glance_host::Host;
use {{ crate }}::{Builds, add_on, {{ glance }}};

const SECRET: &str = "secret of the test";

/// Delivers this body, signed with this secret. Returns the status of the response.
async fn deliver(base_url: &str, secret: &str, body: &'static str) -> u16 {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hex::encode(hmac::sign(&key, body.as_bytes()));
    // The add-on runs on this machine, so the request needs no proxy.
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .post(format!("{base_url}/hooks/builds"))
        .header("X-Signature-256", format!("sha256={signature}"))
        .body(body);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn glance_shows_broken_projects() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(Builds::new(Some(SECRET)))).await;
    let mut viewer = room.viewer("member").await;
    let line = viewer.glance::<{{ glance }}>().await;
    assert_eq!(line.label_text(), "No builds yet");

    let failed = r#"{"project": "site", "status": "failed"}"#;
    assert_eq!(deliver(installed.base_url(), SECRET, failed).await, 204);
    viewer
        .wait_for(|sidebar| {
            let line = sidebar.line("{{ name }}");
            line.is_some_and(|line| line.label_text() == "1 broken project")
        })
        .await;

    let passed = r#"{"project": "site", "status": "passed"}"#;
    assert_eq!(deliver(installed.base_url(), SECRET, passed).await, 204);
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn unsigned_and_malformed_deliveries_are_refused() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(Builds::new(Some(SECRET)))).await;

    let failed = r#"{"project": "site", "status": "failed"}"#;
    assert_eq!(deliver(installed.base_url(), "another", failed).await, 401);
    let unknown = r#"{"project": "site", "status": "unknown"}"#;
    assert_eq!(deliver(installed.base_url(), SECRET, unknown).await, 400);
}

#[tokio::test]
async fn without_secret_deliveries_are_refused() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(Builds::new(None))).await;
    let line = room.viewer("member").await.glance::<{{ glance }}>().await;
    assert_eq!(line.label_text(), "Set WEBHOOK_SECRET to start");

    let failed = r#"{"project": "site", "status": "failed"}"#;
    assert_eq!(deliver(installed.base_url(), "", failed).await, 503);
}
