//! The rules of conditions, for the three places that may have them.

use serde_json::Value;

use super::Severity;
use super::object::{Need, Object, quoted};

/// The maximum nesting depth of composites.
const DEEPEST: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Glance,
    WebPanel,
    Action,
}

impl Place {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Glance => &[
                "room_is_public",
                "user_is_admin",
                "user_is_guest",
                "user_is_room_owner",
                "glance_matches",
            ],
            Self::WebPanel => &[
                "room_is_public",
                "user_is_admin",
                "user_is_guest",
                "user_is_room_owner",
            ],
            Self::Action => &[
                "room_is_public",
                "user_is_admin",
                "user_is_guest",
                "user_is_room_owner",
                "message_matches",
                "message_contains_link",
                "message_sent_by_current_user",
                "card_matches",
            ],
        }
    }
}

/// Checks the member `conditions`. All problems in it are warnings: hosts treat unknown content as
/// false, and show the rest.
pub(super) fn conditions(entry: &mut Object<'_>, place: Place) {
    match entry.members.get("conditions") {
        None => {}
        Some(Value::Array(list)) => within(entry, list, place, 0),
        Some(_) => entry.wrong_type("conditions", "a list"),
    }
}

fn within(holder: &mut Object<'_>, list: &[Value], place: Place, depth: usize) {
    if list.is_empty() {
        holder.report(
            "conditions",
            "empty-list",
            Severity::Warning,
            "`conditions` is empty, which means the same as none; remove it".to_owned(),
        );
    }
    let pointer = holder.pointer_to("conditions");
    holder.entries(Severity::Warning, &pointer, list, |condition| {
        if condition.members.contains_key("condition") {
            simple(condition, place);
        } else {
            composite(condition, place, depth + 1);
        }
    });
}

fn simple(condition: &mut Object<'_>, place: Place) {
    match condition.members.get("condition").and_then(Value::as_str) {
        None => condition.wrong_type_as(Severity::Warning, "condition", "a string"),
        Some(name) if !place.names().contains(&name) => {
            let message = format!(
                "no host knows the condition `{}` here, so it never holds; known are: {}",
                quoted(name),
                place.names().join(", ")
            );
            condition.report("condition", "unknown-value", Severity::Warning, message);
        }
        Some(_) => {}
    }
    let members = condition.members;
    if members.get("invert").is_some_and(|it| !it.is_boolean()) {
        condition.wrong_type_as(Severity::Warning, "invert", "true or false");
    }
    if members.get("params").is_some_and(|it| !it.is_object()) {
        condition.wrong_type_as(Severity::Warning, "params", "an object");
    }
    condition.only(&["condition", "invert", "params"]);
    if members.get("condition").and_then(Value::as_str) == Some("glance_matches") {
        condition.object("params", Need::Optional, matches);
    }
}

fn matches(params: &mut Object<'_>) {
    let Some(Value::Array(entries)) = params.members.get("metadata") else {
        return;
    };
    for (index, entry) in entries.iter().enumerate() {
        let compares = entry.get("attr").is_some_and(Value::is_string)
            && ["eq", "lt", "gt"]
                .iter()
                .any(|operator| entry.get(operator).is_some());
        if !compares {
            params.report_at(
                &["metadata", &index.to_string()],
                "never-matches",
                "this never matches; give it an `attr` and one of `eq`, `lt` and `gt`".to_owned(),
            );
        }
    }
}

fn composite(condition: &mut Object<'_>, place: Place, depth: usize) {
    let members = condition.members;
    let joins = members.get("type").and_then(Value::as_str);
    if !joins.is_some_and(|kind| ["and", "or", "AND", "OR"].contains(&kind)) {
        let message = "a composite needs a `type`, which is one of: and, or, AND, OR; a simple \
                       condition needs a `condition`"
            .to_owned();
        condition.report("type", "unknown-value", Severity::Warning, message);
    }
    condition.only(&["type", "conditions"]);
    if depth > DEEPEST {
        condition.report_at(
            &[],
            "too-deep",
            format!(
                "composites may be nested {DEEPEST} levels deep; write these as a conjunction of disjunctions"
            ),
        );
    }
    match members.get("conditions") {
        Some(Value::Array(list)) => within(condition, list, place, depth),
        _ => condition.wrong_type_as(Severity::Warning, "conditions", "a list"),
    }
}
