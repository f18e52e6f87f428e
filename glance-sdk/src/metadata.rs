//! Typed conditions: the types that check `when(...)`, and its translation into the protocol's
//! conditions.
//!
//! `#[derive(GlanceMetadata)]` gives a struct one method per field; `when(count > 0)` calls
//! `count()` and then [`Attr::greater_than`], so rustc checks the name and the type. The result is
//! a [`Test`], an ordinary Boolean expression, which [`Test::lower`] translates into equivalent
//! conditions.
//!
//! Every comparison with a missing attribute is false, as in hosts.
//!
//! ```
//! use glance_sdk::prelude::*;
//!
//! #[derive(Serialize, GlanceMetadata)]
//! struct Incidents {
//!     open: u32,
//! }
//!
//! let conditions = Incidents::attributes().open().greater_than(0).lower()?;
//! assert_eq!(
//!     serde_json::to_value(&conditions).unwrap(),
//!     serde_json::json!([{
//!         "condition": "glance_matches",
//!         "params": { "metadata": [{ "attr": "open", "gt": 0 }] }
//!     }])
//! );
//! # Ok::<(), glance_sdk::metadata::CannotLower>(())
//! ```

mod attr;
mod flattened;
mod lower;
mod test;
mod untestable;

use std::marker::PhantomData;

use serde::Serialize;

use crate::model::Extra;
pub use crate::no_metadata::NoMetadata;

pub use attr::{Attr, Comparable, Ordered, Truth, written};
pub use flattened::{Flattened, Names};
/// Implements [`GlanceMetadata`] for a struct with named fields, or [`Attribute`] for an enum whose
/// variants have no data.
///
/// The names in JSON are serde's names of fields and variants, including `rename` and `rename_all`.
/// A field may be a number (also a `NonZero` one), `bool`, text (`String`, `&'static str`,
/// `Cow<'static, str>`, `Box<str>` or `Arc<str>`), an id such as `RoomId`, another such struct or
/// enum, or an `Option` of one of them:
///
/// | field | conditions |
/// |---|---|
/// | a number | `==`, `!=`, `<`, `<=`, `>`, `>=` |
/// | `bool` | alone; `==`, `!=` |
/// | text, an id, an enum | `==`, `!=`; hosts order text differently from Rust |
/// | a struct | its fields after a dot: `oldest.days` |
/// | a struct with `serde(flatten)` | the same; in JSON its fields are one level higher |
/// | `serde(skip)`, `serde(skip_serializing)` | none: hosts never receive the field |
/// | `glance(untested)` | none; the field may have any type |
///
/// An `Option` needs `#[serde(skip_serializing_if = "Option::is_none")]`, because hosts treat
/// `null` as the number 0; a flattened one does not need it. Floating-point numbers must be finite,
/// because others are serialized as `null` too.
///
/// All other serde attributes that change the serialized form are compile errors: `with`,
/// `serialize_with`, `into`, `transparent`, `tag`, `content`, `untagged`, `remote`, other
/// predicates of `skip_serializing_if`, a flattened map, two fields with the same name, two
/// variants with the same text. `#[glance(untested)]` allows the first two on a field that no
/// condition tests. The macro cannot check a `Serialize` implementation written by hand: it must
/// use these names.
///
/// ```
/// use glance_sdk::prelude::*;
///
/// #[derive(Serialize, GlanceMetadata)]
/// struct Builds {
///     result: Outcome,
///     #[serde(flatten)]
///     last: Build,
/// }
///
/// #[derive(Serialize, GlanceMetadata)]
/// #[serde(rename_all = "kebab-case")]
/// enum Outcome {
///     Passed,
///     TimedOut,
/// }
///
/// #[derive(Serialize, GlanceMetadata)]
/// struct Build {
///     number: u32,
/// }
///
/// #[glance(key = "builds", name = "Builds", icon = "/build.svg",
///          when(result == Outcome::TimedOut && last.number > 4))]
/// async fn builds() -> GlanceData<Builds> {
///     let (result, last) = (Outcome::TimedOut, Build { number: 5 });
///     GlanceData::new(label!("Build")).metadata(Builds { result, last })
/// }
///
/// # use glance_sdk::glance::Glance;
/// # let test = builds::when().unwrap();
/// assert_eq!(
///     serde_json::to_value(test.lower()?).unwrap(),
///     serde_json::json!([{
///         "condition": "glance_matches",
///         "params": { "metadata": [
///             { "attr": "result", "eq": "timed-out" },
///             { "attr": "number", "gt": 4 }
///         ] }
///     }])
/// );
/// # Ok::<(), glance_sdk::metadata::CannotLower>(())
/// ```
///
/// The attributes are also usable without the macro:
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
pub use test::{Comparison, Test};
pub use untestable::{Testable, Untestable};

