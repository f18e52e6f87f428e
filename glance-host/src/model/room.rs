//! The group and its rooms.

use glance_sdk::model::{GroupId, RoomId, UserId};

/// One team's set of rooms and users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
}

/// A chat room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its name, unique in the group.
    pub name: String,
    /// Whether everyone of the group may enter.
    pub is_public: bool,
    /// Who owns it.
    pub owner: UserId,
    /// What it is about, or empty.
    pub topic: String,
    /// Whether it is archived.
    pub is_archived: bool,
    /// When it was created, in seconds since 1970.
    pub created: i64,
}

/// A room to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoom {
    /// Its name.
    pub name: String,
    /// Whether everyone of the group may enter.
    pub is_public: bool,
    /// Who owns it.
    pub owner: UserId,
    /// What it is about, or empty.
    pub topic: String,
}
