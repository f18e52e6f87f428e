//! The protocol's JSON for a call that was refused, or only tested.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use glance_sdk::printable::printable;
use serde_json::json;

use crate::cluster::rate_limits::Exceeded;
use crate::content::pattern::TaskFailed;
use crate::http::rate_limit_headers;
use crate::http::unavailable::{self, with_retry_after};
use crate::service::extensions::ExtensionError;
use crate::service::messages::{AddOnPostError, MAX_TEXT, PostError};
use crate::service::rooms::RoomError;
use crate::storage::StorageError;

/// The longest message, in characters; it may quote the request.
const LONGEST: usize = 1000;

/// The error of a call: `{"error": {"code", "message", "type"}}`, or `{"success": ...}` if the caller only
/// tested its token. A conflict also has a `reason`.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    /// The reason of a conflict, for programs.
    reason: Option<&'static str>,
    /// The exceeded limit.
    exceeded: Option<Box<Exceeded>>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: printable(&message.into())
                .with_lines()
                .at_most(LONGEST)
                .to_string(),
            reason: None,
            exceeded: None,
        }
    }

    /// Creates the response to a test of a token that allows the call.
    pub(crate) fn tested() -> Self {
        Self::new(
            StatusCode::ACCEPTED,
            "This auth_token has access to use this method.",
        )
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Invalid OAuth session")
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// Creates the error for a place that holds as many as allowed.
    pub(crate) fn quota(message: impl Into<String>) -> Self {
        Self::conflict(message, "quota")
    }

    /// Creates the error for a key that another place uses.
    pub(crate) fn key_taken(message: impl Into<String>) -> Self {
        Self::conflict(message, "key-taken")
    }

    fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong in the host",
        )
    }

    fn conflict(message: impl Into<String>, reason: &'static str) -> Self {
        let mut error = Self::new(StatusCode::CONFLICT, message);
        error.reason = Some(reason);
        error
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }
}

impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        let message = format!("Too many requests; try again in {} s", exceeded.retry_after);
        let mut refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, message);
        refusal.exceeded = Some(Box::new(exceeded));
        refusal
    }
}

impl From<AddOnPostError> for ApiError {
    fn from(error: AddOnPostError) -> Self {
        match error {
            AddOnPostError::TooMany(exceeded) => exceeded.into(),
            AddOnPostError::Post(PostError::Storage(error)) => error.into(),
            AddOnPostError::Post(PostError::Render(error)) => error.into(),
            AddOnPostError::Post(PostError::Archived(name)) => RoomError::Archived(name).into(),
            AddOnPostError::Post(PostError::Length(length)) => Self::bad_request(format!(
                "/message: `message` has {length} characters, 1 to {MAX_TEXT} are allowed"
            )),
            AddOnPostError::Post(PostError::NoParent(id)) => {
                Self::not_found(format!("Message {id} not found"))
            }
            AddOnPostError::Post(error) => Self::bad_request(error.to_string()),
        }
    }
}

impl From<ExtensionError> for ApiError {
    fn from(error: ExtensionError) -> Self {
        let message = error.to_string();
        match error {
            ExtensionError::Declared { .. } | ExtensionError::OnlyInRoom(_) => {
                Self::forbidden(message)
            }
            ExtensionError::TooMany(..) | ExtensionError::TooLarge(_) => Self::quota(message),
            ExtensionError::KeyElsewhere(..) => Self::key_taken(message),
            ExtensionError::SharedByRoom(_) => Self::bad_request(message),
            ExtensionError::NotFound(..) => Self::not_found(message),
            ExtensionError::Storage(cause) => cause.into(),
        }
    }
}

impl From<StorageError> for ApiError {
    fn from(cause: StorageError) -> Self {
        tracing::error!("{cause:#}");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{}. Try again", unavailable::sentence(&cause)),
        )
    }
}

impl From<glance_sdk::Error> for ApiError {
    fn from(cause: glance_sdk::Error) -> Self {
        tracing::error!("{cause:#}");
        Self::internal()
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        tracing::error!(%error, "an answer of the API cannot be serialized");
        Self::internal()
    }
}

impl From<TaskFailed> for ApiError {
    fn from(error: TaskFailed) -> Self {
        tracing::error!("{error:#}");
        Self::internal()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let name = match self.status.is_success() {
            true => "success",
            false => "error",
        };
        let mut body = json!({
            name: {
                "code": self.status.as_u16(),
                "message": self.message,
                "type": self.status.canonical_reason().unwrap_or_default(),
            }
        });
        if let Some(reason) = self.reason {
            body[name]["reason"] = reason.into();
        }
        let mut response = with_retry_after((self.status, Json(body)).into_response());
        if let Some(exceeded) = self.exceeded {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, exceeded.retry_after.into());
            rate_limit_headers::insert(exceeded.allowance, headers);
        }
        response
    }
}
