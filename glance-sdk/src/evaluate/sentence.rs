//! The reasons in one sentence: only what decided.

use std::fmt;

use serde_json::Value;

use super::entry::Operator;
use super::explain::{Outcome, Reason, Tested};
use super::note::notes;
use crate::model::ConditionName;
use crate::printable::{Printable, printable};

/// A longer value is cut: the sentence is read in a log.
pub(super) const MAX_CHARS: usize = 40;

/// So many culprits are named, and the others counted.
const MAX_NAMED: usize = 3;

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.because.test {
            Tested::Loading => f.write_str("hidden while its data loads"),
            Tested::Failed { conditions } if conditions.holds => {
                f.write_str("shown: its query failed")
            }
            Tested::Failed { conditions } => {
                write!(
                    f,
                    "shown although {}: its query failed",
                    obstacle(conditions, true)
                )
            }
            Tested::All { of } if of.is_empty() => f.write_str("shown: it has no conditions"),
            _ if self.shown => f.write_str("shown: all conditions hold"),
            _ => write!(f, "hidden: {}", obstacle(&self.because, true)),
        }
    }
}

/// What keeps this from being as `wanted`.
fn obstacle(reason: &Reason, wanted: bool) -> String {
    match &reason.test {
        Tested::Not { of } => obstacle(of, !wanted),
        Tested::All { of } if of.is_empty() => {
            "there is nothing to test, which always holds".into()
        }
        Tested::Any { of } if of.is_empty() => "none of no conditions can hold".into(),
        Tested::All { of } => join(of, wanted, wanted),
        Tested::Any { of } => join(of, wanted, !wanted),
        Tested::Failed { conditions } => obstacle(conditions, wanted),
        Tested::Host { condition } => host(condition, wanted),
        Tested::WithoutMessage { condition } => format!("there is no message for `{condition}`"),
        Tested::Unknown { condition } => {
            format!("no host knows the condition \"{}\"", name(condition))
        }
        Tested::Attribute {
            attribute,
            operator,
            operand,
            found,
        } => {
            let notes = found
                .as_ref()
                .map_or_else(String::new, |found| notes(found, *operator, operand));
            let found = found.as_ref().map_or_else(|| "missing".to_owned(), short);
            let must = if wanted { "needs" } else { "must not be" };
            let operator = match operator {
                Operator::Eq => "",
                Operator::Lt => "< ",
                Operator::Gt => "> ",
            };
            format!(
                "`{}` is {found}, {must} {operator}{}{notes}",
                name(attribute),
                short(operand)
            )
        }
        Tested::WithoutMetadata => "there is no metadata to test".into(),
        Tested::NoEntries => "`glance_matches` without entries always holds".into(),
        Tested::NoAttribute => "an entry names no attribute".into(),
        Tested::NoOperator { attribute } => {
            format!(
                "`{}` is compared with none of eq, lt and gt",
                name(attribute)
            )
        }
        Tested::NullOperand { attribute } => {
            format!(
                "`{}` is compared with null, which matches nothing",
                name(attribute)
            )
        }
        Tested::InvalidComposite { kind } => {
            format!(
                "the type of a composite is {}, needs \"and\" or \"or\"",
                short(kind)
            )
        }
        Tested::Loading => "its data loads".into(),
    }
}

/// The obstacles among these, all of which must go (`all`) or one of which must.
fn join(of: &[Reason], wanted: bool, all: bool) -> String {
    let guilty: Vec<&Reason> = of.iter().filter(|reason| reason.holds != wanted).collect();
    let mut named: Vec<String> = guilty
        .iter()
        .take(MAX_NAMED)
        .map(|reason| match (guilty.len(), &reason.test) {
            (2.., Tested::All { of } | Tested::Any { of }) if of.len() > 1 => {
                format!("({})", obstacle(reason, wanted))
            }
            _ => obstacle(reason, wanted),
        })
        .collect();
    if guilty.len() > MAX_NAMED {
        named.push(format!("{} more", guilty.len() - MAX_NAMED));
    }
    match named.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => {
            let word = if all { "and" } else { "or" };
            format!("{}; {word} {last}", others.join("; "))
        }
        None => String::new(),
    }
}

fn host(condition: &ConditionName, wanted: bool) -> String {
    match (condition, wanted) {
        (ConditionName::RoomIsPublic, true) => "the room is private, needs to be public",
        (ConditionName::RoomIsPublic, false) => "the room is public, needs to be private",
        (ConditionName::UserIsAdmin, true) => "the user is no administrator, needs to be one",
        (ConditionName::UserIsAdmin, false) => "the user is an administrator, must not be one",
        (ConditionName::UserIsGuest, true) => "the user is no guest, needs to be one",
        (ConditionName::UserIsGuest, false) => "the user is a guest, must not be one",
        (ConditionName::UserIsRoomOwner, true) => "the user does not own the room, needs to",
        (ConditionName::UserIsRoomOwner, false) => "the user owns the room, must not",
        (other, true) => return format!("`{other}` does not hold"),
        (other, false) => return format!("`{other}` holds"),
    }
    .to_owned()
}

pub(super) fn short(value: &Value) -> String {
    printable(&value.to_string()).at_most(MAX_CHARS).to_string()
}

fn name(text: &str) -> Printable<'_> {
    printable(text).at_most(2 * MAX_CHARS)
}