/// The metadata of a glance, whose attributes conditions may test.
///
/// ```
/// use glance_sdk::prelude::*;
///
/// #[derive(Serialize, GlanceMetadata)]
/// struct Incidents {
///     open: u32,
/// }
///
/// let test = Incidents::attributes().open().greater_than(0);
/// assert_eq!(test.lower().unwrap().len(), 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not glance metadata",
    label = "conditions cannot test this type",
    note = "metadata is a struct with `#[derive(serde::Serialize, glance_sdk::GlanceMetadata)]`"
)]
pub trait GlanceMetadata: Serialize + Attribute {
    /// Returns the attributes, one method each.
    fn attributes() -> Self::At {
        Self::at(Path::root())
    }
}

/// The attributes of metadata without any.
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

/// Metadata that is built at run time. Only raw conditions can test it.
impl Attribute for Extra {
    type At = NoAttributes;
    type Null = Never;
    fn at(_: Path) -> NoAttributes {
        NoAttributes {}
    }
}

impl GlanceMetadata for Extra {}

/// A type that may be a field of metadata.
///
/// ```
/// use glance_sdk::metadata::{Attr, Attribute, Never, Path};
///
/// /// Degrees, serialized as a number.
/// struct Celsius(i32);
///
/// impl Attribute for Celsius {
///     type At = Attr<i32>;
///     type Null = Never;
///
///     fn at(path: Path) -> Attr<i32> {
///         i32::at(path)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an attribute of glance metadata",
    label = "conditions cannot test this type",
    note = "attributes are numbers, `bool`, text, ids, and structs and enums with \
            `#[derive(GlanceMetadata)]`; a field that no condition tests can have `#[glance(untested)]`"
)]
pub trait Attribute {
    /// The type whose methods conditions call: [`Attr`], or a derived struct of attributes.
    type At;

    /// Whether serde may serialize the type as `null`: [`Never`], or [`IfNone`].
    type Null;

    /// Returns the attribute at this path.
    fn at(path: Path) -> Self::At;
}

impl<T: Attribute> Attribute for Option<T> {
    type At = T::At;
    type Null = IfNone<T::Null>;
    fn at(path: Path) -> Self::At {
        T::at(path)
    }
}

/// For a type that serde never serializes as `null`.
#[derive(Debug)]
pub struct Never {}

/// For an `Option`, which is `null` if it is `None`, or if its value is (`N`).
#[derive(Debug)]
pub struct IfNone<N>(PhantomData<N>);

/// The requirement on [`Attribute::Null`] if the field is always serialized.
#[diagnostic::on_unimplemented(
    message = "hosts treat the `null` of this field as the number 0",
    label = "`None` is serialized as `null`",
    note = "add `#[serde(skip_serializing_if = \"Option::is_none\")]` to the field"
)]
pub trait NeverNull {}

impl NeverNull for Never {}

/// The requirement on [`Attribute::Null`] if the field is skipped when it is `None`.
#[diagnostic::on_unimplemented(
    message = "hosts treat the `null` of this field as the number 0",
    label = "`Some(None)` is not skipped, but serialized as `null`",
    note = "use an `Option` of a type that is not an `Option`"
)]
pub trait NullIsSkipped {}

impl NullIsSkipped for IfNone<Never> {}

/// A JSON value.
///
/// This is not a re-export: with the variant `String` in scope, compiler messages would contain the
/// whole path of the type `String`.
pub type Wire = serde_json::Value;

/// The path of an attribute: names joined by dots.
///
/// ```
/// use glance_sdk::metadata::{Attr, Attribute, Path};
///
/// fn days(oldest: &Path) -> Attr<u32> {
///     u32::at(oldest.field("days"))
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    fn root() -> Self {
        Self(String::new())
    }

    /// Returns the path of a field at this path.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        Self(match self.0.as_str() {
            "" => name.to_owned(),
            parent => format!("{parent}.{name}"),
        })
    }
}
