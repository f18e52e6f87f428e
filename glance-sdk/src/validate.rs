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

mod object;

use std::fmt;

use serde_json::Value;

use object::{Need, Object};

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

#[cfg(test)]
mod tests;
