//! The conditions under which hosts show glances.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::open_enum::open_enum;
use super::{Extra, present};

/// A condition of a glance, panel or action.
///
/// Authors usually write [`when(...)`](macro@crate::glance) instead. This type serves for
/// conditions that `when` cannot express, and for hosts.
///
/// ```
/// use glance_sdk::model::{Condition, ConditionName, Match};
///
/// let condition = Condition::any([
///     Condition::named(ConditionName::UserIsAdmin),
///     Condition::glance_matches([Match::gt("open", 0)]),
/// ]);
/// assert_eq!(
///     serde_json::to_value(&condition)?,
///     serde_json::json!({
///         "type": "or",
///         "conditions": [
///             { "condition": "user_is_admin" },
///             { "condition": "glance_matches", "params": { "metadata": [{ "attr": "open", "gt": 0 }] } }
///         ]
///     })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Condition {
    /// A named condition.
    Simple(Simple),
    /// Several conditions, combined with AND or OR.
    Composite(Composite),
    /// A shape that this version does not know; [`evaluate`](crate::evaluate) still evaluates it.
    Other(Value),
}

impl Condition {
    /// Creates a condition with this name and without parameters.
    ///
    /// ```
    /// use glance_sdk::model::{Condition, ConditionName, Glance, Icon};
    ///
    /// let glance = Glance::new("builds", "Builds", Icon::new("https://ci.example.com/build.svg"))
    ///     .condition(Condition::named(ConditionName::RoomIsPublic));
    /// assert_eq!(glance.conditions().len(), 1);
    /// ```
    pub fn named(name: ConditionName) -> Self {
        Self::Simple(Simple::new(name))
    }

    /// Creates a `glance_matches` condition with these entries, all of which must hold.
    ///
    /// ```
    /// use glance_sdk::model::{Condition, Match};
    ///
    /// let condition = Condition::glance_matches([Match::gt("open", 0), Match::eq("state", "red")]);
    /// assert_eq!(
    ///     serde_json::to_value(&condition)?["params"]["metadata"],
    ///     serde_json::json!([{ "attr": "open", "gt": 0 }, { "attr": "state", "eq": "red" }])
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn glance_matches(entries: impl IntoIterator<Item = Match>) -> Self {
        Self::matches(ConditionName::GlanceMatches, entries)
    }

    /// Creates a `card_matches` condition for an action: all entries must hold for the card's
    /// metadata.
    ///
    /// ```
    /// use glance_sdk::model::{Condition, Match};
    ///
    /// let condition = Condition::card_matches([Match::eq("kind", "build")]);
    /// assert_eq!(
    ///     serde_json::to_value(condition)?,
    ///     serde_json::json!({
    ///         "condition": "card_matches",
    ///         "params": { "metadata": [{ "attr": "kind", "eq": "build" }] }
    ///     })
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn card_matches(entries: impl IntoIterator<Item = Match>) -> Self {
        Self::matches(ConditionName::CardMatches, entries)
    }

    fn matches(name: ConditionName, entries: impl IntoIterator<Item = Match>) -> Self {
        let mut simple = Simple::new(name);
        simple.params = Some(Params {
            metadata: Some(entries.into_iter().collect()),
            extra: Extra::new(),
        });
        Self::Simple(simple)
    }

    /// Creates a condition that holds if all of these hold.
    ///
    /// ```
    /// use glance_sdk::evaluate::{Facts, Program};
    /// use glance_sdk::model::{Condition, ConditionName};
    ///
    /// let condition = Condition::all([
    ///     Condition::named(ConditionName::RoomIsPublic),
    ///     Condition::named(ConditionName::UserIsAdmin),
    /// ]);
    /// let mut facts = Facts::default();
    /// facts.room_is_public = true;
    /// assert!(!Program::new(&[condition]).holds(&facts));
    /// ```
    pub fn all(conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self::Composite(Composite::new(Conjunction::And, conditions))
    }

