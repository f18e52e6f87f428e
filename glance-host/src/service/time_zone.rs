//! The time zone of a person, from their browser or their provider.

use crate::model::User;
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// Returns whether a text can be the name of a time zone; add-ons receive it unchanged.
pub(crate) fn is_name(said: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+/".contains(&byte);
    (1..=LONGEST).contains(&said.len()) && said.bytes().all(is_part)
}

/// Stores the time zone that a person's page says, for the tokens that are made from now on.
pub(crate) async fn learn(shared: &Shared, user: &User, zone: &str) -> Result<(), StorageError> {
    match zone == user.timezone {
        true => Ok(()),
        false => shared.state.set_timezone(user.id, zone).await,
    }
}
