//! What stands in for a field that no condition can test, so that the compiler says why.

use super::Test;

/// Of a field that serde does not write, or that `#[glance(untested)]` takes out of conditions.
///
/// There is no value of it. It has the methods of an [`Attr`](super::Attr), so that the field is
/// all that the compiler complains of.
#[derive(Debug)]
pub enum Untestable {}

/// What must hold of [`Untestable`] where a condition tests the field: it never does.
#[diagnostic::on_unimplemented(
    message = "no condition can test this field",
    label = "`serde(skip)` or `glance(untested)` stands on it",
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
