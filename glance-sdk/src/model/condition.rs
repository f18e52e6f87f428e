//! Conditions: when a glance shows.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::open_enum::open_enum;
use super::{Extra, present};

/// One condition of a glance, panel or action.
///
/// Authors write [`when(...)`](macro@crate::glance) and never meet this type; it is the way out
/// for what `when` cannot say, and what a host reads.
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
    /// Several conditions, joined by AND or OR.
    Composite(Composite),
    /// A shape this version does not know; [`evaluate`](crate::evaluate) still judges it.
    Other(Value),
}

impl Condition {
    /// The named condition without parameters.
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

    /// `glance_matches` with these entries, all of which must hold.
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

    /// `card_matches`, of actions: all of these entries must hold for the card's metadata.
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

    /// All of these must hold.
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

    /// One of these must hold.
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

/// The condition of any JSON, which is moved and not copied: conditions stand deep in each other, and
/// a copy at each level would cost the depth times the size.
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

/// A named condition, maybe inverted.
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
    /// Its name.
    pub condition: ConditionName,
    /// Whether it must not hold.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub invert: Option<bool>,
    /// What it tests.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub params: Option<Params>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Simple {
    /// The members come back where they are of another shape.
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

    /// The named condition, not inverted, without parameters.
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
    /// The names a condition can have. The four about room and user hold everywhere, the others
    /// on glances or on actions only.
    ///
    /// ```
    /// use glance_sdk::model::ConditionName;
    ///
    /// assert_eq!(ConditionName::RoomIsPublic.as_str(), "room_is_public");
    /// assert_eq!(ConditionName::from("moon_is_full"), ConditionName::Unknown("moon_is_full".to_owned()));
    /// ```
    pub enum ConditionName {
        /// The glance's metadata match; on glances.
        GlanceMatches = "glance_matches",
        /// The room is public.
        RoomIsPublic = "room_is_public",
        /// The user administers the group.
        UserIsAdmin = "user_is_admin",
        /// The user is a guest.
        UserIsGuest = "user_is_guest",
        /// The user owns the room.
        UserIsRoomOwner = "user_is_room_owner",
        /// The card's style and metadata match; on actions.
        CardMatches = "card_matches",
        /// The message holds a link; on actions.
        MessageContainsLink = "message_contains_link",
        /// The message's type, sender or text match; on actions.
        MessageMatches = "message_matches",
        /// The user wrote the message; on actions.
        MessageSentByCurrentUser = "message_sent_by_current_user",
    }
}

/// The parameters of `glance_matches` and `card_matches`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Params {
    /// All of these must hold.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub metadata: Option<Vec<Match>>,
    /// Members this version does not know.
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

    /// Reads what [`can_read`](Self::can_read) said can be read.
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

/// One comparison of a metadata attribute.
///
/// Where an entry has several operators only one counts: `eq` before `lt` before `gt`.
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
    /// The attribute; dots select nested ones.
    pub attr: String,
    /// Equal, without coercion: `"5"` is not `5`.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub eq: Option<Value>,
    /// Less than.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub lt: Option<Value>,
    /// Greater than.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub gt: Option<Value>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Match {
    fn can_read(raw: &Value) -> bool {
        raw.get("attr").is_some_and(Value::is_string)
    }

    /// Reads what [`can_read`](Self::can_read) said can be read.
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

    /// `attr` equals `value`.
    pub fn eq(attr: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            eq: Some(value.into()),
            ..Self::without_operator(attr)
        }
    }

    /// `attr` is less than `value`.
    pub fn lt(attr: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            lt: Some(value.into()),
            ..Self::without_operator(attr)
        }
    }

    /// `attr` is greater than `value`.
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

/// Several conditions, joined.
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
    /// How they are joined; AND where absent.
    #[serde(
        rename = "type",
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub kind: Option<Conjunction>,
    /// What is joined.
    pub conditions: Vec<Condition>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Composite {
    /// The members come back where they are of another shape.
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

    /// Conditions joined in this way.
    pub fn new(kind: Conjunction, conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self {
            kind: Some(kind),
            conditions: conditions.into_iter().collect(),
            extra: Extra::new(),
        }
    }
}

open_enum! {
    /// How a composite joins its conditions. Capitals do not matter to a host; other spellings
    /// than these two are kept as they came.
    pub enum Conjunction {
        /// All must hold.
        And = "and",
        /// One must hold.
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
            // The types that are read one by one agree.
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
    fn nested_conditions_are_moved_and_not_copied() {
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
