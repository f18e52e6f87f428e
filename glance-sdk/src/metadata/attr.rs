//! Attributes, and the values that they can be compared with.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroIsize, NonZeroU8, NonZeroU16, NonZeroU32,
    NonZeroU64, NonZeroUsize,
};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::test::{Comparison, Operator, Test};
use super::{Attribute, Never, Path};
use crate::model::{GroupId, OauthId, RoomId, UserId};

/// An attribute of type `T`, for comparisons with values.
///
/// ```
/// use glance_sdk::metadata::Attr;
/// use glance_sdk::prelude::*;
///
/// #[derive(Serialize, GlanceMetadata)]
/// struct Builds {
///     broken: u32,
///     is_paused: bool,
/// }
///
/// let broken: Attr<u32> = Builds::attributes().broken();
/// let test = broken.greater_than(0).and(!Builds::attributes().is_paused().holds());
/// assert_eq!(test.lower().unwrap().len(), 2);
/// ```
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
    label = "conditions compare numbers, `bool`, text, ids and enums with `#[derive(GlanceMetadata)]`"
)]
pub trait Comparable: Attribute<At = Attr<Self>> + Sized {
    /// The type of the operand. It is a single type, so that the type of a literal is known.
    type Literal;

    /// Converts the operand to JSON. Returns `None` if JSON cannot represent it exactly.
    fn wire(literal: Self::Literal) -> Option<Value>;

    /// Returns the other JSON form of the same value.
    fn other_form(_wire: &Value) -> Option<Value> {
        None
    }
}

/// A number, whose attribute can also be compared by size.
///
/// Text is not ordered: hosts compare it by UTF-16 units, Rust does not.
#[diagnostic::on_unimplemented(
    message = "attributes of type `{Self}` have no order",
    label = "only numbers can be compared with `<`, `<=`, `>` and `>=`",
    note = "compare with `==` or `!=`, or put the number you mean into the metadata"
)]
pub trait Ordered: Comparable {
    /// Returns the adjacent whole numbers, if the type has only whole numbers.
    fn neighbours(wire: &Value) -> Option<(Value, Value)>;
}

/// `bool`, whose attribute is a condition by itself.
#[diagnostic::on_unimplemented(
    message = "an attribute of type `{Self}` is not a condition by itself",
    label = "only a `bool` can stand alone; compare this with a value, as in `count > 0`"
)]
pub trait Truth: Comparable {
    /// The operand `true`.
    const TRUE: Self::Literal;
}

impl Truth for bool {
    const TRUE: bool = true;
}

/// The largest whole number up to which every client of the protocol is exact: 2^53 - 1.
const MAX_EXACT: i128 = (1 << 53) - 1;