    /// Creates a condition that holds if one of these holds.
    ///
    /// ```
    /// use glance_sdk::evaluate::{Facts, Program};
    /// use glance_sdk::model::{Condition, ConditionName};
    ///
    /// let condition = Condition::any([
    ///     Condition::named(ConditionName::RoomIsPublic),
    ///     Condition::named(ConditionName::UserIsAdmin),
    /// ]);
    /// let mut facts = Facts::default();
    /// facts.room_is_public = true;
    /// assert!(Program::new(&[condition]).holds(&facts));
    /// ```
    pub fn any(conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self::Composite(Composite::new(Conjunction::Or, conditions))
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

/// Parses a condition from any JSON value, which is moved: conditions are nested, and a copy at
/// each level would multiply the cost by the depth.
impl From<Value> for Condition {
    fn from(raw: Value) -> Self {
        match raw {
            Value::Object(members) if members.contains_key("condition") => {
                Simple::read(members).map_or_else(Self::Other, Self::Simple)
            }
            Value::Object(members) => {
                Composite::read(members).map_or_else(Self::Other, Self::Composite)
            }
            other => Self::Other(other),
        }
    }
}

/// A named condition, which may be inverted.
///
/// ```
/// use glance_sdk::model::{Condition, ConditionName, Simple};
///
/// let mut simple = Simple::new(ConditionName::UserIsGuest);
/// simple.invert = Some(true);
/// assert_eq!(
///     serde_json::to_value(Condition::Simple(simple))?,
///     serde_json::json!({ "condition": "user_is_guest", "invert": true })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Simple {
    /// The name.
    pub condition: ConditionName,
    /// Whether the condition is inverted.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub invert: Option<bool>,
    /// The parameters.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub params: Option<Params>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Simple {
    /// Parses the members. Returns them as an error if their shape is unknown.
    fn read(mut members: Extra) -> Result<Self, Value> {
        let is_known = members.get("invert").is_none_or(Value::is_boolean)
            && members.get("params").is_none_or(Params::can_read);
        match members.get("condition").and_then(Value::as_str) {
            Some(name) if is_known => Ok(Self {
                condition: ConditionName::from(name),
                invert: members.remove("invert").and_then(|it| it.as_bool()),
                params: members.remove("params").map(Params::read),
                extra: without(members, "condition"),
            }),
            _ => Err(Value::Object(members)),
        }
    }

    /// Creates a condition with this name, not inverted and without parameters.
    pub fn new(condition: ConditionName) -> Self {
        Self {
            condition,
            invert: None,
            params: None,
            extra: Extra::new(),
        }
    }
}

open_enum! {
    /// The names of conditions. The four about room and user are valid everywhere, the others only
    /// for glances or only for actions.
    ///
    /// ```
    /// use glance_sdk::model::ConditionName;
    ///
    /// assert_eq!(ConditionName::RoomIsPublic.as_str(), "room_is_public");
    /// assert_eq!(ConditionName::from("moon_is_full"), ConditionName::Unknown("moon_is_full".to_owned()));
    /// ```
    pub enum ConditionName {
        /// The glance's metadata matches; for glances only.
        GlanceMatches = "glance_matches",
        /// The room is public.
        RoomIsPublic = "room_is_public",
        /// The user is an administrator of the group.
        UserIsAdmin = "user_is_admin",
        /// The user is a guest.
        UserIsGuest = "user_is_guest",
        /// The user owns the room.
        UserIsRoomOwner = "user_is_room_owner",
        /// The card's style and metadata match; for actions only.
        CardMatches = "card_matches",
        /// The message contains a link; for actions only.
        MessageContainsLink = "message_contains_link",
        /// The message's type, sender or text matches; for actions only.
        MessageMatches = "message_matches",
        /// The user wrote the message; for actions only.
        MessageSentByCurrentUser = "message_sent_by_current_user",
    }
}

/// The parameters of `glance_matches` and `card_matches`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Params {
    /// The entries, all of which must hold.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub metadata: Option<Vec<Match>>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Params {
    fn can_read(raw: &Value) -> bool {
        let entries = |entries: &Value| {
            let entries = entries.as_array();
            entries.is_some_and(|entries| entries.iter().all(Match::can_read))
        };
        raw.is_object() && raw.get("metadata").is_none_or(entries)
    }

