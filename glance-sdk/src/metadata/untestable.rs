//! Replaces a field that no condition can test, so that the compiler explains the reason.

use super::Test;

/// The attribute of a field that serde does not serialize, or that `#[glance(untested)]` excludes
/// from conditions.
///
/// It has no values. It has the methods of an [`Attr`](super::Attr), so that the compiler reports
/// only the field.
#[derive(Debug)]
pub enum Untestable {}

/// The requirement on [`Untestable`] if a condition tests the field; it is never met.
#[diagnostic::on_unimplemented(
    message = "no condition can test this field",
    label = "it has `serde(skip)` or `glance(untested)`",
    note = "remove that from the field, or compute another field from it"
)]
pub trait Testable<'a> {}

macro_rules! comparisons {
    ($($name:ident)*) => {
        impl Untestable {
            $(
                #[doc = concat!("See [`Attr::", stringify!($name), "`](super::Attr::", stringify!($name), ").")]
                pub fn $name<T>(self, _: T) -> Test {
                    match self {}
                }
            )*

            /// See [`Attr::holds`](super::Attr::holds).
            pub fn holds(self) -> Test {
                match self {}
            }
        }
    };
}

comparisons! { equals differs_from less_than greater_than at_most at_least }
