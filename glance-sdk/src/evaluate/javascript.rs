//! The JavaScript operations that conditions need.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

/// Returns whether `if (value)` succeeds.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64().is_some_and(|n| n != 0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Returns `a === b` for two separately parsed values: never true for arrays and objects.
pub(super) fn is_identical(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Null | Value::Bool(_) | Value::String(_), _) => a == b,
        _ => false,
    }
}

/// Returns `a < b`: compares UTF-16 units if both are strings, otherwise numbers.
pub(super) fn is_less(a: &Value, b: &Value) -> bool {
    if let (Some(a), Some(b)) = (as_text(a), as_text(b)) {
        return a.encode_utf16().cmp(b.encode_utf16()) == Ordering::Less;
    }
    to_number(a) < to_number(b)
}

/// Returns `String(value)`.
pub(super) fn to_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(items) => items
            .iter()
            .map(|item| {
                if item.is_null() {
                    Cow::Borrowed("")
                } else {
                    to_text(item)
                }
            })
            .collect::<Vec<_>>()
            .join(",")
            .into(),
        Value::Object(_) => Cow::Borrowed("[object Object]"),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string().into(),
    }
}

/// Returns the string if `<` compares the value as one, after the conversion to a primitive.
pub(super) fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    matches!(value, Value::String(_) | Value::Array(_) | Value::Object(_)).then(|| to_text(value))
}

/// Returns `Number(value)`, which may be NaN.
pub(super) fn to_number(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::Number(n) => n.as_f64().unwrap_or(f64::NAN),
        Value::String(_) | Value::Array(_) | Value::Object(_) => text_to_number(&to_text(value)),
    }
}

fn text_to_number(text: &str) -> f64 {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let radix = |digits: &str, radix| {
        u128::from_str_radix(digits, radix).map_or(f64::NAN, |number| number as f64)
    };
    match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => return radix(&text[2..], 16),
        [b'0', b'o' | b'O', ..] => return radix(&text[2..], 8),
        [b'0', b'b' | b'B', ..] => return radix(&text[2..], 2),
        _ => {}
    }
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        // Rust also parses "inf" and "nan", JavaScript does not.
        _ if text
            .chars()
            .any(|c| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) =>
        {
            f64::NAN
        }
        _ => text.parse().unwrap_or(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_converts_to_number_like_in_javascript() {
        for (text, number) in [
            ("5", 5.0),
            ("", 0.0),
            (" 12\n", 12.0),
            ("0x10", 16.0),
            ("0o17", 15.0),
            ("0b11", 3.0),
            ("-1.5e3", -1500.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("Infinity", f64::INFINITY),
            ("+Infinity", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(text_to_number(text), number, "{text:?}");
        }
        for text in [
            "abc", "1 2", "inf", "nan", "infinity", "0x", "-0x10", "1e", "5px",
        ] {
            assert!(text_to_number(text).is_nan(), "{text:?}");
        }
    }
}