    /// Parses a value that [`can_read`](Self::can_read) accepted.
    fn read(raw: Value) -> Self {
        let Value::Object(mut members) = raw else {
            return Self::default();
        };
        let metadata = match members.remove("metadata") {
            Some(Value::Array(entries)) => Some(entries.into_iter().map(Match::read).collect()),
            _ => None,
        };
        Self {
            metadata,
            extra: members,
        }
    }
}

/// A comparison with one attribute of the metadata.
///
/// If an entry has several operators, only one counts: `eq` before `lt` before `gt`.
///
/// ```
/// use glance_sdk::model::Match;
///
/// let entry: Match = serde_json::from_str(r#"{ "attr": "oldest.days", "gt": 7 }"#)?;
/// assert_eq!(entry, Match::gt("oldest.days", 7));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Match {
    /// The path of the attribute; dots select nested attributes.
    pub attr: String,
    /// The operand of an equality test without coercion: `"5"` is not `5`.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub eq: Option<Value>,
    /// The operand of "less than".
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub lt: Option<Value>,
    /// The operand of "greater than".
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub gt: Option<Value>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Match {
    fn can_read(raw: &Value) -> bool {
        raw.get("attr").is_some_and(Value::is_string)
    }

    /// Parses a value that [`can_read`](Self::can_read) accepted.
    fn read(raw: Value) -> Self {
        let mut members = match raw {
            Value::Object(members) => members,
            _ => Extra::new(),
        };
        let attr = match members.remove("attr") {
            Some(Value::String(attr)) => attr,
            _ => String::new(),
        };
        Self {
            attr,
            eq: members.remove("eq"),
            lt: members.remove("lt"),
            gt: members.remove("gt"),
            extra: members,
        }
    }

    /// Creates a comparison that holds if `attr` equals `value`.
    pub fn eq(attr: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            eq: Some(value.into()),
            ..Self::without_operator(attr)
        }
    }

    /// Creates a comparison that holds if `attr` is less than `value`.
    pub fn lt(attr: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            lt: Some(value.into()),
            ..Self::without_operator(attr)
        }
    }

    /// Creates a comparison that holds if `attr` is greater than `value`.
    pub fn gt(attr: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            gt: Some(value.into()),
            ..Self::without_operator(attr)
        }
    }

    fn without_operator(attr: impl Into<String>) -> Self {
        Self {
            attr: attr.into(),
            eq: None,
            lt: None,
            gt: None,
            extra: Extra::new(),
        }
    }
}

/// Several conditions, combined.
///
/// ```
/// use glance_sdk::model::{Composite, Condition, ConditionName, Conjunction};
///
/// let either = [ConditionName::UserIsAdmin, ConditionName::UserIsRoomOwner].map(Condition::named);
/// let composite = Composite::new(Conjunction::Or, either);
/// assert_eq!(Condition::Composite(composite.clone()), Condition::any(composite.conditions));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Composite {
    /// The conjunction. The default is AND.
    #[serde(
        rename = "type",
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub kind: Option<Conjunction>,
    /// The combined conditions.
    pub conditions: Vec<Condition>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Composite {
    /// Parses the members. Returns them as an error if their shape is unknown.
    fn read(mut members: Extra) -> Result<Self, Value> {
        let kind = match members.get("type") {
            None => None,
            Some(Value::String(kind)) => Some(Conjunction::from(kind.as_str())),
            Some(_) => return Err(Value::Object(members)),
        };
        match members.remove("conditions") {
            Some(Value::Array(conditions)) => Ok(Self {
                kind,
                conditions: conditions.into_iter().map(Condition::from).collect(),
                extra: without(members, "type"),
            }),
            other => {
                members.extend(other.map(|other| ("conditions".to_owned(), other)));
                Err(Value::Object(members))
            }
        }
    }

    /// Combines conditions.
    pub fn new(kind: Conjunction, conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self {
            kind: Some(kind),
            conditions: conditions.into_iter().collect(),
            extra: Extra::new(),
        }
    }
}

open_enum! {
    /// The conjunction of a composite. Hosts ignore its case; other spellings than these two are
    /// preserved.
    pub enum Conjunction {
        /// All conditions must hold.
        And = "and",
        /// One condition must hold.
        Or = "or",
    }
}

