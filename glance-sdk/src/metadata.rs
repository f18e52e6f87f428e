//! Typed conditions: what `when(...)` is checked against, and how it becomes the wire's language.
//!
//! `#[derive(GlanceMetadata)]` gives a struct one method per field; `when(count > 0)` calls
//! `count()` and then [`Attr::greater_than`], so rustc checks the name and the type. The result
//! is a [`Test`], an ordinary Boolean expression, which [`Test::lower`] turns into conditions
//! that mean exactly the same.
//!
//! On an attribute that is missing every comparison is false, as it is for a host.

mod lower;

use std::fmt;
use std::marker::PhantomData;
use std::ops::Not;

use serde::Serialize;
use serde_json::Value;

use crate::model::{ConditionName, Extra};

/// Implements [`GlanceMetadata`] for a struct with named fields.
///
/// Names on the wire are serde's: `rename` and `rename_all` are honoured. An `Option` needs
/// `#[serde(skip_serializing_if = "Option::is_none")]`, because a host would take the `null` it
/// is otherwise written as for the number 0. A skipped field cannot be tested.
/// Keep floating-point numbers finite: the others are written as `null` too.
///
/// ```
/// use glance_sdk::prelude::*;
///
/// #[derive(Serialize, GlanceMetadata)]
/// #[serde(rename_all = "camelCase")]
/// struct Incidents {
///     is_configured: bool,
///     open: u32,
///     #[serde(skip_serializing_if = "Option::is_none")]
///     oldest: Option<Oldest>,
/// }
///
/// #[derive(Serialize, GlanceMetadata)]
/// struct Oldest {
///     days: u32,
/// }
///
/// let test = Incidents::attributes().oldest().days().greater_than(7);
/// assert_eq!(
///     serde_json::to_value(test.lower()?).unwrap(),
///     serde_json::json!([{
///         "condition": "glance_matches",
///         "params": { "metadata": [{ "attr": "oldest.days", "gt": 7 }] }
///     }])
/// );
/// # Ok::<(), glance_sdk::metadata::CannotLower>(())
/// ```
#[cfg(feature = "macros")]
pub use glance_derive::GlanceMetadata;
pub use lower::CannotLower;

/// The metadata of a glance, of which conditions may test the attributes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no glance metadata",
    label = "conditions cannot test this type",
    note = "add `#[derive(serde::Serialize, glance_sdk::GlanceMetadata)]` to it"
)]
pub trait GlanceMetadata: Serialize + Attribute {
    /// The attributes, one method each.
    fn attributes() -> Self::At {
        Self::at(Path::root())
    }
}

/// The metadata of a glance that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
pub struct NoMetadata {}

/// What conditions may test where the type of the metadata names no attribute: nothing.
#[derive(Debug)]
pub struct NoAttributes {}

impl Attribute for NoMetadata {
    type At = NoAttributes;
    type Null = Never;
    fn at(_: Path) -> NoAttributes {
        NoAttributes {}
    }
}

impl GlanceMetadata for NoMetadata {}

/// Metadata put together at run time; conditions on it are written as raw ones.
impl Attribute for Extra {
    type At = NoAttributes;
    type Null = Never;
    fn at(_: Path) -> NoAttributes {
        NoAttributes {}
    }
}

impl GlanceMetadata for Extra {}

/// A type that may be a field of metadata.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an attribute of glance metadata",
    label = "conditions cannot test this type",
    note = "attributes are numbers, `bool`, `String`, and structs with `#[derive(GlanceMetadata)]`; \
            a field that no condition tests can have `#[glance(untested)]`"
)]
pub trait Attribute {
    /// What a condition calls methods on: [`Attr`], or a derived struct of attributes.
    type At;

    /// When serde writes the type as `null`: [`Never`], or [`IfNone`].
    type Null;

    /// The attribute that stands at this path.
    fn at(path: Path) -> Self::At;
}

impl<T: Attribute> Attribute for Option<T> {
    type At = T::At;
    type Null = IfNone<T::Null>;
    fn at(path: Path) -> Self::At {
        T::at(path)
    }
}

