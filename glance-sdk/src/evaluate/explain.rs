//! The decision and its reasons, as a tree that mirrors the conditions.

use serde::Serialize;
use serde_json::Value;

use super::entry::Entry;
use super::{DataState, Facts, Name, Node, Operator, Program};
use crate::model::ConditionName;

/// Whether a glance shows, and why. `Display` says in one sentence what decided:
///
/// ```
/// use glance_sdk::evaluate::{DataState, Facts, Program};
/// use glance_sdk::model::{Condition, ConditionName};
///
/// let program = Program::new(&[Condition::named(ConditionName::RoomIsPublic)]);
/// let outcome = program.explain(DataState::Ready, &Facts::default());
/// assert!(!outcome.shown);
/// assert_eq!(outcome.to_string(), "hidden: the room is private, needs to be public");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// Whether it shows; [`Program::shows`] says the same.
    pub shown: bool,
    /// Why.
    pub because: Reason,
}

/// One node of the reasons: what was tested, and whether it held.
///
/// ```
/// use glance_sdk::evaluate::{DataState, Facts, Program, Tested};
/// use glance_sdk::model::{Condition, ConditionName};
///
/// let program = Program::new(&[Condition::named(ConditionName::UserIsAdmin)]);
/// let because = program.explain(DataState::Ready, &Facts::default()).because;
/// assert!(!because.holds);
/// let Tested::All { of } = because.test else { unreachable!() };
/// assert_eq!(of[0].test, Tested::Host { condition: ConditionName::UserIsAdmin });
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reason {
    /// Whether it held.
    pub holds: bool,
    /// What was tested.
    #[serde(flatten)]
    pub test: Tested,
}

/// What a [`Reason`] is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "test", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Tested {
    /// All of these must hold.
    All {
        /// Each of them.
        of: Vec<Reason>,
    },
    /// One of these must hold.
    Any {
        /// Each of them.
        of: Vec<Reason>,
    },
    /// This must not hold: the condition is inverted.
    Not {
        /// What must not hold.
        of: Box<Reason>,
    },
    /// What the host knows of the room, the user or the message.
    Host {
        /// The condition's name.
        condition: ConditionName,
    },
    /// A condition of actions where there is no message, as on a glance; it never holds.
    WithoutMessage {
        /// The condition's name.
        condition: ConditionName,
    },
    /// A condition that no host knows; it never holds.
    Unknown {
        /// Its name.
        condition: String,
    },
    /// A comparison of an attribute.
    Attribute {
        /// The attribute's path.
        attribute: String,
        /// How it is compared.
        operator: Operator,
        /// With what.
        operand: Value,
        /// The attribute's value; `None` where it is missing, which matches nothing.
        found: Option<Value>,
    },
    /// There is no metadata to test, so nothing matches.
    WithoutMetadata,
    /// `glance_matches` without a list of entries; it always holds.
    NoEntries,
    /// An entry that names no attribute; it never holds.
    NoAttribute,
    /// An entry that names an attribute and compares it with nothing; it never holds.
    NoOperator {
        /// The attribute's path.
        attribute: String,
    },
    /// An entry that compares with `null`; it never holds.
    NullOperand {
        /// The attribute's path.
        attribute: String,
    },
    /// A composite of a type that is neither `and` nor `or`, which ends everything.
    InvalidComposite {
        /// The type, as it was written.
        kind: Value,
    },
    /// Conditions test metadata, and the data is on its way.
    Loading,
    /// The query failed, so the glance shows whatever its conditions say.
    Failed {
        /// What they say.
        conditions: Box<Reason>,
    },
}

impl Tested {
    pub(super) fn reason(self, holds: bool) -> Reason {
        Reason { holds, test: self }
    }

    fn all(of: Vec<Reason>) -> Reason {
        let holds = of.iter().all(|reason| reason.holds);
        Self::All { of }.reason(holds)
    }

    fn any(of: Vec<Reason>) -> Reason {
        let holds = of.iter().any(|reason| reason.holds);
        Self::Any { of }.reason(holds)
    }
}

