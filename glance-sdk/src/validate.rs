//! Finds mistakes in documents, with their position and a remedy.
//!
//! The checks take raw JSON, because a document with a missing member has no typed form:
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
mod found;
mod notification;
mod object;
mod unusual;

use std::fmt;

use serde_json::Value;

use crate::json::Place;
use crate::model::Descriptor;
use crate::printable::printable;
use found::Found;
use object::{Measure, Need, Object};

pub use descriptor::{action, descriptor, glance, webhook};
pub use notification::notification;
pub use unusual::unusual;

/// A problem of a document.
///
/// ```
/// use glance_sdk::validate::{Severity, glance_data};
///
/// let problems = glance_data(&serde_json::json!({ "label": { "type": "html" } }));
/// assert_eq!(problems[0].severity, Severity::Error);
/// assert_eq!(problems[0].pointer, "/label/value");
/// println!("{}", problems[0]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The position: a JSON pointer, empty for the whole document.
    pub pointer: String,
    /// The code: a stable word for programs.
    pub code: &'static str,
    /// Whether a host refuses the document because of the problem.
    pub severity: Severity,
    /// The problem and the remedy, in one sentence. Quoted values are escaped and cut.
    pub message: String,
    /// The position in the text, for problems that only the text shows; see [`unusual`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Whether a host refuses a document for a problem.
///
/// ```
/// use glance_sdk::validate::{Severity, descriptor};
///
/// # let document = serde_json::json!({ "key": "com.example.ci" });
/// let problems = descriptor(&document);
/// let is_refused = problems.iter().any(|problem| problem.severity == Severity::Error);
/// # assert!(is_refused);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Hosts refuse the document.
    Error,
    /// Hosts accept the document, but people will notice.
    Warning,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => write!(f, "{}", self.message),
            pointer => write!(f, "{}: {}", printable(pointer), self.message),
        }
    }
}

impl Descriptor {
    /// Returns the problems of the descriptor; see [`descriptor()`].
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
                message: format!("cannot serialize the descriptor as JSON: {cause}"),
                place: None,
            }],
        }
    }
}

/// Checks the data in the response to a glance's query.
///
/// The rules are those of HipChat's last web client, which showed a glance with refused data in the
/// error state. One differs: that client refused a lozenge of the kind `complete` or of an unknown
/// kind; hosts show the first, and others in gray, so these are only warnings. The rules do not
/// apply to pushed data.
///
/// ```
/// use glance_sdk::validate::glance_data;
///
/// let answer = serde_json::json!({
///     "label": { "type": "html", "value": "Build" },
///     "status": { "type": "lozenge", "value": { "type": "success", "label": "" } }
/// });
/// let problems = glance_data(&answer);
/// assert_eq!(problems[0].pointer, "/status/value/label");
/// ```
pub fn glance_data(document: &Value) -> Vec<Problem> {
    let mut found = Found::default();
    if let Some(mut data) = Object::top(document, &mut found) {
        glance_data_members(&mut data);
    }
    found.into_problems()
}

fn glance_data_members(data: &mut Object<'_>) {
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
                lozenge.one_of("type", Need::Required, Severity::Warning, &LOZENGES);
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
}

/// The kinds of lozenge with a color.
const LOZENGES: [&str; 7] = [
    "default", "success", "error", "current", "new", "moved", "complete",
];

/// Returns whether this is a valid extension key of a glance or panel: 1 to 40 of `a-z A-Z 0-9 _ -
/// .`.
///
/// ```
/// use glance_sdk::validate::is_extension_key;
///
/// assert!(is_extension_key("build-7"));
/// assert!(!is_extension_key("build/7"));
/// ```
pub const fn is_extension_key(key: &str) -> bool {
    let bytes = key.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !matches!(bytes[at], b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.') {
            return false;
        }
        at += 1;
    }
    matches!(bytes.len(), 1..=40)
}

#[cfg(test)]
mod tests;
