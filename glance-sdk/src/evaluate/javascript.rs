//! The few operations of JavaScript that conditions rest on.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

/// What `if (value)` takes for true.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64().is_some_and(|n| n != 0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// What `a === b` says of two values parsed apart: never true of arrays and objects.
pub(super) fn is_identical(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Null | Value::Bool(_) | Value::String(_), _) => a == b,
        _ => false,
    }
}

/// What `a < b` says: text by UTF-16 units where both are text, otherwise numbers.
pub(super) fn is_less(a: &Value, b: &Value) -> bool {
    if let (Some(a), Some(b)) = (as_text(a), as_text(b)) {
        return a.encode_utf16().cmp(b.encode_utf16()) == Ordering::Less;
    }
    to_number(a) < to_number(b)
}

/// What `String(value)` makes of it.
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

/// A value that `<` treats as text, once objects are made primitive.
fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    matches!(value, Value::String(_) | Value::Array(_) | Value::Object(_)).then(|| to_text(value))
}

/// What `Number(value)` makes of it, NaN included.
fn to_number(value: &Value) -> f64 {
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
    match text.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => return radix(&text[2..], 16),
        Some("0o") => return radix(&text[2..], 8),
        Some("0b") => return radix(&text[2..], 2),
        _ => {}
    }
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        // Rust also reads "inf" and "nan", JavaScript does not.
        _ if text
            .chars()
            .any(|c| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) =>
        {
            f64::NAN
        }
        _ => text.parse().unwrap_or(f64::NAN),
    }
}

/// An attribute's path. A member whose name is the whole text wins over the nested one.
#[derive(Debug, Clone)]
pub(super) struct Path {
    whole: String,
    steps: Vec<String>,
}

impl Path {
    pub(super) fn new(text: &str) -> Self {
        Self {
            whole: text.to_owned(),
            steps: steps(text),
        }
    }

    pub(super) fn get<'v>(&self, value: &'v Value) -> Option<Cow<'v, Value>> {
        if let Some(member) = value
            .as_object()
            .and_then(|members| members.get(&self.whole))
        {
            return Some(Cow::Borrowed(member));
        }
        let mut at = Cow::Borrowed(value);
        for step in &self.steps {
            at = match at {
                Cow::Borrowed(value) => member(value, step)?,
                Cow::Owned(value) => Cow::Owned(member(&value, step)?.into_owned()),
            };
        }
        Some(at)
    }
}

fn member<'v>(value: &'v Value, name: &str) -> Option<Cow<'v, Value>> {
    let index = || {
        name.parse::<usize>()
            .ok()
            .filter(|index| index.to_string() == name)
    };
    match value {
        Value::Object(members) => members.get(name).map(Cow::Borrowed),
        Value::Array(items) if name == "length" => Some(Cow::Owned(items.len().into())),
        Value::Array(items) => items.get(index()?).map(Cow::Borrowed),
        Value::String(text) if name == "length" => {
            Some(Cow::Owned(text.encode_utf16().count().into()))
        }
        Value::String(text) => {
            let unit = text.encode_utf16().nth(index()?)?;
            Some(Cow::Owned(String::from_utf16_lossy(&[unit]).into()))
        }
        _ => None,
    }
}

/// Splits `a.b[0]["c"]` into its names, as lodash does.
fn steps(text: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut rest = text;
    if rest.starts_with('.') {
        steps.push(String::new());
    }
    while !rest.is_empty() {
        if let Some((name, after)) = bracketed(rest) {
            steps.push(name);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            if after.is_empty() || after.starts_with('.') {
                steps.push(String::new());
            }
            rest = after;
        } else if rest.starts_with(['[', ']']) {
            rest = &rest[1..];
        } else {
            let end = rest.find(['.', '[', ']']).unwrap_or(rest.len());
            steps.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
    }
    steps
}

fn bracketed(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('[')?;
    if let Some(quote) = inner.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let end = inner[1..].find(quote)? + 1;
        let after = inner[end + 1..].strip_prefix(']')?;
        return Some((inner[1..end].to_owned(), after));
    }
    let end = inner.find(']')?;
    let digits = &inner[..end];
    digits.parse::<f64>().ok()?;
    Some((digits.to_owned(), &inner[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_becomes_a_number_as_in_javascript() {
        for (text, number) in [
            ("5", 5.0),
            ("", 0.0),
            (" 12\n", 12.0),
            ("0x10", 16.0),
            ("0b11", 3.0),
            ("-1.5e3", -1500.0),
            (".5", 0.5),
            ("5.", 5.0),
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

    #[test]
    fn paths_reach_what_lodash_reaches() {
        let metadata = json!({
            "a": { "b": [1, { "c": "x" }] }, "a.b": "whole", "": { "k": 2 }, "s": "añ"
        });
        for (path, found) in [
            ("a.b", Some(json!("whole"))),
            ("a.b[0]", Some(json!(1))),
            ("a.b.1.c", Some(json!("x"))),
            ("a[\"b\"][1]['c']", Some(json!("x"))),
            ("a.b.length", Some(json!(2))),
            ("s.length", Some(json!(2))),
            ("s[1]", Some(json!("ñ"))),
            (".k", Some(json!(2))),
            ("a.b[2]", None),
            ("a.b.01", None),
            ("a..b", None),
            ("a.x.y", None),
        ] {
            assert_eq!(
                Path::new(path).get(&metadata).map(Cow::into_owned),
                found,
                "{path}"
            );
        }
    }
}
