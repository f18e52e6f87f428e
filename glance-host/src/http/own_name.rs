//! The host names that the host accepts.

use axum::http::{HeaderMap, header};

use crate::http::state::AppState;

/// Returns whether a request is for a name of this host. An attacker can make another name resolve to it.
pub(crate) fn is_own_name(app: &AppState, headers: &HeaderMap) -> bool {
    let asked = headers.get(header::HOST);
    let asked = asked
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    app.info.origins.iter().any(|own| host(own) == asked)
}

/// Returns the host and port of an origin.
pub(crate) fn host(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, host)| host)
}
