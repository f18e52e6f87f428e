//! Quotes values in the sentences of an explanation, which are read in a log.

use serde_json::Value;

use crate::printable::{Printable, printable};

/// The most characters of a value that a sentence quotes.
pub(super) const MAX_CHARS: usize = 40;

/// Quotes a value as JSON, cut to [`MAX_CHARS`].
pub(super) fn quote_value(value: &Value) -> String {
    printable(&value.to_string()).at_most(MAX_CHARS).to_string()
}

/// Quotes the name of an attribute or a condition, cut to twice [`MAX_CHARS`].
pub(super) fn quote_name(text: &str) -> Printable<'_> {
    printable(text).at_most(2 * MAX_CHARS)
}
