//! Responses while the database fails.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use crate::storage::StorageError;

/// The pause before a retry. A locked or restarting database takes about as long.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Says in one clause what does not work, for people.
pub(crate) fn describe(error: &StorageError) -> &'static str {
    match error {
        StorageError::DiskFull(_) => {
            "the host stores no changes now, because its disk is full; reading still works"
        }
        StorageError::NotWritable(_) => {
            "the host cannot write its database now; reading still works"
        }
        StorageError::Unavailable(_) => "the host cannot read its database now",
        _ => "the host's database does not work now",
    }
}

/// Says the same as the beginning of a sentence.
pub(crate) fn sentence(error: &StorageError) -> String {
    describe(error).replacen("the", "The", 1)
}

/// Adds `Retry-After` to a 503 response.
pub(crate) fn with_retry_after(mut response: Response) -> Response {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}
