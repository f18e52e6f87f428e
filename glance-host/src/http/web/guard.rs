//! Checks that all requests for pages pass.
//!
//! Three kinds of attack could reach a page through a person's browser: a name that resolves to this machine (refused
//! by its `Host` header), a form on another site (refused by its origin), and a page that frames this one (refused by
//! the page's policy).
//!
//! Forms contain no token. A browser says where each changing request comes from, in `Sec-Fetch-Site` or `Origin`. On
//! a host with sign-in a request without both is refused, so the check fails closed. Without sign-in such a request
//! comes from a program on this machine.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::own_name::{host, is_own_name};
use crate::http::state::AppState;

/// Allows the host's own scripts, styles and images only. Frames show add-on pages of any site: add-ons arrive while
/// a page is open, and their pages redirect to others, for example for sign-in.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; frame-src http: https:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Returns the policy of a page that other sites may frame: `frame-ancestors` with these sites, or without it
/// everyone.
pub(super) fn policy_framed_by(ancestors: &str) -> String {
    CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", ancestors)
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(super) async fn check(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name: HeaderName| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let requested = text(header::HOST).unwrap_or_default();
    if !is_own_name(&app.info, headers) {
        let own = &app.info.base_url;
        let sentence = format!(
            "The pages of this host are at {own}/ and under no other name. Where people reach it by \
             another one, its setting public_url has to say so; a proxy has to pass the Host header on."
        );
        return (StatusCode::MISDIRECTED_REQUEST, sentence).into_response();
    }
    let is_own = match (text(SEC_FETCH_SITE), text(header::ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        // A proxy may use another host name than the browser.
        (None, Some(origin)) => app
            .info
            .origins
            .iter()
            .any(|own| own == origin && (*own == app.info.base_url || host(own) == requested)),
        (None, None) => app.sign_in.is_local(),
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
        // Some responses set a stricter policy.
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
    response
}
