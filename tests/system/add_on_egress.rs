//! Tests which addresses an add-on calls for strangers: none in its own network, unless its
//! operator allows them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use glance_sdk::ErrorKind;
use glance_sdk::addon::AddOn;
use glance_sdk::axum::http::{StatusCode, header};
use glance_sdk::axum::routing::{any, get, post};
use glance_sdk::axum::{Json, Router};
use glance_sdk::client::Installations;
use glance_sdk::egress::{EgressPolicy, IpNet};
use glance_sdk::model::InstallationData;
use glance_sdk::store::{Endpoints, Installation, InstallationStore, MemoryStore};
use serde_json::json;
use tokio::net::TcpListener;

const PUBLIC: &str = "https://add-on.example.com";

fn add_on() -> AddOn {
    AddOn::new("com.example.careful", "Careful").web_panel("panel", "Panel", get(async || "panel"))
}

/// Serves an add-on with this base URL. Returns its real URL.
async fn serve(add_on: AddOn, base_url: &str) -> (String, Installations) {
    let server = add_on.listen("127.0.0.1", 0, Some(base_url)).await.unwrap();
    let address = format!("http://{}", server.address());
    let installations = server.add_on().installations().clone();
    tokio::spawn(server.run(std::future::pending()));
    (address, installations)
}

/// Posts installation data of a host with these capabilities, like a stranger.
async fn install(add_on: &str, capabilities: &str) -> StatusCode {
    let data = json!({
        "oauthId": "c0ffee00-0000-4000-8000-000000000001",
        "oauthSecret": "a-secret-that-is-long-enough-for-everyone",
        "capabilitiesUrl": capabilities,
        "groupId": 1,
    });
    let request = glance_host::testing::http_client()
        .post(format!("{add_on}/installed"))
        .json(&data);
    request.send().await.unwrap().status()
}

fn network(text: &str) -> IpNet {
    text.parse().unwrap()
}

/// Starts a host at a loopback address. Returns the counter of its calls.
async fn host(ip: &str, token_url: Option<String>) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicU32::new(0));
    let token_url = token_url.unwrap_or_else(|| format!("{base}/v2/oauth/token"));
    let document = json!({
        "key": "host", "name": "Host",
        "links": { "self": format!("{base}/v2/capabilities") },
        "capabilities": {
            "hipchatApiProvider": { "url": format!("{base}/v2/") },
            "oauth2Provider": { "tokenUrl": token_url },
        },
    });
    let token = async || Json(json!({ "access_token": "t", "expires_in": 3600 }));
    let counted = Arc::clone(&calls);
    let router = Router::new()
        .route("/v2/capabilities", get(async move || Json(document)))
        .route("/v2/oauth/token", post(token))
        .route("/v2/room", get(async || Json(json!({ "items": [] }))))
        .fallback(any(async || StatusCode::NO_CONTENT))
        .layer(glance_sdk::axum::middleware::map_request(
            move |request: glance_sdk::axum::extract::Request| {
                counted.fetch_add(1, Ordering::SeqCst);
                std::future::ready(request)
            },
        ));
    tokio::spawn(async move { glance_sdk::axum::serve(listener, router).await });
    (base, calls)
}

