//! Says what is wrong with a document, where, and what to do about it.
//!
//! The checks read raw JSON, because a document with a missing member has no typed form:
//!
//! ```
//! use glance_sdk::validate::{descriptor, Severity};
//!
//! let problems = descriptor(&serde_json::json!({
//!     "key": "com.example.add-on",
//!     "name": "Example",
//!     "description": "An example.",
//!     "links": {}
//! }));
//! assert_eq!(problems.len(), 1);
//! assert_eq!(problems[0].pointer, "/links/self");
//! assert_eq!(problems[0].severity, Severity::Error);
//! ```

use std::fmt;

use serde_json::{Map, Value};

/// Something wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// Where: a JSON pointer, empty for the whole document.
    pub pointer: String,
    /// What: a stable word for programs.
    pub code: &'static str,
    /// Whether a host refuses the document for it.
    pub severity: Severity,
    /// What is wrong and what to do, in one sentence.
    pub message: String,
}

/// Whether a host refuses a document for a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does.
    Error,
    /// It does not, but people will notice.
    Warning,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => write!(f, "{}", self.message),
            pointer => write!(f, "{pointer}: {}", self.message),
        }
    }
}

/// Checks a capabilities descriptor as a host does before it installs the add-on.
pub fn descriptor(document: &Value) -> Vec<Problem> {
    let mut found = Vec::new();
    let Some(mut top) = Object::top(document, &mut found) else {
        return found;
    };
    for name in ["key", "name"] {
        top.text(name, Need::Required, 1..=usize::MAX);
    }
    top.text("description", Need::Advised, 0..=usize::MAX);
    top.object("links", Need::Advised, |links| {
        links.url("self", Need::Required);
        links.url("homepage", Need::Optional);
    });
    top.object("vendor", Need::Optional, |vendor| {
        vendor.text("name", Need::Required, 0..=usize::MAX);
        vendor.text("url", Need::Required, 0..=usize::MAX);
    });
    let mut openable = Vec::new();
    let mut targets = Vec::new();
    top.object("capabilities", Need::Optional, |capabilities| {
        capabilities.object("installable", Need::Optional, |installable| {
            installable.boolean("allowRoom");
            installable.boolean("allowGlobal");
            installable.url("callbackUrl", Need::Optional);
        });
        capabilities.object("hipchatApiConsumer", Need::Optional, |consumer| {
            consumer.texts("scopes");
        });
        let mut glances = Vec::new();
        capabilities.list("glance", |entry| {
            glance_members(entry);
            entry.unique_key(&mut glances);
            targets.extend(entry.target());
        });
        if glances.len() > 10 {
            capabilities.report(
                "glance",
                "too-many-glances",
                Severity::Error,
                format!("{} glances are declared, a descriptor may have 10; create the others at runtime", glances.len()),
            );
        }
        capabilities.list("webPanel", |entry| {
            entry.text("key", Need::Required, 1..=40);
            entry.unique_key(&mut openable);
            entry.localised("name");
            entry.url("url", Need::Required);
            entry.text("location", Need::Required, 1..=usize::MAX);
        });
        for other in ["dialog", "externalPage"] {
            if let Some(entries) = capabilities.members.get(other).and_then(Value::as_array) {
                openable.extend(entries.iter().filter_map(|e| e["key"].as_str().map(str::to_owned)));
            }
        }
    });
    found.extend(
        targets
            .into_iter()
            .filter(|(_, key)| !openable.contains(key))
            .map(|(pointer, key)| Problem {
                pointer,
                code: "dangling-target",
                severity: Severity::Warning,
                message: format!(
                    "no web panel, dialog or external page has the key `{key}`, so a click opens \
                 nothing; declare one or correct the target"
                ),
            }),
    );
    found
}

/// Checks a glance as the REST API takes it at runtime.
pub fn glance(document: &Value) -> Vec<Problem> {
    let mut found = Vec::new();
    if let Some(mut entry) = Object::top(document, &mut found) {
        glance_members(&mut entry);
    }
    found
}

/// Checks the data that a glance's query answered.
///
/// The rules are those of HipChat's last web client, which showed a glance whose data it refused
/// in the error state. Pushed data is not held to them.
pub fn glance_data(document: &Value) -> Vec<Problem> {
    let mut found = Vec::new();
    let Some(mut data) = Object::top(document, &mut found) else {
        return found;
    };
    data.object("label", Need::Required, |label| {
        label.one_of("type", &["html"]);
        label.text("value", Need::Required, 1..=1000);
    });
    data.object("status", Need::Optional, |status| {
        match status.one_of("type", &["lozenge", "icon"]) {
            Some("lozenge") => status.object("value", Need::Required, |lozenge| {
                lozenge.one_of(
                    "type",
                    &["default", "success", "error", "current", "new", "moved"],
                );
                lozenge.text("label", Need::Required, 1..=20);
            }),
            Some(_) => status.object("value", Need::Required, |icon| {
                icon.text("url", Need::Required, 0..=usize::MAX);
                icon.text("url@2x", Need::Required, 0..=usize::MAX);
            }),
            None => {}
        }
    });
    data.object("metadata", Need::Optional, |_| {});
    found
}

