//! Records the calls that add-ons make.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, response};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use glance_sdk::model::OauthId;
use serde_json::Value;

use super::exchange::readable;
use super::{Calls, Exchange, Party, Purpose};
use crate::content::redact::{SECRET, SIGNED, TOKEN};

/// The size limit of a recorded request body, which the host's own limits are below.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Returns whether a request is a call of the REST API. A page's event stream never ends, so only these are read whole.
pub(crate) fn is_api(request: &Request) -> bool {
    let path = request.uri().path();
    path.trim_start_matches('/').starts_with("v2/")
}

/// Passes a request on, and records it if it is a call of the REST API.
pub(super) async fn record(
    State(calls): State<Arc<Calls>>,
    request: Request,
    next: Next,
) -> Response {
    if !is_api(&request) {
        return next.run(request).await;
    }
    let caller = calls.caller(request.headers(), request.uri().query());
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut exchange = calls.begin_incoming(&parts, &body, caller);
    let request = Request::from_parts(parts, Body::from(body));
    let (parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    exchange.status = Some(parts.status.as_u16());
    calls.add_response(&mut exchange, &parts, &body);
    calls.record(&exchange);
    Response::from_parts(parts, Body::from(body))
}

impl Calls {
    /// Returns the installation that makes a call.
    pub(crate) fn caller(&self, headers: &HeaderMap, query: Option<&str>) -> Option<OauthId> {
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

    /// Describes a request of an add-on.
    pub(crate) fn begin_incoming(
        &self,
        parts: &Parts,
        body: &[u8],
        caller: Option<OauthId>,
    ) -> Exchange {
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

    /// Adds the host's response except for its status, and learns a new token.
    pub(crate) fn add_response(
        &self,
        exchange: &mut Exchange,
        parts: &response::Parts,
        body: &Bytes,
    ) {
        exchange.answer = readable(body);
        exchange.answer_headers = pick(&parts.headers, &["location", "retry-after"]);
        let token = exchange.answer["access_token"].as_str();
        if let (Purpose::Token, Some(token), Some(id)) =
            (exchange.purpose, token, &exchange.installation)
        {
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
