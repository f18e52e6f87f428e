//! The time zone a person is in, as their browser or their provider says it.

use axum::http::HeaderMap;

use crate::model::User;
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// In which a room's page says its browser's.
const HEADER: &str = "time-zone";

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// Whether this can be the name of a time zone: add-ons get it as it is.
pub(crate) fn is_name(said: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+/".contains(&byte);
    (1..=LONGEST).contains(&said.len()) && said.bytes().all(is_part)
}

/// The time zone that a page says its reader is in.
pub(crate) fn said(headers: &HeaderMap) -> Option<&str> {
    let said = headers.get(HEADER)?.to_str().ok()?;
    is_name(said).then_some(said)
}

/// Keeps the time zone that a person's page says, for the tokens that are made from now on.
pub(crate) async fn learn(
    shared: &Shared,
    user: &User,
    headers: &HeaderMap,
) -> Result<(), StorageError> {
    match said(headers).filter(|said| *said != user.timezone) {
        Some(said) => shared.state.set_timezone(user.id, said).await,
        None => Ok(()),
    }
}
