//! Evaluates conditions: decides whether hosts show a glance or offer an action.
//!
//! The rules are those of HipChat's last web client, as measured, including the coercions of
//! JavaScript. Only a `null` operand differs: that client failed on it, while here it matches
//! nothing.
//!
//! ```
//! use glance_sdk::evaluate::{Facts, Program};
//! use glance_sdk::model::{Condition, Match};
//! use serde_json::json;
//!
//! let program = Program::new(&[Condition::glance_matches([Match::gt("count", 0)])]);
//! let metadata = json!({ "count": 4 });
//! assert!(program.holds(&Facts::default().metadata(Some(&metadata))));
//! assert!(!program.holds(&Facts::default()));
//! ```
//!
//! It also explains its decisions, for people whose glance does not show:
//!
//! ```
//! # use glance_sdk::evaluate::{DataState, Facts, Program};
//! # use glance_sdk::model::{Condition, Match};
//! # use serde_json::json;
//! # let program = Program::new(&[Condition::glance_matches([Match::gt("count", 0)])]);
//! let metadata = json!({ "count": 0 });
//! let outcome = program.explain(DataState::Ready, &Facts::default().metadata(Some(&metadata)));
//! assert_eq!(outcome.to_string(), "hidden: `count` is 0, needs > 0");
//! ```

mod entry;
mod explain;
mod javascript;
mod message;
mod note;
mod path;
mod quote;
mod sentence;

use serde_json::Value;

use crate::model::{Condition, ConditionName};
use entry::Entry;
use message::Test;

pub use entry::Operator;
pub use explain::{Outcome, Reason, Tested};
pub use message::{Finds, Message};

/// The input of conditions: the room, the user, and the glance's metadata or the message.
///
/// ```
/// use glance_sdk::evaluate::{Facts, Program};
/// use glance_sdk::model::{Condition, ConditionName};
///
/// let program = Program::new(&[Condition::named(ConditionName::UserIsAdmin)]);
/// let mut facts = Facts::default();
/// facts.user_is_admin = true;
/// assert!(program.holds(&facts));
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Facts<'a> {
    /// The room is public.
    pub room_is_public: bool,
    /// The user is an administrator of the group.
    pub user_is_admin: bool,
    /// The user is a guest.
    pub user_is_guest: bool,
    /// The user owns the room.
    pub user_is_room_owner: bool,
    /// The metadata of the glance's data, if there is any.
    pub metadata: Option<&'a Value>,
    /// The message of an action; `None` for a glance.
    pub message: Option<&'a Message<'a>>,
}

impl<'a> Facts<'a> {
    /// Returns the same facts with other metadata.
    ///
    /// ```
    /// use glance_sdk::evaluate::Facts;
    /// use serde_json::json;
    ///
    /// let metadata = json!({ "open": 4 });
    /// let facts = Facts::default().metadata(Some(&metadata));
    /// assert_eq!(facts.metadata.unwrap()["open"], 4);
    /// ```
    #[must_use]
    pub fn metadata<'b>(self, metadata: Option<&'b Value>) -> Facts<'b>
    where
        'a: 'b,
    {
        Facts {
            room_is_public: self.room_is_public,
            user_is_admin: self.user_is_admin,
            user_is_guest: self.user_is_guest,
            user_is_room_owner: self.user_is_room_owner,
            metadata,
            message: self.message,
        }
    }

    /// Returns the metadata if entries can be compared with it.
    fn testable(&self) -> Option<&'a Value> {
        self.metadata
            .filter(|metadata| javascript::is_truthy(metadata))
    }

    fn say(&self, name: &ConditionName) -> bool {
        match name {
            ConditionName::RoomIsPublic => self.room_is_public,
            ConditionName::UserIsAdmin => self.user_is_admin,
            ConditionName::UserIsGuest => self.user_is_guest,
            ConditionName::UserIsRoomOwner => self.user_is_room_owner,
            _ => false,
        }
    }
}

/// The state of a glance's data.
///
/// ```
/// use glance_sdk::evaluate::{DataState, Facts, Program};
/// use glance_sdk::model::{Condition, Match};
///
/// let program = Program::new(&[Condition::glance_matches([Match::gt("open", 0)])]);
/// assert!(!program.shows(DataState::Loading, &Facts::default()));
/// assert!(program.shows(DataState::Failed, &Facts::default()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataState {
    /// The glance has no `queryUrl`, and no push has delivered data yet.
    None,
    /// The query is running.
    Loading,
    /// The glance has data.
    Ready,
    /// The query failed.
    Failed,
}

/// The conditions of one glance, compiled for repeated evaluation.
///
/// The evaluation allocates no memory, except for comparisons with lists or single characters of a
/// string.
///
/// ```
/// use glance_sdk::evaluate::{Facts, Program};
/// use glance_sdk::model::{Condition, Match};
/// use serde_json::json;
///
/// let program = Program::new(&[Condition::glance_matches([Match::gt("open", 0)])]);
/// for (open, shows) in [(0, false), (1, true)] {
///     let metadata = json!({ "open": open });
///     assert_eq!(program.holds(&Facts::default().metadata(Some(&metadata))), shows);
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Program {
    /// The error is the type of an unknown composite: then nothing holds.
    all: Result<Vec<Node>, Value>,
    tests_metadata: bool,
}

