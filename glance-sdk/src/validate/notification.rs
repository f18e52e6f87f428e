//! The rules of a notification.

use serde::Deserialize;
use serde_json::Value;

use super::found::Found;
use super::object::{Measure, Need, Object, quoted};
use super::{Problem, Severity};
use crate::model::Card;

/// Checks a notification of an add-on like a host before it posts it.
///
/// ```
/// use glance_sdk::validate::notification;
///
/// let problems = notification(&serde_json::json!({ "message": "", "color": "teal" }));
/// let pointers: Vec<_> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
/// assert_eq!(pointers, ["/message", "/color"]);
/// ```
pub fn notification(document: &Value) -> Vec<Problem> {
    let mut found = Found::default();
    if let Some(mut top) = Object::top(document, &mut found) {
        members(&mut top);
    }
    found.into_problems()
}

fn members(top: &mut Object<'_>) {
    let one_of = |object: &mut Object<'_>, name: &str, allowed: &[&'static str]| {
        object.one_of(name, Need::Optional, Severity::Error, allowed);
    };
    top.text("message", Need::Required, Measure::Characters, 10_000);
    one_of(top, "message_format", &["html", "text"]);
    let colors = ["yellow", "green", "red", "purple", "gray", "random"];
    one_of(top, "color", &colors);
    top.boolean("notify");
    top.at_most("from", 64);
    top.at_most("attach_to", 36);
    if top.members.get("card").is_some_and(|card| !card.is_null()) {
        top.object("card", Need::Optional, |card| {
            let styles = ["file", "image", "application", "link", "media"];
            card.one_of("style", Need::Required, Severity::Warning, &styles);
        });
    }
    if let Some(card @ Value::Object(_)) = top.members.get("card")
        && card.get("style").is_some_and(Value::is_string)
        && let Err(cause) = Card::deserialize(card)
    {
        let message = format!("`card` is invalid: {}", quoted(&cause.to_string()));
        top.report("card", "wrong-type", Severity::Error, message);
    }
}
