//! The one error of this crate.

use std::fmt;

use crate::printable::printable;

/// The longest message, in characters.
const LONGEST: usize = 2000;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Something that did not work: what happened ([`Display`](fmt::Display)), of which kind
/// ([`kind`](Error::kind)), and what to do about it ([`help`](Error::help)).
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of thing did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The host gave no answer.
    Unreachable,
    /// The host answered something that is not of the protocol.
    BadAnswer,
    /// The host refused the credentials or the token.
    Unauthorized,
    /// The host knows no such room, user or glance.
    NotFound,
    /// The host takes no more requests for longer than a call waits.
    RateLimited,
    /// The host refused the request for another reason.
    Refused,
    /// The room or the group has as many of this kind as a host takes; nothing was sent.
    Quota,
    /// Another place has the key; nothing was sent.
    KeyTaken,
    /// What was to be sent breaks a rule of the protocol; nothing was sent.
    Invalid,
    /// The address is in a network that the add-on does not call; nothing was sent.
    EgressRefused,
    /// No such installation.
    NotInstalled,
    /// The same OAuth id is stored with another secret.
    Conflict,
    /// The installation store failed.
    Storage,
    /// The add-on is put together wrongly.
    Configuration,
    /// The add-on could not listen at its address.
    Listen,
    /// What the add-on does on an installation of its own accord.
    Hook,
}

impl ErrorKind {
    /// All kinds there are.
    pub const ALL: [Self; 16] = [
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
    ];

    /// What happened, in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Unreachable => "The host gave no answer, or one that says it is out of order.",
            Self::BadAnswer => "The host answered something that is not of the protocol.",
            Self::Unauthorized => "The host refused the credentials or the token.",
            Self::NotFound => "The host knows no such room, user or glance.",
            Self::RateLimited => "The host takes no more requests for longer than a call waits.",
            Self::Refused => "The host refused the request for another reason.",
            Self::Quota => {
                "The room or the group has as many of this kind as a host takes; nothing was sent."
            }
            Self::KeyTaken => "Another place has the key; nothing was sent.",
            Self::Invalid => "What was to be sent breaks a rule of the protocol; nothing was sent.",
            Self::EgressRefused => {
                "The address is in a network that the add-on does not call; nothing was sent."
            }
            Self::NotInstalled => "There is no such installation.",
            Self::Conflict => "The same OAuth id is stored with another secret.",
            Self::Storage => "The installation store failed.",
            Self::Configuration => "The add-on is put together wrongly.",
            Self::Listen => "The add-on could not listen at its address.",
            Self::Hook => "What the add-on does on an installation of its own accord failed.",
        }
    }

    /// A stable word for programs and logs.
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
        }
    }

    /// What to do about it, in one sentence.
    pub fn help(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "Check that the host runs and that its address can be reached from here; the call can be tried again."
            }
            Self::BadAnswer => "Check that the address is that of a HipChat Connect host.",
            Self::Unauthorized => "The add-on was probably removed on the host; install it again.",
            Self::NotFound => "Check the room, user or glance key; it may have been removed.",
            Self::RateLimited => {
                "Push less often, or only what changed; the call can be tried again later."
            }
            Self::Refused => "The message says which rule of the host forbids it.",
            Self::Quota => "Remove one of those the message names, or change one instead.",
            Self::KeyTaken => "Choose another key, or remove the one that the message names.",
            Self::Invalid => "Correct what the message names.",
            Self::EgressRefused => {
                "If the host may be there, name its network in ALLOW_NETWORKS or the host in AddOn::allow_hosts."
            }
            Self::NotInstalled => {
                "Install the add-on on the host, or drop what refers to this installation."
            }
            Self::Conflict => {
                "Remove the old installation on the host that made it, then install again."
            }
            Self::Storage => {
                "Check that the database can be reached and written, and that its disk is not full."
            }
            Self::Configuration => "Correct the add-on where the message says.",
            Self::Listen => "Choose another PORT, or stop what uses this one.",
            Self::Hook => {
                "The message is that of the add-on's own hook; repair it and install again."
            }
        }
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn because(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// A failure of a store outside this crate.
    pub fn storage(
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(ErrorKind::Storage, message).because(source)
    }

    /// The same OAuth id is stored with another secret; for a store outside this crate.
    pub fn conflict(oauth_id: &crate::model::OauthId) -> Self {
        Self::new(
            ErrorKind::Conflict,
            format!("installation {oauth_id} is stored with another secret"),
        )
    }

    /// What kind of thing did not work.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// A stable word for programs and logs.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// What to do about it, in one sentence.
    pub fn help(&self) -> &'static str {
        self.kind.help()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.message.clone();
        let mut source = self.source.as_deref().map(|s| s as &dyn std::error::Error);
        while let Some(cause) = source {
            text += &format!(": {cause}");
            source = cause.source();
        }
        // A host's own words may be among these.
        printable(&text).with_lines().at_most(LONGEST).fmt(f)
    }
}

/// What a program prints whose `main` returns this error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} [{}]\n{}", self.code(), self.help())
    }
}

/// The causes are part of the message already.
impl std::error::Error for Error {}

/// What a stranger sees is one short sentence; the cause goes to the log. Where the store failed the
/// answer is 503 with `Retry-After`, so that the host tries again.
#[cfg(feature = "server")]
impl axum::response::IntoResponse for Error {
    fn into_response(self) -> axum::response::Response {
        use axum::http::StatusCode;

        tracing::error!(code = self.code(), help = self.help(), "{self}");
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
                "the host did not answer as expected",
            ),
            _ => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "something went wrong in the add-on",
            ),
        };
        (status, text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let mut page = String::from(
            "# Errors\n\nEvery `glance_sdk::Error` has a kind, with a stable code and advice. This page is \
             written from\nthem; `GLANCE_WRITE_DOCS=1 cargo test -p glance-sdk error` writes it anew.\n\n\
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

    #[test]
    fn the_page_of_errors_is_that_of_the_code() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");
        if std::env::var_os("GLANCE_WRITE_DOCS").is_some() {
            std::fs::write(file, page()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), page());
    }

    #[test]
    fn words_of_others_are_escaped_and_cut() {
        let words = format!("\u{1b}[2J\u{202e}{}", "x".repeat(300_000));
        let error =
            Error::new(ErrorKind::Refused, words.clone()).because(std::io::Error::other(words));
        let text = error.to_string();
        assert!(
            text.starts_with("\\u{1b}[2J\\u{202e}xx") && text.len() < 2100,
            "{text}"
        );
    }

    #[test]
    fn codes_are_different_and_debug_says_what_to_do() {
        let codes: std::collections::BTreeSet<_> =
            ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        let error = Error::new(ErrorKind::Listen, "cannot listen at port 80")
            .because(std::io::Error::from(std::io::ErrorKind::PermissionDenied));
        assert_eq!(
            error.to_string(),
            "cannot listen at port 80: permission denied"
        );
        assert_eq!(
            format!("{error:?}"),
            "cannot listen at port 80: permission denied [listen]\n\
             Choose another PORT, or stop what uses this one."
        );
    }
}