#[tokio::test]
async fn stranger_cannot_make_add_on_call_its_network() {
    let (inside, calls) = host("127.0.0.1", None).await;
    let port = inside.rsplit(':').next().unwrap();
    let (add_on, installations) = serve(add_on(), PUBLIC).await;
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "10.0.0.1",
        "[fd00::1]",
        "169.254.169.254",
        "0.0.0.0",
    ] {
        let capabilities = format!("http://{host}:{port}/v2/capabilities");
        assert_eq!(install(&add_on, &capabilities).await, 403, "{host}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert!(installations.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn operator_allows_networks() {
    let (inside, _) = host("127.0.0.1", None).await;
    let capabilities = format!("{inside}/v2/capabilities");
    for (add_on, base_url) in [
        (add_on().allow_networks([network("127.0.0.0/8")]), PUBLIC),
        (add_on().allow_hosts([&inside]), PUBLIC),
        (add_on(), "http://127.0.0.1:8080"),
        (add_on(), "http://localhost:8080"),
    ] {
        let (address, _) = serve(add_on, base_url).await;
        assert_eq!(install(&address, &capabilities).await, 204, "{base_url}");
        let metadata = "http://169.254.169.254/latest/meta-data";
        assert_eq!(install(&address, metadata).await, 403, "{base_url}");
    }
    let (local, _) = serve(add_on(), "http://127.0.0.1:8080").await;
    assert_eq!(
        install(&local, "http://10.0.0.1/v2/capabilities").await,
        403
    );
    let link_local = add_on().allow_networks([network("169.254.0.0/16")]);
    let (address, _) = serve(link_local, PUBLIC).await;
    assert_eq!(
        install(&address, "http://169.254.1.1/v2/capabilities").await,
        403
    );
}

#[tokio::test]
async fn endpoints_must_have_origin_of_host() {
    let (inside, calls) = host("127.0.0.1", None).await;
    // 127.0.0.2 stands for the Internet.
    let (outside, _) = host("127.0.0.2", Some(format!("{inside}/admin/delete-all"))).await;
    for networks in ["127.0.0.2/32", "127.0.0.0/8"] {
        let (address, _) = serve(add_on().allow_networks([network(networks)]), PUBLIC).await;
        let capabilities = format!("{outside}/v2/capabilities");
        assert_eq!(install(&address, &capabilities).await, 502, "{networks}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn redirects_to_another_origin_are_not_followed() {
    let (inside, calls) = host("127.0.0.1", None).await;
    let to = inside.clone();
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let outside = format!("http://{}", listener.local_addr().unwrap());
    let document = json!({
        "key": "host", "name": "Host", "links": { "self": format!("{outside}/v2/capabilities") },
        "capabilities": {
            "hipchatApiProvider": { "url": format!("{outside}/v2/") },
            "oauth2Provider": { "tokenUrl": format!("{outside}/go") },
        },
    });
    let go = async move || (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]);
    let router = Router::new()
        .route("/v2/capabilities", get(async move || Json(document)))
        .route("/go", any(go));
    tokio::spawn(async move { glance_sdk::axum::serve(listener, router).await });
    let (address, _) = serve(add_on().allow_networks([network("127.0.0.0/8")]), PUBLIC).await;
    for path in ["go", "v2/capabilities"] {
        let capabilities = format!("{outside}/{path}");
        assert!(
            !install(&address, &capabilities).await.is_success(),
            "{path}"
        );
    }
    assert_eq!(
        calls.load(Ordering::SeqCst),
        0,
        "the secret stays with its host"
    );
}

#[tokio::test]
async fn installations_of_earlier_versions_keep_working_and_are_listed() {
    let (inside, _) = host("127.0.0.1", None).await;
    let capabilities = format!("{inside}/v2/capabilities");
    let data = InstallationData::new("old".into(), "secret".into(), &capabilities, 1.into());
    let endpoints = Endpoints::new(format!("{inside}/v2/oauth/token"), format!("{inside}/v2/"));
    let store = MemoryStore::default();
    store
        .put(&Installation::new(data, endpoints))
        .await
        .unwrap();
    let (address, installations) = serve(add_on().store(store), PUBLIC).await;

    let client = installations.client(&"old".into()).await.unwrap();
    assert!(client.rooms().all().await.unwrap().is_empty());
    let refused = installations.refused().await.unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].0.as_str(), "old");
    assert!(
        refused[0].1.contains("`AddOn::allow_networks`"),
        "{}",
        refused[0].1
    );

    let update = json!({ "oauthId": "old", "capabilitiesUrl": capabilities, "groupId": 1 });
    let updated = glance_host::testing::http_client()
        .post(format!("{address}/updated"))
        .json(&update);
    assert_eq!(updated.send().await.unwrap().status(), 204);
    let client = installations.client(&"old".into()).await.unwrap();
    assert!(client.rooms().all().await.is_ok());
    assert_eq!(
        install(&address, &capabilities).await,
        403,
        "a new one is refused"
    );
}

#[tokio::test]
async fn policy_applies_to_installations_made_under_it() {
    let (inside, calls) = host("127.0.0.1", None).await;
    let store = Arc::new(MemoryStore::default());
    let open = add_on()
        .store(Arc::clone(&store))
        .allow_networks([network("127.0.0.0/8")]);
    let (address, installations) = serve(open, PUBLIC).await;
    assert_eq!(
        install(&address, &format!("{inside}/v2/capabilities")).await,
        204
    );
    let oauth_id = installations.list().await.unwrap().remove(0).data.oauth_id;

    let before = calls.load(Ordering::SeqCst);
    let closed = Installations::with_policy(store, EgressPolicy::internet()).unwrap();
    let client = closed.client(&oauth_id).await.unwrap();
    let error = client.rooms().all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EgressRefused, "{error}");
    assert!(error.to_string().contains("127.0.0.0/8"), "{error}");
    assert_eq!(calls.load(Ordering::SeqCst), before);
}
