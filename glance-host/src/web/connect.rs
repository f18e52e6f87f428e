//! The script that pages of add-ons load: `/atlassian-connect/all.js` and `all-debug.js`.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::shared::Shared;

/// One text at both addresses: it looks at its own, and says in the console what it does where it
/// was loaded as `all-debug.js`.
const SCRIPT: &str = include_str!("../../assets/atlassian-connect/all.js");

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/atlassian-connect/all.js", get(script))
        .route("/atlassian-connect/all-debug.js", get(script))
}

/// Pages of every origin load it, also with `crossorigin`; a new host's is there in minutes.
async fn script() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"),
    ];
    (
        headers.map(|(name, value)| (name, HeaderValue::from_static(value))),
        SCRIPT,
    )
}
