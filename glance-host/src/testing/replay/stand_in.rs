//! A host that answers like the recorded one.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use glance_sdk::auth::random_alphanumeric;
use glance_sdk::serve::Limits;
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::difference::{Difference, between};
use super::{Replay, Report};
use crate::model::clock::Clock;
use crate::program::calls::{Exchange, Party, Purpose};
use crate::testing::fault_host::{FaultLayer, Peer, serve, watched};
use crate::testing::must;
use crate::testing::record::Names;

/// A host that answers like the recorded one, at an address of its own. It accepts any token, and creates one for any
/// request. Dropping it stops it.
#[derive(Debug)]
pub struct StandIn {
    part: Arc<Part>,
    server: JoinHandle<()>,
}

/// The recorded calls of the client.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) replay: Replay,
    pub(super) layer: Arc<FaultLayer>,
    names: Mutex<Names>,
    received: Mutex<Received>,
    /// The number of recorded calls that the client repeated.
    repeated: watch::Sender<usize>,
}

/// The calls of the client so far.
#[derive(Debug, Default)]
struct Received {
    /// Calls that are recorded, with the number of the recorded call.
    repeated: Vec<(u64, Exchange)>,
    /// Calls that are not recorded.
    new: Vec<Exchange>,
}

impl StandIn {
    pub(super) async fn start(replay: Replay) -> Self {
        let listener = must(TcpListener::bind("127.0.0.1:0").await, "no port");
        let address = must(listener.local_addr(), "no port");
        let names = Names {
            host: format!("http://{address}"),
            ..Names::default()
        };
        let part = Arc::new(Part {
            replay,
            layer: Arc::new(FaultLayer::new(Clock::default())),
            names: Mutex::new(names),
            received: Mutex::default(),
            repeated: watch::Sender::new(0),
        });
        let router = Router::new()
            .fallback(perform)
            .with_state(Arc::clone(&part));
        let router = watched(router, &part.layer);
        let wires = watch::Sender::new(false);
        let limits = Limits::default();
        let server = serve(&router, listener, &wires, limits, std::future::pending());
        Self { part, server }
    }

    /// Returns the URL at which clients reach it, without a trailing slash.
    pub fn base_url(&self) -> String {
        self.part.names.lock().host.clone()
    }

    /// Waits until the client made all recorded calls or the replay's timeout passed. Returns the differences from
    /// the recording.
    pub async fn report(&self) -> Report {
        Report {
            differences: self.part.differences().await,
        }
    }

