//! The storage of timelines.

use std::fmt;

use async_trait::async_trait;
use glance_sdk::model::RoomId;

use super::{Effects, Result};
use crate::model::{Entry, Side};

/// The size in bytes that a room's timeline may have for long, each entry counted with 300 bytes for its row.
pub const MAX_TIMELINE_BYTES: u64 = 256 * 1024 * 1024;

/// Stores the timelines of rooms.
#[async_trait]
pub trait TimelineStore: fmt::Debug + Send + Sync + 'static {
    /// Stores an entry, unless there is one with its id. The effects are those of a new entry.
    async fn post(&self, entry: &Entry, effects: Effects) -> Result<Posted>;

    /// Returns the newest entries of a room, oldest first.
    async fn timeline(&self, room: RoomId, at_most: u32) -> Result<Vec<Entry>>;

    /// Returns the entries of a room, newest first, without the newest `skip`.
    async fn history(&self, room: RoomId, skip: u32, at_most: u32) -> Result<Vec<Entry>>;

    /// Returns the entries of a room on one side of the entry with this id, the nearest first; none if the
    /// room has no such entry.
    async fn history_beside(
        &self,
        room: RoomId,
        id: &str,
        side: Side,
        at_most: u32,
    ) -> Result<Vec<Entry>>;

    /// Returns the entry with this id in this room.
    async fn entry(&self, room: RoomId, id: &str) -> Result<Option<Entry>>;

    /// Deletes entries and private messages from before this time, in microseconds since 1970: the oldest, at most
    /// `at_most` of each kind. Returns the number of deleted ones.
    async fn delete_messages_before(&self, before: i64, at_most: u32) -> Result<u64>;

    /// Deletes the oldest entries of a room whose timeline has more bytes than these, until it has not: at most
    /// `at_most`. Returns the number of deleted ones; 0 means that no room has more.
    async fn delete_entries_above(&self, bytes: u64, at_most: u32) -> Result<u64>;
}

/// Whether an entry was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// It was stored.
    New,
    /// There is an entry with its id; nothing was stored.
    Exists,
}
