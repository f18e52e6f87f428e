//! Reads what an add-on writes into a room, with the habits of old clients.

use glance_sdk::model::Notification;
use glance_sdk::validate::{self, Severity};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The notification, or what is wrong with it in a sentence.
pub(crate) fn read(mut members: Map<String, Value>) -> Result<Notification, String> {
    // Old clients write what they leave out as null, and Booleans as text.
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
        return Err(problem.to_string());
    }
    Notification::deserialize(document)
        .map_err(|cause| format!("The body is no notification: {cause}"))
}
