//! Tests the client against a mock host with scripted failures and counters.
#![cfg(feature = "server")]

mod calls;
mod closing;
#[cfg(feature = "metrics")]
mod meter;
mod quota;
mod tokens;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::net::TcpListener;

use super::{Client, Installations, Pusher, To};
use crate::egress::EgressPolicy;
use crate::model::{GlanceData, InstallationData, Label, UiUpdate};
use crate::store::{Endpoints, Installation};
use crate::{ErrorKind, Result};

#[derive(Default)]
struct Host {
    tokens: AtomicU32,
    pushes: AtomicU32,
    /// The API refuses tokens up to this one.
    revoked: AtomicU32,
    expires_in: AtomicU32,
}

impl Host {
    fn token(&self) -> Response {
        let number = self.tokens.fetch_add(1, Ordering::SeqCst) + 1;
        let expires_in = self.expires_in.load(Ordering::SeqCst);
        axum::Json(json!({ "access_token": format!("token-{number}"), "expires_in": expires_in }))
            .into_response()
    }

    fn push(&self, headers: &HeaderMap) -> Response {
        let token = headers["authorization"]
            .to_str()
            .unwrap()
            .strip_prefix("Bearer token-")
            .unwrap();
        if token.parse::<u32>().unwrap() <= self.revoked.load(Ordering::SeqCst) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        self.pushes.fetch_add(1, Ordering::SeqCst);
        StatusCode::NO_CONTENT.into_response()
    }

    async fn serve(self: &Arc<Self>) -> Client {
        let (tokens, pushes) = (Arc::clone(self), Arc::clone(self));
        let router = Router::new()
            .route("/v2/oauth/token", post(async move || tokens.token()))
            .route("/v2/addon/ui", post(async move |headers: HeaderMap| pushes.push(&headers)))
            .route("/v2/addon/ui/room/1", post(async || (StatusCode::BAD_REQUEST, "<p>no")))
            .route("/v2/addon/ui/room/2", post(async || {
                let error = json!({ "error": { "code": 403, "message": "not here", "type": "Forbidden" } });
                (StatusCode::FORBIDDEN, axum::Json(error))
            }))
            .route("/v2/addon/ui/room/3", post(async || StatusCode::SERVICE_UNAVAILABLE))
            .route("/v2/extension/glance/{key}", get(async || "no JSON"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        client(&base)
    }
}

fn client(base: &str) -> Client {
    let data = InstallationData::new("id".into(), "secret".into(), "", 1.into());
    let endpoints = Endpoints::new(format!("{base}/v2/oauth/token"), format!("{base}/v2/"));
    Client::new(
        super::http::Http::new(EgressPolicy::internet().allow_loopback()).unwrap(),
        Installation::new(data, endpoints),
        super::token::Tokens::default(),
        Arc::default(),
        Default::default(),
    )
}

fn host(expires_in: u32) -> Arc<Host> {
    Arc::new(Host {
        expires_in: expires_in.into(),
        ..Host::default()
    })
}

async fn push(client: &Client) -> Result<()> {
    client
        .group()
        .update(&UiUpdate::one("g", GlanceData::<()>::new(Label::text("x"))))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_pushes_request_one_token() {
    let host = host(3600);
    let client = host.serve().await;
    let pushes: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { push(&client).await })
        })
        .collect();
    for pushed in pushes {
        pushed.await.unwrap().unwrap();
    }
    assert_eq!(host.tokens.load(Ordering::SeqCst), 1);
    assert_eq!(host.pushes.load(Ordering::SeqCst), 50);
}

#[tokio::test]
async fn refused_token_is_renewed_once() {
    let host = host(3600);
    let client = host.serve().await;
    push(&client).await.unwrap();

    host.revoked.store(1, Ordering::SeqCst);
    push(&client).await.unwrap();
    assert_eq!(host.tokens.load(Ordering::SeqCst), 2);

    host.revoked.store(u32::MAX, Ordering::SeqCst);
    let refused = push(&client).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthorized);
    assert_eq!(host.tokens.load(Ordering::SeqCst), 3, "no endless loop");
}

