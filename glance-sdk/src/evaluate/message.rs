//! Messages, which conditions of actions test.

use serde_json::Value;

use super::entry::Entry;
use super::javascript;
use crate::model::ConditionName;

/// A function that searches a text with a regular expression: expression, JavaScript flags, text.
/// An invalid expression finds nothing.
pub type Finds = fn(&str, &str, &str) -> bool;

/// The message of an action.
///
/// ```
/// use glance_sdk::evaluate::{Facts, Message, Program};
/// use glance_sdk::model::{Condition, ConditionName};
///
/// let mut message = Message::default();
/// message.text = "See https://ci.example.com/7";
/// message.contains_link = true;
/// let mut facts = Facts::default();
/// facts.message = Some(&message);
/// let program = Program::new(&[Condition::named(ConditionName::MessageContainsLink)]);
/// assert!(program.holds(&facts));
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Message<'a> {
    /// The kind: `message` of a person, `notification` of an add-on.
    pub kind: &'a str,
    /// The text.
    pub text: &'a str,
    /// The names of the sender: name, mention name, id.
    pub sender: &'a [String],
    /// Whether the current user wrote the message.
    pub is_sent_by_current_user: bool,
    /// Whether the message contains a link.
    pub contains_link: bool,
    /// The card as JSON.
    pub card: Option<&'a Value>,
    /// The regular expression engine; without one, expressions match nothing.
    pub finds: Option<Finds>,
}

/// A compiled condition of an action.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Card {
        style: Option<Value>,
        entries: Option<Vec<Entry>>,
    },
    ContainsLink,
    Matches {
        kind: Option<Value>,
        sender: Option<Value>,
        /// Pattern and flags; `None` if the parameter is invalid.
        regex: Option<Option<(String, String)>>,
        asks_for_file: bool,
    },
    SentByCurrentUser,
}

impl Test {
    pub(super) fn new(name: &ConditionName, params: Option<&Value>) -> Option<Self> {
        let param = |name: &str| {
            let value = params?.get(name)?;
            (!value.is_null()).then(|| value.clone())
        };
        Some(match name {
            ConditionName::CardMatches => Self::Card {
                style: param("style"),
                entries: params
                    .and_then(|params| params.get("metadata")?.as_array())
                    .map(|entries| entries.iter().map(Entry::new).collect()),
            },
            ConditionName::MessageContainsLink => Self::ContainsLink,
            ConditionName::MessageMatches => Self::Matches {
                kind: param("type"),
                sender: param("sender"),
                regex: param("regex").map(|regex| {
                    let flags = regex.get("flags").and_then(Value::as_str);
                    let pattern = regex.get("pattern")?.as_str()?;
                    Some((pattern.to_owned(), flags.unwrap_or_default().to_owned()))
                }),
                asks_for_file: param("file_type").is_some(),
            },
            ConditionName::MessageSentByCurrentUser => Self::SentByCurrentUser,
            _ => return None,
        })
    }

    pub(super) fn name(&self) -> ConditionName {
        match self {
            Self::Card { .. } => ConditionName::CardMatches,
            Self::ContainsLink => ConditionName::MessageContainsLink,
            Self::Matches { .. } => ConditionName::MessageMatches,
            Self::SentByCurrentUser => ConditionName::MessageSentByCurrentUser,
        }
    }

    pub(super) fn has_pattern(&self) -> bool {
        let regex = match self {
            Self::Matches { regex, .. } => regex.as_ref(),
            _ => None,
        };
        regex.is_some_and(Option::is_some)
    }

