//! A message in the form that actions and their conditions get.

use glance_sdk::evaluate;
use glance_sdk::model::Notification;
use serde_json::{Value, json};

use crate::content::pattern;
use crate::model::{Content, Entry, Sender, User};
use crate::storage::{Storage, StorageError};

/// The message of a timeline entry.
pub(crate) struct ActionMessage {
    kind: &'static str,
    text: String,
    sender: Vec<String>,
    by: Option<User>,
    card: Option<Value>,
    mid: String,
    name: String,
}

impl ActionMessage {
    pub(super) async fn new(storage: &dyn Storage, entry: &Entry) -> Result<Self, StorageError> {
        let by = match &entry.sender {
            Sender::Person(id) => storage.user(*id).await?,
            Sender::AddOn(_) => None,
        };
        let (kind, text, card) = match &entry.content {
            Content::Message(said) => ("message", said.text.clone(), None),
            Content::Notification(said) => ("notification", said.message.clone(), card(said)),
        };
        let mut sender = vec![entry.sender_name.clone()];
        if let Some(user) = &by {
            sender.extend([user.mention_name(), user.id.to_string()]);
        }
        Ok(Self {
            kind,
            text,
            sender,
            by,
            card,
            mid: entry.id.clone(),
            name: entry.sender_name.clone(),
        })
    }

    /// Returns the form for the event of an action and for the variables of an address.
    pub(crate) fn json(&self) -> Value {
        let member = |name: &str| self.card.as_ref().and_then(|card| card.get(name)).cloned();
        let mut json = json!({
            "body": self.text,
            "sender": {
                "id": self.by.as_ref().map(|user| user.id),
                "name": self.name,
                "mention": self.by.as_ref().map(User::mention_name),
            },
            "mid": self.mid,
            "type": self.kind,
            "metadata": member("metadata").unwrap_or_else(|| json!({})),
        });
        if self.card.is_some() {
            json["card"] = json!({
                "title": member("title"),
                "description": member("description"),
                "url": member("url"),
            });
        }
        json
    }

    /// Returns the form that conditions test, for the person who looks at it.
    pub(super) fn tested(&self, looks: &User) -> evaluate::Message<'_> {
        let mut tested = evaluate::Message::default();
        tested.kind = self.kind;
        tested.text = &self.text;
        tested.sender = &self.sender;
        tested.is_sent_by_current_user = self.by.as_ref().is_some_and(|by| by.id == looks.id);
        tested.contains_link = contains_link(&self.text);
        tested.card = self.card.as_ref();
        tested.finds = Some(finds);
        tested
    }
}

fn card(said: &Notification) -> Option<Value> {
    let card = said.card.as_ref()?;
    serde_json::to_value(card).ok()
}

fn contains_link(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["http://", "https://"].iter().any(|scheme| {
        text.match_indices(scheme).any(|(at, scheme)| {
            let behind = text[at + scheme.len()..].chars().next();
            behind.is_some_and(char::is_alphanumeric)
        })
    })
}

/// Translates the flags that both JavaScript and this host's engine have. `g`, `u` and `y` do not change whether a
/// pattern matches.
fn finds(pattern: &str, flags: &str, text: &str) -> bool {
    let flags: String = flags
        .chars()
        .filter(|c| matches!(c, 'i' | 'm' | 's'))
        .collect();
    let pattern = match flags.as_str() {
        "" => pattern.to_owned(),
        flags => format!("(?{flags}){pattern}"),
    };
    pattern::compiled(&pattern).is_ok_and(|pattern| pattern.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_something_behind_its_scheme() {
        for (text, expected) in [
            ("see https://example.com", true),
            ("<a href='HTTP://example.com'>x</a>", true),
            ("https:// and http://", false),
            ("example.com", false),
        ] {
            assert_eq!(contains_link(text), expected, "{text}");
        }
    }

    #[test]
    fn flags_count_and_what_cannot_be_read_finds_nothing() {
        assert!(finds("pay-\\d+", "gi", "see PAY-12"));
        assert!(!finds("pay-\\d+", "", "see PAY-12"));
        assert!(finds("^b$", "m", "a\nb\nc"));
        assert!(!finds("(", "", "("));
        assert!(!finds("(?=a)", "", "a"));
    }
}