    pub(super) fn part(&self) -> &Arc<Part> {
        &self.part
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Part {
    pub(super) fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock()
    }

    /// Returns an exchange in the form of recordings: without secrets, and with names for what differs each time.
    pub(super) fn named(&self, exchange: &Exchange) -> Exchange {
        let masked = self.layer.calls.secrets().mask(exchange);
        let text = masked.and_then(|masked| serde_json::to_string(&masked).ok());
        let text = text.map(|text| self.names().name(&text));
        let named = text.and_then(|text| serde_json::from_str(&text).ok());
        named.unwrap_or_else(|| exchange.clone())
    }

    /// Returns the recorded calls of the API.
    fn recorded(&self) -> impl Iterator<Item = &Exchange> {
        let all = self.replay.exchanges.iter();
        all.filter(|one| one.from == Party::AddOn && one.purpose == Purpose::Api)
    }

    /// Finds the recorded call that equals this one, preferring the same headers and body, and marks it as repeated.
    /// Returns the latest similar call if all of them were repeated.
    fn find_recorded(&self, call: &Exchange) -> Option<&Exchange> {
        let mut received = self.received.lock();
        let is_similar = |one: &&Exchange| one.method == call.method && one.url == call.url;
        let is_left = |one: &&Exchange| !received.repeated.iter().any(|(n, _)| *n == one.n);
        let left = || self.recorded().filter(is_similar).filter(is_left);
        let same = left().find(|one| self.compare(one, call, &COMPARED).is_empty());
        match same.or_else(|| left().next()) {
            Some(found) => {
                received.repeated.push((found.n, call.clone()));
                drop(received);
                self.repeated.send_modify(|count| *count += 1);
                Some(found)
            }
            None => {
                received.new.push(call.clone());
                // A client that repeats a call more often than recorded gets the latest answer again.
                self.recorded().filter(is_similar).last()
            }
        }
    }

    /// Compares these members of two exchanges.
    pub(super) fn compare(
        &self,
        recorded: &Exchange,
        now: &Exchange,
        members: &[&str],
    ) -> Vec<Difference> {
        let document = |of: &Exchange| serde_json::to_value(of).unwrap_or_default();
        let (before, after) = (document(recorded), document(now));
        let of = |member: &&str| {
            let pointer = format!("/{member}");
            between(
                &pointer,
                before.get(*member),
                after.get(*member),
                &self.replay.ignore,
            )
        };
        let found = members.iter().flat_map(of);
        let call = describe(recorded);
        found
            .map(|(pointer, recorded, now)| Difference {
                call: call.clone(),
                pointer,
                recorded,
                now,
            })
            .collect()
    }

    /// Waits for all recorded calls. Returns the differences from the recording.
    pub(super) async fn differences(&self) -> Vec<Difference> {
        if self.replay.answers_only {
            return Vec::new();
        }
        let expected = self.recorded().count();
        let mut repeated = self.repeated.subscribe();
        let all_repeated = repeated.wait_for(|count| *count >= expected);
        // After a timeout the missing calls are among the differences.
        let _ = tokio::time::timeout(self.replay.timeout, all_repeated).await;
        let received = self.received.lock();
        let mut differences = Vec::new();
        for recorded in self.recorded() {
            match received.repeated.iter().find(|(n, _)| *n == recorded.n) {
                Some((_, now)) => differences.extend(self.compare(recorded, now, &COMPARED)),
                None => differences.push(Difference {
                    call: describe(recorded),
                    pointer: String::new(),
                    recorded: Some(recorded.body.clone()),
                    now: None,
                }),
            }
        }
        differences.extend(received.new.iter().map(|new| Difference {
            call: describe(new),
            pointer: String::new(),
            recorded: None,
            now: Some(new.body.clone()),
        }));
        differences
    }

    fn answer(&self, call: &Exchange) -> Option<Exchange> {
        let all = self.replay.exchanges.iter();
        match call.purpose {
            Purpose::Api => self.find_recorded(call).cloned(),
            // The client may make these calls as often as it likes.
            purpose => {
                let answered = |one: &&Exchange| one.purpose == purpose && one.status == Some(200);
                let mut found = all.rev().find(answered)?.clone();
                if let Some(token) = found.answer.get_mut("access_token") {
                    *token = random_alphanumeric(40).ok()?.into();
                }
                Some(found)
            }
        }
    }
}

/// The members of a client's call that must equal the recording.
const COMPARED: [&str; 2] = ["headers", "body"];

/// Describes a call for people.
fn describe(call: &Exchange) -> String {
    let who = match call.from {
        Party::Host => "the host",
        Party::AddOn => "the add-on",
    };
    format!("{who}: {} {}", call.method, call.path())
}

async fn perform(
    State(part): State<Arc<Part>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let call = part.named(&part.layer.calls.begin_incoming(&parts, &body, None));
    let Some(recorded) = part.answer(&call) else {
        let message = "The recording has no such call";
        let error = json!({ "code": 404, "message": message, "type": "Not Found" });
        let error = axum::Json(json!({ "error": error }));
        return (StatusCode::NOT_FOUND, error).into_response();
    };
    let status = recorded
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    let Some(status) = status else {
        peer.cut();
        return StatusCode::OK.into_response();
    };
    let (text, content_type) = match &recorded.answer {
        Value::Null => (String::new(), None),
        Value::String(text) => (text.clone(), Some("text/plain; charset=utf-8")),
        json => (json.to_string(), Some("application/json")),
    };
    let text = part.names().fill(&text);
    let mut response = (status, Body::from(text)).into_response();
    let headers = response.headers_mut();
    for (name, value) in &recorded.answer_headers {
        let value = part.names().fill(value);
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    if let Some(content_type) = content_type {
        let value = HeaderValue::from_static(content_type);
        headers.insert(axum::http::header::CONTENT_TYPE, value);
    }
    response
}
