//! Tests updates without a secret, and wrong secrets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use glance_host::Host;
use glance_sdk::axum::Router;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::routing::{any, get, post};
use glance_sdk::prelude::*;
use glance_sdk::store::{InstallationStore, MemoryStore};
use serde_json::{Value, json};

use crate::add_on::{Pager, add_on, incidents};
use crate::by_hand::serve;

async fn status(url: &str, body: &Value) -> StatusCode {
    let client = glance_host::testing::http_client();
    client.post(url).json(body).send().await.unwrap().status()
}

#[tokio::test]
async fn update_uses_stored_data_only() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let updates = Arc::new(AtomicU32::new(0));
    let counted = AddOn::new("com.example.updates", "Updates")
        .state(Arc::clone(&updates))
        .on_update(async |updates: Arc<AtomicU32>, _| {
            updates.fetch_add(1, Ordering::SeqCst);
            Ok::<(), String>(())
        });
    let add_on = room.install(counted).await;
    let url = format!("{}/updated", add_on.base_url());
    let id = add_on.oauth_id();
    let capabilities_url = format!("{}/v2/capabilities", host.base_url());
    let thief_was_asked = Arc::new(AtomicU32::new(0));
    let thief = {
        let counter = Arc::clone(&thief_was_asked);
        let count = async move || {
            counter.fetch_add(1, Ordering::SeqCst);
            StatusCode::OK
        };
        serve(|_| Router::new().fallback(any(count))).await
    };

    let update =
        json!({"oauthId": id, "capabilitiesUrl": capabilities_url, "groupId": 9, "roomId": 9});
    assert_eq!(status(&url, &update).await, StatusCode::NO_CONTENT);
    assert_eq!(updates.load(Ordering::SeqCst), 1);
    let stored = add_on.installations().get(id).await.unwrap().unwrap();
    assert_eq!(
        stored.room_id(),
        Some(room.room.id),
        "an unsigned post moves nothing"
    );
    assert_eq!(
        stored.data.oauth_secret.expose(),
        add_on.installed().oauth_secret.expose()
    );

    for (body, expected) in [
        (
            json!({"oauthId": "stranger", "capabilitiesUrl": capabilities_url}),
            StatusCode::NOT_FOUND,
        ),
        (
            json!({"oauthId": id, "capabilitiesUrl": format!("{thief}/v2/capabilities")}),
            StatusCode::FORBIDDEN,
        ),
        (json!({"oauthId": id}), StatusCode::FORBIDDEN),
        (
            json!({"capabilitiesUrl": capabilities_url}),
            StatusCode::BAD_REQUEST,
        ),
        (json!(1), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(status(&url, &body).await, expected, "{body}");
    }
    assert_eq!(
        thief_was_asked.load(Ordering::SeqCst),
        0,
        "the secret goes to its own host only"
    );

    let forgotten = host.state().remove_installation(id).await.unwrap();
    assert!(forgotten);
    assert_eq!(
        status(&url, &update).await,
        StatusCode::FORBIDDEN,
        "the host gives no token"
    );
    assert_eq!(updates.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn update_restores_lost_installation() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let store = Arc::new(MemoryStore::default());
    let add_on = room
        .install(add_on(&Pager::new(4)).store(Arc::clone(&store)))
        .await;
    let declared = add_on
        .installed()
        .descriptor
        .capabilities
        .installable
        .clone()
        .unwrap();
    assert!(declared.update_callback_url.is_some());
    store.remove(add_on.oauth_id()).await.unwrap();

    let descriptor = format!("{}/", add_on.base_url());
    host.update(add_on.installed(), &descriptor).await.unwrap();
    assert!(store.get(add_on.oauth_id()).await.unwrap().is_some());
    room.viewer("member").await.glance::<incidents>().await;
}

#[tokio::test]
async fn same_id_with_other_secret_changes_nothing() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(4))).await;
    // A host of an attacker that issues tokens for any secret.
    let thief = serve(|base| {
        let document = glance_sdk::model::HostDocument::new(base, base);
        let document = serde_json::to_string(&document).unwrap();
        let token = r#"{"access_token": "x", "expires_in": 3600}"#;
        Router::new()
            .route("/capabilities", get(async move || document))
            .route("/oauth/token", post(async move || token))
    })
    .await;
    let takeover = json!({
        "oauthId": add_on.oauth_id(),
        "oauthSecret": "another",
        "capabilitiesUrl": format!("{thief}/capabilities"),
        "groupId": 1,
    });
    let url = format!("{}/installed", add_on.base_url());
    assert_eq!(status(&url, &takeover).await, StatusCode::CONFLICT);

    let stored = add_on
        .installations()
        .get(add_on.oauth_id())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        stored.data.oauth_secret.expose(),
        add_on.installed().oauth_secret.expose()
    );
    assert_eq!(stored.endpoints.api_url, format!("{}/v2/", host.base_url()));
    room.viewer("member").await.glance::<incidents>().await;
}