/// What the extension key of a glance or panel may be: 1 to 40 of `a-z A-Z 0-9 _ - .`.
pub fn is_extension_key(key: &str) -> bool {
    (1..=40).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

fn glance_members(entry: &mut Object<'_>) {
    entry.text("key", Need::Required, 1..=40);
    entry.localised("name");
    entry.object("icon", Need::Required, |icon| {
        icon.text("url", Need::Required, 0..=usize::MAX);
        icon.text("url@2x", Need::Advised, 0..=usize::MAX);
    });
    entry.url("queryUrl", Need::Optional);
    if entry
        .members
        .get("weight")
        .is_some_and(|weight| weight.as_i64().is_none())
    {
        entry.wrong_type("weight", "a whole number");
    }
    if entry
        .members
        .get("conditions")
        .is_some_and(|conditions| !conditions.is_array())
    {
        entry.wrong_type("conditions", "a list");
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    /// Real hosts did without it.
    Advised,
    Optional,
}

/// An object of the document, where it stands, and what was found so far.
struct Object<'a> {
    members: &'a Map<String, Value>,
    pointer: String,
    found: &'a mut Vec<Problem>,
}

impl<'a> Object<'a> {
    fn top(document: &'a Value, found: &'a mut Vec<Problem>) -> Option<Self> {
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

    fn report(&mut self, name: &str, code: &'static str, severity: Severity, message: String) {
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

    fn wrong_type(&mut self, name: &str, expected: &str) {
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

    fn text(
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

    fn one_of(&mut self, name: &str, allowed: &[&'static str]) -> Option<&'static str> {
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

    fn url(&mut self, name: &str, need: Need) {
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

    fn boolean(&mut self, name: &str) {
        if self
            .members
            .get(name)
            .is_some_and(|member| !member.is_boolean())
        {
            self.wrong_type(name, "true or false");
        }
    }

    fn texts(&mut self, name: &str) {
        if let Some(list) = self.member(name, Need::Required)
            && !list
                .as_array()
                .is_some_and(|list| list.iter().all(Value::is_string))
        {
            self.wrong_type(name, "a list of strings");
        }
    }

    fn localised(&mut self, name: &str) {
        self.object(name, Need::Required, |text| {
            text.text("value", Need::Required, 1..=100);
            text.text("i18n", Need::Optional, 1..=40);
        });
    }

    fn object(&mut self, name: &str, need: Need, check: impl FnOnce(&mut Object<'_>)) {
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

    fn list(&mut self, name: &str, mut check: impl FnMut(&mut Object<'_>)) {
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

    fn unique_key(&mut self, seen: &mut Vec<String>) {
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

    fn target(&mut self) -> Option<(String, String)> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(problems: &[Problem]) -> Vec<(&str, &str)> {
        problems
            .iter()
            .map(|p| (p.pointer.as_str(), p.code))
            .collect()
    }

    fn complete() -> Value {
        json!({
            "key": "a", "name": "A", "description": "It.",
            "links": {"self": "https://a.example/"},
            "capabilities": {
                "installable": {"callbackUrl": "https://a.example/installed"},
                "hipchatApiConsumer": {"scopes": ["view_room"]},
                "glance": [{
                    "key": "g", "name": {"value": "G"}, "queryUrl": "https://a.example/g",
                    "icon": {"url": "https://a.example/i.png", "url@2x": "https://a.example/i.png"},
                    "target": "p", "conditions": []
                }],
                "webPanel": [{
                    "key": "p", "name": {"value": "P"}, "url": "https://a.example/p",
                    "location": "hipchat.sidebar.right"
                }],
                "somethingNew": 4
            }
        })
    }

    #[test]
    fn a_complete_descriptor_has_no_problem() {
        assert_eq!(descriptor(&complete()), []);
    }

    #[test]
    fn each_problem_is_named_where_it_stands() {
        for (pointer, value, found, code) in [
            ("/name", Value::Null, "/name", "wrong-type"),
            ("/key", json!(""), "/key", "too-short"),
            (
                "/links/self",
                json!("/descriptor"),
                "/links/self",
                "not-absolute",
            ),
            (
                "/links/self",
                json!("https://"),
                "/links/self",
                "not-absolute",
            ),
            (
                "/links/self",
                json!("ftp://a.example"),
                "/links/self",
                "not-absolute",
            ),
            (
                "/capabilities/installable",
                json!([]),
                "/capabilities/installable",
                "wrong-type",
            ),
            (
                "/capabilities/hipchatApiConsumer",
                json!({}),
                "/capabilities/hipchatApiConsumer/scopes",
                "missing",
            ),
            (
                "/capabilities/glance",
                json!({}),
                "/capabilities/glance",
                "wrong-type",
            ),
            (
                "/capabilities/glance/0",
                json!("g"),
                "/capabilities/glance/0",
                "wrong-type",
            ),
            (
                "/capabilities/glance/0/key",
                json!("a b"),
                "/capabilities/glance/0/key",
                "bad-key",
            ),
            (
                "/capabilities/glance/0/key",
                json!("k".repeat(41)),
                "/capabilities/glance/0/key",
                "too-long",
            ),
            (
                "/capabilities/glance/0/name",
                json!("G"),
                "/capabilities/glance/0/name",
                "wrong-type",
            ),
            (
                "/capabilities/glance/0/icon",
                json!({}),
                "/capabilities/glance/0/icon/url",
                "missing",
            ),
            (
                "/capabilities/glance/0/queryUrl",
                json!("{{localBaseUrl}}/g"),
                "/capabilities/glance/0/queryUrl",
                "not-absolute",
            ),
            (
                "/capabilities/glance/0/target",
                json!("gone"),
                "/capabilities/glance/0/target",
                "dangling-target",
            ),
            (
                "/capabilities/glance/0/target",
                json!({}),
                "/capabilities/glance/0/target",
                "wrong-type",
            ),
            (
                "/capabilities/glance/0/conditions",
                json!({}),
                "/capabilities/glance/0/conditions",
                "wrong-type",
            ),
            (
                "/capabilities/webPanel/0/url",
                json!(7),
                "/capabilities/webPanel/0/url",
                "wrong-type",
            ),
        ] {
            let mut document = complete();
            *document.pointer_mut(pointer).unwrap() = value;
            let problems = descriptor(&document);
            assert!(
                pointers(&problems).contains(&(found, code)),
                "{pointer}: {problems:?}"
            );
        }
    }

    #[test]
    fn keys_are_unique_and_glances_ten_at_most() {
        let mut document = complete();
        let entry = document["capabilities"]["glance"][0].clone();
        document["capabilities"]["glance"] = Value::Array(vec![entry; 11]);
        let problems = descriptor(&document);
        let found = pointers(&problems);
        assert!(
            found.contains(&("/capabilities/glance/10/key", "duplicate-key")),
            "{found:?}"
        );
        assert!(
            found.contains(&("/capabilities/glance", "too-many-glances")),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_no_object_is_no_descriptor() {
        for document in [json!(null), json!([]), json!("x")] {
            assert_eq!(pointers(&descriptor(&document)), [("", "wrong-type")]);
        }
    }

    #[test]
    fn glance_data_is_refused_as_the_last_web_client_refused_it() {
        let label = json!({"type": "html", "value": "x"});
        for (data, accepted) in [
            (json!({"label": label}), true),
            (
                json!({"label": label, "status": {"type": "icon", "value": {"url": "", "url@2x": ""}}}),
                true,
            ),
            (
                json!({"label": label, "status": {"type": "lozenge", "value": {"type": "new", "label": "x".repeat(20)}}}),
                true,
            ),
            (
                json!({"label": label, "status": {"type": "lozenge", "value": {"type": "new", "label": "x".repeat(21)}}}),
                false,
            ),
            (
                json!({"label": label, "status": {"type": "lozenge", "value": {"type": "new", "label": "😀".repeat(11)}}}),
                false,
            ),
            (
                json!({"label": label, "status": {"type": "lozenge", "value": {"type": "complete", "label": "x"}}}),
                false,
            ),
            (json!({"label": label, "status": null}), false),
            (json!({"label": label, "metadata": null}), false),
            (json!({"label": label, "metadata": {}, "more": 1}), true),
            (json!({"label": {"type": "html", "value": ""}}), false),
            (json!({"label": {"type": "text", "value": "x"}}), false),
            (json!({}), false),
            (json!("x"), false),
        ] {
            assert_eq!(glance_data(&data).is_empty(), accepted, "{data}");
        }
    }

    #[test]
    fn measured_verdicts_on_glance_data_are_followed() {
        let Ok(corpus) = std::env::var("GLANCE_CORPUS") else {
            eprintln!(
                "skipped: GLANCE_CORPUS is not set, so the measured verdicts are not at hand"
            );
            return;
        };
        let path = std::path::Path::new(&corpus).join("verdicts/glance-data-verdicts.json");
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert!(vectors.len() > 50);
        for vector in vectors {
            let problems = glance_data(&vector["data"]);
            let accepted = vector["client_accepts_fetched"] == true;
            assert_eq!(problems.is_empty(), accepted, "{vector}: {problems:?}");
        }
    }
}
