//! Handles signed webhook calls.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use tracing::Span;

use super::observe::{Kind, identify, observe, request_span};
use crate::base_url::complete;
use crate::extract::{SignedRequest, Slot, WebhookRequest};
use crate::webhook::WebhookHandler;

pub(super) fn route<H, S>(services: &Slot) -> MethodRouter<S>
where
    H: WebhookHandler<S>,
    S: Clone + Send + Sync + 'static,
{
    let services = services.clone();
    post(async move |State(state): State<S>, request: Request| {
        let span = request_span!("glance.webhook", "POST", glance.key = H::KEY);
        let in_span = span.clone();
        let answer = answer::<H, S>(&services, &state, request, &in_span);
        observe(Kind::Webhook, H::KEY, span, answer).await
    })
}

/// Verifies the caller before reading the body.
async fn answer<H, S>(services: &Slot, state: &S, request: Request, span: &Span) -> Response
where
    H: WebhookHandler<S>,
    S: Send + Sync + 'static,
{
    let (mut parts, body) = request.into_parts();
    let signed = match SignedRequest::of_host_with(&mut parts, services).await {
        Ok(signed) => signed,
        Err(rejection) => return rejection,
    };
    identify(span, &signed);
    let request = Request::from_parts(parts.clone(), body);
    let body = match Bytes::from_request(request, state).await {
        Ok(body) => body,
        Err(rejection) => return rejection.into_response(),
    };
    let base_url = signed.base_url().clone();
    let request = match WebhookRequest::read(signed, &body) {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    match H::call(request, &mut parts, state).await {
        Ok(Some(mut notification)) => match complete(Some(&base_url), &mut notification) {
            Ok(()) => Json(notification).into_response(),
            Err(error) => error.into_response(),
        },
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(response) if response.status().is_success() => {
            (StatusCode::INTERNAL_SERVER_ERROR, response).into_response()
        }
        Err(response) => response,
    }
}
