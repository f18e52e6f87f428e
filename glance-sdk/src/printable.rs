//! Escapes untrusted text for messages, logs and terminals.
//!
//! Others choose the values in descriptors, responses and webhooks. Unescaped, these values could
//! move the cursor, overwrite previous text, reverse the direction of a line, start their own log
//! line, or fill the screen. [`printable`] escapes such characters, and cuts:
//!
//! ```
//! use glance_sdk::printable::printable;
//!
//! let name = format!("\x1b[2Jnone{}", "!".repeat(1000));
//! assert_eq!(printable(&name).at_most(12).to_string(), "\\u{1b}[2Jnone!!!!…");
//! ```

use std::fmt::{self, Write as _};

/// The default maximum number of characters.
const LONGEST: usize = 200;

/// Text with control and bidirectional characters escaped, cut to a maximum length.
///
/// Its [`Display`](fmt::Display) shows a character such as U+001B as `\u{1b}`, line feed, carriage
/// return and tab as `\n`, `\r` and `\t`, and `…` in place of the rest.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'t> {
    text: &'t str,
    longest: usize,
    has_lines: bool,
}

/// Escapes the text, and cuts it after 200 characters.
///
/// ```
/// use glance_sdk::printable::printable;
///
/// assert_eq!(printable("one\r\x1b[31mtwo").to_string(), "one\\r\\u{1b}[31mtwo");
/// ```
pub fn printable(text: &str) -> Printable<'_> {
    Printable {
        text,
        longest: LONGEST,
        has_lines: false,
    }
}

impl Printable<'_> {
    /// Sets the maximum number of characters.
    ///
    /// ```
    /// use glance_sdk::printable::printable;
    ///
    /// assert_eq!(printable("a long name").at_most(6).to_string(), "a long…");
    /// ```
    #[must_use]
    pub fn at_most(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// Keeps line feeds, for messages with several lines.
    ///
    /// ```
    /// use glance_sdk::printable::printable;
    ///
    /// assert_eq!(printable("one\ntwo").to_string(), "one\\ntwo");
    /// assert_eq!(printable("one\ntwo").with_lines().to_string(), "one\ntwo");
    /// ```
    #[must_use]
    pub fn with_lines(self) -> Self {
        Self {
            has_lines: true,
            ..self
        }
    }
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, letter) in self.text.chars().enumerate() {
            if index == self.longest {
                return f.write_char('…');
            }
            match letter {
                '\n' if self.has_lines => f.write_char('\n')?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                letter if acts(letter) => write!(f, "{}", letter.escape_unicode())?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// Returns whether a character affects a terminal or a line instead of being shown.
///
/// ```
/// use glance_sdk::printable::acts;
///
/// assert!(acts('\u{202e}'), "right-to-left override");
/// assert!(!acts('é'));
/// ```
pub fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            // Direction.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators, and invisible characters.
            | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn acting_characters_are_escaped() {
        for (text, shown) in [
            ("", ""),
            ("हिन्दी 👩‍👧 é \u{301}", "हिन्दी 👩‍👧 é \u{301}"),
            (
                "a\u{1b}[31mb\u{9b}2J\u{7f}",
                "a\\u{1b}[31mb\\u{9b}2J\\u{7f}",
            ),
            ("one\r\ntwo\tthree", "one\\r\\ntwo\\tthree"),
            (
                "a\u{202e}b\u{2066}c\u{200f}",
                "a\\u{202e}b\\u{2066}c\\u{200f}",
            ),
            ("a\u{2028}b\u{feff}c", "a\\u{2028}b\\u{feff}c"),
        ] {
            assert_eq!(printable(text).to_string(), shown);
        }
        assert_eq!(printable(&"é".repeat(200)).to_string(), "é".repeat(200));
        let lines = printable("one\ntwo\r\u{1b}").with_lines();
        assert_eq!(lines.to_string(), "one\ntwo\\r\\u{1b}");
        let long = printable(&"é".repeat(300_000)).to_string();
        assert_eq!(long, "é".repeat(200) + "…");
    }

    proptest! {
        #[test]
        fn no_acting_character_is_left(text in any::<String>()) {
            let shown = printable(&text).to_string();
            prop_assert!(!shown.chars().any(acts));
        }
    }
}
