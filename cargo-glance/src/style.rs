//! Colors for terminals that support them.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal};

use glance_sdk::printable::printable;

/// The style of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
}

impl Style {
    fn code(self) -> u8 {
        match self {
            Self::Dim => 2,
            Self::Red => 31,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Blue => 34,
            Self::Magenta => 35,
            Self::Cyan => 36,
        }
    }
}

/// Returns whether standard output shows colors: it is a terminal, and `NO_COLOR` is empty or not
/// set. `CLICOLOR_FORCE` enables colors in a pipe too.
pub(crate) fn has_colours() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !is_set("NO_COLOR") && (is_forced || (io::stdout().is_terminal() && !is_dumb))
}

/// Formats the text in this style, or without style if colors are disabled.
pub(crate) fn paint(has_colours: bool, style: Style, text: impl Display) -> impl Display {
    Painted {
        style: has_colours.then_some(style),
        text,
    }
}

struct Painted<T> {
    style: Option<Style>,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.style {
            Some(style) => write!(f, "\x1b[{}m{}\x1b[0m", style.code(), self.text),
            None => self.text.fmt(f),
        }
    }
}

/// Returns a line of another program, safe to print: keeps its colors if they are enabled, removes
/// them otherwise, and escapes all other characters that act on a terminal.
pub(crate) fn foreign(line: &str, has_colours: bool) -> String {
    let mut shown = String::with_capacity(line.len());
    let plain = |text: &str| printable(text).at_most(line.len()).to_string();
    let mut rest = line;
    let mut is_coloured = false;
    while let Some(at) = rest.find("\x1b[") {
        let (before, sequence) = rest.split_at(at);
        shown += &plain(before);
        let parameters = &sequence[2..];
        let end = parameters.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'));
        match end {
            Some(end) if parameters[end..].starts_with('m') => {
                if has_colours {
                    shown += &sequence[..end + 3];
                    is_coloured = true;
                }
                rest = &parameters[end + 1..];
            }
            _ => {
                shown += &plain(&sequence[..2]);
                rest = parameters;
            }
        }
    }
    shown += &plain(rest);
    if is_coloured {
        shown += "\x1b[0m";
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_colors_are_kept_or_removed_and_controls_escaped() {
        let line = "\x1b[1;31merror\x1b[0m: \x1b[2Ja\u{7}";
        assert_eq!(
            foreign(line, true),
            "\x1b[1;31merror\x1b[0m: \\u{1b}[2Ja\\u{7}\x1b[0m"
        );
        assert_eq!(foreign(line, false), "error: \\u{1b}[2Ja\\u{7}");
        let long = "x".repeat(3000);
        assert_eq!(foreign(&long, false), long);
        assert_eq!(foreign("plain\x1b[", false), "plain\\u{1b}[");
        assert_eq!(foreign("\x1b[31", true), "\\u{1b}[31");
    }

    #[test]
    fn text_is_painted_only_if_colors_are_enabled() {
        assert_eq!(paint(true, Style::Red, "x").to_string(), "\x1b[31mx\x1b[0m");
        assert_eq!(paint(false, Style::Red, "x").to_string(), "x");
    }
}