fn without(mut members: Extra, name: &str) -> Extra {
    members.remove(name);
    members
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_and_unknown_shapes_survive_a_round_trip() {
        let entry = json!({ "attr": "a", "eq": null, "gt": 1, "more": {} });
        for (sent, known) in [
            (json!({ "condition": "glance_matches" }), true),
            (
                json!({ "condition": "x", "invert": false, "params": {}, "more": [1] }),
                true,
            ),
            (
                json!({ "condition": "x", "params": { "metadata": [entry], "more": 1 } }),
                true,
            ),
            (json!({ "conditions": [] }), true),
            (
                json!({ "type": "Or", "conditions": [{ "condition": 7 }, 1, null], "more": 1 }),
                true,
            ),
            (json!({ "condition": 7 }), false),
            (json!({ "condition": null, "conditions": [] }), false),
            (json!({ "condition": "x", "invert": null }), false),
            (json!({ "condition": "x", "params": null }), false),
            (
                json!({ "condition": "x", "params": { "metadata": null } }),
                false,
            ),
            (
                json!({ "condition": "x", "params": { "metadata": [{ "attr": 7 }] } }),
                false,
            ),
            (json!({ "type": 7, "conditions": [] }), false),
            (json!({ "type": "and", "conditions": {} }), false),
            (json!({ "type": "and" }), false),
            (json!({}), false),
            (json!("room_is_public"), false),
        ] {
            let condition: Condition = serde_json::from_value(sent.clone()).unwrap();
            assert_eq!(!matches!(condition, Condition::Other(_)), known, "{sent}");
            assert_eq!(serde_json::to_value(&condition).unwrap(), sent);
            // The types parse the same values when they are parsed individually.
            let alone = match sent.get("condition") {
                Some(_) => serde_json::from_value(sent.clone())
                    .ok()
                    .map(Condition::Simple),
                None => serde_json::from_value(sent.clone())
                    .ok()
                    .map(Condition::Composite),
            };
            assert_eq!(alone, known.then_some(condition), "{sent}");
        }
    }

    #[test]
    fn constructors_create_conditions_of_the_protocol() {
        let admin = Condition::named(ConditionName::UserIsAdmin);
        let entries = || [Match::eq("a", "x"), Match::lt("b", 1), Match::gt("c", 0.5)];
        let written = json!([
            { "attr": "a", "eq": "x" }, { "attr": "b", "lt": 1 }, { "attr": "c", "gt": 0.5 }
        ]);
        for (condition, expected) in [
            (admin.clone(), json!({ "condition": "user_is_admin" })),
            (
                Condition::glance_matches(entries()),
                json!({ "condition": "glance_matches", "params": { "metadata": written } }),
            ),
            (
                Condition::card_matches(entries()),
                json!({ "condition": "card_matches", "params": { "metadata": written } }),
            ),
            (
                Condition::all([admin.clone()]),
                json!({ "type": "and", "conditions": [{ "condition": "user_is_admin" }] }),
            ),
            (
                Condition::any([admin]),
                json!({ "type": "or", "conditions": [{ "condition": "user_is_admin" }] }),
            ),
        ] {
            assert_eq!(serde_json::to_value(&condition).unwrap(), expected);
        }
    }

    #[test]
    fn nested_conditions_are_moved() {
        let text = "x".repeat(1000);
        let at = text.as_ptr();
        let mut raw = json!({ "condition": "glance_matches" });
        raw["params"] = json!({ "metadata": [{ "attr": "a" }] });
        raw["params"]["metadata"][0]["eq"] = Value::String(text);
        for _ in 0..60 {
            raw = json!({ "type": "and", "conditions": [raw] });
        }
        let mut condition = Condition::from(raw);
        while let Condition::Composite(mut composite) = condition {
            condition = composite.conditions.remove(0);
        }
        let Condition::Simple(simple) = condition else {
            unreachable!()
        };
        let metadata = simple.params.and_then(|params| params.metadata);
        let operand = metadata.and_then(|mut entries| entries.remove(0).eq);
        assert!(matches!(operand, Some(Value::String(text)) if text.as_ptr() == at));
    }
}
