//! Responses while the database fails.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

/// The pause before a retry. A locked or restarting database takes about as long.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Adds `Retry-After` to a 503 response.
pub(crate) fn with_retry_after(mut response: Response) -> Response {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}
