//! An entry of `glance_matches`.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::javascript;
use super::path::Path;

/// The operator of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Operator {
    /// Equal, without coercion.
    Eq,
    /// Less than.
    Lt,
    /// Greater than.
    Gt,
}

#[derive(Debug, Clone)]
pub(super) enum Entry {
    Compare(Comparison),
    /// The entry names no attribute, so it matches nothing.
    NoAttribute,
    /// The entry has no operator, so it matches nothing.
    NoOperator(String),
    /// The entry compares with `null`, which matches nothing.
    NullOperand(String),
}

#[derive(Debug, Clone)]
pub(super) struct Comparison {
    path: Path,
    pub(super) operator: Operator,
    pub(super) operand: Value,
    /// The operand if it is a number.
    number: Option<f64>,
}

impl Entry {
    pub(super) fn new(raw: &Value) -> Self {
        let Some(attr) = raw.get("attr").filter(|attr| javascript::is_truthy(attr)) else {
            return Self::NoAttribute;
        };
        let attr = javascript::to_text(attr);
        let compared = [
            ("eq", Operator::Eq),
            ("lt", Operator::Lt),
            ("gt", Operator::Gt),
        ]
        .into_iter()
        .find_map(|(name, operator)| Some((operator, raw.get(name)?)));
        match compared {
            None => Self::NoOperator(attr.into_owned()),
            Some((_, Value::Null)) => Self::NullOperand(attr.into_owned()),
            Some((operator, operand)) => Self::Compare(Comparison {
                path: Path::new(&attr),
                operator,
                operand: operand.clone(),
                number: operand.as_f64(),
            }),
        }
    }

    pub(super) fn holds(&self, metadata: &Value) -> bool {
        match self {
            Self::Compare(comparison) => comparison.holds(metadata),
            Self::NoAttribute | Self::NoOperator(_) | Self::NullOperand(_) => false,
        }
    }
}

impl Comparison {
    pub(super) fn attribute(&self) -> &str {
        self.path.as_str()
    }

    pub(super) fn find<'v>(&self, metadata: &'v Value) -> Option<Cow<'v, Value>> {
        self.path.get(metadata)
    }

    fn holds(&self, metadata: &Value) -> bool {
        match self.path.direct(metadata) {
            Some(value) => self.holds_of(value),
            None => self
                .find(metadata)
                .is_some_and(|value| self.holds_of(&value)),
        }
    }

    pub(super) fn holds_of(&self, value: &Value) -> bool {
        if let (Some(operand), Some(value)) = (self.number, value.as_f64()) {
            return match self.operator {
                Operator::Eq => value == operand,
                Operator::Lt => value < operand,
                Operator::Gt => value > operand,
            };
        }
        match self.operator {
            Operator::Eq => javascript::is_identical(value, &self.operand),
            Operator::Lt => javascript::is_less(value, &self.operand),
            Operator::Gt => javascript::is_less(&self.operand, value),
        }
    }
}
