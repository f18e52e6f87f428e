//! The middleware for calls that a fault host makes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use glance_sdk::model::OauthId;
use reqwest::Method;
use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION};
use serde_json::Value;

use super::{FaultLayer, incoming};
use crate::content::token_parts;
use crate::net::outbound::{Answer, AnswerLimits, NoAnswer, OutboundRequest, Transport};
use crate::testing::faults::{CallMatch, Effect};
use crate::testing::record;
use crate::testing::record::{Exchange, Party, Purpose, readable};

/// The description of a dropped connection in errors.
const DROPPED: &str = "the connection was dropped";

/// A transport that applies faults to the requests of another, and records them.
#[derive(Debug)]
pub(crate) struct FaultTransport {
    pub(crate) layer: Arc<FaultLayer>,
    pub(crate) inner: Arc<dyn Transport>,
}

#[async_trait]
impl Transport for FaultTransport {
    async fn send(
        &self,
        request: OutboundRequest,
        limits: AnswerLimits,
    ) -> Result<Answer, NoAnswer> {
        let (layer, limit) = (&self.layer, limits.timeout);
        let mut exchange = layer.new_request(&request);
        if let Some(secret) = exchange.body["oauthSecret"].as_str() {
            layer.secrets().learn_secret(secret);
        }
        layer.learn_names(&exchange);
        let hit = layer.faults.hit(CallMatch {
            by: Party::Host,
            method: request.method.as_str(),
            path: request.url.path(),
            of: exchange.installation.as_ref(),
        });
        let send = || self.inner.send(request, limits);
        let dropped = || NoAnswer::Incomplete(format!("gave no whole answer ({DROPPED})"));
        let answer = match hit.as_ref().map(|hit| hit.effect.clone()) {
            None => send().await,
            Some(Effect::Answer {
                status,
                retry_after,
                body,
            }) => Ok(Answer {
                status,
                allowed_origin: Some("*".to_owned()),
                content_type: None,
                retry_after: retry_after.map(Duration::from_secs),
                body: body.unwrap_or_default().into_bytes(),
            }),
            Some(Effect::Latency(time)) => {
                match tokio::time::timeout(limit, layer.clock.sleep(time)).await {
                    Ok(()) => send().await,
                    Err(_) => Err(NoAnswer::TimedOut(limit)),
                }
            }
            Some(Effect::Hang) => {
                let lifted = async {
                    if let Some(hit) = hit {
                        hit.lifted().await;
                    }
                };
                match tokio::time::timeout(limit, lifted).await {
                    Ok(()) => Err(dropped()),
                    Err(_) => Err(NoAnswer::TimedOut(limit)),
                }
            }
            Some(Effect::Drop) => Err(dropped()),
            Some(Effect::LostAnswer | Effect::HalfAnAnswer) => send().await.and(Err(dropped())),
        };
        if let Ok(answer) = &answer {
            exchange.status = Some(answer.status.as_u16());
            let allowed = answer.allowed_origin.clone();
            let named = |origin| (ACCESS_CONTROL_ALLOW_ORIGIN.to_string(), origin);
            exchange.answer_headers.extend(allowed.map(named));
            exchange.answer = readable(&answer.body);
        }
        layer.add(&exchange);
        answer
    }
}

impl FaultLayer {
    fn new_request(&self, request: &OutboundRequest) -> Exchange {
        let (n, at) = self.begin();
        let body = readable(request.body.as_deref().unwrap_or_default());
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
            claims: token.as_deref().map_or(Value::Null, record::claims),
            body,
            status: None,
            answer_headers: BTreeMap::new(),
            answer: Value::Null,
        }
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
