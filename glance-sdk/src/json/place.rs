//! Positions in a JSON text.

use std::fmt;

use super::scanner::Scanner;

/// A line and a column, both from 1. Columns count characters.
///
/// ```
/// use glance_sdk::json::Document;
///
/// let place = Document::read(b"{\n  \"name\": \"CI\"\n}")?.place("/name");
/// assert_eq!((place.line, place.column), (2, 11));
/// assert_eq!(place.to_string(), "line 2 column 11");
/// # Ok::<(), glance_sdk::json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Place {
    /// The line, which ends with a line feed.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

impl Place {
    /// Returns the position of a byte offset; within a character, the position of that character.
    pub(super) fn at(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Returns the position of the value with this JSON pointer, in valid JSON. If the value does
    /// not exist, returns the position of the innermost value on its path.
    pub(super) fn of(text: &str, pointer: &str) -> Self {
        let mut scanner = Scanner::new(text);
        let mut offset = scanner.first();
        for name in pointer.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            match scanner.member(&name) {
                Some(inner) => offset = inner,
                None => break,
            }
        }
        Self::at(text, offset)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}