    pub(super) fn holds(&self, message: &Message<'_>) -> bool {
        match self {
            Self::ContainsLink => message.contains_link,
            Self::SentByCurrentUser => message.is_sent_by_current_user,
            Self::Card { style, entries } => message.card.is_some_and(|card| {
                let is_of_style = |style: &Value| card.get("style") == Some(style);
                style.as_ref().is_none_or(is_of_style)
                    && entries.as_ref().is_none_or(|entries| {
                        card.get("metadata")
                            .filter(|metadata| javascript::is_truthy(metadata))
                            .is_some_and(|data| entries.iter().all(|entry| entry.holds(data)))
                    })
            }),
            Self::Matches {
                kind,
                sender,
                regex,
                asks_for_file,
            } => {
                let is_from = |sender: &Value| {
                    let sender = javascript::to_text(sender);
                    message.sender.iter().any(|name| *name == sender)
                };
                let is_found = |regex: &Option<(String, String)>| match (regex, message.finds) {
                    (Some((pattern, flags)), Some(finds)) => finds(pattern, flags, message.text),
                    _ => false,
                };
                // No message of this protocol contains a file with a type.
                !asks_for_file
                    && kind.as_ref().is_none_or(|kind| kind == message.kind)
                    && sender.as_ref().is_none_or(is_from)
                    && regex.as_ref().is_none_or(is_found)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Facts, Program};
    use super::*;

    fn holds(condition: Value, message: &Message<'_>) -> bool {
        let program = Program::new(&[serde_json::from_value(condition).unwrap()]);
        let mut facts = Facts::default();
        assert!(
            !program.holds(&facts),
            "where there is no message nothing holds"
        );
        facts.message = Some(message);
        let holds = program.holds(&facts);
        assert_eq!(
            program
                .explain(super::super::DataState::Ready, &facts)
                .shown,
            holds
        );
        holds
    }

    #[test]
    fn each_parameter_must_hold() {
        let senders = ["Ann Lee".to_owned(), "AnnLee".to_owned(), "7".to_owned()];
        let message = Message {
            kind: "message",
            text: "see PAY-12",
            sender: &senders,
            finds: Some(|pattern, flags, text| {
                flags == "i" && text.to_lowercase().contains(pattern)
            }),
            ..Message::default()
        };
        for (params, expected) in [
            (json!({}), true),
            (json!({"type": "message"}), true),
            (json!({"type": "notification"}), false),
            (json!({"type": 1}), false),
            (json!({"sender": "Ann Lee"}), true),
            (json!({"sender": 7}), true),
            (json!({"sender": "Bo"}), false),
            (json!({"regex": {"pattern": "pay-", "flags": "i"}}), true),
            (json!({"regex": {"pattern": "pay-"}}), false),
            (json!({"regex": {"flags": "i"}}), false),
            (json!({"regex": "pay-"}), false),
            (json!({"file_type": "image/png"}), false),
            (json!({"type": "message", "sender": "Bo"}), false),
        ] {
            let condition = json!({"condition": "message_matches", "params": params});
            assert_eq!(holds(condition.clone(), &message), expected, "{condition}");
        }
        let without_engine = Message {
            finds: None,
            ..message
        };
        let condition = json!({"condition": "message_matches",
            "params": {"regex": {"pattern": "pay-", "flags": "i"}}});
        assert!(!holds(condition, &without_engine));
    }

    #[test]
    fn patterns_are_counted_at_every_level() {
        let matches = |params: Value| json!({"condition": "message_matches", "params": params});
        let pattern = matches(json!({"regex": {"pattern": "a"}}));
        let none = [
            json!({"condition": "message_contains_link"}),
            matches(json!({"sender": "Ann", "regex": null})),
            matches(json!({"regex": "a"})),
        ];
        let within = json!({"type": "and", "conditions": [pattern, none[0]]});
        let within = json!({"type": "or", "conditions": [within, pattern]});
        let mut conditions = none.to_vec();
        conditions.extend([within, pattern.clone()]);
        let conditions: Vec<_> = conditions
            .into_iter()
            .map(|condition| serde_json::from_value(condition).unwrap())
            .collect();
        assert_eq!(Program::new(&conditions).patterns(), 3);
    }

    #[test]
    fn card_matches_by_style_and_metadata() {
        let card = json!({"style": "application", "metadata": {"kind": "event", "n": 4}});
        let message = Message {
            card: Some(&card),
            ..Message::default()
        };
        let plain = Message::default();
        for (params, expected) in [
            (json!({}), true),
            (json!({"style": "application"}), true),
            (json!({"style": "link"}), false),
            (json!({"metadata": [{"attr": "kind", "eq": "event"}]}), true),
            (
                json!({"metadata": [{"attr": "kind", "eq": "event"}, {"attr": "n", "gt": 4}]}),
                false,
            ),
            (
                json!({"style": "link", "metadata": [{"attr": "kind", "eq": "event"}]}),
                false,
            ),
        ] {
            let condition = json!({"condition": "card_matches", "params": params});
            assert_eq!(holds(condition.clone(), &message), expected, "{condition}");
            assert!(!holds(condition, &plain));
        }
    }

    #[test]
    fn links_and_senders_come_from_host() {
        let mut message = Message::default();
        for name in ["message_contains_link", "message_sent_by_current_user"] {
            assert!(!holds(json!({ "condition": name }), &message));
        }
        message.contains_link = true;
        message.is_sent_by_current_user = true;
        for name in ["message_contains_link", "message_sent_by_current_user"] {
            assert!(holds(json!({ "condition": name }), &message));
        }
    }
}
