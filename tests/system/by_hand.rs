//! Servers without the SDK: add-ons and other servers.

use glance_sdk::axum::Router;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A server of the test's own, and its address.
pub(crate) async fn serve(router: impl FnOnce(&str) -> Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = router(&base);
    tokio::spawn(async move { glance_sdk::axum::serve(listener, router).await });
    base
}

/// Returns a minimal descriptor with the callback `/installed`.
pub(crate) fn descriptor(base: &str) -> Value {
    json!({
        "key": "com.example.odd", "name": "Odd", "description": "Odd.",
        "links": { "self": format!("{base}/") },
        "capabilities": {
            "installable": { "callbackUrl": format!("{base}/installed") },
            "hipchatApiConsumer": { "scopes": ["view_room"] },
        },
    })
}
