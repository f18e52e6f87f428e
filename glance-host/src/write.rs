//! Writes into a room: keeps the entry, and tells everyone who must know.

use std::sync::Arc;

use crate::hub::{Event, To, Written};
use crate::shared::Shared;
use crate::state::{Entry, Message, StateError};
use crate::timeline;
use crate::webhooks::{self, Happening};

/// A message that mentions whom its text names.
pub(crate) async fn message(shared: &Shared, text: String) -> Result<Message, StateError> {
    let names = Message::mentioned(&text);
    let users = match names.as_slice() {
        [] => Vec::new(),
        names => shared.state.users_mentioned(names).await?,
    };
    Ok(Message::new(text, &users))
}

pub(crate) async fn entry(shared: &Arc<Shared>, entry: Entry) -> Result<Entry, StateError> {
    let entry = quietly(shared, entry).await?;
    let happening = Happening::Written(Box::new(entry.clone()));
    webhooks::tell(shared, entry.room_id, happening).await;
    Ok(entry)
}

/// The same, but webhooks are not told.
pub(crate) async fn quietly(shared: &Shared, entry: Entry) -> Result<Entry, StateError> {
    let shown = timeline::shown(shared, &entry).await?;
    let shown = serde_json::to_string(&shown).map_err(|cause| StateError(cause.to_string()))?;
    shared.state.write(&entry).await?;
    let written = Written { entry, shown };
    let entry = written.entry.clone();
    let told = Event::Written(Arc::new(written));
    shared.hub.publish(To::Room(entry.room_id), told);
    Ok(entry)
}
