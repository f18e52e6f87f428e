//! What pages of add-ons load: the script and the style sheet under `/atlassian-connect/`.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::service::shared::Shared;

/// One text at both addresses: it looks at its own, and says in the console what it does where it
/// was loaded as `all-debug.js`.
const SCRIPT: &str = include_str!("../../../assets/atlassian-connect/all.js");

/// Pages of the time link it beside the script. It is ours, and knows a few of the class names that they
/// use.
const STYLE: &str = include_str!("../../../assets/atlassian-connect/all.css");

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

pub(super) fn router() -> Router<Arc<Shared>> {
    let script = || async { for_every_site("text/javascript; charset=utf-8", SCRIPT) };
    let style = || async { for_every_site("text/css; charset=utf-8", STYLE) };
    Router::new()
        .route("/atlassian-connect/all.js", get(script))
        .route("/atlassian-connect/all-debug.js", get(script))
        .route("/atlassian-connect/all.css", get(style))
        .route("/atlassian-connect/all-debug.css", get(style))
}

/// Pages of every origin load it, also with `crossorigin`; a new host's is there in minutes.
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
