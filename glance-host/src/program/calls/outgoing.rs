//! Records the calls that a host makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use glance_sdk::model::OauthId;
use reqwest::Method;
use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION};
use serde_json::Value;

use super::exchange::{claims, readable};
use super::{Calls, Exchange, Party, Purpose, incoming};
use crate::content::token_parts;
use crate::net::outbound::{Answer, AnswerLimits, NoAnswer, OutboundRequest, Transport};

/// A transport that records the requests of another.
#[derive(Debug)]
pub(super) struct RecordingTransport {
    pub(super) calls: Arc<Calls>,
    pub(super) inner: Arc<dyn Transport>,
}

#[async_trait]
impl Transport for RecordingTransport {
    async fn send(
        &self,
        request: OutboundRequest,
        limits: AnswerLimits,
    ) -> Result<Answer, NoAnswer> {
        let mut exchange = self.calls.begin_outgoing(&request);
        let answer = self.inner.send(request, limits).await;
        exchange.add_answer(&answer);
        self.calls.record(&exchange);
        answer
    }
}

impl Calls {
    /// Describes a request of the host, and learns its secret.
    pub(crate) fn begin_outgoing(&self, request: &OutboundRequest) -> Exchange {
        let (n, at) = self.begin();
        let body = readable(request.body.as_deref().unwrap_or_default());
        if let Some(secret) = body["oauthSecret"].as_str() {
            self.secrets().learn_secret(secret);
        }
        let url = request.url.clone();
        let token = token_parts::signed_request(&url).or_else(|| removal_token(request));
        let signed_by = token.as_deref().and_then(issuer);
        let (purpose, of) = match request.method.as_str() {
            "POST" if body.get("event").is_some() => {
                let named = body["oauth_client_id"].as_str().map(OauthId::from);
                (Purpose::Webhook, signed_by.or(named))
            }
            "POST" => {
                let purpose = match body.get("oauthSecret") {
                    Some(_) => Purpose::Installation,
                    None => Purpose::Update,
                };
                (purpose, body["oauthId"].as_str().map(OauthId::from))
            }
            "DELETE" => {
                let last = url.path_segments().and_then(|mut parts| parts.next_back());
                (Purpose::Removal, last.map(OauthId::from))
            }
            _ if signed_by.is_some() => (Purpose::Query, signed_by),
            _ => (Purpose::Descriptor, None),
        };
        Exchange {
            n,
            at,
            from: Party::Host,
            purpose,
            installation: of,
            method: request.method.to_string(),
            url: url.into(),
            headers: incoming::headers(&request.headers),
            claims: token.as_deref().map_or(Value::Null, claims),
            body,
            status: None,
            answer_headers: BTreeMap::new(),
            answer: Value::Null,
        }
    }
}

impl Exchange {
    /// Adds the answer of an add-on, if there is one.
    pub(crate) fn add_answer(&mut self, answer: &Result<Answer, NoAnswer>) {
        let Ok(answer) = answer else {
            return;
        };
        self.status = Some(answer.status.as_u16());
        let allowed = answer.allowed_origin.clone();
        let named = |origin| (ACCESS_CONTROL_ALLOW_ORIGIN.to_string(), origin);
        self.answer_headers.extend(allowed.map(named));
        self.answer = readable(&answer.body);
    }
}

/// Returns the token of a removal call, which is in its header only.
fn removal_token(request: &OutboundRequest) -> Option<String> {
    let authorization = request.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let token = authorization.strip_prefix("JWT ")?;
    (request.method == Method::DELETE).then(|| token.to_owned())
}

/// Returns the issuer that a token names.
fn issuer(token: &str) -> Option<OauthId> {
    let claims = token_parts::payload(token);
    claims["iss"].as_str().map(OauthId::from)
}
