//! Creates labels and escapes the values in them.
//!
//! ```
//! use glance_sdk::label;
//!
//! let branch = "a<b";
//! assert_eq!(label!("<b>{branch}</b> is green").as_html(), "<b>a&lt;b</b> is green");
//! ```

use std::fmt::{self, Display, Write};

use crate::model::Label;

/// Creates a [`Label`] from a literal and escapes the interpolated values.
///
/// The literal is HTML, of which hosts keep `b`, `strong`, `em` and `i` without attributes. Any
/// other tag and a length of more than 1000 UTF-16 units are compile errors. Interpolation works as
/// in [`format!`]. If the values make the label too long, it is cut as described at [`Label`].
///
/// ```
/// use glance_sdk::label;
///
/// let repository = "<script>";
/// let label = label!("<b>{}</b> open in {repository}", 4);
/// assert_eq!(label.as_html(), "<b>4</b> open in &lt;script&gt;");
/// ```
///
/// If you rename the crate, pass its name first: `label!(crate = renamed, "...")`.
///
/// ```compile_fail
/// glance_sdk::label!("<a href=\"/\">4</a> open");
/// ```
#[cfg(feature = "macros")]
pub use glance_derive::label;

impl Label {
    /// Creates a label that shows `text` literally: HTML in it is escaped. A long label is cut as
    /// described at [`Label`].
    ///
    /// ```
    /// use glance_sdk::model::Label;
    ///
    /// assert_eq!(Label::text("R&D <3").as_html(), "R&amp;D &lt;3");
    /// ```
    pub fn text(text: impl Display) -> Self {
        Self::html(Escaped(text).to_string())
    }
}

/// Displays a value and escapes the five special characters of HTML.
///
/// ```
/// assert_eq!(glance_sdk::label::Escaped("a < b").to_string(), "a &lt; b");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Escaped<T>(pub T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaper(f), "{}", self.0)
    }
}

struct Escaper<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for Escaper<'_, '_> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        while let Some(at) = text.find(['&', '<', '>', '"', '\'']) {
            self.0.write_str(&text[..at])?;
            self.0.write_str(match text.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            text = &text[at + 1..];
        }
        self.0.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_escapes_exactly_five_characters() {
        assert_eq!(
            Escaped("<a href=\"x\">R&D's ünï</a>").to_string(),
            "&lt;a href=&quot;x&quot;&gt;R&amp;D&#39;s ünï&lt;/a&gt;"
        );
        assert_eq!(Escaped(4.5).to_string(), "4.5");
    }
}
