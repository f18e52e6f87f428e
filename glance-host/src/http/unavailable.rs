//! Requests that cannot be served now, because the database fails, and can be repeated in a moment.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

/// When to try again. A database that is locked or restarts takes about as long.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Adds `Retry-After` to a response that says 503.
pub(crate) fn with_retry_after(mut response: Response) -> Response {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}
