//! Generates `src/webhooks.rs` of the new crate.

use std::collections::{BTreeSet, HashSet};

use glance_sdk::model::{Event, Webhook};

use super::Original;
use super::code::{Names, attribute, literal, snake};
use super::models::text_within;

/// The maximum length of a key that is derived from a name.
const MAX_KEY: usize = 34;

/// The webhooks in `src/webhooks.rs`.
pub(super) struct Webhooks {
    /// The function names in the order of the descriptor.
    pub(super) functions: Vec<String>,
    /// The keys. Those of webhooks without one are derived from their names.
    pub(super) keys: Vec<String>,
    code: String,
    imports: BTreeSet<&'static str>,
    answers: bool,
}

impl Webhooks {
    pub(super) fn of(original: &Original, names: &mut Names) -> Self {
        let list = original.descriptor.capabilities.webhooks();
        let mut webhooks = Self {
            functions: Vec::new(),
            keys: keys(list),
            code: String::new(),
            imports: BTreeSet::new(),
            answers: false,
        };
        for (webhook, key) in list.iter().zip(&webhooks.keys) {
            let function = names.function(key, "webhook");
            let event = event(&webhook.event);
            webhooks.imports.insert(event);
            webhooks.answers |= webhook.pattern.is_some();
            webhooks.code += &code(webhook, key, &function, event);
            webhooks.functions.push(function);
        }
        webhooks
    }

    pub(super) fn is_empty(&self) -> bool {
        self.functions.is_empty()
    }

    /// Returns the file, if it is needed.
    pub(super) fn source(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let imports: Vec<_> = self.imports.iter().copied().collect();
        let mut source =
            "//! The webhooks, which the host calls, signed, for events in rooms.\n\n".to_owned();
        if self.answers {
            source += "use glance_sdk::model::Notification;\n";
        }
        source += &format!(
            "use glance_sdk::model::webhook::{{{}}};\nuse glance_sdk::prelude::*;\n\n{}\n",
            imports.join(", "),
            self.code.trim_end()
        );
        Some(source)
    }
}

/// Returns a key for each webhook: its own, or a unique one derived from its name or event.
fn keys(webhooks: &[Webhook]) -> Vec<String> {
    let mut taken: HashSet<String> = webhooks
        .iter()
        .filter_map(|webhook| webhook.key.clone())
        .collect();
    let free = |webhook: &Webhook| {
        if let Some(key) = &webhook.key {
            return key.clone();
        }
        let name = webhook
            .name
            .as_deref()
            .filter(|name| name.contains(|c: char| c.is_ascii_alphanumeric()));
        let mut key = snake(name.unwrap_or(webhook.event.as_str())).replace('_', "-");
        key.truncate(MAX_KEY);
        let key = key.trim_end_matches('-').to_owned();
        let mut numbered = key.clone();
        let mut number = 1;
        while !taken.insert(numbered.clone()) {
            number += 1;
            numbered = format!("{key}-{number}");
        }
        numbered
    };
    webhooks.iter().map(free).collect()
}

/// Returns the type of the event. Unknown events were removed before.
fn event(event: &Event) -> &'static str {
    match event {
        Event::RoomArchived => "RoomArchived",
        Event::RoomCreated => "RoomCreated",
        Event::RoomDeleted => "RoomDeleted",
        Event::RoomEnter => "RoomEnter",
        Event::RoomExit => "RoomExit",
        Event::RoomFileUpload => "RoomFileUpload",
        Event::RoomNotification => "RoomNotification",
        Event::RoomTopicChange => "RoomTopicChange",
        Event::RoomUnarchived => "RoomUnarchived",
        _ => "RoomMessage",
    }
}

/// Returns whether `#[webhook]` accepts this name; an edit sets the others.
pub(super) fn takes_name(name: &str) -> bool {
    (1..=100).contains(&name.encode_utf16().count())
}

fn code(webhook: &Webhook, key: &str, function: &str, event: &str) -> String {
    let mut arguments = vec![
        format!("event = {event}"),
        format!("key = {}", literal(key)),
    ];
    if let Some(name) = webhook.name.as_deref().filter(|name| takes_name(name)) {
        arguments.push(format!("name = {}", literal(name)));
    }
    if let Some(pattern) = webhook
        .pattern
        .as_deref()
        .filter(|pattern| !pattern.is_empty())
    {
        arguments.push(format!("pattern = {}", literal(pattern)));
    }
    let when = match webhook.pattern {
        Some(_) => "for messages that match its pattern, and responds in the room",
        None => "for each event of its kind",
    };
    let (result, answer) = match webhook.pattern {
        Some(_) => {
            let name = webhook
                .name
                .as_deref()
                .filter(|name| !name.is_empty())
                .unwrap_or(key);
            let said = literal(&format!("{} was called.", text_within(name, 100)));
            (
                " -> Notification",
                format!("    Notification::text({said})\n"),
            )
        }
        None => ("", String::new()),
    };
    format!(
        "/// The webhook `{key}`: runs {when}.\n{}\npub async fn {function}(request: WebhookRequest<{event}>){result} {{\n    \
         tracing::info!(room = %request.room_id(), \"webhook `{key}` called\");\n{answer}}}\n\n",
        attribute("webhook", &arguments)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_webhook_keys_are_derived_from_names() {
        let webhook = |name: &str| Webhook::new(Event::RoomMessage, "").name(name);
        let long = "a-".repeat(30);
        let webhooks = [
            webhook("Echo, please!"),
            webhook("echo please"),
            webhook("🤖"),
            webhook("x").key("echo-please-3"),
            webhook("echo please"),
            webhook(&long),
            Webhook::new(Event::RoomEnter, ""),
        ];
        assert_eq!(
            keys(&webhooks),
            [
                "echo-please",
                "echo-please-2",
                "room-message",
                "echo-please-3",
                "echo-please-4",
                "a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a",
                "room-enter",
            ]
        );
    }
}
