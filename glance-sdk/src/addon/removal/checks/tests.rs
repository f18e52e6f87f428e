use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use tokio::net::TcpListener;

use super::*;
use crate::addon::hooks::hook;
use crate::model::InstallationData;
use crate::store::{Endpoints, Installation, InstallationStore, MemoryStore};

/// A time in the future, so that the background task, which uses the clock, leaves the checks to
/// the tests.
const NOW: i64 = 5_000_000_000;

/// A host's token URL with a fixed response and a counter of calls.
struct Host {
    answer: Arc<Mutex<(u16, &'static str)>>,
    questions: Arc<AtomicUsize>,
    store: Arc<MemoryStore>,
    removed: Arc<AtomicUsize>,
}

impl Host {
    async fn start() -> Self {
        let answer = Arc::new(Mutex::new((200, TOKEN)));
        let questions = Arc::new(AtomicUsize::new(0));
        let router = Router::new()
            .route("/token", post(token))
            .route("/elsewhere", any(async || StatusCode::UNAUTHORIZED))
            .with_state((Arc::clone(&answer), Arc::clone(&questions)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let store = Arc::new(MemoryStore::default());
        let endpoints = Endpoints::new(format!("{base}/token"), format!("{base}/v2/"));
        let capabilities = format!("{base}/capabilities");
        let data = InstallationData::new("id".into(), "secret".into(), capabilities, 1.into());
        store
            .put(&Installation::new(data, endpoints))
            .await
            .unwrap();
        Self {
            answer,
            questions,
            store,
            removed: Arc::default(),
        }
    }

    /// Creates an add-on with the store, like another process or the same process after a restart.
    fn add_on(&self) -> Arc<RemovalChecks> {
        let removed = Arc::clone(&self.removed);
        let hooks = Hooks {
            on_uninstall: Some(hook(removed, async |removed: Arc<AtomicUsize>, _| {
                removed.fetch_add(1, Ordering::Relaxed);
                Ok::<(), String>(())
            })),
            ..Hooks::default()
        };
        let installations = Installations::new(self.store.clone()).unwrap();
        RemovalChecks::new(installations, Arc::new(hooks))
    }

    fn answers(&self, status: u16, body: &'static str) {
        *self.answer.lock().unwrap() = (status, body);
    }

    fn questions(&self) -> usize {
        self.questions.load(Ordering::Relaxed)
    }

    async fn is_stored(&self) -> bool {
        self.store.get(&"id".into()).await.unwrap().is_some()
    }
}

const TOKEN: &str = r#"{"access_token": "t", "expires_in": 60}"#;

type Shared = (Arc<Mutex<(u16, &'static str)>>, Arc<AtomicUsize>);

async fn token(State((answer, questions)): State<Shared>) -> Response {
    questions.fetch_add(1, Ordering::Relaxed);
    let (status, body) = *answer.lock().unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    match status.is_redirection() {
        true => (status, [(header::LOCATION, body)]).into_response(),
        false => (status, body).into_response(),
    }
}

#[tokio::test]
async fn only_refusal_of_secret_removes_installation() {
    let host = Host::start().await;
    for (status, body) in [
        (200, TOKEN),
        (200, "not JSON"),
        (400, r#"{"error": "invalid_request"}"#),
        (400, r#"{"message": "invalid_client"}"#),
        (403, r#"{"error": "invalid_client"}"#),
        (404, ""),
        (410, ""),
        (429, ""),
        (500, r#"{"error": "invalid_client"}"#),
        (503, ""),
        // The 401 of another URL is not about the secret.
        (307, "/elsewhere"),
        (302, "/elsewhere"),
    ] {
        host.answers(status, body);
        let (questions, add_on) = (host.questions(), host.add_on());
        let now = NOW + 3600 * i64::try_from(questions).unwrap();
        add_on.request(&"id".into(), now).await.unwrap();
        add_on.make_due(now).await.unwrap();
        assert_eq!(host.questions(), questions + 1, "{status} {body}");
        assert!(host.is_stored().await, "{status} {body}");
    }
    assert_eq!(host.removed.load(Ordering::Relaxed), 0);

    let later = NOW + 1_000_000;
    for (status, body) in [
        (401, ""),
        (
            400,
            r#"{"error": "invalid_client", "error_description": "x"}"#,
        ),
    ] {
        let host = Host::start().await;
        host.answers(status, body);
        let add_on = host.add_on();
        add_on.request(&"id".into(), later).await.unwrap();
        add_on.make_due(later).await.unwrap();
        assert!(!host.is_stored().await, "{status}");
        assert_eq!(host.removed.load(Ordering::Relaxed), 1, "on_uninstall");
    }
}

#[tokio::test]
async fn unreachable_host_keeps_installation() {
    let host = Host::start().await;
    let mut gone = host.store.get(&"id".into()).await.unwrap().unwrap();
    gone.endpoints.token_url = "http://127.0.0.1:1/token".to_owned();
    host.store.put(&gone).await.unwrap();
    let add_on = host.add_on();
    add_on.request(&"id".into(), NOW).await.unwrap();
    assert_eq!(add_on.make_due(NOW).await.unwrap(), NOW + 60);
    assert!(host.is_stored().await);
}

#[tokio::test]
async fn host_is_asked_again_after_growing_pauses_and_restarts() {
    let host = Host::start().await;
    host.add_on().request(&"id".into(), NOW).await.unwrap();
    let times = [0, 60, 660, 4_260, 90_660];
    for (nth, time) in times.into_iter().enumerate() {
        // Each attempt uses a new process, with nothing in memory.
        let add_on = host.add_on();
        add_on.make_due(NOW + time - 1).await.unwrap();
        assert_eq!(host.questions(), nth, "not before {time} s");
        add_on.make_due(NOW + time).await.unwrap();
        assert_eq!(host.questions(), nth + 1, "after {time} s");
    }
    let add_on = host.add_on();
    add_on.make_due(NOW + 100_000_000).await.unwrap();
    assert_eq!(host.questions(), times.len(), "never again");

    host.answers(401, "");
    add_on
        .request(&"id".into(), NOW + 100_000_000)
        .await
        .unwrap();
    add_on.make_due(NOW + 100_000_000).await.unwrap();
    assert!(!host.is_stored().await, "until somebody asks again");
}

#[tokio::test]
async fn many_requests_ask_host_once_a_minute() {
    let host = Host::start().await;
    let add_ons = [host.add_on(), host.add_on(), host.add_on()];
    for second in 0..60 {
        let now = NOW + second;
        let id = "id".into();
        let requests = add_ons.iter().map(|add_on| add_on.request(&id, now));
        for requested in futures_util::future::join_all(requests).await {
            requested.unwrap();
        }
        let made = add_ons.iter().map(|add_on| add_on.make_due(now));
        for made in futures_util::future::join_all(made).await {
            made.unwrap();
        }
        assert_eq!(host.questions(), 1, "after {second} s");
    }
    add_ons[0].make_due(NOW + 60).await.unwrap();
    assert_eq!(host.questions(), 2);
}

#[tokio::test]
async fn unknown_installation_is_not_an_error() {
    let host = Host::start().await;
    let add_on = host.add_on();
    add_on.request(&"other".into(), NOW).await.unwrap();
    add_on.make_due(NOW).await.unwrap();
    assert_eq!(host.questions(), 0);
}