macro_rules! attributes {
    ($($type:ty: $literal:ty, $wire:expr;)*) => { $(
        impl Attribute for $type {
            type At = Attr<$type>;
            type Null = Never;
            fn at(path: Path) -> Self::At {
                Attr::at(path)
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

/// Converts a whole number to JSON, if every client represents it exactly.
fn exact(n: impl TryInto<i128>) -> Option<Value> {
    let n = n.try_into().ok().filter(|n| n.abs() <= MAX_EXACT)?;
    i64::try_from(n).ok().map(Value::from)
}

macro_rules! integers {
    ($($type:ty: $literal:ty;)*) => { $(
        attributes! { $type: $literal, exact; }
        impl Ordered for $type {
            fn neighbours(wire: &Value) -> Option<(Value, Value)> {
                let n = wire.as_i64()?;
                Some(((n - 1).into(), (n + 1).into()))
            }
        }
    )* };
}

// Converted through its text, which JSON contains: the text of `0.1_f32` is 0.1, not
// 0.10000000149011612, its value as an `f64`.
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

macro_rules! numeric_ids {
    ($($type:ty)*) => { $(
        impl Attribute for $type {
            type At = Attr<$type>;
            type Null = Never;
            fn at(path: Path) -> Self::At {
                Attr::at(path)
            }
        }
        impl Comparable for $type {
            type Literal = u64;
            fn wire(literal: u64) -> Option<Value> {
                exact(literal)
            }
            // An id that was parsed as a string of digits is serialized as one.
            fn other_form(wire: &Value) -> Option<Value> {
                Some(wire.to_string().into())
            }
        }
    )* };
}

integers! {
    u8: u8; u16: u16; u32: u32; u64: u64; usize: usize;
    i8: i8; i16: i16; i32: i32; i64: i64; isize: isize;
    NonZeroU8: u8; NonZeroU16: u16; NonZeroU32: u32; NonZeroU64: u64; NonZeroUsize: usize;
    NonZeroI8: i8; NonZeroI16: i16; NonZeroI32: i32; NonZeroI64: i64; NonZeroIsize: isize;
}
floats! { f32 f64 }
attributes! {
    bool: bool, |b| Some(b.into());
    String: &'static str, |s| Some(s.into());
    &'static str: &'static str, |s| Some(s.into());
    Cow<'static, str>: &'static str, |s| Some(s.into());
    Box<str>: &'static str, |s| Some(s.into());
    Arc<str>: &'static str, |s| Some(s.into());
    OauthId: &'static str, |s| Some(s.into());
}
numeric_ids! { RoomId UserId GroupId }

/// Returns the serialized value if hosts can compare with it exactly: a string, `true`, `false`, or
/// a number within ±(2^53 - 1).
///
/// ```
/// use glance_sdk::metadata::written;
///
/// assert_eq!(written(&"red"), Some("red".into()));
/// assert_eq!(written(&u64::MAX), None);
/// ```
pub fn written<T: Serialize>(value: &T) -> Option<Value> {
    let value = serde_json::to_value(value).ok()?;
    let exact = match &value {
        Value::String(_) | Value::Bool(_) => true,
        Value::Number(n) => n.as_i128().is_none_or(|n| n.abs() <= MAX_EXACT),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    exact.then_some(value)
}

impl<T> Attr<T> {
    /// Returns the attribute at this path.
    pub fn at(path: Path) -> Self {
        Self {
            path,
            of: PhantomData,
        }
    }
}

// Further bounds are on the methods, because only then does rustc show a trait's own message.
impl<T: Comparable> Attr<T> {
    /// Tests whether the attribute equals this value.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// #[derive(Serialize, GlanceMetadata)]
    /// struct Build {
    ///     branch: String,
    /// }
    ///
    /// let conditions = Build::attributes().branch().equals("main").lower().unwrap();
    /// assert_eq!(
    ///     serde_json::to_value(&conditions).unwrap()[0]["params"]["metadata"],
    ///     serde_json::json!([{ "attr": "branch", "eq": "main" }])
    /// );
    /// ```
    pub fn equals(self, value: T::Literal) -> Test {
        let value = T::wire(value);
        let equals = |value| self.compare_wire(Operator::Eq, value);
        match value.as_ref().and_then(T::other_form) {
            Some(other) => equals(value).or(equals(Some(other))),
            None => equals(value),
        }
    }

    /// Tests whether the attribute is missing or has another value.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// #[derive(Serialize, GlanceMetadata)]
    /// struct Build {
    ///     branch: String,
    /// }
    ///
    /// let conditions = Build::attributes().branch().differs_from("main").lower().unwrap();
    /// assert_eq!(serde_json::to_value(&conditions).unwrap()[0]["invert"], true);
    /// ```
    pub fn differs_from(self, value: T::Literal) -> Test {
        !self.equals(value)
    }

    fn compare(self, operator: Operator, literal: T::Literal) -> Test {
        self.compare_wire(operator, T::wire(literal))
    }

    fn compare_wire(&self, operator: Operator, value: Option<Value>) -> Test {
        Test::Compare(Comparison {
            attr: self.path.0.clone(),
            operator,
            value,
        })
    }

    /// Tests whether the attribute is less than this value.
    pub fn less_than(self, value: T::Literal) -> Test
    where
        T: Ordered,
    {
        self.compare(Operator::Lt, value)
    }

    /// Tests whether the attribute is greater than this value.
    pub fn greater_than(self, value: T::Literal) -> Test
    where
        T: Ordered,
    {
        self.compare(Operator::Gt, value)
    }

    /// Tests whether the attribute is at most this value.
    ///
    /// The protocol has no such operator, and an inverted `gt` would hold for a missing attribute:
    /// a whole number becomes "less than n + 1", any other "less than n, or n".
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// #[derive(Serialize, GlanceMetadata)]
    /// struct Builds {
    ///     broken: u32,
    /// }
    ///
    /// let conditions = Builds::attributes().broken().at_most(3).lower().unwrap();
    /// assert_eq!(
    ///     serde_json::to_value(&conditions).unwrap()[0]["params"]["metadata"],
    ///     serde_json::json!([{ "attr": "broken", "lt": 4 }])
    /// );
    /// ```
    pub fn at_most(self, value: T::Literal) -> Test
    where
        T: Ordered,
    {
        self.or_equal(Operator::Lt, value, |(_, above)| above)
    }

    /// Tests whether the attribute is at least this value; see [`at_most`](Self::at_most).
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
        let value = T::wire(literal);
        let compare = |operator, value| self.compare_wire(operator, value);
        match value.as_ref().and_then(T::neighbours) {
            Some(neighbours) => compare(operator, Some(beyond(neighbours))),
            None => compare(operator, value.clone()).or(compare(Operator::Eq, value)),
        }
    }

    /// Tests whether the attribute is true.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// #[derive(Serialize, GlanceMetadata)]
    /// struct Incidents {
    ///     is_configured: bool,
    /// }
    ///
    /// let conditions = Incidents::attributes().is_configured().holds().lower().unwrap();
    /// assert_eq!(
    ///     serde_json::to_value(&conditions).unwrap()[0]["params"]["metadata"],
    ///     serde_json::json!([{ "attr": "is_configured", "eq": true }])
    /// );
    /// ```
    pub fn holds(self) -> Test
    where
        T: Truth,
    {
        self.compare(Operator::Eq, T::TRUE)
    }
}