/// Of a type that serde always writes as itself.
#[derive(Debug)]
pub struct Never {}

/// Of an `Option`: `null` for its `None`, and for what `N` says of its `Some`.
#[derive(Debug)]
pub struct IfNone<N>(PhantomData<N>);

/// What must hold of [`Attribute::Null`] where the field is always written.
#[diagnostic::on_unimplemented(
    message = "a host takes the `null` that this field may be written as for the number 0",
    label = "`None` is written as `null`",
    note = "add `#[serde(skip_serializing_if = \"Option::is_none\")]` to the field"
)]
pub trait NeverNull {}

impl NeverNull for Never {}

/// What must hold of [`Attribute::Null`] where the field is skipped if it is `None`.
#[diagnostic::on_unimplemented(
    message = "a host takes the `null` that this field may be written as for the number 0",
    label = "`Some(None)` is not skipped and written as `null`",
    note = "use an `Option` of a type that is no `Option`"
)]
pub trait NullIsSkipped {}

impl NullIsSkipped for IfNone<Never> {}

/// Where an attribute stands: names joined by dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    fn root() -> Self {
        Self(String::new())
    }

    /// The path of a field at this path.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        Self(match self.0.as_str() {
            "" => name.to_owned(),
            parent => format!("{parent}.{name}"),
        })
    }
}

/// An attribute of type `T`, to be compared with a value.
pub struct Attr<T> {
    path: Path,
    of: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Attr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attr").field(&self.path.0).finish()
    }
}

/// A type whose attribute can be compared for equality.
#[diagnostic::on_unimplemented(
    message = "attributes of type `{Self}` cannot be compared",
    label = "conditions compare numbers, `bool` and `String`"
)]
pub trait Comparable: Attribute<At = Attr<Self>> + Sized {
    /// What the attribute is compared with. One type, so that a literal's type is known.
    type Literal;

    /// The value as it stands on the wire; `None` where the wire cannot say it exactly.
    fn wire(literal: Self::Literal) -> Option<Value>;
}

/// A number, whose attribute can also be compared by size.
///
/// Text is not ordered: a host compares it by UTF-16 units, Rust does not.
#[diagnostic::on_unimplemented(
    message = "attributes of type `{Self}` have no order",
    label = "only numbers can be compared with `<`, `<=`, `>` and `>=`",
    note = "compare with `==` or `!=`, or put the number you mean into the metadata"
)]
pub trait Ordered: Comparable {
    /// The whole numbers just below and just above, where the type has only whole numbers.
    fn neighbours(wire: &Value) -> Option<(Value, Value)>;
}

/// `bool`, whose attribute is a condition by itself.
#[diagnostic::on_unimplemented(
    message = "an attribute of type `{Self}` is no condition by itself",
    label = "only a `bool` can stand alone; compare this with a value, as in `count > 0`"
)]
pub trait Truth: Comparable {
    /// True, as it is compared with.
    const TRUE: Self::Literal;
}

impl Truth for bool {
    const TRUE: bool = true;
}

/// The largest whole number up to which every client of the protocol counts exactly: 2^53 - 1.
const MAX_EXACT: i128 = (1 << 53) - 1;

macro_rules! attributes {
    ($($type:ty: $literal:ty, $wire:expr;)*) => { $(
        impl Attribute for $type {
            type At = Attr<$type>;
            type Null = Never;
            fn at(path: Path) -> Self::At {
                Attr { path, of: PhantomData }
            }
        }
        impl Comparable for $type {
            type Literal = $literal;
            fn wire(literal: Self::Literal) -> Option<Value> {
                let wire: fn($literal) -> Option<Value> = $wire;
                wire(literal)
            }
        }
    )* };
}

macro_rules! integers {
    ($($type:ty)*) => { $(
        attributes! { $type: $type, |n| (i128::from(n).abs() <= MAX_EXACT).then(|| n.into()); }
        impl Ordered for $type {
            fn neighbours(wire: &Value) -> Option<(Value, Value)> {
                let n = wire.as_i64()?;
                Some(((n - 1).into(), (n + 1).into()))
            }
        }
    )* };
}

