//! The error type of this crate.

use std::fmt;

use crate::printable::printable;

/// The maximum length of a message, in characters.
const LONGEST: usize = 2000;

/// The result of all fallible functions of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error: a message ([`Display`](fmt::Display)), its kind ([`kind`](Error::kind)), advice
/// ([`help`](Error::help)) and its cause ([`source`](std::error::Error::source)).
///
/// `{}` displays the message, `{:#}` the message and all causes in one line. `{:?}` adds the code
/// and the advice, so a program whose `main` returns the error prints them.
///
/// If a response of the host caused the error, it is available as data: [`status`](Error::status)
/// and [`host_message`](Error::host_message).
///
/// ```
/// use glance_sdk::{Error, ErrorKind};
///
/// let cause = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
/// let error = Error::new(ErrorKind::Storage, "cannot read the rooms").with_source(cause);
/// assert_eq!(error.to_string(), "cannot read the rooms");
/// assert_eq!(format!("{error:#}"), "cannot read the rooms: permission denied");
/// assert_eq!(error.code(), "storage");
/// ```
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    refusal: Option<Box<Refusal>>,
}

/// The host's response to a failed call.
struct Refusal {
    status: u16,
    message: Option<String>,
}

/// The kind of an error.
///
/// ```
/// use glance_sdk::{Error, ErrorKind};
///
/// fn may_work_later(error: &Error) -> bool {
///     matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::RateLimited | ErrorKind::Storage)
/// }
/// # assert!(may_work_later(&Error::new(ErrorKind::Unreachable, "no answer")));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The host did not respond.
    Unreachable,
    /// The host's response does not match the protocol.
    BadAnswer,
    /// The host refused the credentials or the token.
    Unauthorized,
    /// The host does not have this room, user or glance.
    NotFound,
    /// The host accepts no more requests for longer than a call waits.
    RateLimited,
    /// The host refused the request for another reason.
    Refused,
    /// The room or the group already has the maximum number of extensions of this kind.
    Quota,
    /// Another place uses the key.
    KeyTaken,
    /// The data violates a rule of the protocol; nothing was sent.
    Invalid,
    /// The address is in a network that the add-on may not call; nothing was sent.
    EgressRefused,
    /// The installation does not exist.
    NotInstalled,
    /// The same OAuth id is stored with another secret.
    Conflict,
    /// The installation store failed.
    Storage,
    /// The add-on is configured incorrectly.
    Configuration,
    /// The add-on could not listen at its address.
    Listen,
    /// The add-on's own hook for an installation failed.
    Hook,
    /// The add-on is shutting down.
    ShuttingDown,
}

impl ErrorKind {
    /// All kinds. Later versions may add more.
    pub const ALL: &[Self] = &[
        Self::Unreachable,
        Self::BadAnswer,
        Self::Unauthorized,
        Self::NotFound,
        Self::RateLimited,
        Self::Refused,
        Self::Quota,
        Self::KeyTaken,
        Self::Invalid,
        Self::EgressRefused,
        Self::NotInstalled,
        Self::Conflict,
        Self::Storage,
        Self::Configuration,
        Self::Listen,
        Self::Hook,
        Self::ShuttingDown,
    ];

