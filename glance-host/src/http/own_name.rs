//! The host names that the host accepts.

use axum::http::{HeaderMap, header};

use crate::model::host_info::HostInfo;

/// Returns whether a request is for a name of this host. An attacker can make another name resolve to it.
pub(crate) fn is_own_name(info: &HostInfo, headers: &HeaderMap) -> bool {
    let requested = headers.get(header::HOST);
    let requested = requested
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    info.origins.iter().any(|own| host(own) == requested)
}

/// Returns the host and port of an origin.
pub(crate) fn host(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, host)| host)
}
