//! Prints lines for people. Unlike `println!`, these functions do not panic if a line cannot be
//! written: a reader such as `head` that exits early does not stop the demo.

use std::fmt::Display;
use std::io::{self, Write};

/// Prints a line on standard output.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Prints a line on standard error.
pub(crate) fn error(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}