    /// Describes the kind in one sentence.
    ///
    /// ```
    /// use glance_sdk::ErrorKind;
    ///
    /// for kind in ErrorKind::ALL {
    ///     println!("{}: {} {}", kind.code(), kind.meaning(), kind.help());
    /// }
    /// ```
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Unreachable => "The host did not respond, or is temporarily unavailable.",
            Self::BadAnswer => "The host's response does not match the protocol.",
            Self::Unauthorized => "The host refused the credentials or the token.",
            Self::NotFound => "The host does not have this room, user or glance.",
            Self::RateLimited => "The host accepts no more requests for longer than a call waits.",
            Self::Refused => "The host refused the request for another reason.",
            Self::Quota => {
                "The room or the group already has the maximum number of extensions of this kind."
            }
            Self::KeyTaken => "Another place uses the key.",
            Self::Invalid => "The data violates a rule of the protocol; nothing was sent.",
            Self::EgressRefused => {
                "The address is in a network that the add-on may not call; nothing was sent."
            }
            Self::NotInstalled => "The installation does not exist.",
            Self::Conflict => "The same OAuth id is stored with another secret.",
            Self::Storage => "The installation store failed.",
            Self::Configuration => "The add-on is configured incorrectly.",
            Self::Listen => "The add-on could not listen at its address.",
            Self::Hook => "The add-on's own hook for an installation failed.",
            Self::ShuttingDown => "The add-on is shutting down and accepts no more work.",
        }
    }

    /// Returns a stable word for programs and logs.
    ///
    /// ```
    /// use glance_sdk::ErrorKind;
    ///
    /// assert_eq!(ErrorKind::RateLimited.code(), "rate-limited");
    /// ```
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::BadAnswer => "bad-answer",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not-found",
            Self::RateLimited => "rate-limited",
            Self::Refused => "refused",
            Self::Quota => "quota",
            Self::KeyTaken => "key-taken",
            Self::Invalid => "invalid",
            Self::EgressRefused => "egress-refused",
            Self::NotInstalled => "not-installed",
            Self::Conflict => "conflict",
            Self::Storage => "storage",
            Self::Configuration => "configuration",
            Self::Listen => "listen",
            Self::Hook => "hook",
            Self::ShuttingDown => "shutting-down",
        }
    }

    /// Returns advice in one sentence.
    pub fn help(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "Check that the host is running and reachable from here; you can retry the call."
            }
            Self::BadAnswer => "Check that the address belongs to a HipChat Connect host.",
            Self::Unauthorized => "The add-on was probably removed on the host; install it again.",
            Self::NotFound => "Check the room, user or glance key; it may have been removed.",
            Self::RateLimited => {
                "Push less often, or only changed data; you can retry the call later."
            }
            Self::Refused => "The message names the rule of the host that forbids it.",
            Self::Quota => "Remove one that is no longer needed, or replace one instead.",
            Self::KeyTaken => "Choose another key, or remove the one that the message names.",
            Self::Invalid => "Correct the data that the message names.",
            Self::EgressRefused => {
                "If the host may be in this network, allow the network as the message says, or name the host in AddOn::allow_hosts and, in a process that does not serve the add-on, Installations::allow_hosts."
            }
            Self::NotInstalled => {
                "Install the add-on on the host, or remove references to this installation."
            }
            Self::Conflict => {
                "Remove the old installation on its host, then install the add-on again."
            }
            Self::Storage => {
                "Check that the database is reachable and writable, and that its disk is not full."
            }
            Self::Configuration => "Correct the setting that the message names.",
            Self::Listen => "Choose another PORT, or stop the program that uses this one.",
            Self::Hook => {
                "The message comes from the add-on's own hook; fix the hook and install the add-on again."
            }
            Self::ShuttingDown => "Stop the task that failed, or start the add-on again.",
        }
    }
}

impl Error {
    /// Creates an error, for code that extends this crate: a store, a mock host, or your own
    /// client. The message is one sentence without a full stop.
    ///
    /// ```
    /// use glance_sdk::{Error, ErrorKind, Result};
    ///
    /// fn room_of(team: &str) -> Result<u64> {
    ///     match team {
    ///         "ops" => Ok(42),
    ///         _ => Err(Error::new(ErrorKind::NotFound, format!("the team {team} has no room"))),
    ///     }
    /// }
    /// assert_eq!(room_of("dev").unwrap_err().to_string(), "the team dev has no room");
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
            refusal: None,
        }
    }

    /// Sets the cause.
    ///
    /// ```
    /// use glance_sdk::{Error, ErrorKind};
    ///
    /// let cause = "seven".parse::<u16>().unwrap_err();
    /// let error = Error::new(ErrorKind::Configuration, "PORT is invalid").with_source(cause);
    /// assert_eq!(format!("{error:#}"), "PORT is invalid: invalid digit found in string");
    /// ```
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets the host's response that caused the error: its HTTP status, and the message in its
    /// body.
    #[must_use]
    pub fn with_answer(mut self, status: u16, message: Option<String>) -> Self {
        self.refusal = Some(Box::new(Refusal { status, message }));
        self
    }

    #[cfg(feature = "client")]
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Creates an error of kind [`Storage`](ErrorKind::Storage), for a store outside this crate.
    ///
    /// ```
    /// use glance_sdk::{Error, ErrorKind};
    ///
    /// let cause = std::io::Error::from(std::io::ErrorKind::StorageFull);
    /// let error = Error::storage("cannot write the installation", cause);
    /// assert_eq!(error.kind(), ErrorKind::Storage);
    /// ```
    pub fn storage(
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(ErrorKind::Storage, message).with_source(source)
    }

    /// Creates the error for an OAuth id that is stored with another secret, for a store outside this
    /// crate.
    ///
    /// ```
    /// use glance_sdk::Error;
    ///
    /// let error = Error::conflict(&"7".into());
    /// assert_eq!(error.to_string(), "installation 7 is stored with another secret");
    /// ```
    pub fn conflict(oauth_id: &crate::model::OauthId) -> Self {
        Self::new(
            ErrorKind::Conflict,
            format!("installation {oauth_id} is stored with another secret"),
        )
    }

    /// Returns the kind of the error.
    ///
    /// ```
    /// use glance_sdk::{Error, ErrorKind};
    ///
    /// let error = Error::conflict(&"installation".into());
    /// assert_eq!(error.kind(), ErrorKind::Conflict);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the HTTP status of the host's answer, if an answer caused the error.
    ///
    /// ```
    /// # use glance_sdk::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::Refused, "the host answered 403 Forbidden")
    ///     .with_answer(403, Some("The room is archived".to_owned()));
    /// assert_eq!(error.status(), Some(403));
    /// assert_eq!(error.host_message(), Some("The room is archived"));
    /// ```
    pub fn status(&self) -> Option<u16> {
        Some(self.refusal.as_ref()?.status)
    }

    /// Returns the message in the host's answer, as the host wrote it. It may contain control characters;
    /// [`Display`](fmt::Display) escapes them.
    pub fn host_message(&self) -> Option<&str> {
        self.refusal.as_ref()?.message.as_deref()
    }

    /// Returns the stable word for this kind of error, for programs and logs.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Returns advice in one sentence.
    ///
    /// ```
    /// use glance_sdk::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Listen, "cannot listen at 127.0.0.1:8080");
    /// eprintln!("{error:#} [{}]\n{}", error.code(), error.help());
    /// ```
    pub fn help(&self) -> &'static str {
        self.kind.help()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.message.clone();
        if f.alternate() {
            let mut source = std::error::Error::source(self);
            while let Some(cause) = source {
                text += &format!(": {cause}");
                source = cause.source();
            }
        }
        // The text may contain the host's own message.
        printable(&text).with_lines().at_most(LONGEST).fmt(f)
    }
}

