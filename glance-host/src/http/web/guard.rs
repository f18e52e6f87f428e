//! What every request for a page goes through, whoever asks.
//!
//! Three things could reach a page through a person's browser: a name that resolves to this machine
//! (refused by its `Host` header), a page of another site that sends a form here (refused by its
//! origin), and a page that shows this one in a frame (refused by its policy).
//!
//! There is no token in forms. A browser says with every request that changes something where it
//! comes from, in `Sec-Fetch-Site` or `Origin`; where people sign in, a request that says neither is
//! refused, so that the check does not depend on what a browser leaves out. Without sign-in such a
//! request is a program's, at this machine.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::own_name::{host, is_own_name};
use crate::service::shared::Shared;

/// Nothing but the host's own scripts, styles and images. Frames are the pages of add-ons: which,
/// changes while a page is open, and they go on to others, to sign in for example.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; frame-src http: https:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The policy of a page that others may show in a frame: `frame-ancestors` and which, or nothing where
/// everyone may.
pub(super) fn policy_framed_by(ancestors: &str) -> String {
    CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", ancestors)
}

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
    let asked = text(header::HOST).unwrap_or_default();
    if !is_own_name(&shared, headers) {
        let own = &shared.info.base_url;
        let sentence = format!(
            "The pages of this host are at {own}/ and under no other name. Where people reach it by \
             another one, its setting public_url has to say so; a proxy has to pass the Host header on."
        );
        return (StatusCode::MISDIRECTED_REQUEST, sentence).into_response();
    }
    let is_own = match (text(SEC_FETCH_SITE), text(header::ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        // A proxy may ask by another name than the browser did.
        (None, Some(origin)) => shared
            .info
            .origins
            .iter()
            .any(|own| own == origin && (*own == shared.info.base_url || host(own) == asked)),
        (None, None) => shared.entrance.is_local(),
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
        (header::CACHE_CONTROL, "no-store"),
    ] {
        // Some answers say it more strictly.
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
    response
}
