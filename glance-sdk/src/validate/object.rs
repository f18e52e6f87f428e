//! Walks the objects of a document and reports problems, each with its JSON pointer.
//!
//! A violation of HipChat's schema is an error, or a warning if HipChat's service accepted it or it
//! does no harm.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::found::Found;
use super::{Problem, Severity, is_extension_key};
use crate::printable::{Printable, printable};

/// The unit of text lengths: the schema counts characters, a browser UTF-16 units.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Characters,
    Utf16,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    /// Real hosts worked without it.
    Advised,
    Optional,
}

/// An object of the document, with its position and the problems so far.
pub(super) struct Object<'a> {
    pub(super) members: &'a Map<String, Value>,
    pointer: String,
    found: &'a mut Found,
}

impl<'a> Object<'a> {
    pub(super) fn top(document: &'a Value, found: &'a mut Found) -> Option<Self> {
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
                    place: None,
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
        let pointer = self.pointer_to(name);
        self.found.push(Problem {
            pointer,
            code,
            severity,
            message,
            place: None,
        });
    }

    /// Warns of a problem below this object; an empty path means the object itself.
    pub(super) fn report_at(&mut self, path: &[&str], code: &'static str, message: String) {
        let pointer = path.iter().fold(self.pointer.clone(), |pointer, name| {
            format!("{pointer}/{name}")
        });
        self.found.push(Problem {
            pointer,
            code,
            severity: Severity::Warning,
            message,
            place: None,
        });
    }

    pub(super) fn wrong_type(&mut self, name: &str, expected: &str) {
        self.wrong_type_as(Severity::Error, name, expected);
    }

    pub(super) fn wrong_type_as(&mut self, severity: Severity, name: &str, expected: &str) {
        let found = self.members.get(name).map_or("absent", kind);
        self.report(
            name,
            "wrong-type",
            severity,
            format!("`{name}` is {found}, it must be {expected}"),
        );
    }

    /// Warns of other members than these, if the schema allows no others.
    pub(super) fn only(&mut self, known: &[&str]) {
        let strange: Vec<_> = self
            .members
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
            .cloned()
            .collect();
        for name in strange {
            let message = format!(
                "`{}` has no place here, where only these may stand: {}; remove it",
                quoted(&name),
                known.join(", ")
            );
            self.report(&name, "unknown-member", Severity::Warning, message);
        }
    }

    pub(super) fn member(&mut self, name: &str, need: Need) -> Option<&'a Value> {
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

