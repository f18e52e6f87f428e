//! Explains an outcome in one sentence that names only the deciding conditions.

use std::fmt;

use super::entry::Operator;
use super::explain::{Outcome, Reason, Tested};
use super::note::notes;
use super::quote::{quote_name, quote_value};
use crate::model::ConditionName;

/// The most obstacles that a sentence names; it counts the others.
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

/// Names the obstacle that keeps this condition from evaluating to `expected`.
fn obstacle(reason: &Reason, expected: bool) -> String {
    match &reason.test {
        Tested::Not { of } => obstacle(of, !expected),
        Tested::All { of } if of.is_empty() => {
            "there is nothing to test, which always holds".into()
        }
        Tested::Any { of } if of.is_empty() => "none of no conditions can hold".into(),
        Tested::All { of } => join(of, expected, expected),
        Tested::Any { of } => join(of, expected, !expected),
        Tested::Failed { conditions } => obstacle(conditions, expected),
        Tested::Host { condition } => host(condition, expected),
        Tested::WithoutMessage { condition } => format!("there is no message for `{condition}`"),
        Tested::Unknown { condition } => {
            format!("no host knows the condition \"{}\"", quote_name(condition))
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
            let found = found
                .as_ref()
                .map_or_else(|| "missing".to_owned(), quote_value);
            let must = if expected { "needs" } else { "must not be" };
            let operator = match operator {
                Operator::Eq => "",
                Operator::Lt => "< ",
                Operator::Gt => "> ",
            };
            format!(
                "`{}` is {found}, {must} {operator}{}{notes}",
                quote_name(attribute),
                quote_value(operand)
            )
        }
        Tested::WithoutMetadata => "there is no metadata to test".into(),
        Tested::NoEntries => "`glance_matches` without entries always holds".into(),
        Tested::NoAttribute => "an entry names no attribute".into(),
        Tested::NoOperator { attribute } => {
            format!(
                "`{}` is compared with none of eq, lt and gt",
                quote_name(attribute)
            )
        }
        Tested::NullOperand { attribute } => {
            format!(
                "`{}` is compared with null, which matches nothing",
                quote_name(attribute)
            )
        }
        Tested::InvalidComposite { kind } => {
            format!(
                "the type of a composite is {}, needs \"and\" or \"or\"",
                quote_value(kind)
            )
        }
        Tested::Loading => "its data loads".into(),
    }
}

/// Joins the obstacles with "and" if all of them must go (`all`), otherwise with "or".
fn join(of: &[Reason], expected: bool, all: bool) -> String {
    let guilty: Vec<&Reason> = of
        .iter()
        .filter(|reason| reason.holds != expected)
        .collect();
    let mut named: Vec<String> = guilty
        .iter()
        .take(MAX_NAMED)
        .map(|reason| match (guilty.len(), &reason.test) {
            (2.., Tested::All { of } | Tested::Any { of }) if of.len() > 1 => {
                format!("({})", obstacle(reason, expected))
            }
            _ => obstacle(reason, expected),
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

fn host(condition: &ConditionName, expected: bool) -> String {
    match (condition, expected) {
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
