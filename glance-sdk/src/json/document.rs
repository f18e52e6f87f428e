//! A JSON document with its text: the positions of values, and unusual parts.

use serde_json::Value;

use super::scanner::Scanner;
use super::{Error, Place, repair};

/// The limit on the described unusual parts.
const LONGEST: usize = 100;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A JSON document together with its text, for tools that show people positions in it.
///
/// ```
/// use glance_sdk::json::{Document, UnusualKind};
///
/// let document = Document::read(b"{\"a\": 1,\n \"a\": 2}")?;
/// assert_eq!(document.value(), &serde_json::json!({ "a": 2 }));
/// assert_eq!(document.place("/a").to_string(), "line 2 column 7");
/// let unusual = &document.unusual()[0];
/// assert_eq!(unusual.kind, UnusualKind::DuplicateKey);
/// assert_eq!(unusual.place.to_string(), "line 2 column 2");
/// assert_eq!(unusual.earlier.unwrap().to_string(), "line 1 column 2");
/// # Ok::<(), glance_sdk::json::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Document {
    text: String,
    value: Value,
    unusual: Vec<Unusual>,
    has_more: bool,
}

/// A part of a document that stricter parsers than a browser refuse or interpret differently.
///
/// ```
/// use glance_sdk::json::{Document, UnusualKind};
///
/// let document = Document::read(b"{\"id\": 9007199254740993}")?;
/// let unusual = &document.unusual()[0];
/// assert_eq!(unusual.kind, UnusualKind::RoundedNumber);
/// assert_eq!(unusual.pointer, "/id");
/// # Ok::<(), glance_sdk::json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unusual {
    /// The kind of the part.
    pub kind: UnusualKind,
    /// The value that contains the part, as a JSON pointer.
    pub pointer: String,
    /// The position of the part.
    pub place: Place,
    /// The position of the earlier key, for a duplicate key.
    pub earlier: Option<Place>,
}

/// The kind of an unusual part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnusualKind {
    /// The document starts with a byte order mark.
    ByteOrderMark,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// `\ud83d` without its other half.
    LoneSurrogate,
    /// An object has two members with the same name.
    DuplicateKey,
    /// A number that JavaScript parses as infinite.
    NumberOutOfRange,
    /// A whole number that JavaScript rounds.
    RoundedNumber,
}

impl Document {
    /// Parses a document from its bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if [`from_slice`](super::from_slice) cannot parse a [`Value`].
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut unusual = Vec::new();
        let content = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let (text, undecodable) = decode(content);
        if content.len() < bytes.len() {
            unusual.push(Unusual {
                kind: UnusualKind::ByteOrderMark,
                pointer: String::new(),
                place: Place::at(&text, 0),
                earlier: None,
            });
        }
        let mut scanner = Scanner::describing(&text, LONGEST - unusual.len(), undecodable);
        scanner.whole()?;
        let (edits, has_more) = (std::mem::take(&mut scanner.edits), scanner.more);
        unusual.extend(scanner.found.into_iter().map(|found| Unusual {
            kind: found.kind,
            pointer: found.pointer,
            place: Place::at(&text, found.offset),
            earlier: found.earlier.map(|offset| Place::at(&text, offset)),
        }));
        let repaired = repair::apply(&text, edits);
        let value = serde_json::from_str(&repaired.text)
            .map_err(|failure| Error::data(&failure, &text, &repaired))?;
        Ok(Self {
            text,
            value,
            unusual,
            has_more,
        })
    }

    /// Returns the value.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the value alone.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Returns the text, decoded and without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the unusual parts in the order of the text, at most 100.
    pub fn unusual(&self) -> &[Unusual] {
        &self.unusual
    }

    /// Returns whether there are more unusual parts than [`unusual`](Self::unusual) returns.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Returns the position of the value with this JSON pointer. If it does not exist, returns the
    /// position of the innermost value on its path.
    ///
    /// ```
    /// use glance_sdk::json::Document;
    ///
    /// let document = Document::read(b"{\n  \"capabilities\": { \"glance\": [] }\n}")?;
    /// assert_eq!(document.place("/capabilities/glance").to_string(), "line 2 column 31");
    /// # Ok::<(), glance_sdk::json::Error>(())
    /// ```
    pub fn place(&self, pointer: &str) -> Place {
        Place::of(&self.text, pointer)
    }
}

/// Returns the text, and the offsets of its first undecodable bytes.
fn decode(bytes: &[u8]) -> (String, Vec<usize>) {
    let mut text = String::with_capacity(bytes.len());
    let mut undecodable = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid();
        if !chunk.invalid().is_empty() {
            if undecodable.len() <= LONGEST {
                undecodable.push(text.len());
            }
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    (text, undecodable)
}
