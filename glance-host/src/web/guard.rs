//! Who may open a page, and what a page may do.
//!
//! This host has no sign-in: whoever sits at the machine is its one person, so it listens on
//! loopback only. Two things could still reach it from outside, through that person's browser: a
//! name that resolves to this machine (refused by its `Host` header), and a page of another site
//! that sends a form here (refused by its origin).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::shared::Shared;

/// Nothing but the host's own scripts and styles; icons and panels come from add-ons.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' http: https: data:; connect-src 'self'; frame-src http: https:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let text = |name: HeaderName| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let (scheme, own) = shared.base_url.split_once("://").unwrap_or_default();
    let port = own.rsplit_once(':').map_or("", |(_, port)| port);
    let asked = text(header::HOST).unwrap_or_default();
    if asked != own && asked != format!("localhost:{port}") {
        return (
            StatusCode::MISDIRECTED_REQUEST,
            "This host has another name",
        )
            .into_response();
    }
    // Browsers say where a request comes from; a program that does not has no browser to abuse.
    let is_own = match (text(SEC_FETCH_SITE), text(header::ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin == format!("{scheme}://{asked}"),
        (None, None) => true,
    };
    if !request.method().is_safe() && !is_own {
        return (
            StatusCode::FORBIDDEN,
            "This request comes from another site",
        )
            .into_response();
    }

    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
