//! The middleware for requests to a fault host.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::FaultLayer;
use super::wire::Peer;
use crate::program::calls::Party;
use crate::program::calls::incoming::{MAX_BODY_BYTES, is_api};
use crate::testing::faults::{CallMatch, Effect, Hit, error_body};

/// Applies faults to a request, and records it.
pub(super) async fn perform(
    State(layer): State<Arc<FaultLayer>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let is_api = is_api(&request);
    let caller = layer.calls.caller(request.headers(), request.uri().query());
    let hit = layer.faults.hit(CallMatch {
        by: Party::AddOn,
        method: request.method().as_str(),
        path: request.uri().path(),
        of: caller.as_ref(),
    });
    if !is_api && hit.is_none() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut exchange = layer.calls.begin_incoming(&parts, &body, caller);
    let request = Request::from_parts(parts, Body::from(body));
    let (response, comes_to) = act(&layer, hit, request, next).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    exchange.status = comes_to.is_whole().then(|| parts.status.as_u16());
    layer.calls.add_response(&mut exchange, &parts, &body);
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
