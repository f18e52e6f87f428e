//! Writes into a room: keeps the entry, and tells everyone who must know.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use glance_sdk::model::{MessageFormat, Notification, RoomId};
use tokio::sync::OwnedMutexGuard;

use crate::cluster::bus::Topic;
use crate::model::bounded_map::evict_unused;
use crate::model::event::{Event, Posted};
use crate::model::{Entry, Message, User};
use crate::service::shared::Shared;
use crate::service::timeline;
use crate::service::webhooks;
use crate::service::webhooks::{Calls, RoomEvent};
use crate::storage::StorageError;

/// Whose turn it is to write into a room: everyone hears of its entries in the order in which they are
/// kept.
#[derive(Debug, Default)]
pub(crate) struct Order(Mutex<HashMap<RoomId, Arc<tokio::sync::Mutex<()>>>>);

impl Order {
    async fn turn(&self, room: RoomId) -> OwnedMutexGuard<()> {
        let turns = {
            let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            evict_unused(&mut rooms, |turns| Arc::strong_count(turns) > 1);
            Arc::clone(rooms.entry(room).or_default())
        };
        turns.lock_owned().await
    }
}

/// A message that mentions whom its text names.
pub(crate) async fn message(shared: &Shared, text: String) -> Result<Message, StorageError> {
    let users = mentioned(shared, &text).await?;
    Ok(Message::new(text, &users))
}

/// Returns the people whose names stand behind an `@` in a text.
pub(crate) async fn mentioned(shared: &Shared, text: &str) -> Result<Vec<User>, StorageError> {
    match Message::mentioned(text).as_slice() {
        [] => Ok(Vec::new()),
        names => shared.state.users_mentioned(names).await,
    }
}

/// Returns whom a notification mentions: one in plain text mentions people as a message does. An add-on
/// that writes HTML or a card draws names itself.
pub(crate) async fn mentioned_in(
    shared: &Shared,
    notification: &Notification,
) -> Result<Vec<User>, StorageError> {
    match (&notification.message_format, &notification.card) {
        (Some(MessageFormat::Text), None) => mentioned(shared, &notification.message).await,
        _ => Ok(Vec::new()),
    }
}

pub(crate) async fn entry(shared: &Arc<Shared>, entry: Entry) -> Result<Entry, StorageError> {
    Ok(once(shared, entry).await?.0)
}

/// The same, and whether it is new: nothing is done where an entry has its id.
pub(crate) async fn once(
    shared: &Arc<Shared>,
    entry: Entry,
) -> Result<(Entry, bool), StorageError> {
    let event = RoomEvent::Written(Box::new(entry.clone()));
    let calls = webhooks::calls(shared, entry.room_id, &event).await;
    let is_new = keep(shared, &entry, calls).await?;
    Ok((entry, is_new))
}

/// The same, but webhooks are not told.
pub(crate) async fn quietly(shared: &Arc<Shared>, entry: Entry) -> Result<Entry, StorageError> {
    keep(shared, &entry, Calls::default()).await?;
    Ok(entry)
}

/// False, and nobody is told, where the entry's id is that of one that was written.
async fn keep(shared: &Arc<Shared>, entry: &Entry, calls: Calls) -> Result<bool, StorageError> {
    let shown = timeline::shown(shared, entry).await?;
    let shown = serde_json::to_string(&shown).map_err(StorageError::other)?;
    let _turn = shared.order.turn(entry.room_id).await;
    if !shared.state.write(entry).await? {
        return Ok(false);
    }
    let posted = Posted {
        entry: entry.clone(),
        rendered: shown,
    };
    let event = Event::Posted(Arc::new(posted));
    shared.bus.publish(Topic::Room(entry.room_id), event);
    calls.queue(shared);
    Ok(true)
}
