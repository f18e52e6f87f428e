//! Scans a JSON text once, and finds the parts that serde_json would refuse but a browser accepts.

use std::borrow::Cow;
use std::collections::HashMap;

use super::repair::{Edit, GREATEST, LEAST, REPLACEMENT};
use super::{Error, ErrorKind, MAX_DEPTH, UnusualKind};

/// Returns the edits that serde_json needs, unordered.
///
/// # Errors
///
/// Returns an error if the text is not JSON, or is nested too deeply.
pub(super) fn scan(text: &str) -> Result<Vec<Edit>, Error> {
    let mut scanner = Scanner::new(text);
    scanner.whole()?;
    Ok(scanner.edits)
}

/// A part that stricter parsers than a browser refuse or interpret differently.
pub(super) struct Found {
    pub(super) kind: UnusualKind,
    pub(super) pointer: String,
    pub(super) offset: usize,
    pub(super) earlier: Option<usize>,
}

/// A step on the path to the current value.
#[derive(Clone, Copy)]
enum Step<'t> {
    /// A key in its original form, with its quotes.
    Key(&'t str),
    Index(usize),
}

/// A position in a text that may be JSON.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
    path: Vec<Step<'t>>,
    pub(super) edits: Vec<Edit>,
    pub(super) found: Vec<Found>,
    /// The capacity of `found`; further parts only set `more`.
    longest: usize,
    pub(super) more: bool,
    /// The offsets of bytes that were not UTF-8, in ascending order.
    undecodable: std::vec::IntoIter<usize>,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            path: Vec::new(),
            edits: Vec::new(),
            found: Vec::new(),
            longest: 0,
            more: false,
            undecodable: Vec::new().into_iter(),
        }
    }

    /// Creates a scanner that describes the first `longest` unusual parts, including bytes that
    /// were not UTF-8.
    pub(super) fn describing(text: &'t str, longest: usize, undecodable: Vec<usize>) -> Self {
        Self {
            longest,
            undecodable: undecodable.into_iter(),
            ..Self::new(text)
        }
    }

    /// Scans the whole text.
    pub(super) fn whole(&mut self) -> Result<(), Error> {
        self.value()?;
        self.space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.syntax("trailing characters")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn syntax(&self, expected: &str) -> Error {
        let end = self.at >= self.text.len();
        let message = match end {
            true => "the text ends early",
            false => expected,
        };
        Error::at(ErrorKind::Syntax, message, self.text, self.at)
    }

    fn value(&mut self) -> Result<(), Error> {
        self.space();
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.syntax("expected a value")),
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), Error> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.syntax("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn enter(&mut self, step: Step<'t>) -> Result<(), Error> {
        if self.path.len() == MAX_DEPTH {
            let message =
                format!("arrays and objects are nested more than {MAX_DEPTH} levels deep");
            return Err(Error::at(ErrorKind::Depth, message, self.text, self.at));
        }
        self.path.push(step);
        Ok(())
    }

    fn array(&mut self) -> Result<(), Error> {
        self.enter(Step::Index(0))?;
        self.at += 1;
        self.space();
        if self.peek() != Some(b']') {
            for index in 0.. {
                if let Some(step) = self.path.last_mut() {
                    *step = Step::Index(index);
                }
                self.value()?;
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    _ => return Err(self.syntax("expected `,` or `]`")),
                }
            }
        }
        self.at += 1;
        self.path.pop();
        Ok(())
    }

    fn object(&mut self) -> Result<(), Error> {
        self.enter(Step::Key("\"\""))?;
        self.at += 1;
        self.space();
        if self.peek() != Some(b'}') {
            let mut last: HashMap<Cow<'t, str>, usize> = HashMap::new();
            let mut starts = Vec::new();
            loop {
                self.space();
                if self.peek() != Some(b'"') {
                    return Err(self.syntax("expected a key in double quotes"));
                }
                let start = self.at;
                let key = self.key()?;
                starts.push(start);
                if let Some(earlier) = last.insert(key, starts.len() - 1) {
                    // The member ends at the next key, so it includes its comma.
                    let (start, end) = (starts[earlier], starts[earlier + 1]);
                    self.edits.push(Edit {
                        start,
                        end,
                        with: "",
                    });
                    let offset = starts[starts.len() - 1];
                    self.describe(UnusualKind::DuplicateKey, offset, Some(start));
                }
                self.space();
                match self.peek() {
                    Some(b':') => self.at += 1,
                    _ => return Err(self.syntax("expected `:`")),
                }
                self.value()?;
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return Err(self.syntax("expected `,` or `}`")),
                }
            }
        }
        self.at += 1;
        self.path.pop();
        Ok(())
    }

    /// Scans a key, which becomes the last step of the path.
    fn key(&mut self) -> Result<Cow<'t, str>, Error> {
        let start = self.at;
        let described = self.found.len();
        let escapes = self.string()?;
        let written = &self.text[start..self.at];
        if let Some(step) = self.path.last_mut() {
            *step = Step::Key(written);
        }
        if described < self.found.len() {
            let pointer = self.pointer();
            for found in &mut self.found[described..] {
                found.pointer.clone_from(&pointer);
            }
        }
        Ok(match escapes {
            true => Cow::Owned(unescape(written)),
            false => Cow::Borrowed(&written[1..written.len() - 1]),
        })
    }

    /// Scans a string. Returns whether it contains escapes.
    fn string(&mut self) -> Result<bool, Error> {
        let start = self.at;
        let mut escapes = false;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escapes = true;
                    self.escape()?;
                }
                Some(byte) if byte >= 0x20 => self.at += 1,
                _ => return Err(self.syntax("a control character in a string must be escaped")),
            }
        }
        self.at += 1;
        while let Some(first) = self.undecodable.as_slice().first()
            && *first < self.at
        {
            let offset = (*first).max(start);
            self.undecodable.next();
            self.describe(UnusualKind::InvalidUtf8, offset, None);
        }
        Ok(escapes)
    }

    fn escape(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let unit = self.unit(start)?;
                self.at = start + 6;
                if (0xDC00..0xE000).contains(&unit) {
                    self.lone(start);
                } else if (0xD800..0xDC00).contains(&unit) {
                    let low = self.text[self.at..].starts_with("\\u");
                    let low = low.then(|| unit_at(self.text, self.at)).flatten();
                    match low {
                        Some(0xDC00..0xE000) => self.at += 6,
                        _ => self.lone(start),
                    }
                }
            }
            _ => return Err(self.syntax("unknown escape")),
        }
        Ok(())
    }

    fn unit(&mut self, start: usize) -> Result<u16, Error> {
        unit_at(self.text, start).ok_or_else(|| self.syntax("`\\u` needs four hexadecimal digits"))
    }

    fn lone(&mut self, start: usize) {
        self.edits.push(Edit {
            start,
            end: start + 6,
            with: REPLACEMENT,
        });
        self.describe(UnusualKind::LoneSurrogate, start, None);
    }

    fn number(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.syntax("expected a digit")),
        }
        let mut is_integer = true;
        if self.peek() == Some(b'.') {
            is_integer = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            is_integer = false;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let written = &self.text[start..self.at];
        if is_integer && written.len() <= 15 {
            return Ok(());
        }
        let value: f64 = written.parse().unwrap_or_default();
        if value.is_infinite() {
            self.edits.push(Edit {
                start,
                end: self.at,
                with: if value > 0.0 { GREATEST } else { LEAST },
            });
            self.describe(UnusualKind::NumberOutOfRange, start, None);
        } else if self.longest > 0 && is_integer && format!("{value:.0}") != written {
            self.describe(UnusualKind::RoundedNumber, start, None);
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Error> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        match self.at > start {
            true => Ok(()),
            false => Err(self.syntax("expected a digit")),
        }
    }

    pub(super) fn describe(&mut self, kind: UnusualKind, offset: usize, earlier: Option<usize>) {
        if self.longest == 0 {
            return;
        }
        if self.found.len() == self.longest {
            self.more = true;
            return;
        }
        self.found.push(Found {
            kind,
            pointer: self.pointer(),
            offset,
            earlier,
        });
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            pointer.push('/');
            match step {
                Step::Key(written) => {
                    pointer += &unescape(written).replace('~', "~0").replace('/', "~1");
                }
                Step::Index(index) => pointer += &index.to_string(),
            }
        }
        pointer
    }

    /// Returns the offset of the document's value.
    pub(super) fn first(&mut self) -> usize {
        self.space();
        self.at
    }

    /// Moves to a member of the object, or an entry of the array, at this position.
    pub(super) fn member(&mut self, name: &str) -> Option<usize> {
        let is_object = match self.peek()? {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        let position = name.parse::<usize>().ok();
        let mut last = None;
        self.at += 1;
        for index in 0.. {
            self.space();
            let matches = match is_object {
                true if self.peek() == Some(b'"') => self.key().ok()? == name,
                true => break,
                false if self.peek() == Some(b']') => break,
                false => position == Some(index),
            };
            if is_object {
                self.space();
                self.at += 1;
                self.space();
            }
            if matches {
                last = Some(self.at);
                if !is_object {
                    break;
                }
            }
            self.value().ok()?;
            self.space();
            if self.peek() != Some(b',') {
                break;
            }
            self.at += 1;
        }
        self.at = last?;
        last
    }
}

