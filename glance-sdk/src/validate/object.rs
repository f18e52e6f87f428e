//! Walks a document's objects and reports what it finds, each with its JSON pointer.

use serde_json::{Map, Value};

use super::{Problem, Severity, is_extension_key};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    /// Real hosts did without it.
    Advised,
    Optional,
}

/// An object of the document, where it stands, and what was found so far.
pub(super) struct Object<'a> {
    pub(super) members: &'a Map<String, Value>,
    pointer: String,
    found: &'a mut Vec<Problem>,
}

impl<'a> Object<'a> {
    pub(super) fn top(document: &'a Value, found: &'a mut Vec<Problem>) -> Option<Self> {
        match document {
            Value::Object(members) => Some(Self {
                members,
                pointer: String::new(),
                found,
            }),
            _ => {
                found.push(Problem {
                    pointer: String::new(),
                    code: "wrong-type",
                    severity: Severity::Error,
                    message: format!("the document is {}, it must be an object", kind(document)),
                });
                None
            }
        }
    }

    pub(super) fn report(
        &mut self,
        name: &str,
        code: &'static str,
        severity: Severity,
        message: String,
    ) {
        let pointer = format!(
            "{}/{}",
            self.pointer,
            name.replace('~', "~0").replace('/', "~1")
        );
        self.found.push(Problem {
            pointer,
            code,
            severity,
            message,
        });
    }

    pub(super) fn wrong_type(&mut self, name: &str, expected: &str) {
        let found = self.members.get(name).map_or("absent", kind);
        self.report(
            name,
            "wrong-type",
            Severity::Error,
            format!("`{name}` is {found}, it must be {expected}"),
        );
    }

    fn member(&mut self, name: &str, need: Need) -> Option<&'a Value> {
        let member = self.members.get(name);
        let severity = match need {
            Need::Required => Severity::Error,
            Need::Advised => Severity::Warning,
            Need::Optional => return member,
        };
        if member.is_none() {
            self.report(
                name,
                "missing",
                severity,
                format!("`{name}` is missing; add it"),
            );
        }
        member
    }

    pub(super) fn text(
        &mut self,
        name: &str,
        need: Need,
        length: std::ops::RangeInclusive<usize>,
    ) -> Option<&'a str> {
        let Some(text) = self.member(name, need)?.as_str() else {
            self.wrong_type(name, "a string");
            return None;
        };
        let units = text.encode_utf16().count();
        if units < *length.start() {
            self.report(
                name,
                "too-short",
                Severity::Error,
                format!("`{name}` is empty; fill it in"),
            );
        } else if units > *length.end() {
            let message = format!(
                "`{name}` has {units} characters, {} are allowed; shorten it",
                length.end()
            );
            self.report(name, "too-long", Severity::Error, message);
        }
        Some(text)
    }

    pub(super) fn one_of(&mut self, name: &str, allowed: &[&'static str]) -> Option<&'static str> {
        let text = self.text(name, Need::Required, 0..=usize::MAX)?;
        let known = allowed.iter().find(|known| **known == text).copied();
        if known.is_none() {
            let message = format!(
                "`{name}` is \"{text}\", it must be one of: {}",
                allowed.join(", ")
            );
            self.report(name, "unknown-value", Severity::Error, message);
        }
        known
    }

    pub(super) fn url(&mut self, name: &str, need: Need) {
        let Some(text) = self.text(name, need, 0..=usize::MAX) else {
            return;
        };
        let rest = ["http://", "https://"].iter().find_map(|scheme| {
            let head = text.get(..scheme.len())?;
            head.eq_ignore_ascii_case(scheme)
                .then(|| &text[scheme.len()..])
        });
        if !rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) {
            let message = format!(
                "`{name}` is \"{text}\", it must be an absolute address: http:// or https:// with a host"
            );
            self.report(name, "not-absolute", Severity::Error, message);
        }
    }

    pub(super) fn boolean(&mut self, name: &str) {
        if self
            .members
            .get(name)
            .is_some_and(|member| !member.is_boolean())
        {
            self.wrong_type(name, "true or false");
        }
    }

    pub(super) fn texts(&mut self, name: &str) {
        if let Some(list) = self.member(name, Need::Required)
            && !list
                .as_array()
                .is_some_and(|list| list.iter().all(Value::is_string))
        {
            self.wrong_type(name, "a list of strings");
        }
    }

    pub(super) fn localised(&mut self, name: &str) {
        self.object(name, Need::Required, |text| {
            text.text("value", Need::Required, 1..=100);
            text.text("i18n", Need::Optional, 1..=40);
        });
    }

    pub(super) fn object(&mut self, name: &str, need: Need, check: impl FnOnce(&mut Object<'_>)) {
        match self.member(name, need) {
            None => {}
            Some(Value::Object(members)) => check(&mut Object {
                members,
                pointer: format!("{}/{name}", self.pointer),
                found: self.found,
            }),
            Some(_) => self.wrong_type(name, "an object"),
        }
    }

    pub(super) fn list(&mut self, name: &str, mut check: impl FnMut(&mut Object<'_>)) {
        let Some(member) = self.members.get(name) else {
            return;
        };
        let Some(entries) = member.as_array() else {
            return self.wrong_type(name, "a list");
        };
        for (index, entry) in entries.iter().enumerate() {
            let pointer = format!("{}/{name}/{index}", self.pointer);
            match entry {
                Value::Object(members) => {
                    check(&mut Object {
                        members,
                        pointer,
                        found: self.found,
                    });
                }
                _ => self.found.push(Problem {
                    pointer,
                    code: "wrong-type",
                    severity: Severity::Error,
                    message: format!("this is {}, it must be an object", kind(entry)),
                }),
            }
        }
    }

    pub(super) fn unique_key(&mut self, seen: &mut Vec<String>) {
        let Some(key) = self.members.get("key").and_then(Value::as_str) else {
            return;
        };
        if !key.is_empty() && key.len() <= 40 && !is_extension_key(key) {
            let message =
                format!("the key `{key}` may have only letters, digits, `_`, `-` and `.`");
            self.report("key", "bad-key", Severity::Error, message);
        }
        if seen.iter().any(|other| other == key) {
            let message =
                format!("the key `{key}` is used twice; keys are unique within an add-on");
            self.report("key", "duplicate-key", Severity::Error, message);
        }
        seen.push(key.to_owned());
    }

    pub(super) fn target(&mut self) -> Option<(String, String)> {
        let target = self.members.get("target")?;
        let key = target.as_str().or_else(|| target.get("key")?.as_str());
        if key.is_none() {
            self.wrong_type("target", "a key, or an object with a `key`");
        }
        Some((format!("{}/target", self.pointer), key?.to_owned()))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a Boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
