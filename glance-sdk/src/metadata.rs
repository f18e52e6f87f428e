//! Typed conditions: what `when(...)` is checked against, and how it becomes the wire's language.
//!
//! `#[derive(GlanceMetadata)]` gives a struct one method per field; `when(count > 0)` calls
//! `count()` and then [`Attr::greater_than`], so rustc checks the name and the type. The result
//! is a [`Test`], an ordinary Boolean expression, which [`Test::lower`] turns into conditions
//! that mean exactly the same.
//!
//! On an attribute that is missing every comparison is false, as it is for a host.
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

pub use attr::{Attr, Comparable, Ordered, Truth, written};
pub use flattened::{Flattened, Names};
/// Implements [`GlanceMetadata`] for a struct with named fields, or [`Attribute`] for an enum
/// whose variants carry no data.
///
/// Names on the wire are serde's, of fields and of variants: `rename` and `rename_all` are
/// honoured. A field may be a number, also a `NonZero` one, `bool`, text (`String`, `&'static str`,
/// `Cow<'static, str>`, `Box<str>` or `Arc<str>`), an id such as `RoomId`, such a struct or enum, or an
/// `Option` of one of them:
///
/// | of a field | what conditions do |
/// |---|---|
/// | a number | `==`, `!=`, `<`, `<=`, `>`, `>=` |
/// | `bool` | stands alone; `==`, `!=` |
/// | text, an id, an enum | `==`, `!=`: a host orders text otherwise than Rust |
/// | a struct | its fields follow a dot: `oldest.days` |
/// | a struct with `serde(flatten)` | the same; on the wire its fields stand one level up |
/// | `serde(skip)`, `serde(skip_serializing)` | cannot test it: a host never gets it |
/// | `glance(untested)` | cannot test it; it may be of any type |
///
/// An `Option` needs `#[serde(skip_serializing_if = "Option::is_none")]`, because a host would
/// take the `null` it is otherwise written as for the number 0; a flattened one does without.
/// Keep floating-point numbers finite: the others are written as `null` too.
///
/// Whatever else of serde changes what is written is a compile error at its word: `with`,
/// `serialize_with`, `into`, `transparent`, `tag`, `content`, `untagged`, `remote`, other
/// predicates of `skip_serializing_if`, a flattened map, two fields of one name, two variants of
/// one text. On a field that no condition tests, `#[glance(untested)]` allows the first two. A
/// struct whose `Serialize` is written by hand is not seen through: it must write these names.
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
/// The attributes are at hand without the macro too:
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

/// The metadata of a glance, of which conditions may test the attributes.
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
    message = "`{Self}` is no glance metadata",
    label = "conditions cannot test this type",
    note = "metadata is a struct with `#[derive(serde::Serialize, glance_sdk::GlanceMetadata)]`"
)]
pub trait GlanceMetadata: Serialize + Attribute {
    /// The attributes, one method each.
    fn attributes() -> Self::At {
        Self::at(Path::root())
    }
}

/// The metadata of a glance that has none.
///
/// ```
/// use glance_sdk::metadata::NoMetadata;
/// use glance_sdk::model::{GlanceData, Label};
///
/// let data: GlanceData<NoMetadata> = GlanceData::new(Label::text("Hello"));
/// assert!(serde_json::to_value(&data)?.get("metadata").is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
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
///
/// ```
/// use glance_sdk::metadata::{Attr, Attribute, Never, Path};
///
/// /// Degrees, written as a number.
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

/// A value as it stands on the wire.
///
/// Not a re-export: with the variant `String` in sight, the compiler would call the type `String`
/// by its whole path.
pub type Wire = serde_json::Value;

/// Where an attribute stands: names joined by dots.
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

    /// The path of a field at this path.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        Self(match self.0.as_str() {
            "" => name.to_owned(),
            parent => format!("{parent}.{name}"),
        })
    }
}
