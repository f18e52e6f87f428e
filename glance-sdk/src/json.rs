//! Parses JSON like a browser's `fetch().json()`.
//!
//! HipChat's client was a web page, so everything that a page can parse is a valid response, push
//! or webhook. [`from_slice`] and [`from_str`] therefore accept more than `serde_json`:
//!
//! | input | result |
//! |---|---|
//! | a leading byte order mark | ignored |
//! | bytes that are not UTF-8 | U+FFFD, as in the Encoding Standard |
//! | `\ud83d` without its other half | U+FFFD |
//! | several members with the same name | the last one, even if a struct would report a duplicate field |
//! | a number beyond the range of `f64`, such as `1e400` | the largest finite number with its sign |
//!
//! JavaScript parses `1e400` as `Infinity`, which neither JSON text nor a [`Value`] can contain.
//! The largest finite number compares with all other numbers in the same way. Integers of up to 64
//! bits stay exact, although JavaScript would round those beyond 2^53, because identifiers have
//! that size.
//!
//! Arrays and objects may be nested [`MAX_DEPTH`] levels deep. Callers must limit the size. Time
//! and memory are linear in the size of the input.
//!
//! ```
//! use serde_json::{Value, json};
//!
//! let value: Value = glance_sdk::json::from_slice(b"\xef\xbb\xbf{\"a\": 1, \"a\": \"\\ud83d\"}")?;
//! assert_eq!(value, json!({ "a": "\u{fffd}" }));
//! # Ok::<(), glance_sdk::json::Error>(())
//! ```
//!
//! Never parse the header or the claims of a token with this module: two parsers must not interpret
//! signed data differently. An HMAC covers the raw bytes, so verify it before parsing.

mod document;
mod error;
mod place;
mod repair;
mod scanner;

use std::borrow::Cow;

use serde::de::DeserializeOwned;
#[cfg(doc)]
use serde_json::Value;

pub use document::{Document, Unusual, UnusualKind};
pub use error::{Error, ErrorKind};
pub use place::Place;

/// The maximum nesting depth of arrays and objects.
pub const MAX_DEPTH: usize = 64;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Parses a value from the bytes of a JSON document.
///
/// ```
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Build {
///     number: u32,
/// }
///
/// let build: Build = glance_sdk::json::from_slice(b"{\"number\": 6, \"number\": 7}")?;
/// assert_eq!(build.number, 7);
/// # Ok::<(), glance_sdk::json::Error>(())
/// ```
///
/// # Errors
///
/// Returns an error if the bytes are not JSON, are nested too deeply, or do not match `T`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    from_str(&String::from_utf8_lossy(bytes))
}

/// Parses a value from JSON text.
///
/// ```
/// use serde_json::Value;
///
/// let error = glance_sdk::json::from_str::<Value>("{\"number\": }").unwrap_err();
/// assert_eq!(error.place().to_string(), "line 1 column 12");
/// ```
///
/// # Errors
///
/// Returns an error if the text is not JSON, is nested too deeply, or does not match `T`.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let text = without_mark(text);
    // Most documents contain nothing unusual, so serde_json alone parses them. It either refuses
    // the inputs in the table, or parses them in the same way.
    if is_shallow(text)
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    let repaired = repair::apply(text, scanner::scan(text)?);
    serde_json::from_str(&repaired.text).map_err(|failure| Error::data(&failure, text, &repaired))
}

/// Decodes the text of a document like a browser.
///
/// ```
/// assert_eq!(glance_sdk::json::decode(b"\xef\xbb\xbf\xffx"), "\u{fffd}x");
/// ```
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(without_mark(text)),
        Cow::Owned(text) => Cow::Owned(without_mark(&text).to_owned()),
    }
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Returns whether the text is certainly not nested too deeply. Counts brackets in strings only if
/// there are many.
fn is_shallow(text: &str) -> bool {
    let opening = |byte: &u8| matches!(byte, b'[' | b'{');
    if text.bytes().filter(|byte| opening(byte)).count() <= MAX_DEPTH {
        return true;
    }
    let mut depth = 0usize;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests;
