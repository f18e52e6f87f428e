//! The script and the style sheet for add-on pages, under `/atlassian-connect/`.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::http::state::AppState;

/// Served at both addresses: the script reads its own address, and logs to the console if it was loaded as
/// `all-debug.js`.
const SCRIPT: &str = include_str!("../../../assets/atlassian-connect/all.js");

/// Old pages link it beside the script. It is written for this project and has the class names that they use most.
const STYLE: &str = include_str!("../../../assets/atlassian-connect/all.css");

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

pub(super) fn router() -> Router<AppState> {
    let script = || async { for_every_site("text/javascript; charset=utf-8", SCRIPT) };
    let style = || async { for_every_site("text/css; charset=utf-8", STYLE) };
    Router::new()
        .route("/atlassian-connect/all.js", get(script))
        .route("/atlassian-connect/all-debug.js", get(script))
        .route("/atlassian-connect/all.css", get(style))
        .route("/atlassian-connect/all-debug.css", get(style))
}

/// Pages of every origin load it, also with `crossorigin`. Caches keep it for minutes.
fn for_every_site(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"),
    ];
    (
        headers.map(|(name, value)| (name, HeaderValue::from_static(value))),
        text,
    )
}