/// Includes the code and the advice, for programs whose `main` returns this error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#} [{}]\n{}", self.code(), self.help())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Shows strangers a short sentence; the log contains the cause. If the store failed, the response
/// is 503 with `Retry-After`, so that the host retries.
#[cfg(feature = "server")]
impl axum::response::IntoResponse for Error {
    fn into_response(self) -> axum::response::Response {
        use axum::http::StatusCode;

        tracing::error!(code = self.code(), help = self.help(), "{self:#}");
        let (status, text) = match self.kind {
            ErrorKind::Storage => return crate::failure::unavailable(),
            ErrorKind::Conflict => (
                StatusCode::CONFLICT,
                "already installed with another secret",
            ),
            ErrorKind::EgressRefused => (
                StatusCode::FORBIDDEN,
                "this add-on does not call the host's network",
            ),
            ErrorKind::Unreachable | ErrorKind::BadAnswer => (
                StatusCode::BAD_GATEWAY,
                "the host's response was not as expected",
            ),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "the add-on failed"),
        };
        (status, text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let mut page = String::from(
            "# Errors\n\nEvery `glance_sdk::Error` has a kind, with a stable code and advice.\n\n\
             | code | what happened | what to do |\n|---|---|---|\n",
        );
        for kind in ErrorKind::ALL {
            page += &format!(
                "| `{}` | {} | {} |\n",
                kind.code(),
                kind.meaning(),
                kind.help()
            );
        }
        page
    }

    /// `GLANCE_WRITE_DOCS=1 cargo test -p glance-sdk error` regenerates the page.
    #[test]
    fn error_page_is_up_to_date() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");
        if std::env::var_os("GLANCE_WRITE_DOCS").is_some() {
            std::fs::write(file, page()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), page());
    }

    #[test]
    fn host_messages_are_escaped_and_cut() {
        let words = format!("\u{1b}[2J\u{202e}{}", "x".repeat(300_000));
        let error =
            Error::new(ErrorKind::Refused, words.clone()).with_source(std::io::Error::other(words));
        let text = format!("{error:#}");
        assert!(
            text.starts_with("\\u{1b}[2J\\u{202e}xx") && text.len() < 2100,
            "{text}"
        );
    }

    #[test]
    fn codes_are_unique_and_debug_includes_help() {
        let codes: std::collections::BTreeSet<_> =
            ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        let error = Error::new(ErrorKind::Listen, "cannot listen at port 80")
            .with_source(std::io::Error::from(std::io::ErrorKind::PermissionDenied));
        assert_eq!(error.to_string(), "cannot listen at port 80");
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.is::<std::io::Error>(), "{source}");
        assert_eq!(
            format!("{error:#}"),
            "cannot listen at port 80: permission denied"
        );
        assert_eq!(
            format!("{error:?}"),
            "cannot listen at port 80: permission denied [listen]\n\
             Choose another PORT, or stop the program that uses this one."
        );
    }
}
