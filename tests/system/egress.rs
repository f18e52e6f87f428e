//! Tests which addresses the host calls for an add-on: none in its own network.

use glance_host::model::Outcome;
use glance_host::{Host, InstallError};
use glance_sdk::axum::Router;
use glance_sdk::axum::http::{StatusCode, header};
use glance_sdk::axum::routing::{any, get};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::net::TcpListener;

use crate::install::is_empty;

/// Starts a server in the host's own network, which 127.0.0.1 represents. It counts calls.
async fn inside(calls: &Arc<AtomicU32>) -> String {
    let counted = Arc::clone(calls);
    crate::by_hand::serve(|_| {
        Router::new().fallback(any(async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            "secret"
        }))
    })
    .await
}

/// Starts a server on the Internet, which 127.0.0.2 represents, with descriptors that contain
/// internal addresses.
async fn outside(inside: &str) -> String {
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let to = inside.to_owned();
    let redirect = get(async move || (StatusCode::FOUND, [(header::LOCATION, to)]));
    let quiet = json!({
        "key": "com.example.quiet", "name": "Quiet", "description": "Quiet.",
        "links": { "self": format!("{base}/quiet") },
        "capabilities": {
            "glance": [{
                "key": "line", "name": { "value": "Line" }, "queryUrl": format!("{inside}/line"),
                "icon": { "url": format!("{inside}/i.png"), "url@2x": format!("{inside}/i.png") },
            }],
            "webhook": [{ "event": "room_message", "url": format!("{inside}/said") }],
        },
    });
    let callback = json!({
        "key": "com.example.callback", "name": "Callback", "description": "Callback.",
        "links": { "self": format!("{base}/callback") },
        "capabilities": { "installable": { "callbackUrl": format!("{inside}/installed") } },
    });
    let router = Router::new()
        .route("/quiet", get(async move || quiet.to_string()))
        .route("/callback", get(async move || callback.to_string()))
        .route("/redirect", redirect);
    tokio::spawn(async move { glance_sdk::axum::serve(listener, router).await });
    base
}

#[tokio::test]
async fn host_calls_no_internal_address_of_add_on() {
    let calls = Arc::new(AtomicU32::new(0));
    let inside = inside(&calls).await;
    let outside = outside(&inside).await;
    let builder = Host::builder().port(0);
    let host = builder.allow_networks(["127.0.0.2/32".parse().unwrap()]);
    let host = host.start().await.unwrap();
    let room = host.room("ops").await;

    let port = inside.rsplit(':').next().unwrap();
    for url in [
        inside.clone(),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://localhost:{port}/"),
        format!("{outside}/redirect"),
        format!("{outside}/callback"),
    ] {
        let error = room.install_url(&url).await.unwrap_err();
        assert!(
            matches!(error, InstallError::OutOfReach { .. }),
            "{url}: {error:?}"
        );
        let said = error.to_string();
        assert!(
            said.contains("127.0.0.0/8") || said.contains("::1/128"),
            "{said}"
        );
        assert!(
            said.ends_with("name the network in `allow_networks`"),
            "{said}"
        );
    }
    assert!(is_empty(&host, &room).await);

    room.install_url(&format!("{outside}/quiet")).await.unwrap();
    let mut viewer = room.viewer("member").await;
    let sidebar = viewer.settled().await;
    assert!(sidebar.line("line").unwrap().is_failed());
    let icon = glance_host::testing::http_client().get(format!(
        "{}{}",
        host.base_url(),
        sidebar.line("line").unwrap().icon.url
    ));
    assert_eq!(icon.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    room.says("member", "hello").await;
    let called = room.delivery(|_| true).await;
    let Outcome::Failed(why) = &called.outcome else {
        panic!("{called:?}")
    };
    assert!(why.contains("127.0.0.0/8"), "{why}");
    assert_eq!(called.attempts, 1, "it is not tried again");

    assert_eq!(calls.load(Ordering::SeqCst), 0);
}
