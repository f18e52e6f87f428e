//! The middleware for calls that a fault host makes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::FaultLayer;
use crate::net::outbound::{Answer, AnswerLimits, NoAnswer, OutboundRequest, Transport};
use crate::program::calls::Party;
use crate::testing::faults::{CallMatch, Effect};

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
        let mut exchange = layer.calls.begin_outgoing(&request);
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
        exchange.add_answer(&answer);
        layer.add(&exchange);
        answer
    }
}
