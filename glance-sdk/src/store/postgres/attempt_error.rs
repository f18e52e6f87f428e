//! The failure of one attempt at an operation, and whether another connection may succeed.

use std::fmt;
use std::time::Duration;

use tokio_postgres::error::{Severity, SqlState};

use super::connections::is_shutdown;
use crate::Error;

/// The failure of one attempt at an operation.
#[derive(Debug)]
pub(super) struct AttemptError {
    pub(super) cause: Cause,
    /// Whether the attempt may have changed something despite the failure.
    pub(super) may_be_done: bool,
}

#[derive(Debug)]
pub(super) enum Cause {
    Database(tokio_postgres::Error),
    TimedOut(TimedOut),
    /// The stored data is invalid.
    Content(Error),
}

impl From<tokio_postgres::Error> for AttemptError {
    fn from(cause: tokio_postgres::Error) -> Self {
        Self {
            cause: Cause::Database(cause),
            may_be_done: false,
        }
    }
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        Self {
            cause: Cause::Content(error),
            may_be_done: false,
        }
    }
}

impl Cause {
    /// Returns whether another connection may succeed, because this one is broken or its server stops
    /// or became read-only.
    pub(super) fn is_of_connection(&self) -> bool {
        match self {
            Self::TimedOut(_) => true,
            Self::Content(_) => false,
            Self::Database(cause) => is_lost(cause),
        }
    }
}

/// Returns whether the connection or its server failed, rather than the statement or a value.
pub(crate) fn is_lost(cause: &tokio_postgres::Error) -> bool {
    let Some(error) = cause.as_db_error() else {
        let source = std::error::Error::source(cause);
        return cause.is_closed() || source.is_some_and(|source| source.is::<std::io::Error>());
    };
    let code = error.code();
    *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || is_shutdown(code)
        // Poolers also report failures of their server this way.
        || code.code().starts_with("08")
        || matches!(
            error.parsed_severity(),
            Some(Severity::Fatal | Severity::Panic)
        )
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(cause) => cause.fmt(f),
            Self::TimedOut(cause) => cause.fmt(f),
            Self::Content(cause) => cause.fmt(f),
        }
    }
}

/// The server did not respond within this time.
#[derive(Debug)]
pub(super) struct TimedOut(pub(super) Duration);

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {} s", self.0.as_secs())
    }
}

impl std::error::Error for TimedOut {}
