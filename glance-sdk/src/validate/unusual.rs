//! Warns of parts of a document that stricter parsers than a browser refuse or interpret
//! differently.

use super::{Problem, Severity};
use crate::json::{Document, Unusual, UnusualKind};

/// Warns of unusual parts in the text of a document: a byte order mark, bytes that are not UTF-8,
/// lone surrogates, duplicate keys, and numbers that JavaScript rounds. Hosts parse all of them
/// like a browser; others may refuse the document, or interpret it differently.
///
/// ```
/// use glance_sdk::{json::Document, validate::unusual};
///
/// let document = Document::read(b"{\"key\": \"a\",\n \"key\": \"b\"}")?;
/// let problems = unusual(&document);
/// assert_eq!(problems[0].pointer, "/key");
/// assert_eq!(
///     problems[0].message,
///     "this key stood in the same object before, at line 1 column 2; the last one counts, remove the other"
/// );
/// # Ok::<(), glance_sdk::json::Error>(())
/// ```
pub fn unusual(document: &Document) -> Vec<Problem> {
    let mut problems: Vec<_> = document.unusual().iter().map(problem).collect();
    if document.has_more() {
        let message = format!(
            "there is more that is unusual than these {} places; correct these first",
            problems.len()
        );
        problems.push(warning(String::new(), "more-problems", message));
    }
    problems
}

fn problem(unusual: &Unusual) -> Problem {
    let (code, message) = match unusual.kind {
        UnusualKind::ByteOrderMark => (
            "byte-order-mark",
            "the document starts with a byte order mark; save it as UTF-8 without one".to_owned(),
        ),
        UnusualKind::InvalidUtf8 => (
            "invalid-utf-8",
            "these bytes are not UTF-8 and are read as U+FFFD; save the document as UTF-8".to_owned(),
        ),
        UnusualKind::LoneSurrogate => (
            "lone-surrogate",
            "half of a surrogate pair stands alone and is read as U+FFFD; write the whole character"
                .to_owned(),
        ),
        UnusualKind::DuplicateKey => {
            let earlier = unusual.earlier.map(|place| format!(", at {place}"));
            let message = format!(
                "this key stood in the same object before{}; the last one counts, remove the other",
                earlier.unwrap_or_default()
            );
            ("duplicate-member", message)
        }
        UnusualKind::NumberOutOfRange => (
            "number-out-of-range",
            "JavaScript reads this number as infinite; write a smaller one".to_owned(),
        ),
        UnusualKind::RoundedNumber => (
            "rounded-number",
            "JavaScript rounds this number; write it as a string".to_owned(),
        ),
    };
    Problem {
        place: Some(unusual.place),
        ..warning(unusual.pointer.clone(), code, message)
    }
}

fn warning(pointer: String, code: &'static str, message: String) -> Problem {
    Problem {
        pointer,
        code,
        severity: Severity::Warning,
        message,
        place: None,
    }
}
