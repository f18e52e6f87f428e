//! Conditions: when a glance shows.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::open_enum::open_enum;
use super::{Extra, present};

/// One condition of a glance, panel or action.
///
/// Authors write [`when(...)`](macro@crate::glance) and never meet this type; it is the way out
/// for what `when` cannot say, and what a host reads.
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
    pub fn named(name: ConditionName) -> Self {
        Self::Simple(Simple::new(name))
    }

    /// `glance_matches` with these entries, all of which must hold.
    pub fn glance_matches(entries: impl IntoIterator<Item = Match>) -> Self {
        let mut simple = Simple::new(ConditionName::GlanceMatches);
        simple.params = Some(Params {
            metadata: Some(entries.into_iter().collect()),
            extra: Extra::new(),
        });
        Self::Simple(simple)
    }

    /// All of these must hold.
    pub fn all(conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self::Composite(Composite::new(Conjunction::And, conditions))
    }

    /// One of these must hold.
    pub fn any(conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self::Composite(Composite::new(Conjunction::Or, conditions))
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Value::deserialize(deserializer)?;
        let known = if raw.get("condition").is_some() {
            Simple::deserialize(&raw).ok().map(Self::Simple)
        } else {
            Composite::deserialize(&raw).ok().map(Self::Composite)
        };
        Ok(known.unwrap_or(Self::Other(raw)))
    }
}

/// A named condition, maybe inverted.
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

/// The parameters of `glance_matches`.
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

/// One comparison of a metadata attribute.
///
/// Where an entry has several operators only one counts: `eq` before `lt` before `gt`.
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
