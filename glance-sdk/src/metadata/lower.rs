//! Translates Boolean expressions into the protocol's conditions.
//!
//! The protocol has AND and OR composites, at most two levels deep, and can invert only a simple
//! condition. A conjunction of disjunctions always fits: the list of conditions is the AND, and
//! each disjunction is one OR composite.

use std::fmt;

use super::test::{Comparison, Operator, Test};
use crate::model::{Condition, ConditionName, Match, Simple};

/// The limit on disjunctions: nobody could read a descriptor with more.
const MAX_CLAUSES: usize = 64;

/// The reason why an expression has no equivalent conditions.
///
/// ```
/// use glance_sdk::metadata::CannotLower;
/// use glance_sdk::prelude::*;
///
/// #[derive(Serialize, GlanceMetadata)]
/// struct Counter {
///     total: u64,
/// }
///
/// let error = Counter::attributes().total().equals(u64::MAX).lower().unwrap_err();
/// assert!(matches!(error, CannotLower::InexactValue { attr } if attr == "total"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CannotLower {
    /// The value compared with `attr` is beyond ±(2^53 - 1), or not finite: clients of the protocol
    /// use double precision and could not distinguish it from its neighbours. Or it belongs to an
    /// enum whose own `Serialize` does not produce text.
    InexactValue {
        /// The attribute of the comparison.
        attr: String,
    },
    /// The expression needs more than 64 disjunctions.
    TooLarge,
}

impl fmt::Display for CannotLower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InexactValue { attr } => write!(
                f,
                "the value compared with `{attr}` cannot be represented exactly; use a whole number \
                 within ±9007199254740991, a finite one, or an enum that serde serializes as text"
            ),
            Self::TooLarge => f.write_str(
                "the condition needs more than 64 alternatives; move part of it into a Boolean \
                 of the metadata",
            ),
        }
    }
}

impl std::error::Error for CannotLower {}

/// A condition, maybe inverted: the rest of an expression after NOT is pushed inwards.
#[derive(Clone, PartialEq)]
struct Literal {
    of: Atom,
    inverted: bool,
}

#[derive(Clone, PartialEq)]
enum Atom {
    Compare(Comparison),
    Host(ConditionName),
}

/// A disjunction.
type Clause = Vec<Literal>;

impl Test {
    /// Returns equivalent conditions, all of which must hold.
    ///
    /// ```
    /// use glance_sdk::metadata::Test;
    /// use glance_sdk::model::ConditionName;
    ///
    /// let test = Test::Host(ConditionName::UserIsAdmin).or(Test::Host(ConditionName::UserIsRoomOwner));
    /// let conditions = test.lower()?;
    /// assert_eq!(serde_json::to_value(&conditions).unwrap()[0]["type"], "or");
    /// # Ok::<(), glance_sdk::metadata::CannotLower>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`CannotLower`] if there are no equivalent conditions.
    pub fn lower(&self) -> Result<Vec<Condition>, CannotLower> {
        let mut compared = Vec::new();
        let mut conditions = Vec::new();
        for mut clause in clauses(self, false)? {
            if let [literal] = clause.as_mut_slice() {
                match (&literal.of, literal.inverted) {
                    (Atom::Compare(comparison), false) => compared.push(entry(comparison)?),
                    _ => conditions.push(simple(literal)?),
                }
            } else {
                let alternatives: Result<Vec<_>, _> = clause.iter().map(simple).collect();
                conditions.push(Condition::any(alternatives?));
            }
        }
        if !compared.is_empty() {
            conditions.insert(0, Condition::glance_matches(compared));
        }
        Ok(conditions)
    }
}

fn clauses(test: &Test, inverted: bool) -> Result<Vec<Clause>, CannotLower> {
    let literal = |of| Ok(vec![vec![Literal { of, inverted }]]);
    match test {
        // Checked before any two are compared: the values that they lost may differ.
        Test::Compare(Comparison { attr, value, .. }) if value.is_none() => {
            Err(CannotLower::InexactValue { attr: attr.clone() })
        }
        Test::Compare(comparison) => literal(Atom::Compare(comparison.clone())),
        Test::Host(name) => literal(Atom::Host(name.clone())),
        Test::Not(inner) => clauses(inner, !inverted),
        Test::All(tests) if !inverted => conjunction(tests, inverted),
        Test::Any(tests) if inverted => conjunction(tests, inverted),
        Test::All(tests) | Test::Any(tests) => disjunction(tests, inverted),
    }
}

fn conjunction(tests: &[Test], inverted: bool) -> Result<Vec<Clause>, CannotLower> {
    let mut all = Vec::new();
    for test in tests {
        for clause in clauses(test, inverted)? {
            push(&mut all, clause)?;
        }
    }
    Ok(all)
}

fn disjunction(tests: &[Test], inverted: bool) -> Result<Vec<Clause>, CannotLower> {
    let mut product = vec![Clause::new()];
    for test in tests {
        let right = clauses(test, inverted)?;
        let mut next = Vec::new();
        for clause in &product {
            for other in &right {
                let mut joined = clause.clone();
                for literal in other {
                    if !joined.contains(literal) {
                        joined.push(literal.clone());
                    }
                }
                if !always_holds(&joined) {
                    push(&mut next, joined)?;
                }
            }
        }
        product = next;
    }
    Ok(product)
}

fn push(clauses: &mut Vec<Clause>, clause: Clause) -> Result<(), CannotLower> {
    if !clauses.contains(&clause) {
        clauses.push(clause);
    }
    if clauses.len() > MAX_CLAUSES {
        return Err(CannotLower::TooLarge);
    }
    Ok(())
}

fn always_holds(clause: &Clause) -> bool {
    clause.iter().enumerate().any(|(i, one)| {
        clause[i + 1..]
            .iter()
            .any(|other| one.of == other.of && one.inverted != other.inverted)
    })
}

fn simple(literal: &Literal) -> Result<Condition, CannotLower> {
    let mut condition = match &literal.of {
        Atom::Compare(comparison) => Condition::glance_matches([entry(comparison)?]),
        Atom::Host(name) => Condition::Simple(Simple::new(name.clone())),
    };
    if let (Condition::Simple(simple), true) = (&mut condition, literal.inverted) {
        simple.invert = Some(true);
    }
    Ok(condition)
}

fn entry(comparison: &Comparison) -> Result<Match, CannotLower> {
    let attr = comparison.attr.as_str();
    let value = comparison
        .value
        .clone()
        .ok_or_else(|| CannotLower::InexactValue {
            attr: attr.to_owned(),
        })?;
    Ok(match comparison.operator {
        Operator::Eq => Match::eq(attr, value),
        Operator::Lt => Match::lt(attr, value),
        Operator::Gt => Match::gt(attr, value),
    })
}
