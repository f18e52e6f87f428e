//! Explains a decision as a tree that mirrors the conditions.

use serde::Serialize;
use serde_json::Value;

use super::entry::Entry;
use super::{DataState, Facts, Name, Node, Operator, Program};
use crate::model::ConditionName;

/// A decision whether a glance shows, with the reasons. `Display` explains it in one sentence:
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
    /// Whether the glance shows, as [`Program::shows`] returns.
    pub shown: bool,
    /// The reason.
    pub because: Reason,
}

/// A node of the reasons: a test and its result.
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
    /// Whether the test held.
    pub holds: bool,
    /// The test.
    #[serde(flatten)]
    pub test: Tested,
}

/// The test of a [`Reason`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "test", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Tested {
    /// All of these must hold.
    All {
        /// The reasons of each condition.
        of: Vec<Reason>,
    },
    /// One of these must hold.
    Any {
        /// The reasons of each condition.
        of: Vec<Reason>,
    },
    /// The condition is inverted and must not hold.
    Not {
        /// The reason of the inverted condition.
        of: Box<Reason>,
    },
    /// A condition on the room, the user or the message, which the host knows.
    Host {
        /// The condition's name.
        condition: ConditionName,
    },
    /// A condition for actions without a message, as on a glance; it never holds.
    WithoutMessage {
        /// The condition's name.
        condition: ConditionName,
    },
    /// An unknown condition; it never holds.
    Unknown {
        /// The condition's name.
        condition: String,
    },
    /// A comparison of an attribute.
    Attribute {
        /// The attribute's path.
        attribute: String,
        /// The operator.
        operator: Operator,
        /// The operand.
        operand: Value,
        /// The attribute's value, or `None` if it is missing, which matches nothing.
        found: Option<Value>,
    },
    /// There is no metadata to test, so nothing matches.
    WithoutMetadata,
    /// `glance_matches` without a list of entries; it always holds.
    NoEntries,
    /// An entry that names no attribute; it never holds.
    NoAttribute,
    /// An entry with an attribute, but without an operator; it never holds.
    NoOperator {
        /// The attribute's path.
        attribute: String,
    },
    /// An entry that compares with `null`; it never holds.
    NullOperand {
        /// The attribute's path.
        attribute: String,
    },
    /// A composite whose type is neither `and` nor `or`: no conditions hold.
    InvalidComposite {
        /// The type in its original form.
        kind: Value,
    },
    /// Conditions test metadata, and the data is loading.
    Loading,
    /// The query failed, so the glance shows whatever its conditions say.
    Failed {
        /// The reasons of the conditions.
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
    /// Decides whether the glance shows, like [`Program::shows`], and returns the reasons. Costs
    /// more than the decision alone, because it evaluates every condition and stores the results.
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
