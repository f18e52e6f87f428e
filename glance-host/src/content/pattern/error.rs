//! Why a pattern cannot be used.

use std::error::Error;
use std::fmt;

use tokio::task::JoinError;

use super::{MAX_COMPILED, MAX_PATTERN, case_fold_cost};

/// The reason why a pattern never matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PatternError {
    /// The pattern has this many bytes.
    TooLong(usize),
    /// The pattern cannot be compiled.
    Invalid { pattern: String, reason: Reason },
}

/// The reason why a pattern cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The message of the engine.
    Syntax(String),
    /// It ignores case in too large classes.
    CaseFoldCost,
    /// Its compiled form takes too much memory.
    TooLarge,
}

impl PatternError {
    pub(super) fn invalid(pattern: &str, reason: Reason) -> Self {
        let pattern = pattern.to_owned();
        Self::Invalid { pattern, reason }
    }

    /// Returns the size of its texts, in bytes.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::TooLong(_) => 0,
            Self::Invalid { pattern, reason } => {
                let message = match reason {
                    Reason::Syntax(message) => message.len(),
                    Reason::CaseFoldCost | Reason::TooLarge => 0,
                };
                pattern.len() + message
            }
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(bytes) => {
                write!(
                    f,
                    "the pattern has {bytes} bytes, {MAX_PATTERN} are allowed"
                )
            }
            Self::Invalid { pattern, reason } => write!(
                f,
                "the pattern {pattern:?} never matches, as it cannot be compiled: {reason}"
            ),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(message) => f.write_str(message),
            Self::CaseFoldCost => write!(
                f,
                "it ignores case in classes of more than {} characters",
                case_fold_cost::MAX_CHARACTERS
            ),
            Self::TooLarge => write!(f, "it exceeds the size limit of {MAX_COMPILED} bytes"),
        }
    }
}

impl Error for PatternError {}

/// An error: work on patterns panicked, or the runtime shut down before it ended.
#[derive(Debug)]
pub(crate) struct TaskFailed(pub(super) JoinError);

impl fmt::Display for TaskFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("matching patterns failed")?;
        match f.alternate() {
            true => write!(f, ": {}", self.0),
            false => Ok(()),
        }
    }
}

impl Error for TaskFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
