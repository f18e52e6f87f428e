//! The middleware for requests to a fault host.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use glance_sdk::model::OauthId;
use serde_json::Value;

use super::FaultLayer;
use super::wire::Peer;
use crate::content::redact::{SECRET, SIGNED, TOKEN};
use crate::testing::faults::{CallMatch, Effect, Hit, error_body};
use crate::testing::record::{Exchange, Party, Purpose, readable};

/// The largest body.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Applies faults to a request, and records it.
pub(super) async fn perform(
    State(layer): State<Arc<FaultLayer>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let is_api = request
        .uri()
        .path()
        .trim_start_matches('/')
        .starts_with("v2/");
    let caller = layer.caller(request.headers(), request.uri().query());
    let hit = layer.faults.hit(CallMatch {
        by: Party::AddOn,
        method: request.method().as_str(),
        path: request.uri().path(),
        of: caller.as_ref(),
    });
    // A page's event stream never ends, so only API calls are read whole.
    if !is_api && hit.is_none() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut exchange = layer.new_call(&parts, &body, caller);
    let request = Request::from_parts(parts, Body::from(body));
    let (response, comes_to) = act(&layer, hit, request, next).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    exchange.status = comes_to.is_whole().then(|| parts.status.as_u16());
    exchange.answer = readable(&body);
    exchange.answer_headers = pick(&parts.headers, &["location", "retry-after"]);
    if exchange.purpose == Purpose::Token {
        layer.learn(&exchange);
    }
    if is_api {
        layer.add(&exchange);
    }
    match comes_to {
        End::Whole => Response::from_parts(parts, Body::from(body)),
        End::Half => half(Response::from_parts(parts, Body::empty()), body),
        End::Cut => {
            peer.cut();
            // No byte of the answer is written any more.
            StatusCode::OK.into_response()
        }
    }
}

/// How an answer ends.
#[derive(PartialEq)]
enum End {
    Whole,
    Half,
    Cut,
}

impl End {
    fn is_whole(&self) -> bool {
        *self == Self::Whole
    }
}

async fn act(
    layer: &FaultLayer,
    hit: Option<Hit>,
    request: Request,
    next: Next,
) -> (Response, End) {
    let nothing = || StatusCode::NO_CONTENT.into_response();
    let Some(hit) = hit else {
        return (next.run(request).await, End::Whole);
    };
    match hit.effect.clone() {
        Effect::Answer {
            status,
            retry_after,
            body,
        } => (answer(status, retry_after, body), End::Whole),
        Effect::Latency(time) => {
            layer.clock.sleep(time).await;
            (next.run(request).await, End::Whole)
        }
        Effect::Hang => {
            hit.lifted().await;
            (nothing(), End::Cut)
        }
        Effect::Drop => (nothing(), End::Cut),
        Effect::LostAnswer => (next.run(request).await, End::Cut),
        Effect::HalfAnAnswer => (next.run(request).await, End::Half),
    }
}

fn answer(status: StatusCode, retry_after: Option<u64>, body: Option<String>) -> Response {
    let mut response = match body {
        Some(text) => (status, text).into_response(),
        None => {
            let json = [(CONTENT_TYPE, "application/json")];
            (status, json, error_body(status)).into_response()
        }
    };
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Sends the head of an answer with its length, and then nothing.
fn half(mut response: Response, body: Bytes) -> Response {
    if response.status() == StatusCode::NO_CONTENT {
        // An empty answer has no middle.
        *response.status_mut() = StatusCode::OK;
    }
    let length = body.len().max(2);
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    let first = body.slice(..body.len() / 2);
    let rest = async {
        // The written part is flushed before the connection breaks.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    };
    let first = stream::iter([Ok(first)]);
    let rest = stream::once(rest);
    *response.body_mut() = Body::from_stream(stream::StreamExt::chain(first, rest));
    response
}

impl FaultLayer {
    /// Returns the installation that made a call.
    fn caller(&self, headers: &HeaderMap, query: Option<&str>) -> Option<OauthId> {
        let in_query = || {
            let mut pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(name, _)| *name == "auth_token")
                .map(|(_, token)| token)
        };
        let header = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        match header.and_then(|value| value.split_once(' ')) {
            Some((scheme, basic)) if scheme.eq_ignore_ascii_case("Basic") => {
                let decoded = STANDARD.decode(basic.trim()).ok()?;
                let decoded = String::from_utf8(decoded).ok()?;
                let (id, secret) = decoded.split_once(':')?;
                self.secrets().learn_secret(secret);
                Some(id.into())
            }
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => {
                self.secrets().owner(token.trim()).cloned()
            }
            _ => self.secrets().owner(in_query()?).cloned(),
        }
    }

    pub(crate) fn new_call(&self, parts: &Parts, body: &[u8], caller: Option<OauthId>) -> Exchange {
        let (n, at) = self.begin();
        let path = parts.uri.path();
        let segments: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
        let url = parts.uri.path_and_query();
        Exchange {
            n,
            at,
            from: Party::AddOn,
            purpose: match segments[..] {
                [_, "capabilities"] => Purpose::Capabilities,
                [_, "oauth", "token"] => Purpose::Token,
                _ => Purpose::Api,
            },
            installation: caller,
            method: parts.method.to_string(),
            url: url.map_or(path, |url| url.as_str()).to_owned(),
            headers: headers(&parts.headers),
            claims: Value::Null,
            body: readable(body),
            status: None,
            answer_headers: BTreeMap::new(),
            answer: Value::Null,
        }
    }

    /// Records a new token.
    fn learn(&self, exchange: &Exchange) {
        let token = exchange.answer["access_token"].as_str();
        if let (Some(token), Some(id)) = (token, &exchange.installation) {
            self.secrets().learn_token(token, id.clone());
        }
    }
}

/// Returns the headers that matter to the protocol; of credentials only the scheme.
pub(super) fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut kept = pick(headers, &["content-type", "origin"]);
    let header = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if let Some((scheme, _)) = header.and_then(|value| value.split_once(' ')) {
        let placeholder = match scheme.to_ascii_lowercase().as_str() {
            "basic" => SECRET,
            "jwt" => SIGNED,
            _ => TOKEN,
        };
        kept.insert(
            "authorization".to_owned(),
            format!("{scheme} {placeholder}"),
        );
    }
    kept
}

fn pick(headers: &HeaderMap, names: &[&str]) -> BTreeMap<String, String> {
    let kept = names.iter().filter_map(|name| {
        let value = headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    kept.collect()
}
