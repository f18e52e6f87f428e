//! Reads JSON the way a browser's `fetch().json()` does.
//!
//! HipChat's client was a web page, so whatever a page can read is a valid answer, push or webhook.
//! [`from_slice`] and [`from_str`] therefore accept more than `serde_json`:
//!
//! | input | read as |
//! |---|---|
//! | a leading byte order mark | nothing |
//! | bytes that are not UTF-8 | U+FFFD, as the Encoding Standard decodes them |
//! | `\ud83d` without its other half | U+FFFD |
//! | several members of one name | the last one, also where a struct would report a duplicate field |
//! | a number beyond the range of `f64`, such as `1e400` | the largest finite number with its sign |
//!
//! JavaScript reads `1e400` as `Infinity`, which no JSON text and no [`Value`] can hold. The largest
//! finite number compares with all other numbers in the same way. Integers of up to 64 bits stay
//! exact although JavaScript would round those beyond 2^53, because identifiers have that size.
//!
//! Arrays and objects may stand [`MAX_DEPTH`] deep. Callers limit the size. Time and memory are linear
//! in the size of the input.
//!
//! ```
//! use serde_json::{Value, json};
//!
//! let value: Value = glance_sdk::json::from_slice(b"\xef\xbb\xbf{\"a\": 1, \"a\": \"\\ud83d\"}")?;
//! assert_eq!(value, json!({ "a": "\u{fffd}" }));
//! # Ok::<(), glance_sdk::json::Error>(())
//! ```
//!
//! Never read the header or the claims of a token with this module: what two parsers read
//! differently must not be signed. An HMAC covers the raw bytes, so verify it before parsing.

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

/// How deep arrays and objects may stand in each other.
pub const MAX_DEPTH: usize = 64;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a value from the bytes of a JSON document.
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
/// Where the bytes are no JSON, stand too deep, or do not describe a `T`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    from_str(&String::from_utf8_lossy(bytes))
}

/// Reads a value from JSON text.
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
/// Where the text is no JSON, stands too deep, or does not describe a `T`.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let text = without_mark(text);
    // Most documents have nothing unusual. serde_json alone reads those; it takes all that is in the
    // table for an error, or reads it in the same way.
    if is_shallow(text)
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    let repaired = repair::apply(text, scanner::scan(text)?);
    serde_json::from_str(&repaired.text).map_err(|failure| Error::data(&failure, text, &repaired))
}

/// The text of a document, decoded as a browser decodes it.
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

/// Whether the text is certainly not too deep. Brackets inside strings count only where there are
/// many.
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
