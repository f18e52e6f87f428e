//! Any bytes as JSON: the ways to read them agree, and what serde_json reads is read in the same way.

#![no_main]

use glance_sdk::json::{self, Document, MAX_DEPTH};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    let read = json::from_slice::<Value>(text);
    let document = Document::read(text);
    assert_eq!(
        read.as_ref().map_err(json::Error::kind),
        document
            .as_ref()
            .map(Document::value)
            .map_err(json::Error::kind),
    );
    if let (Err(one), Err(other)) = (&read, &document) {
        assert_eq!(one, other);
    }
    if let Ok(strict) = serde_json::from_slice::<Value>(text)
        && depth(&strict) <= MAX_DEPTH
        && !text.starts_with(b"\xef\xbb\xbf")
    {
        assert_eq!(read.as_ref().ok(), Some(&strict));
    }
    if let (Ok(value), Ok(document)) = (read, document) {
        assert_eq!(json::from_str::<Value>(&value.to_string()).unwrap(), value);
        for unusual in document.unusual() {
            document.place(&unusual.pointer);
        }
    }
});

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