// By way of its text, which is what crosses the wire: that of `0.1_f32` is 0.1, not the
// 0.10000000149011612 that the number is as an `f64`.
macro_rules! floats {
    ($($type:ty)*) => { $(
        attributes! { $type: $type, |n| {
            let exact: f64 = n.to_string().parse().ok()?;
            exact.is_finite().then(|| exact.into())
        }; }
        impl Ordered for $type {
            fn neighbours(_: &Value) -> Option<(Value, Value)> {
                None
            }
        }
    )* };
}

integers! { u8 u16 u32 u64 i8 i16 i32 i64 }
floats! { f32 f64 }
attributes! {
    bool: bool, |b| Some(b.into());
    String: &'static str, |s| Some(s.into());
    &'static str: &'static str, |s| Some(s.into());
}

// Further bounds stand on the methods: only there does rustc show a trait's own message.
impl<T: Comparable> Attr<T> {
    /// The attribute equals this value.
    pub fn equals(self, value: T::Literal) -> Test {
        self.compare(Operator::Eq, value)
    }

    /// The attribute is missing or another value.
    pub fn differs_from(self, value: T::Literal) -> Test {
        !self.equals(value)
    }

    fn compare(self, operator: Operator, literal: T::Literal) -> Test {
        Test::Compare(Comparison {
            attr: self.path.0,
            operator,
            value: T::wire(literal),
        })
    }

    /// The attribute is less than this value.
    pub fn less_than(self, value: T::Literal) -> Test
    where
        T: Ordered,
    {
        self.compare(Operator::Lt, value)
    }

    /// The attribute is greater than this value.
    pub fn greater_than(self, value: T::Literal) -> Test
    where
        T: Ordered,
    {
        self.compare(Operator::Gt, value)
    }

    /// The attribute is this value or less.
    ///
    /// The wire has no such operator, and an inverted `gt` would hold where the attribute is
    /// missing: a whole number becomes "less than n + 1", any other "less than n, or n".
    pub fn at_most(self, value: T::Literal) -> Test
    where
        T: Ordered,
    {
        self.or_equal(Operator::Lt, value, |(_, above)| above)
    }

    /// The attribute is this value or greater; see [`at_most`](Self::at_most).
    pub fn at_least(self, value: T::Literal) -> Test
    where
        T: Ordered,
    {
        self.or_equal(Operator::Gt, value, |(below, _)| below)
    }

    fn or_equal(
        self,
        operator: Operator,
        literal: T::Literal,
        beyond: fn((Value, Value)) -> Value,
    ) -> Test
    where
        T: Ordered,
    {
        let attr = self.path.0;
        let value = T::wire(literal);
        let compare = |operator, value| {
            Test::Compare(Comparison {
                attr: attr.clone(),
                operator,
                value,
            })
        };
        match value.as_ref().and_then(T::neighbours) {
            Some(neighbours) => compare(operator, Some(beyond(neighbours))),
            None => compare(operator, value.clone()).or(compare(Operator::Eq, value)),
        }
    }

    /// The attribute is true.
    pub fn holds(self) -> Test
    where
        T: Truth,
    {
        self.compare(Operator::Eq, T::TRUE)
    }
}

/// A Boolean expression over attributes and the host's own conditions.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// A comparison of an attribute.
    Compare(Comparison),
    /// A condition that the host knows by itself.
    Host(ConditionName),
    /// Not this.
    Not(Box<Test>),
    /// All of these.
    All(Vec<Test>),
    /// One of these.
    Any(Vec<Test>),
}

impl Test {
    /// This and that.
    #[must_use]
    pub fn and(self, other: Test) -> Self {
        Self::All(vec![self, other])
    }

    /// This or that.
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

/// One comparison of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    attr: String,
    operator: Operator,
    value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Eq,
    Lt,
    Gt,
}
