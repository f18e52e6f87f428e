//! The storage of rooms and their members.

use std::fmt;

use async_trait::async_trait;
use glance_sdk::model::{RoomId, UserId};

use super::{Effects, Result, RoomEffects};
use crate::model::{Installed, NewRoom, Room, User};

/// Stores rooms and their members.
#[async_trait]
pub trait RoomStore: fmt::Debug + Send + Sync + 'static {
    /// Returns all rooms, by id.
    async fn rooms(&self) -> Result<Vec<Room>>;

    /// Lists rooms by id, without the first `skip`, and without archived ones unless `archived` is set.
    async fn list_rooms(&self, archived: bool, skip: u64, at_most: u32) -> Result<Vec<Room>>;

    /// Lists the rooms that a person may enter, by id, without archived ones.
    async fn rooms_open_to(&self, user: &User, at_most: u32) -> Result<Vec<Room>>;

    /// Returns the room with the lowest id.
    async fn first_room(&self) -> Result<Option<Room>>;

    /// Returns the room with this id.
    async fn room(&self, id: RoomId) -> Result<Option<Room>>;

    /// Returns the owner of a room, and the time of its newest entry in microseconds since 1970.
    async fn owner_and_last_active(&self, room: &Room) -> Result<(Option<User>, Option<i64>)>;

    /// Finds the room with this name.
    async fn find_room(&self, name: &str) -> Result<Option<Room>>;

    /// Finds or creates the room with this name. `owner` owns a new room.
    async fn get_or_create_room(&self, name: &str, owner: UserId) -> Result<Room>;

    /// Creates a room. Returns `None` if another room has its name.
    async fn create_room(&self, new: &NewRoom, effects: RoomEffects) -> Result<Option<Room>>;

    /// Creates a room if there is none at all. Returns `None` if there is one.
    async fn create_first_room(&self, new: &NewRoom, effects: RoomEffects) -> Result<Option<Room>>;

    /// Replaces `before` by `after` if the stored room still equals `before`. The effects are those of
    /// [`RoomChange::Done`].
    async fn change_room(
        &self,
        before: &Room,
        after: &Room,
        effects: Effects,
    ) -> Result<RoomChange>;

    /// Deletes a room with all its content. Each of its installations [leaves](super::InstallationStore::leave) at
    /// `now`; returns them, or `None` if there is no such room, and then has no effects. No other room ever gets its
    /// id.
    async fn remove_room(
        &self,
        id: RoomId,
        now: i64,
        effects: Effects,
    ) -> Result<Option<Vec<Installed>>>;

    /// Returns the members of a room, by id, without removed people.
    async fn members(&self, room: RoomId) -> Result<Vec<User>>;

    /// Returns the rooms that a person is a member of, by id.
    async fn memberships(&self, user: UserId) -> Result<Vec<RoomId>>;

    /// Makes a person a member of a room.
    async fn add_member(&self, room: RoomId, user: UserId) -> Result<()>;

    /// Ends a person's membership of a room. Returns whether they were a member; otherwise there are no effects.
    async fn remove_member(&self, room: RoomId, user: UserId, effects: Effects) -> Result<bool>;
}

/// The outcome of a change to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RoomChange {
    /// The change is stored.
    Done,
    /// The stored room differs from `before`: read it and retry.
    Stale,
    /// Another room has the new name.
    NameTaken,
    /// There is no such room.
    Gone,
}
