//! The errors of parsing a document.

use std::fmt;

use super::Place;
use super::repair::Repaired;
use crate::printable::printable;

/// An error of parsing a document, with its position. Quoted text is escaped and short.
///
/// ```
/// use glance_sdk::json::{self, ErrorKind};
/// use serde_json::Value;
///
/// let error = json::from_slice::<Value>(b"{\"a\": [1, 2}").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Syntax);
/// assert_eq!(error.place().column, 12);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    place: Place,
}

/// The kind of an error.
///
/// ```
/// use glance_sdk::json::{self, ErrorKind};
///
/// let error = json::from_str::<u32>("\"seven\"").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Data);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not JSON.
    Syntax,
    /// Arrays and objects are nested more than [`MAX_DEPTH`](super::MAX_DEPTH) levels deep.
    Depth,
    /// The JSON does not match the type.
    Data,
}

impl Error {
    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the message without the position.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the position of the error.
    pub fn place(&self) -> Place {
        self.place
    }

    pub(super) fn at(
        kind: ErrorKind,
        message: impl Into<String>,
        text: &str,
        offset: usize,
    ) -> Self {
        Self {
            kind,
            message: message.into(),
            place: Place::at(text, offset),
        }
    }

    /// Converts an error of serde_json, which parsed `repaired` instead of `text`.
    pub(super) fn data(failure: &serde_json::Error, text: &str, repaired: &Repaired) -> Self {
        let said = failure.to_string();
        let said = match said.rfind(" at line ") {
            Some(end) if failure.line() > 0 => &said[..end],
            _ => &said,
        };
        let line_start = match failure.line() {
            0 | 1 => 0,
            line => repaired
                .text
                .match_indices('\n')
                .nth(line - 2)
                .map_or(0, |(at, _)| at + 1),
        };
        let offset = line_start + failure.column().saturating_sub(1);
        Self::at(
            ErrorKind::Data,
            printable(said).to_string(),
            text,
            repaired.original(offset),
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.message, self.place)
    }
}

impl std::error::Error for Error {}
