//! Reads notifications of add-ons, also in the forms that old clients send.

use std::error::Error;
use std::fmt;

use glance_sdk::model::Notification;
use glance_sdk::validate::{self, Problem, Severity};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The reason why a body is no notification.
#[derive(Debug)]
pub(crate) enum NotificationError {
    Invalid(Problem),
    Parse(serde_json::Error),
}

impl fmt::Display for NotificationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(problem) => problem.fmt(f),
            Self::Parse(error) => write!(f, "The body is no notification: {error}"),
        }
    }
}

impl Error for NotificationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Invalid(_) => None,
            Self::Parse(error) => Some(error),
        }
    }
}

/// Reads a notification from the members of a JSON object or a form.
pub(crate) fn read(mut members: Map<String, Value>) -> Result<Notification, NotificationError> {
    // Old clients write missing members as null, and Booleans as text.
    members.retain(|_, value| !value.is_null());
    if let Some(notify) = members.get_mut("notify")
        && let Some(text) = notify.as_str()
    {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => *notify = Value::Bool(true),
            "false" | "0" | "" => *notify = Value::Bool(false),
            _ => {}
        }
    }
    let document = Value::Object(members);
    let mut problems = validate::notification(&document).into_iter();
    if let Some(problem) = problems.find(|problem| problem.severity == Severity::Error) {
        return Err(NotificationError::Invalid(problem));
    }
    Notification::deserialize(document).map_err(NotificationError::Parse)
}
