//! An add-on without the SDK: a descriptor, and webhooks whose responses a test controls.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use glance_sdk::axum::body::Bytes;
use glance_sdk::axum::extract::State;
use glance_sdk::axum::http::{HeaderMap, StatusCode, Uri};
use glance_sdk::axum::response::{IntoResponse, Response};
use glance_sdk::axum::routing::get;
use glance_sdk::axum::{Json, Router, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// A request that it received.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

#[derive(Clone, Default)]
struct App {
    descriptor: Value,
    seen: Arc<Mutex<Vec<Seen>>>,
    calls: Arc<watch::Sender<usize>>,
    answers: Arc<Mutex<VecDeque<oneshot::Receiver<Response>>>>,
}

pub(crate) struct Peer {
    app: App,
    pub(crate) url: String,
    server: JoinHandle<()>,
}

impl Peer {
    /// Serves a descriptor with these webhooks, whose URLs are derived from their `url`.
    pub(crate) async fn serve(key: &str, mut webhook: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let absolute = |webhook: &mut Value| {
            let path = webhook["url"].as_str().unwrap();
            webhook["url"] = json!(format!("{url}{path}"));
        };
        match &mut webhook {
            Value::Array(all) => all.iter_mut().for_each(absolute),
            one => absolute(one),
        }
        let app = App {
            descriptor: json!({
                "key": key,
                "name": key,
                "description": "Answers as a test tells it.",
                "links": { "self": url },
                "capabilities": { "installable": {}, "webhook": webhook },
            }),
            ..App::default()
        };
        let router = Router::new()
            .route("/", get(descriptor))
            .fallback(called)
            .with_state(app.clone());
        let server = tokio::spawn(async move { serve(listener, router).await.unwrap() });
        Self { app, url, server }
    }

    /// Sets the next response; later responses are 204 again.
    pub(crate) fn answer(&self, answer: impl IntoResponse) {
        self.hold().send(answer.into_response()).unwrap();
    }

    /// Accepts the next call, and responds when the test decides.
    pub(crate) fn hold(&self) -> oneshot::Sender<Response> {
        let (answer, answered) = oneshot::channel();
        self.app.answers.lock().unwrap().push_back(answered);
        answer
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.app.seen.lock().unwrap().clone()
    }

    /// Completes after this number of calls.
    pub(crate) async fn called(&self, times: usize) {
        let mut calls = self.app.calls.subscribe();
        calls.wait_for(|calls| *calls >= times).await.unwrap();
    }

    /// Stops the server, so that further connections are refused.
    pub(crate) async fn stop(mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn descriptor(State(app): State<App>) -> Json<Value> {
    Json(app.descriptor)
}

async fn called(State(app): State<App>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body = serde_json::from_slice(&body).unwrap();
    let seen = Seen { uri, headers, body };
    app.seen.lock().unwrap().push(seen);
    app.calls.send_modify(|calls| *calls += 1);
    let answer = app.answers.lock().unwrap().pop_front();
    match answer {
        Some(answer) => match answer.await {
            Ok(answer) => answer,
            Err(_) => std::future::pending().await,
        },
        None => StatusCode::NO_CONTENT.into_response(),
    }
}
