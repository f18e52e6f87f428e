//! Writes into a room: keeps the entry, and tells everyone who must know.

use std::sync::Arc;

use crate::hub::{Event, To, Written};
use crate::shared::Shared;
use crate::state::{Entry, Message, Room, StateError};
use crate::timeline;
use crate::webhooks::{self, Happening};

/// Why nobody may write into a room, where it is so.
pub(crate) fn check(room: &Room) -> Result<(), String> {
    match room.is_archived {
        true => Err(format!(
            "Room {} is archived and can only be read",
            room.name
        )),
        false => Ok(()),
    }
}

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
    Ok(once(shared, entry).await?.0)
}

/// The same, and whether it is new: nothing is done where an entry has its id.
pub(crate) async fn once(shared: &Arc<Shared>, entry: Entry) -> Result<(Entry, bool), StateError> {
    let shared = Arc::clone(shared);
    // On its own: where whoever writes is gone meanwhile, what is kept is told all the same.
    let writing = tokio::spawn(async move {
        let is_new = keep(&shared, &entry).await?;
        if is_new {
            let happening = Happening::Written(Box::new(entry.clone()));
            webhooks::tell(&shared, entry.room_id, happening).await;
        }
        Ok((entry, is_new))
    });
    let ended = |cause| StateError(format!("writing into a room ended early: {cause}"));
    writing.await.map_err(ended)?
}

/// The same, but webhooks are not told.
pub(crate) async fn quietly(shared: &Shared, entry: Entry) -> Result<Entry, StateError> {
    keep(shared, &entry).await?;
    Ok(entry)
}

/// False, and nobody is told, where the entry's id is that of one that was written.
async fn keep(shared: &Shared, entry: &Entry) -> Result<bool, StateError> {
    let shown = timeline::shown(shared, entry).await?;
    let shown = serde_json::to_string(&shown).map_err(|cause| StateError(cause.to_string()))?;
    if !shared.state.write(entry).await? {
        return Ok(false);
    }
    let written = Written {
        entry: entry.clone(),
        shown,
    };
    let told = Event::Written(Arc::new(written));
    shared.hub.publish(To::Room(entry.room_id), told);
    Ok(true)
}