    pub(super) fn string(&mut self, name: &str, need: Need) -> Option<&'a str> {
        let text = self.member(name, need)?.as_str();
        if text.is_none() {
            self.wrong_type(name, "a string");
        }
        text
    }

    /// Checks a string that must not be empty, although the schema allows it.
    pub(super) fn filled(&mut self, name: &str) {
        if self.string(name, Need::Required) == Some("") {
            let message = format!("`{name}` is empty; fill it in");
            self.report(name, "empty", Severity::Error, message);
        }
    }

    pub(super) fn text(
        &mut self,
        name: &str,
        need: Need,
        measure: Measure,
        longest: usize,
    ) -> Option<&'a str> {
        let text = self.string(name, need)?;
        if text.is_empty() {
            let message = format!("`{name}` is empty; fill it in");
            self.report(name, "too-short", Severity::Error, message);
        }
        self.limit(name, text, measure, longest);
        Some(text)
    }

    /// Checks text that may be empty.
    pub(super) fn at_most(&mut self, name: &str, longest: usize) {
        if let Some(text) = self.string(name, Need::Optional) {
            self.limit(name, text, Measure::Characters, longest);
        }
    }

    fn limit(&mut self, name: &str, text: &str, measure: Measure, longest: usize) {
        let length = match measure {
            Measure::Characters => text.chars().count(),
            Measure::Utf16 => text.encode_utf16().count(),
        };
        if length > longest {
            let message =
                format!("`{name}` has {length} characters, {longest} are allowed; shorten it");
            self.report(name, "too-long", Severity::Error, message);
        }
    }

    /// Checks a key of 1 to 40 of `a-z A-Z 0-9 _ - .`.
    pub(super) fn extension_key(&mut self, need: Need) {
        let Some(key) = self.text("key", need, Measure::Characters, 40) else {
            return;
        };
        if !key.is_empty() && key.chars().count() <= 40 && !is_extension_key(key) {
            let message = format!(
                "the key `{}` may have only letters, digits, `_`, `-` and `.`",
                quoted(key)
            );
            self.report("key", "bad-key", Severity::Error, message);
        }
    }

    pub(super) fn one_of(
        &mut self,
        name: &str,
        need: Need,
        severity: Severity,
        allowed: &[&'static str],
    ) -> Option<&'static str> {
        let text = self.string(name, need)?;
        let known = allowed.iter().find(|known| **known == text).copied();
        if known.is_none() {
            let message = format!(
                "`{name}` is \"{}\", it must be one of: {}",
                quoted(text),
                allowed.join(", ")
            );
            self.report(name, "unknown-value", severity, message);
        }
        known
    }

    pub(super) fn url(&mut self, name: &str, need: Need) {
        if let Some(url) = self.string(name, need) {
            self.absolute(name, url, Severity::Error);
        }
    }

    /// Checks a URL without which the add-on still works.
    pub(super) fn lesser_url(&mut self, name: &str) {
        if let Some(url) = self.string(name, Need::Optional) {
            self.absolute(name, url, Severity::Warning);
        }
    }

    /// Checks the URL of a page. Hosts fill in its variables, `{dotted.path}`, when they open it.
    pub(super) fn page_url(&mut self) {
        if let Some(url) = self.string("url", Need::Required) {
            let starts_with_variable = url.starts_with('{') && !url.starts_with("{{");
            if !starts_with_variable {
                self.absolute("url", url, Severity::Error);
            }
        }
    }

    fn absolute(&mut self, name: &str, url: &str, severity: Severity) {
        let rest = ["http://", "https://"].iter().find_map(|scheme| {
            let head = url.get(..scheme.len())?;
            head.eq_ignore_ascii_case(scheme)
                .then(|| &url[scheme.len()..])
        });
        if !rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) {
            let message = format!(
                "`{name}` is \"{}\", it must be an absolute address: http:// or https:// with a host",
                quoted(url)
            );
            self.report(name, "not-absolute", severity, message);
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

    pub(super) fn whole_number(&mut self, name: &str) {
        if self
            .members
            .get(name)
            .is_some_and(|member| member.as_i64().is_none())
        {
            self.wrong_type(name, "a whole number");
        }
    }

    pub(super) fn seconds(&mut self, name: &str, allowed: RangeInclusive<i64>) {
        self.whole_number(name);
        if let Some(seconds) = self.members.get(name).and_then(Value::as_i64)
            && !allowed.contains(&seconds)
        {
            let (least, most) = allowed.into_inner();
            let message = format!("`{name}` is {seconds}, it must be {least} to {most} seconds");
            self.report(name, "out-of-range", Severity::Error, message);
        }
    }

    pub(super) fn strings(&mut self, name: &str) -> Vec<&'a str> {
        let Some(member) = self.member(name, Need::Required) else {
            return Vec::new();
        };
        let strings: Option<Vec<_>> = member
            .as_array()
            .and_then(|list| list.iter().map(Value::as_str).collect());
        if strings.is_none() {
            self.wrong_type(name, "a list of strings");
        }
        strings.unwrap_or_default()
    }

    pub(super) fn localised(&mut self, name: &str, need: Need) {
        self.object(name, need, |text| {
            text.text("value", Need::Required, Measure::Characters, 100);
            text.text("i18n", Need::Optional, Measure::Characters, 40);
            text.only(&["value", "i18n"]);
        });
    }

    pub(super) fn object(&mut self, name: &str, need: Need, check: impl FnOnce(&mut Object<'_>)) {
        match self.member(name, need) {
            None => {}
            Some(Value::Object(members)) => check(&mut Object {
                members,
                pointer: self.pointer_to(name),
                found: self.found,
            }),
            Some(_) => self.wrong_type(name, "an object"),
        }
    }

    pub(super) fn list(&mut self, name: &str, check: impl FnMut(&mut Object<'_>)) {
        match self.members.get(name) {
            None => {}
            Some(Value::Array(entries)) => {
                let pointer = self.pointer_to(name);
                self.entries(Severity::Error, &pointer, entries, check);
            }
            Some(_) => self.wrong_type(name, "a list"),
        }
    }

    /// Checks a list, or one entry without a list, which HipChat's service accepted.
    pub(super) fn list_or_one(&mut self, name: &str, mut check: impl FnMut(&mut Object<'_>)) {
        if self.members.get(name).is_some_and(Value::is_object) {
            let message = format!("`{name}` is an object, it must be a list; put it into [ ]");
            self.report(name, "not-a-list", Severity::Warning, message);
            self.object(name, Need::Optional, |entry| check(entry));
        } else {
            self.list(name, check);
        }
    }

    pub(super) fn entries(
        &mut self,
        severity: Severity,
        pointer: &str,
        entries: &[Value],
        mut check: impl FnMut(&mut Object<'_>),
    ) {
        for (index, entry) in entries.iter().enumerate() {
            let pointer = format!("{pointer}/{index}");
            match entry {
                Value::Object(members) => check(&mut Object {
                    members,
                    pointer,
                    found: self.found,
                }),
                _ => self.found.push(Problem {
                    pointer,
                    code: "wrong-type",
                    severity,
                    message: format!("this is {}, it must be an object", kind(entry)),
                    place: None,
                }),
            }
        }
    }

    pub(super) fn unique_key(&mut self, seen: &mut HashSet<String>) {
        let Some(key) = self.members.get("key").and_then(Value::as_str) else {
            return;
        };
        if !seen.insert(key.to_owned()) {
            let message = format!(
                "the key `{}` is used twice; keys are unique within an add-on",
                quoted(key)
            );
            self.report("key", "duplicate-key", Severity::Error, message);
        }
    }

    /// Returns the pointer to the list's entry, or the member, with this name or index.
    pub(super) fn pointer_to(&self, name: &str) -> String {
        format!(
            "{}/{}",
            self.pointer,
            name.replace('~', "~0").replace('/', "~1")
        )
    }

    /// Returns the pointer and the key of the entry's target, if it has one.
    pub(super) fn target(&mut self, need: Need) -> Option<(String, String)> {
        let target = self.member("target", need)?;
        let pointer = self.pointer_to("target");
        if let Some(key) = target.as_str() {
            return Some((pointer, key.to_owned()));
        }
        let Some(key) = target.get("key").and_then(Value::as_str) else {
            self.wrong_type("target", "a key, or an object with a `key`");
            return None;
        };
        self.object("target", need, |target| {
            target.extension_key(Need::Required);
            target.object("options", Need::Optional, |_| {});
        });
        Some((pointer, key.to_owned()))
    }
}

/// Quotes a value in a message.
pub(super) fn quoted(text: &str) -> Printable<'_> {
    printable(text).at_most(80)
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