impl Program {
    /// Whether the glance shows, as [`Program::shows`] says, with the reasons. Costs more than
    /// the answer alone: it looks at every condition and keeps what it found.
    ///
    /// ```
    /// use glance_sdk::evaluate::{DataState, Facts, Program};
    /// use glance_sdk::model::{Condition, Match};
    /// use serde_json::json;
    ///
    /// let program = Program::new(&[Condition::glance_matches([Match::gt("open", 0)])]);
    /// let metadata = json!({ "open": 0 });
    /// let outcome = program.explain(DataState::Ready, &Facts::default().metadata(Some(&metadata)));
    /// assert_eq!(outcome.to_string(), "hidden: `open` is 0, needs > 0");
    /// ```
    pub fn explain(&self, data: DataState, facts: &Facts<'_>) -> Outcome {
        let because = match data {
            DataState::Loading if self.tests_metadata => Tested::Loading.reason(false),
            DataState::Failed => {
                let conditions = Box::new(self.reason(facts));
                Tested::Failed { conditions }.reason(true)
            }
            DataState::Loading | DataState::None | DataState::Ready => self.reason(facts),
        };
        Outcome {
            shown: because.holds,
            because,
        }
    }

    fn reason(&self, facts: &Facts<'_>) -> Reason {
        match &self.all {
            Ok(all) => Tested::all(all.iter().map(|node| node.reason(facts)).collect()),
            Err(kind) => Tested::InvalidComposite { kind: kind.clone() }.reason(false),
        }
    }
}

impl Node {
    fn reason(&self, facts: &Facts<'_>) -> Reason {
        let each = |nodes: &[Self]| nodes.iter().map(|node| node.reason(facts)).collect();
        match self {
            Self::Simple { name, inverted } => {
                let reason = name.reason(facts);
                if !inverted {
                    return reason;
                }
                let holds = !reason.holds;
                let of = Box::new(reason);
                Tested::Not { of }.reason(holds)
            }
            Self::And(nodes) => Tested::all(each(nodes)),
            Self::Or(nodes) => Tested::any(each(nodes)),
        }
    }
}

impl Name {
    fn reason(&self, facts: &Facts<'_>) -> Reason {
        match self {
            Self::GlanceMatches(None) => Tested::NoEntries.reason(true),
            Self::GlanceMatches(Some(entries)) => match facts.testable() {
                None => Tested::WithoutMetadata.reason(false),
                Some(metadata) => {
                    Tested::all(entries.iter().map(|entry| entry.reason(metadata)).collect())
                }
            },
            Self::Host(name) => {
                let condition = name.clone();
                Tested::Host { condition }.reason(facts.say(name))
            }
            Self::Message(test) => {
                let condition = test.name();
                let Some(message) = facts.message else {
                    return Tested::WithoutMessage { condition }.reason(false);
                };
                Tested::Host { condition }.reason(test.holds(message))
            }
            Self::Unknown(name) => {
                let condition = name.clone();
                Tested::Unknown { condition }.reason(false)
            }
        }
    }
}

impl Entry {
    fn reason(&self, metadata: &Value) -> Reason {
        match self {
            Self::NoAttribute => Tested::NoAttribute.reason(false),
            Self::NoOperator(attribute) => {
                let attribute = attribute.clone();
                Tested::NoOperator { attribute }.reason(false)
            }
            Self::NullOperand(attribute) => {
                let attribute = attribute.clone();
                Tested::NullOperand { attribute }.reason(false)
            }
            Self::Compare(comparison) => {
                let found = comparison.find(metadata);
                let holds = found
                    .as_ref()
                    .is_some_and(|value| comparison.holds_of(value));
                Tested::Attribute {
                    attribute: comparison.attribute().to_owned(),
                    operator: comparison.operator,
                    operand: comparison.operand.clone(),
                    found: found.map(|value| value.into_owned()),
                }
                .reason(holds)
            }
        }
    }
}
