//! Creates the first room of a host that has none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::NewRoom;
use crate::service::rooms;
use crate::service::rooms::RoomError;
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// The name of the first room.
#[derive(Debug)]
pub(crate) struct FirstRoom {
    name: Option<String>,
    /// Whether the host had a room: later it may have none, and gets no other.
    is_settled: AtomicBool,
}

impl FirstRoom {
    /// Returns why the first room cannot have this name.
    pub(crate) fn check(name: &str) -> Result<(), RoomError> {
        rooms::check(name, "")
    }

    pub(crate) fn new(name: Option<String>) -> Self {
        Self {
            is_settled: AtomicBool::new(name.is_none()),
            name,
        }
    }

    /// Creates the room if the host has none, and somebody who can own it.
    pub(crate) async fn open(&self, shared: &Arc<Shared>) -> Result<(), StorageError> {
        let Some(name) = self.name.as_ref().filter(|_| !self.is_settled()) else {
            return Ok(());
        };
        let Some(owner) = shared.steward().await? else {
            return Ok(());
        };
        let new = NewRoom {
            name: name.clone(),
            is_public: true,
            owner: owner.id,
            topic: String::new(),
        };
        if let Some(room) = shared.state.create_first_room(&new).await? {
            shared.rooms.publish_created(&room).await?;
        }
        self.is_settled.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Relaxed)
    }
}
