//! The path of an attribute in the metadata, parsed once.

use std::borrow::Cow;

use serde_json::Value;

/// An attribute's path. A member with the whole text as its name takes precedence over the nested
/// one.
#[derive(Debug, Clone)]
pub(super) struct Path {
    whole: String,
    steps: Vec<Step>,
    /// Whether the whole text is a single name.
    single: bool,
}

#[derive(Debug, Clone)]
struct Step {
    name: String,
    /// The name as an index of lists and strings, if it is one.
    index: Option<usize>,
}

impl Path {
    pub(super) fn new(text: &str) -> Self {
        let names = steps(text);
        Self {
            whole: text.to_owned(),
            single: names == [text],
            steps: names.into_iter().map(Step::new).collect(),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.whole
    }

    /// Returns the member with the whole text as its name, which is the usual case.
    pub(super) fn direct<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_object()?.get(&self.whole)
    }

    pub(super) fn get<'v>(&self, value: &'v Value) -> Option<Cow<'v, Value>> {
        if let Some(member) = self.direct(value) {
            return Some(Cow::Borrowed(member));
        }
        if self.single && value.is_object() {
            return None;
        }
        let mut at = Cow::Borrowed(value);
        for step in &self.steps {
            at = match at {
                Cow::Borrowed(value) => step.of(value)?,
                Cow::Owned(value) => Cow::Owned(step.of(&value)?.into_owned()),
            };
        }
        Some(at)
    }
}

impl Step {
    fn new(name: String) -> Self {
        let index = name
            .parse::<usize>()
            .ok()
            .filter(|index| index.to_string() == name);
        Self { name, index }
    }

    fn of<'v>(&self, value: &'v Value) -> Option<Cow<'v, Value>> {
        match value {
            Value::Object(members) => members.get(&self.name).map(Cow::Borrowed),
            Value::Array(items) if self.name == "length" => Some(Cow::Owned(items.len().into())),
            Value::Array(items) => items.get(self.index?).map(Cow::Borrowed),
            Value::String(text) if self.name == "length" => {
                Some(Cow::Owned(text.encode_utf16().count().into()))
            }
            Value::String(text) => {
                let unit = text.encode_utf16().nth(self.index?)?;
                Some(Cow::Owned(String::from_utf16_lossy(&[unit]).into()))
            }
            _ => None,
        }
    }
}

/// Splits `a.b[0]["c"]` into names, like lodash.
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
    fn paths_behave_like_lodash() {
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
            ("s", Some(json!("añ"))),
            ("t", None),
        ] {
            assert_eq!(
                Path::new(path).get(&metadata).map(Cow::into_owned),
                found,
                "{path}"
            );
        }
    }
}
