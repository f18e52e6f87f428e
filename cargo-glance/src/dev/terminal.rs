//! The one terminal where add-on, host and build appear side by side.

use std::fmt::Display;
use std::io::{BufRead, BufReader, PipeReader, Read};

use crate::print;
use crate::style::{Style, foreign, has_colours, paint};

/// The longest line of another program that is shown whole, in bytes; a longer one is split.
const LONGEST_LINE: u64 = 16 * 1024;

/// Where a line comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Build,
    AddOn,
    Host,
}

/// Prints lines, with colours where they are on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    has_colours: bool,
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self {
            has_colours: has_colours(),
        }
    }

    pub(super) fn has_colours(self) -> bool {
        self.has_colours
    }

    /// Prints a line of the command itself, under a word such as `Open`.
    pub(super) fn say(self, word: &str, text: impl Display) {
        let word = paint(self.has_colours, Style::Cyan, format!("{word:<7}"));
        print::line(format_args!("{word} {text}"));
    }

    /// Prints a line from elsewhere behind a prefix that names its source.
    pub(super) fn line(self, source: Source, text: impl Display) {
        print::line(format_args!("{} {text}", self.prefix(source)));
    }

    /// The prefix of lines from this source.
    pub(super) fn prefix(self, source: Source) -> impl Display {
        let (name, style) = match source {
            Source::Build => ("build  |", Style::Blue),
            Source::AddOn => ("add-on |", Style::Green),
            Source::Host => ("host   |", Style::Magenta),
        };
        paint(self.has_colours, style, name)
    }

    pub(super) fn paint(self, style: Style, text: impl Display) -> impl Display {
        paint(self.has_colours, style, text)
    }

    /// Prints everything that comes out of a pipe, on a thread of its own, until all its writers are gone.
    pub(super) fn copy(self, source: Source, pipe: PipeReader) {
        std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            loop {
                line.clear();
                let read = pipe
                    .by_ref()
                    .take(LONGEST_LINE)
                    .read_until(b'\n', &mut line);
                if !matches!(read, Ok(1..)) {
                    return;
                }
                let text = String::from_utf8_lossy(&line);
                self.line(source, foreign(text.trim_end(), self.has_colours));
            }
        });
    }
}
