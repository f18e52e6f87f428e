//! Log lines as JSON, in which values of others neither act on a terminal nor fill it.

use std::io::{self, Write};

use glance_sdk::printable::acts;
use tracing_subscriber::fmt::MakeWriter;

use super::fields::LONGEST;

/// Escapes and cuts the strings of each line that goes to `W`.
pub(super) struct JsonLines<W>(pub(super) W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for JsonLines<W> {
    type Writer = JsonLine<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        JsonLine(self.0.make_writer())
    }
}

pub(super) struct JsonLine<W>(W);

impl<W: Write> Write for JsonLine<W> {
    /// Takes whole lines, which is how a subscriber writes them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = tidied(&String::from_utf8_lossy(bytes));
        self.0.write_all(line.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The same JSON with strings of at most [`LONGEST`] characters, and with escapes for what acts.
fn tidied(line: &str) -> String {
    let mut tidied = String::with_capacity(line.len());
    let mut length = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        let Some(so_far) = &mut length else {
            tidied.push(letter);
            length = (letter == '"').then_some(0);
            continue;
        };
        if letter == '"' {
            tidied.push(letter);
            length = None;
            continue;
        }
        let mut written = String::from(letter);
        if letter == '\\' {
            let escaped = letters.next();
            written.extend(escaped);
            if escaped == Some('u') {
                written.extend(letters.by_ref().take(4));
            }
        } else if acts(letter) {
            let mut units = [0; 2];
            let units = letter.encode_utf16(&mut units).iter();
            written = units.map(|unit| format!("\\u{unit:04x}")).collect();
        }
        match *so_far {
            LONGEST => tidied.push('…'),
            0..LONGEST => tidied += &written,
            _ => {}
        }
        *so_far += 1;
    }
    tidied
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn strings_are_escaped_and_cut_and_stay_json() {
        let long = "\\\"é\u{1b}".repeat(100_000);
        for value in [
            json!({ "message": "a\u{1b}[2J\n\"\\", "count": 7, "list": ["", "x"] }),
            json!({ "message": "\u{202e}\u{9b}\u{7f}\u{e0001}" }),
        ] {
            let line = tidied(&value.to_string());
            assert!(!line.chars().any(acts), "{line}");
            assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
        }
        let line = tidied(&json!({ "message": long, "after": 1 }).to_string());
        let value: Value = serde_json::from_str(&line).unwrap();
        let message = value["message"].as_str().unwrap();
        assert_eq!(message.chars().count(), LONGEST + 1);
        assert!(message.ends_with('…') && value["after"] == 1);
    }
}