/// Returns the code unit of an escape `\uXXXX`.
fn unit_at(text: &str, start: usize) -> Option<u16> {
    let digits = text.get(start + 2..start + 6)?;
    let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

/// Decodes a string that is valid apart from lone surrogates. It still has its quotes.
fn unescape(written: &str) -> String {
    let inner = &written[1..written.len() - 1];
    let mut text = String::with_capacity(inner.len());
    let mut units: Vec<u16> = Vec::new();
    let mut rest = inner;
    while let Some(start) = rest.find('\\') {
        if start > 0 {
            flush(&mut units, &mut text);
        }
        text += &rest[..start];
        let escape = &rest[start..];
        match escape.as_bytes().get(1) {
            Some(b'u') => {
                units.extend(unit_at(escape, 0));
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            Some(letter) => {
                flush(&mut units, &mut text);
                text.push(match letter {
                    b'b' => '\u{8}',
                    b'f' => '\u{c}',
                    b'n' => '\n',
                    b'r' => '\r',
                    b't' => '\t',
                    other => char::from(*other),
                });
            }
            None => {}
        }
        rest = escape.get(2..).unwrap_or_default();
    }
    flush(&mut units, &mut text);
    text + rest
}

/// Appends the decoded UTF-16 of adjacent escapes.
fn flush(units: &mut Vec<u16>, text: &mut String) {
    let decoded = char::decode_utf16(units.drain(..));
    text.extend(decoded.map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)));
}
