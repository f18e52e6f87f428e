//! Tests invalid installation data, which an add-on refuses before storing or calling anything, and
//! limits on installations.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use glance_host::{Host, InstallError};
use glance_sdk::axum::Router;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::model::InstallationData;
use glance_sdk::store::{Endpoints, Installation, InstallationStore, MemoryStore};
use serde_json::{Value, json};

use crate::add_on::{Pager, add_on};
use crate::by_hand::serve;

/// Starts a host that counts its requests.
async fn counting(calls: &Arc<AtomicUsize>) -> String {
    let calls = Arc::clone(calls);
    serve(move |_| {
        Router::new().fallback(async move || {
            calls.fetch_add(1, Ordering::Relaxed);
            StatusCode::NOT_FOUND
        })
    })
    .await
}

fn unusable(capabilities_url: &str) -> Vec<(Value, &'static str)> {
    let data = |id: &str, secret: &str| json!({"oauthId": id, "oauthSecret": secret, "capabilitiesUrl": capabilities_url, "groupId": 1});
    vec![
        (data("a", ""), "oauthSecret is empty"),
        (data("", "secret"), "oauthId is empty"),
        (data("a/b", "secret"), "'/'"),
        (data("a%2fb", "secret"), "'%'"),
        (data("..", "secret"), "dots"),
        (data("a\r\nb", "secret"), "'\\r'"),
        (data("a\u{0}", "secret"), "'\\0'"),
        (data(&"x".repeat(201), "secret"), "201 bytes"),
        (data("a", &"x".repeat(1001)), "1001 bytes"),
    ]
}

#[tokio::test]
async fn malformed_ids_and_empty_secrets_are_refused_before_calls() {
    let calls = Arc::default();
    let host = counting(&calls).await;
    let server = add_on(&Pager::new(1))
        .listen("127.0.0.1", 0, None)
        .await
        .unwrap();
    let base = server.base_url().to_owned();
    let installations = server.add_on().installations().clone();
    tokio::spawn(server.run(std::future::pending()));
    for (body, why) in unusable(&format!("{host}/capabilities")) {
        let answer = glance_host::testing::http_client()
            .post(format!("{base}/installed"))
            .json(&body);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        let said = answer.text().await.unwrap();
        assert!(said.contains(why), "{said:?} says nothing of {why:?}");
    }
    let update = json!({"oauthId": "../x", "capabilitiesUrl": format!("{host}/capabilities")});
    let answer = glance_host::testing::http_client()
        .post(format!("{base}/updated"))
        .json(&update);
    assert_eq!(
        answer.send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    assert!(installations.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn invalid_installations_from_browser_are_refused() {
    let server = add_on(&Pager::new(1))
        .installs_by_browser()
        .listen("127.0.0.1", 0, None)
        .await
        .unwrap();
    let base = server.base_url().to_owned();
    let installations = server.add_on().installations().clone();
    tokio::spawn(server.run(std::future::pending()));
    for nth in 0..unusable("").len() {
        let calls: Arc<AtomicUsize> = Arc::default();
        let counter = Arc::clone(&calls);
        let host = serve(move |own| {
            let data = unusable(&format!("{own}/capabilities"))[nth].0.to_string();
            Router::new()
                .route("/shown", glance_sdk::axum::routing::get(async || data))
                .fallback(async move || {
                    counter.fetch_add(1, Ordering::Relaxed);
                })
        })
        .await;
        for path in ["installed", "uninstalled"] {
            let query = [
                ("installable_url", format!("{host}/shown")),
                ("redirect_url", format!("{host}/back")),
            ];
            let visit = glance_host::testing::http_client()
                .get(format!("{base}/{path}"))
                .query(&query);
            let answer = visit.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::BAD_GATEWAY, "{path} {nth}");
        }
        assert_eq!(calls.load(Ordering::Relaxed), 0, "{nth}");
    }
    assert!(installations.list().await.unwrap().is_empty());
}

/// Creates a store with this number of installations with other ids and this URL.
async fn filled(number: usize, url: impl Fn(usize) -> String) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::default());
    for nth in 0..number {
        let id = format!("other-{nth}");
        let data = InstallationData::new((&*id).into(), "secret".into(), url(nth), 1.into());
        let endpoints = Endpoints::new("https://other.example/t", "https://other.example/v2/");
        store
            .put(&Installation::new(data, endpoints))
            .await
            .unwrap();
    }
    store
}

#[tokio::test]
async fn installations_of_unnamed_hosts_are_limited() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let own = format!("{}/v2/capabilities", host.base_url());
    let others = |nth: usize| format!("https://host-{nth}.example/capabilities");

    for (store, room_for_one) in [
        (filled(100, |_| own.clone()).await, false),
        (filled(99, |_| own.clone()).await, true),
        (filled(10_000, others).await, false),
    ] {
        let before = store.count(None).await.unwrap();
        let taken = room.try_install(add_on(&Pager::new(1)).store(Arc::clone(&store)));
        match (taken.await, room_for_one) {
            (Ok(taken), true) => {
                assert_eq!(store.count(None).await.unwrap(), before + 1);
                // One more exceeds the limit, while an update of a known one does not.
                let url = format!("{}/", taken.base_url());
                host.update(taken.installed(), &url).await.unwrap();
                host.uninstall(taken.oauth_id()).await.unwrap();
            }
            (Err(InstallError::Refused { status: 403, .. }), false) => {
                assert_eq!(
                    store.count(None).await.unwrap(),
                    before,
                    "nothing is evicted"
                );
            }
            (other, _) => panic!("{before}: {other:?}"),
        }
        if !room_for_one {
            let named = add_on(&Pager::new(1)).allow_hosts([host.base_url()]);
            let taken = room.install(named.store(Arc::clone(&store))).await;
            host.uninstall(taken.oauth_id()).await.unwrap();
        }
    }
}
