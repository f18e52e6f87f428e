//! The log of events, and their receivers.

use std::fmt;
use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;
use glance_sdk::model::RoomId;

use super::Result;
use crate::model::event::{Committed, LoggedEvent, Position};
use crate::model::{Entry, Version};

/// The number of events of a room, and of all rooms, that the log keeps at least. A storage deletes older ones now and
/// then.
pub const MAX_LOGGED_EVENTS: u64 = 1000;

/// Receives the events of stored changes.
pub trait EventReceiver: Send + Sync {
    /// Takes an event. A storage calls this after the commit, in the order of the commits of this handle. It must not
    /// wait.
    fn receive(&self, event: Committed);
}

/// Stores the events of the last minutes, so that whoever missed some can read them.
///
/// Events come as [`Effects`](super::Effects) of changes and by [pushes](super::GlanceStore::push). The transaction of
/// the change numbers them, see [`Version`], so that a reader who sees an event has seen all events before it. The
/// events of a room are deleted with it.
#[async_trait]
pub trait EventStore: fmt::Debug + Send + Sync + 'static {
    /// Adds a receiver of the events of all changes through this handle, until it is dropped.
    fn add_receiver(&self, receiver: Weak<dyn EventReceiver>);

    /// Returns the current position in the events of a room, or `None` if there is no such room.
    async fn position(&self, room: RoomId) -> Result<Option<Position>>;

    /// Returns the events of a room and of all rooms after a position, oldest first. Returns `None` if the position is
    /// none of this database, or the log does not contain all events after it.
    async fn events_after(
        &self,
        room: RoomId,
        after: &Position,
    ) -> Result<Option<Vec<LoggedEvent>>>;

    /// Returns the entries that were posted to a room after a position up to the event `last`, and the numbers of their
    /// events, oldest first. Entries that were deleted meanwhile are left out. Returns `None` if the position is none of
    /// this database or after `last`, or the log does not contain all events of the room after it.
    async fn entries_after(
        &self,
        room: RoomId,
        after: &Position,
        last: Version,
        at_most: u32,
    ) -> Result<Option<Vec<(Version, Entry)>>>;

    /// Deletes events of at least this age, by the clock of the database: the oldest, at most `at_most`. Returns the
    /// number of deleted ones.
    async fn delete_old_events(&self, age: Duration, at_most: u32) -> Result<u64>;
}
