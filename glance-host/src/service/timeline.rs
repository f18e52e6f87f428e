//! Appends entries to rooms: stores them and sends them to open pages.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use glance_sdk::model::RoomId;
use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use crate::cluster::bus::{Bus, Topic};
use crate::model::Entry;
use crate::model::bounded_map::evict_unused;
use crate::model::event::{Event, PostedEntry};
use crate::service::entry_renderer::EntryRenderer;
use crate::storage::{Posted, Storage, StorageError};

/// The reason why an entry was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    Storage(StorageError),
    /// The entry has no JSON for pages.
    Render(serde_json::Error),
}

impl From<StorageError> for AppendError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(error) => error.fmt(f),
            Self::Render(error) => write!(f, "the entry cannot be rendered: {error}"),
        }
    }
}

impl Error for AppendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Storage(error) => error.source(),
            Self::Render(error) => Some(error),
        }
    }
}

/// Appends entries to the timelines of rooms.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    storage: Arc<dyn Storage>,
    bus: Arc<dyn Bus>,
    renderer: EntryRenderer,
    turns: Arc<RoomTurns>,
}

impl Timeline {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        bus: Arc<dyn Bus>,
        renderer: EntryRenderer,
    ) -> Self {
        Self {
            storage,
            bus,
            renderer,
            turns: Arc::default(),
        }
    }

    /// Stores an entry, publishes it and calls `queue_webhooks`. Appends to one room run one after the other, so that
    /// pages and webhooks see entries in the stored order. Returns false, and does nothing, if the room has an entry
    /// with this id.
    pub(crate) async fn append(
        &self,
        entry: &Entry,
        queue_webhooks: impl FnOnce(),
    ) -> Result<bool, AppendError> {
        let rendered = self.renderer.render(entry).await?;
        let rendered = serde_json::to_string(&rendered).map_err(AppendError::Render)?;
        let _turn = self.turn(entry.room_id).await;
        if self.storage.post(entry).await? == Posted::Exists {
            return Ok(false);
        }
        let posted = PostedEntry {
            entry: entry.clone(),
            rendered,
        };
        let event = Event::Posted(Arc::new(posted));
        self.bus.publish(Topic::Room(entry.room_id), event);
        queue_webhooks();
        Ok(true)
    }

    /// Waits until this task is the only one that publishes events of a room.
    pub(crate) async fn turn(&self, room: RoomId) -> OwnedMutexGuard<()> {
        self.turns.take(room).await
    }
}

/// A lock for each room, which is held from storing a change until its events are published and its webhooks are
/// queued.
#[derive(Debug, Default)]
struct RoomTurns(Mutex<HashMap<RoomId, Arc<tokio::sync::Mutex<()>>>>);

impl RoomTurns {
    async fn take(&self, room: RoomId) -> OwnedMutexGuard<()> {
        let turn = {
            // Locked for the lookup only; the wait for the turn is outside.
            let mut rooms = self.0.lock();
            evict_unused(&mut rooms, |turn| Arc::strong_count(turn) > 1);
            Arc::clone(rooms.entry(room).or_default())
        };
        turn.lock_owned().await
    }
}