#[tokio::test]
async fn expired_token_is_requested_each_time() {
    let host = host(0);
    let client = host.serve().await;
    push(&client).await.unwrap();
    push(&client).await.unwrap();
    assert_eq!(host.tokens.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn refusals_have_kinds_and_host_message() {
    let client = host(3600).serve().await;
    let update = UiUpdate::one("g", GlanceData::<()>::new(Label::text("x")));
    for (room, kind, words) in [
        (1, ErrorKind::Refused, "400 Bad Request"),
        (2, ErrorKind::Refused, "403 Forbidden: not here"),
        (3, ErrorKind::Unreachable, "503 Service Unavailable"),
        (4, ErrorKind::NotFound, "404 Not Found"),
    ] {
        let error = client.room(room).update(&update).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().ends_with(words), "{error}");
        assert_eq!(error.status(), words[..3].parse().ok());
        let message = words.split_once(": ").map(|(_, message)| message);
        assert_eq!(error.host_message(), message);
    }
    let no_json = client.group().glances().get("g").await.unwrap_err();
    assert_eq!(no_json.kind(), ErrorKind::BadAnswer);
}

#[tokio::test]
async fn unreachable_host_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = push(&client(&base)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(
        error.to_string().contains(&base) && !error.to_string().contains("secret"),
        "{error}"
    );
}

/// A host that gives these responses in order, and counts the requests.
async fn scripted(answers: Vec<Response>) -> (Client, Arc<AtomicU32>) {
    let requests = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&requests);
    let answers = Arc::new(std::sync::Mutex::new(answers.into_iter()));
    let router = Router::new()
        .route(
            "/v2/oauth/token",
            post(async || axum::Json(json!({ "access_token": "t", "expires_in": 3600 }))),
        )
        .fallback(async move || {
            counter.fetch_add(1, Ordering::SeqCst);
            answers
                .lock()
                .unwrap()
                .next()
                .unwrap_or(StatusCode::NO_CONTENT.into_response())
        });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (client(&base), requests)
}

