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

mod condition;
mod descriptor;
mod notification;
mod object;

use std::fmt;

use serde_json::Value;

use crate::model::Descriptor;
use object::{Measure, Need, Object};

pub use descriptor::{action, descriptor, glance, webhook};
pub use notification::notification;

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

impl Descriptor {
    /// What is wrong with the descriptor; see [`descriptor()`].
    ///
    /// ```
    /// use glance_sdk::model::Descriptor;
    ///
    /// let descriptor = Descriptor::new("com.example.add-on", "", "https://add-on.example.com/");
    /// assert_eq!(descriptor.validate()[0].pointer, "/name");
    /// ```
    pub fn validate(&self) -> Vec<Problem> {
        match serde_json::to_value(self) {
            Ok(document) => descriptor(&document),
            Err(cause) => vec![Problem {
                pointer: String::new(),
                code: "not-json",
                severity: Severity::Error,
                message: format!("the descriptor cannot be written as JSON: {cause}"),
            }],
        }
    }
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
    let known = |object: &mut Object<'_>, allowed: &[&'static str]| {
        object.one_of("type", Need::Required, Severity::Error, allowed)
    };
    data.object("label", Need::Required, |label| {
        known(label, &["html"]);
        label.text("value", Need::Required, Measure::Utf16, 1000);
    });
    data.object("status", Need::Optional, |status| {
        match known(status, &["lozenge", "icon"]) {
            Some("lozenge") => status.object("value", Need::Required, |lozenge| {
                known(
                    lozenge,
                    &["default", "success", "error", "current", "new", "moved"],
                );
                lozenge.text("label", Need::Required, Measure::Utf16, 20);
            }),
            Some(_) => status.object("value", Need::Required, |icon| {
                icon.string("url", Need::Required);
                icon.string("url@2x", Need::Required);
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

#[cfg(test)]
mod tests;
