//! A host that answers like the recorded one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use glance_sdk::auth::random_alphanumeric;
use glance_sdk::serve::Limits;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::difference::{Difference, between};
use super::{Replay, Report};
use crate::model::clock::Clock;
use crate::testing::fault_host::{FaultLayer, Peer, serve, watched};
use crate::testing::must;
use crate::testing::record::{Exchange, Names, Party, Purpose};

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
    taken: Mutex<Taken>,
    /// The number of recorded calls that came again.
    came: watch::Sender<usize>,
}

/// What came so far.
#[derive(Debug, Default)]
struct Taken {
    /// The calls of the recording that came again, by their numbers, with what came.
    again: Vec<(u64, Exchange)>,
    /// What the recording has not.
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
            taken: Mutex::default(),
            came: watch::Sender::new(0),
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

    /// Where clients reach it, without a slash at the end.
    pub fn base_url(&self) -> String {
        lock(&self.part.names).host.clone()
    }

    /// What came otherwise than it was recorded, once all recorded calls came or the replay's
    /// timeout has passed.
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
        lock(&self.names)
    }

    /// An exchange as a recording has it.
    pub(super) fn named(&self, exchange: &Exchange) -> Exchange {
        let masked = self.layer.secrets().mask(exchange);
        let text = masked.and_then(|masked| serde_json::to_string(&masked).ok());
        let text = text.map(|text| self.names().name(&text));
        let named = text.and_then(|text| serde_json::from_str(&text).ok());
        named.unwrap_or_else(|| exchange.clone())
    }

    /// The calls of the API that were recorded.
    fn recorded(&self) -> impl Iterator<Item = &Exchange> {
        let all = self.replay.exchanges.iter();
        all.filter(|one| one.from == Party::AddOn && one.purpose == Purpose::Api)
    }

    /// The recorded call that this is, with the best body first.
    fn take(&self, call: &Exchange) -> Option<&Exchange> {
        let mut taken = lock(&self.taken);
        let is_it = |one: &&Exchange| one.method == call.method && one.url == call.url;
        let is_left = |one: &&Exchange| !taken.again.iter().any(|(n, _)| *n == one.n);
        let left = || self.recorded().filter(is_it).filter(is_left);
        let same = left().find(|one| self.compare(one, call, &CALLED).is_empty());
        match same.or_else(|| left().next()) {
            Some(found) => {
                taken.again.push((found.n, call.clone()));
                drop(taken);
                self.came.send_modify(|came| *came += 1);
                Some(found)
            }
            None => {
                taken.new.push(call.clone());
                // As often as it likes: what it is answered is what it was answered last.
                self.recorded().filter(is_it).last()
            }
        }
    }

    /// Where these members of two exchanges differ.
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
        let call = told(recorded);
        found
            .map(|(pointer, recorded, now)| Difference {
                call: call.clone(),
                pointer,
                recorded,
                now,
            })
            .collect()
    }

    /// What came otherwise than it was recorded.
    pub(super) async fn differences(&self) -> Vec<Difference> {
        if self.replay.answers_only {
            return Vec::new();
        }
        let wanted = self.recorded().count();
        let mut came = self.came.subscribe();
        let waiting = came.wait_for(|came| *came >= wanted);
        // What did not come is told below.
        let _ = tokio::time::timeout(self.replay.timeout, waiting).await;
        let taken = lock(&self.taken);
        let mut differences = Vec::new();
        for recorded in self.recorded() {
            match taken.again.iter().find(|(n, _)| *n == recorded.n) {
                Some((_, now)) => differences.extend(self.compare(recorded, now, &CALLED)),
                None => differences.push(Difference {
                    call: told(recorded),
                    pointer: String::new(),
                    recorded: Some(recorded.body.clone()),
                    now: None,
                }),
            }
        }
        differences.extend(taken.new.iter().map(|new| Difference {
            call: told(new),
            pointer: String::new(),
            recorded: None,
            now: Some(new.body.clone()),
        }));
        differences
    }

    fn answer(&self, call: &Exchange) -> Option<Exchange> {
        let all = self.replay.exchanges.iter();
        match call.purpose {
            Purpose::Api => self.take(call).cloned(),
            // How often one asks for these is no matter.
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

/// What of a call of an add-on must be as it was.
const CALLED: [&str; 2] = ["headers", "body"];

/// A call in a few words.
fn told(call: &Exchange) -> String {
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
    let call = part.named(&part.layer.asked(&parts, &body, None));
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