impl Program {
    /// Compiles conditions, all of which must hold.
    pub fn new(conditions: &[Condition]) -> Self {
        let all: Result<Vec<Node>, Value> = conditions
            .iter()
            .map(|condition| Node::new(&to_value(condition)))
            .collect();
        let tests_metadata = all.iter().flatten().any(Node::tests_metadata);
        Self {
            all,
            tests_metadata,
        }
    }

    /// Returns whether a condition tests the metadata, so that the result depends on the data.
    ///
    /// ```
    /// use glance_sdk::evaluate::Program;
    /// use glance_sdk::model::{Condition, ConditionName, Match};
    ///
    /// assert!(Program::new(&[Condition::glance_matches([Match::gt("open", 0)])]).tests_metadata());
    /// assert!(!Program::new(&[Condition::named(ConditionName::RoomIsPublic)]).tests_metadata());
    /// ```
    pub fn tests_metadata(&self) -> bool {
        self.tests_metadata
    }

    /// Returns the number of regular expressions in the conditions.
    pub fn patterns(&self) -> usize {
        self.all.iter().flatten().map(Node::patterns).sum()
    }

    /// Returns whether all conditions hold, which is true if there are none.
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        self.all
            .as_ref()
            .is_ok_and(|all| all.iter().all(|node| node.holds(facts)))
    }

    /// Returns whether the glance shows.
    ///
    /// If the query failed, the glance shows whatever its conditions say, so that people can retry.
    /// If the conditions test metadata, the glance is hidden while its data loads.
    ///
    /// ```
    /// use glance_sdk::evaluate::{DataState, Facts, Program};
    /// use glance_sdk::model::{Condition, ConditionName};
    ///
    /// let program = Program::new(&[Condition::named(ConditionName::RoomIsPublic)]);
    /// let mut facts = Facts::default();
    /// facts.room_is_public = true;
    /// assert!(program.shows(DataState::Ready, &facts));
    /// ```
    pub fn shows(&self, data: DataState, facts: &Facts<'_>) -> bool {
        match data {
            DataState::Failed => true,
            DataState::Loading if self.tests_metadata => false,
            DataState::Loading | DataState::None | DataState::Ready => self.holds(facts),
        }
    }
}

fn to_value(condition: &Condition) -> Value {
    serde_json::to_value(condition).unwrap_or_default()
}

#[derive(Debug, Clone)]
enum Node {
    Simple { name: Name, inverted: bool },
    And(Vec<Node>),
    Or(Vec<Node>),
}

#[derive(Debug, Clone)]
enum Name {
    GlanceMatches(Option<Vec<Entry>>),
    Host(ConditionName),
    Message(Test),
    Unknown(String),
}

impl Node {
    fn new(raw: &Value) -> Result<Self, Value> {
        if let Some(name) = raw.get("condition") {
            return Ok(Self::Simple {
                name: Name::new(name, raw.get("params")),
                inverted: raw.get("invert") == Some(&Value::Bool(true)),
            });
        }
        let nodes = match raw.get("conditions") {
            Some(Value::Array(inner)) => inner.iter().map(Self::new).collect::<Result<_, _>>()?,
            _ => Vec::new(),
        };
        let kind = raw.get("type");
        match kind.map(|kind| kind.as_str().unwrap_or_default()) {
            None => Ok(Self::And(nodes)),
            Some(kind) if kind.eq_ignore_ascii_case("and") => Ok(Self::And(nodes)),
            Some(kind) if kind.eq_ignore_ascii_case("or") => Ok(Self::Or(nodes)),
            Some(_) => Err(kind.cloned().unwrap_or_default()),
        }
    }

    fn tests_metadata(&self) -> bool {
        match self {
            Self::Simple { name, .. } => matches!(name, Name::GlanceMatches(_)),
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().any(Self::tests_metadata),
        }
    }

    fn patterns(&self) -> usize {
        match self {
            Self::Simple { name, .. } => match name {
                Name::Message(test) => usize::from(test.has_pattern()),
                _ => 0,
            },
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().map(Self::patterns).sum(),
        }
    }

    fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Simple { name, inverted } => name.holds(facts) != *inverted,
            Self::And(nodes) => nodes.iter().all(|node| node.holds(facts)),
            Self::Or(nodes) => nodes.iter().any(|node| node.holds(facts)),
        }
    }
}

impl Name {
    fn new(name: &Value, params: Option<&Value>) -> Self {
        match ConditionName::from(name.as_str().unwrap_or_default()) {
            ConditionName::GlanceMatches => {
                let entries = params.and_then(|params| params.get("metadata")?.as_array());
                Self::GlanceMatches(entries.map(|entries| entries.iter().map(Entry::new).collect()))
            }
            ConditionName::Unknown(_) => Self::Unknown(javascript::to_text(name).into_owned()),
            known => match Test::new(&known, params) {
                Some(test) => Self::Message(test),
                None => Self::Host(known),
            },
        }
    }

    fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::GlanceMatches(None) => true,
            Self::GlanceMatches(Some(entries)) => facts
                .testable()
                .is_some_and(|metadata| entries.iter().all(|entry| entry.holds(metadata))),
            Self::Host(name) => facts.say(name),
            Self::Message(test) => facts.message.is_some_and(|message| test.holds(message)),
            Self::Unknown(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
