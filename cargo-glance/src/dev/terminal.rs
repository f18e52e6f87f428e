//! The terminal, shared by add-on, host and build.

use std::fmt::Display;
use std::io::{BufRead, BufReader, PipeReader, Read};

use crate::print;
use crate::style::{Style, foreign, has_colours, paint};

/// The maximum length of another program's line, in bytes; longer lines are split.
const LONGEST_LINE: u64 = 16 * 1024;

/// The source of a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Build,
    AddOn,
    Host,
}

/// Prints lines, with colors if they are enabled.
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

    /// Prints a line of the command itself, after a word such as `Open`.
    pub(super) fn say(self, word: &str, text: impl Display) {
        let word = paint(self.has_colours, Style::Cyan, format!("{word:<7}"));
        print::line(format_args!("{word} {text}"));
    }

    /// Prints a line of a source, after its prefix.
    pub(super) fn line(self, source: Source, text: impl Display) {
        print::line(format_args!("{} {text}", self.prefix(source)));
    }

    /// Returns the prefix for lines of this source.
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

    /// Prints the output of a pipe on a separate thread, until all its writers have closed it.
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
