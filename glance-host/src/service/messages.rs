//! Posts entries to rooms: into the timeline, to open pages and to webhooks.

use std::sync::Arc;

use crate::model::{Entry, Message};
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// Creates a message that mentions the people whom its text names.
pub(crate) async fn message(shared: &Shared, text: String) -> Result<Message, StorageError> {
    let users = shared.directory.mentioned_in(&text).await?;
    Ok(Message::new(text, &users))
}

/// Posts an entry.
pub(crate) async fn post(shared: &Arc<Shared>, entry: Entry) -> Result<Entry, StorageError> {
    Ok(post_idempotent(shared, entry).await?.0)
}

/// Posts an entry unless the room has one with its id. Returns whether it is new.
pub(crate) async fn post_idempotent(
    shared: &Arc<Shared>,
    entry: Entry,
) -> Result<(Entry, bool), StorageError> {
    let is_new = shared.webhooks.post(&entry).await?;
    Ok((entry, is_new))
}
