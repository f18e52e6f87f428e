//! Attributes of flattened fields.

#[cfg(doc)]
use super::Attribute;
use super::Path;

/// A type that may be a field of metadata with `#[serde(flatten)]`, because its names are known.
///
/// `#[derive(GlanceMetadata)]` implements it for structs.
///
/// ```
/// use glance_sdk::prelude::*;
///
/// #[derive(Serialize, GlanceMetadata)]
/// struct Ticket {
///     #[serde(flatten)]
///     age: Age,
///     is_blocked: bool,
/// }
///
/// #[derive(Serialize, GlanceMetadata)]
/// struct Age {
///     days: u32,
/// }
///
/// let conditions = Ticket::attributes().age().days().greater_than(7).lower().unwrap();
/// assert_eq!(
///     serde_json::to_value(&conditions).unwrap()[0]["params"]["metadata"],
///     serde_json::json!([{ "attr": "days", "gt": 7 }])
/// );
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be flattened into glance metadata",
    label = "this may write any name, also that of a tested field",
    note = "flatten a struct with `#[derive(GlanceMetadata)]`, or an `Option` of one; anything else \
            gets a name of its own: remove `flatten`"
)]
pub trait Flattened {
    /// The attributes; those of [`Attribute`] are one level deeper.
    type At;

    /// The serialized names.
    const NAMES: Names;

    /// Returns the attributes next to others at this path.
    fn beside(path: Path) -> Self::At;
}

/// serde serializes nothing for `None`.
impl<T: Flattened> Flattened for Option<T> {
    type At = T::At;
    const NAMES: Names = T::NAMES;
    fn beside(path: Path) -> Self::At {
        T::beside(path)
    }
}

/// The names that a struct adds to its JSON object.
///
/// ```
/// use glance_sdk::metadata::Names;
///
/// const AGE: Names = Names { own: &["days"], flattened: &[] };
/// const TICKET: Names = Names { own: &["is_blocked"], flattened: &[AGE] };
/// assert!(TICKET.has("days") && TICKET.meets(&AGE));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// The names of its own fields.
    pub own: &'static [&'static str],
    /// The names of each of its flattened fields.
    pub flattened: &'static [Names],
}

impl Names {
    /// Returns whether this name is among them.
    pub const fn has(&self, name: &str) -> bool {
        let mut i = 0;
        while i < self.own.len() {
            if same(self.own[i], name) {
                return true;
            }
            i += 1;
        }
        let mut i = 0;
        while i < self.flattened.len() {
            if self.flattened[i].has(name) {
                return true;
            }
            i += 1;
        }
        false
    }

    /// Returns whether both contain a common name.
    pub const fn meets(&self, other: &Names) -> bool {
        let mut i = 0;
        while i < self.own.len() {
            if other.has(self.own[i]) {
                return true;
            }
            i += 1;
        }
        let mut i = 0;
        while i < self.flattened.len() {
            if self.flattened[i].meets(other) {
                return true;
            }
            i += 1;
        }
        false
    }
}

/// Compares strings in a constant.
const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut i = 0;
    while i < one.len() {
        if one[i] != other[i] {
            return false;
        }
        i += 1;
    }
    true
}
