//! Handles the signed query of a glance.

use std::pin::pin;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Serialize;
use tracing::Span;

use super::observe::{Kind, identify, observe, request_span};
use crate::Error;
use crate::base_url::complete;
use crate::extract::{SignedRequest, Slot};
use crate::glance::GlanceHandler;

/// Lets pages of any origin read the response: the token protects it.
const ANY_ORIGIN: (HeaderName, HeaderValue) = (
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    HeaderValue::from_static("*"),
);

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The initial capacity of the response buffer, which suffices for nearly every response.
const USUAL_ANSWER_BYTES: usize = 512;

/// Returns the route of `GET queryUrl`. The browser of a chat client queries from another origin,
/// hence CORS. The CORS headers are three constants, and the route knows its services: a layer for
/// either would add a noticeable part of the cost of verifying the token.
pub(super) fn route<G, S>(services: &Slot) -> MethodRouter<S>
where
    G: GlanceHandler<S>,
    S: Clone + Send + Sync + 'static,
{
    let services = services.clone();
    get(async move |State(state): State<S>, request: Request| {
        let span = request_span!("glance.query", "GET", glance.key = G::KEY);
        let in_span = span.clone();
        let (mut parts, _) = request.into_parts();
        let answer = async {
            let answer = answer::<G, S>(&services, &state, &mut parts, &in_span);
            let mut response = match answer.await {
                Ok(response) | Err(response) => response,
            };
            let (name, value) = ANY_ORIGIN;
            response.headers_mut().insert(name, value);
            response
        };
        // Pinned here, because moving this large future is expensive.
        observe(Kind::Query, G::KEY, span, pin!(answer)).await
    })
    .options(preflight)
    .fallback(async || ([ANY_ORIGIN], StatusCode::METHOD_NOT_ALLOWED))
}

async fn preflight() -> impl IntoResponse {
    let methods = (header::ACCESS_CONTROL_ALLOW_METHODS, Method::GET.as_str());
    let headers = (header::ACCESS_CONTROL_ALLOW_HEADERS, "*");
    ([ANY_ORIGIN], [methods, headers])
}

async fn answer<G, S>(
    services: &Slot,
    state: &S,
    parts: &mut Parts,
    span: &Span,
) -> Result<Response, Response>
where
    G: GlanceHandler<S>,
    S: Send + Sync + 'static,
{
    let signed = SignedRequest::of_host_with(parts, services).await?;
    identify(span, &signed);
    match G::query(parts, state).await {
        Ok(mut data) => {
            complete(Some(signed.base_url()), &mut data).map_err(Error::into_response)?;
            json(&data)
        }
        // Invalid data would show an empty glance instead of an error.
        Err(response) if response.status().is_success() => {
            Err((StatusCode::INTERNAL_SERVER_ERROR, response).into_response())
        }
        Err(response) => Err(response),
    }
}

/// Serializes data as a response in one allocation: `Json` starts small and reallocates repeatedly.
#[allow(clippy::result_large_err)]
fn json(data: &impl Serialize) -> Result<Response, Response> {
    let mut body = Vec::with_capacity(USUAL_ANSWER_BYTES);
    serde_json::to_writer(&mut body, data).map_err(|cause| {
        tracing::error!(error = %cause, "serializing glance data failed");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })?;
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    Ok(response)
}
