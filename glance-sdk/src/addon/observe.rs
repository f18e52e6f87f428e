//! Traces and counts each request of a host.
//!
//! Spans have the level DEBUG. Without a subscriber, a span costs one comparison and creates no
//! fields.

use std::time::Instant;

use axum::http::StatusCode;
use axum::response::Response;
use tracing::{Instrument as _, Span};

use crate::extract::SignedRequest;
use crate::model::OauthId;

/// The purpose of a request, which metrics use as a label.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Query,
    Webhook,
    Page,
    Install,
    Update,
    Remove,
}

/// Creates the span of a request. Fields whose values are not known yet are empty.
macro_rules! request_span {
    ($name:literal, $method:expr $(, $($field:ident).+ = $value:expr)* $(,)?) => {
        ::tracing::debug_span!(
            $name,
            otel.kind = "server",
            http.request.method = $method,
            $($($field).+ = $value,)*
            glance.oauth_id = ::tracing::field::Empty,
            glance.room = ::tracing::field::Empty,
            http.response.status_code = ::tracing::field::Empty,
            glance.outcome = ::tracing::field::Empty,
            otel.status_code = ::tracing::field::Empty,
        )
    };
}
pub(super) use request_span;

/// Handles a request in its span and counts it. `key` is a key that the add-on declares, because
/// labels must not contain values that callers choose.
pub(super) async fn observe(
    kind: Kind,
    key: &str,
    span: Span,
    answer: impl Future<Output = Response>,
) -> Response {
    let began = cfg!(feature = "metrics").then(Instant::now);
    let response = answer.instrument(span.clone()).await;
    let status = response.status();
    if !span.is_disabled() {
        // OpenTelemetry has no unsigned numbers.
        span.record("http.response.status_code", i64::from(status.as_u16()));
        span.record("glance.outcome", outcome(status));
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
    }
    count(kind, key, status, began);
    response
}

/// Records the installation and the room of a request in its span.
pub(super) fn identify(span: &Span, signed: &SignedRequest) {
    if span.is_disabled() {
        return;
    }
    span.record("glance.oauth_id", signed.oauth_id().as_str());
    if let Some(room) = signed.room_id() {
        span.record("glance.room", room.get());
    }
}

/// Records the installation in the span of the current request.
pub(super) fn identify_installation(oauth_id: &OauthId) {
    Span::current().record("glance.oauth_id", oauth_id.as_str());
}

fn outcome(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..400 => "ok",
        400..500 => "refused",
        _ => "failed",
    }
}

#[cfg(feature = "metrics")]
fn count(kind: Kind, key: &str, status: StatusCode, began: Option<Instant>) {
    let kind = match kind {
        Kind::Query => "query",
        Kind::Webhook => "webhook",
        Kind::Page => "page",
        Kind::Install => "install",
        Kind::Update => "update",
        Kind::Remove => "remove",
    };
    let status = match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    };
    let key = key.to_owned();
    metrics::counter!("glance_requests_total", "kind" => kind, "key" => key, "status" => status)
        .increment(1);
    if let Some(began) = began {
        metrics::histogram!("glance_request_seconds", "kind" => kind).record(began.elapsed());
    }
}

#[cfg(not(feature = "metrics"))]
fn count(_: Kind, _: &str, _: StatusCode, _: Option<Instant>) {}

#[cfg(all(test, feature = "metrics", feature = "macros"))]
mod tests;
