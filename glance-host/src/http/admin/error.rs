//! The errors of the admin API: `{"error": {"code", "message", "help"}}`.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use glance_sdk::printable::printable;
use serde_json::{Value, json};

use crate::http::unavailable::{self, with_retry_after};
use crate::service::admin_tokens::Refused;
use crate::service::install::{Conflict, InstallError};
use crate::storage::StorageError;

/// The longest message, in characters; it may quote problems of a descriptor.
const LONGEST: usize = 4000;

/// An error: a stable code, a sentence without a full stop, and a remedy.
#[derive(Debug)]
pub(super) struct AdminError {
    status: StatusCode,
    code: &'static str,
    message: String,
    help: String,
    /// More members of the error.
    details: Option<Box<Value>>,
    /// In seconds.
    retry_after: Option<i64>,
}

impl AdminError {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            help: help.into(),
            details: None,
            retry_after: None,
        }
    }

    /// Adds members beside code, message and help.
    pub(super) fn with(mut self, details: Value) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// Creates the error for a request that cannot be parsed.
    pub(super) fn unread(status: StatusCode, message: impl Into<String>) -> Self {
        let help = "send what the host's manual says, on its page \"Running a host for a team\"";
        Self::new(status, "bad-request", message, help)
    }

    pub(super) fn forbidden(
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message, help)
    }

    pub(super) fn not_found(
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message, help)
    }

    pub(super) fn conflict(
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::CONFLICT, code, message, help)
    }
}

impl From<StorageError> for AdminError {
    fn from(cause: StorageError) -> Self {
        tracing::error!("{cause:#}");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            unavailable::describe(&cause),
            "try again in a moment; the host's log says more",
        )
    }
}

impl From<Refused> for AdminError {
    fn from(refused: Refused) -> Self {
        const CREATE: &str = "an admin creates another one on the page Tokens of the host";
        let unauthorized =
            |code, message: String, help| Self::new(StatusCode::UNAUTHORIZED, code, message, help);
        match refused {
            Refused::Missing => unauthorized(
                "no-token",
                "this host takes this call with a token only".to_owned(),
                "an admin creates one on the page Tokens of the host; send it as `Authorization: Bearer TOKEN`",
            ),
            Refused::Unknown => unauthorized(
                "wrong-token",
                "the token is none of this host's".to_owned(),
                CREATE,
            ),
            Refused::Expired(name) => unauthorized(
                "token-expired",
                format!("the token {name} has expired"),
                CREATE,
            ),
            Refused::Revoked(name) => unauthorized(
                "token-revoked",
                format!("the token {name} was revoked"),
                CREATE,
            ),
            Refused::NoAdmin(name) => unauthorized(
                "token-without-admin",
                format!("who created the token {name} is no admin any more"),
                CREATE,
            ),
            Refused::TooManyTries(seconds) => {
                let mut error = Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too-many-tries",
                    "too many tokens that do not hold came from this address",
                    format!("try again in {seconds} s"),
                );
                error.retry_after = Some(seconds);
                error
            }
            Refused::Storage(cause) => cause.into(),
        }
    }
}

impl From<InstallError> for AdminError {
    fn from(error: InstallError) -> Self {
        let message = error.to_string();
        let (status, code, help) = match error {
            InstallError::Storage(cause) => return cause.into(),
            InstallError::NoAddress(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad-url",
                "give the address of an add-on's descriptor",
            ),
            InstallError::NoAnswer { .. } => (
                StatusCode::BAD_GATEWAY,
                "no-answer",
                "the host itself has to reach the add-on: check the address from there, and the add-on's log",
            ),
            InstallError::OutOfReach { .. } => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "out-of-reach",
                "who runs the host allows networks for add-ons with its setting allow_networks",
            ),
            InstallError::Status { .. } => (
                StatusCode::BAD_GATEWAY,
                "bad-status",
                "check the path of the address",
            ),
            InstallError::NotJson { .. } | InstallError::Invalid { .. } => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad-descriptor",
                "check the address; `cargo glance validate` marks every place",
            ),
            InstallError::NotAllowed(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "wrong-place",
                "an add-on for rooms needs a room, one for groups must not have one",
            ),
            InstallError::TooMany { .. } => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad-descriptor",
                "let the add-on declare less",
            ),
            InstallError::AlreadyInstalled {
                conflict: Conflict::UnderWay,
                ..
            } => (
                StatusCode::CONFLICT,
                "under-way",
                "list the installations until it is installed or gone",
            ),
            InstallError::AlreadyInstalled { .. } => (
                StatusCode::CONFLICT,
                "already-installed",
                "remove the other installation first",
            ),
            InstallError::Expired => (StatusCode::CONFLICT, "expired", "install it again"),
            InstallError::OtherAddOn { .. } => {
                (StatusCode::CONFLICT, "other-add-on", "check the address")
            }
            InstallError::Refused { .. } => (
                StatusCode::BAD_GATEWAY,
                "add-on-refused",
                "look at the add-on's log",
            ),
        };
        Self::new(status, code, message, help)
    }
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        let printed = |text: &str| printable(text).with_lines().at_most(LONGEST).to_string();
        let mut error = json!({
            "code": self.code,
            "message": printed(&self.message),
            "help": printed(&self.help),
        });
        if let (Value::Object(error), Some(Value::Object(details))) =
            (&mut error, self.details.map(|details| *details))
        {
            error.extend(details);
        }
        let body = Json(json!({ "error": error }));
        let mut response = with_retry_after((self.status, body).into_response());
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
