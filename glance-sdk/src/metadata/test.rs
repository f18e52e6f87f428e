//! A condition as an ordinary Boolean expression, before its translation.

use std::ops::Not;

use serde_json::Value;

use crate::model::ConditionName;

/// A Boolean expression over attributes and the host's own conditions.
///
/// ```
/// use glance_sdk::metadata::Test;
/// use glance_sdk::model::ConditionName;
///
/// let test = !Test::Host(ConditionName::UserIsGuest);
/// assert_eq!(test, Test::Not(Box::new(Test::Host(ConditionName::UserIsGuest))));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// A comparison of an attribute.
    Compare(Comparison),
    /// A condition that the host evaluates itself.
    Host(ConditionName),
    /// The negation of this.
    Not(Box<Test>),
    /// All of these.
    All(Vec<Test>),
    /// One of these.
    Any(Vec<Test>),
}

impl Test {
    /// Combines both with AND.
    ///
    /// ```
    /// use glance_sdk::metadata::Test;
    /// use glance_sdk::model::ConditionName;
    ///
    /// let public = Test::Host(ConditionName::RoomIsPublic);
    /// let admin = Test::Host(ConditionName::UserIsAdmin);
    /// assert_eq!(public.and(admin).lower().unwrap().len(), 2);
    /// ```
    #[must_use]
    pub fn and(self, other: Test) -> Self {
        Self::All(vec![self, other])
    }

    /// Combines both with OR.
    #[must_use]
    pub fn or(self, other: Test) -> Self {
        Self::Any(vec![self, other])
    }
}

impl Not for Test {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }
}

/// A comparison with an attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub(super) attr: String,
    pub(super) operator: Operator,
    pub(super) value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Lt,
    Gt,
}