fn limited(headers: &[(&'static str, String)]) -> Response {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    (StatusCode::TOO_MANY_REQUESTS, headers).into_response()
}

#[tokio::test]
async fn call_waits_for_rate_limit_and_retries() {
    let reset = (crate::auth::now() + 1).to_string();
    let header = |name, value: &str| (name, value.to_owned());
    for answer in [
        limited(&[header("retry-after", "0")]),
        limited(&[
            header("x-ratelimit-limit", "500"),
            header("x-ratelimit-remaining", "0"),
            header("x-ratelimit-reset", &reset),
        ]),
    ] {
        let (client, requests) = scripted(vec![answer]).await;
        push(&client).await.unwrap();
        assert_eq!(requests.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn long_rate_limit_is_an_error_at_once() {
    let (client, requests) = scripted(vec![limited(&[("retry-after", "3600".to_owned())])]).await;
    let error = push(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn unavailable_host_is_retried_after_retry_after() {
    let busy = |seconds: &'static str| {
        (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", seconds)]).into_response()
    };
    let (client, requests) = scripted(vec![busy("1")]).await;
    let began = Instant::now();
    client.group().glances().remove("g").await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(requests.load(Ordering::SeqCst), 2);

    let (client, requests) = scripted(vec![busy("3600")]).await;
    let error = client.group().glances().remove("g").await.unwrap_err();
    assert_eq!(
        (error.kind(), requests.load(Ordering::SeqCst)),
        (ErrorKind::Unreachable, 1)
    );
}

#[tokio::test]
async fn exhausted_limit_delays_calls() {
    let mut last = StatusCode::NO_CONTENT.into_response();
    let reset = crate::auth::now() + 3600;
    for (name, value) in [("limit", 500), ("remaining", 0), ("reset", reset)] {
        let name: axum::http::HeaderName = format!("x-ratelimit-{name}").parse().unwrap();
        last.headers_mut().insert(name, value.into());
    }
    let (client, requests) = scripted(vec![last]).await;
    push(&client).await.unwrap();
    assert_eq!(client.rate_limit().unwrap().limit, 500);
    let error = push(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(
        requests.load(Ordering::SeqCst),
        1,
        "the second was not sent"
    );
}

#[tokio::test]
async fn temporary_failures_are_retried_except_arrived_posts() {
    let busy = || StatusCode::SERVICE_UNAVAILABLE.into_response();
    let (client, requests) = scripted(vec![busy(), busy()]).await;
    client.group().glances().remove("g").await.unwrap();
    assert_eq!(requests.load(Ordering::SeqCst), 3);

    let (client, requests) = scripted((0..9).map(|_| busy()).collect()).await;
    let error = client.group().glances().remove("g").await.unwrap_err();
    assert_eq!(
        (error.kind(), requests.load(Ordering::SeqCst)),
        (ErrorKind::Unreachable, 4)
    );

    let (client, requests) = scripted(vec![busy()]).await;
    let error = push(&client).await.unwrap_err();
    assert_eq!(
        (error.kind(), requests.load(Ordering::SeqCst)),
        (ErrorKind::Unreachable, 1)
    );
}

/// A host that keeps the newest value of each room and accepts a fixed number of requests per
/// second.
#[derive(Default)]
struct Rooms {
    newest: std::sync::Mutex<std::collections::HashMap<String, serde_json::Value>>,
    calls: AtomicU32,
    refused: AtomicU32,
    limit: u32,
    period: std::sync::Mutex<(i64, u32)>,
}

impl Rooms {
    fn take(&self, room: String, body: serde_json::Value) -> Response {
        let now = crate::auth::now();
        let mut period = self.period.lock().unwrap();
        if period.0 != now {
            *period = (now, 0);
        }
        period.1 += 1;
        let mut response = if period.1 > self.limit {
            self.refused.fetch_add(1, Ordering::SeqCst);
            StatusCode::TOO_MANY_REQUESTS.into_response()
        } else {
            self.calls.fetch_add(1, Ordering::SeqCst);
            self.newest
                .lock()
                .unwrap()
                .insert(room, body["glance"][0]["content"].clone());
            StatusCode::NO_CONTENT.into_response()
        };
        let remaining = self.limit.saturating_sub(period.1);
        for (name, value) in [
            ("limit", self.limit.into()),
            ("remaining", remaining.into()),
            ("reset", now + 1),
        ] {
            let name: axum::http::HeaderName = format!("x-ratelimit-{name}").parse().unwrap();
            response.headers_mut().insert(name, value.into());
        }
        response
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn burst_delivers_newest_values_with_few_calls() {
    let rooms = Arc::new(Rooms {
        limit: 150,
        ..Rooms::default()
    });
    let counter = Arc::clone(&rooms);
    let router = Router::new()
        .route(
            "/v2/oauth/token",
            post(async || axum::Json(json!({ "access_token": "t", "expires_in": 3600 }))),
        )
        .route(
            "/v2/addon/ui/room/{room}",
            post(
                async move |axum::extract::Path(room): axum::extract::Path<String>,
                            axum::Json(body): axum::Json<serde_json::Value>| {
                    counter.take(room, body)
                },
            ),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let store = crate::store::MemoryStore::default();
    crate::store::InstallationStore::put(&store, client(&base).installation())
        .await
        .unwrap();
    let pusher = Pusher::new(Installations::new(Arc::new(store)).unwrap());

    let data = |value: u32| json!({ "label": { "type": "html", "value": value.to_string() } });
    for update in 0..10_000u32 {
        let room = To::Room(u64::from(update % 100).into());
        pusher
            .push_raw(&"id".into(), room, "g", data(update))
            .unwrap();
        if update % 1000 == 0 {
            tokio::task::yield_now().await;
        }
    }
    pusher.flush().await;

    let newest = rooms.newest.lock().unwrap();
    assert_eq!(newest.len(), 100);
    for room in 0..100u32 {
        assert_eq!(newest[&room.to_string()], data(9_900 + room), "room {room}");
    }
    let pushed = pusher.pushed();
    assert_eq!(pushed.calls, u64::from(rooms.calls.load(Ordering::SeqCst)));
    assert_eq!((pushed.failed, pushed.dropped, pushed.waiting), (0, 0, 0));
    assert_eq!(pushed.sent + pushed.merged + pushed.unchanged, 10_000);
    assert!(pushed.calls <= 1_000, "{pushed:?}");
    assert!(
        rooms.refused.load(Ordering::SeqCst) <= 2,
        "it stays under the limit"
    );

    pusher
        .push_raw(&"id".into(), To::Room(0.into()), "g", data(9_900))
        .unwrap();
    assert_eq!(pusher.pushed().unchanged, pushed.unchanged + 1);
}

#[tokio::test]
async fn unknown_installations_and_bad_glances_fail_alone() {
    let store = crate::store::MemoryStore::default();
    let refused = StatusCode::BAD_REQUEST.into_response();
    let (scripted, _) = scripted(vec![refused, StatusCode::BAD_REQUEST.into_response()]).await;
    crate::store::InstallationStore::put(&store, scripted.installation())
        .await
        .unwrap();
    let pusher = Pusher::new(Installations::new(Arc::new(store)).unwrap());
    pusher
        .push_raw(&"nobody".into(), To::Group, "g", json!({}))
        .unwrap();
    pusher
        .push_raw(&"id".into(), To::Group, "bad", json!({}))
        .unwrap();
    pusher
        .push_raw(&"id".into(), To::Group, "good", json!({}))
        .unwrap();
    pusher.flush().await;
    let pushed = pusher.pushed();
    assert_eq!((pushed.sent, pushed.failed, pushed.dropped), (1, 1, 1));

    assert_eq!(
        pusher.shutdown(std::time::Duration::from_secs(1)).await,
        pushed
    );
    assert!(
        pusher
            .push_raw(&"id".into(), To::Group, "late", json!({}))
            .is_err()
    );
}

#[tokio::test]
async fn responses_are_parsed_like_in_browsers() {
    let body = "\u{feff}{\"key\": 7, \"key\": \"g\", \"name\": {\"value\": \"half \\ud83d\"}, \
                \"icon\": {\"url\": \"u\", \"url@2x\": \"u\"}}";
    let (client, _) = scripted(vec![body.into_response()]).await;
    let glance = client.group().glances().get("g").await.unwrap();
    assert_eq!(glance.key, "g");
    assert_eq!(glance.name.value, "half \u{fffd}");
}
