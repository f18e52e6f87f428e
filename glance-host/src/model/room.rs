//! The group and its rooms.

use std::fmt;

use glance_sdk::model::{GroupId, RoomId, UserId};

/// One team's set of rooms and users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The id.
    pub id: GroupId,
    /// The name.
    pub name: String,
}

/// A chat room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The id.
    pub id: RoomId,
    /// The name, unique in the group.
    pub name: String,
    /// Whether everyone of the group may enter.
    pub is_public: bool,
    /// The owner.
    pub owner: UserId,
    /// The topic; may be empty.
    pub topic: String,
    /// Whether it is archived.
    pub is_archived: bool,
    /// The time of its creation, in seconds since 1970.
    pub created: i64,
}

/// A room before it is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoom {
    /// The name.
    pub name: String,
    /// Whether everyone of the group may enter.
    pub is_public: bool,
    /// The owner.
    pub owner: UserId,
    /// The topic; may be empty.
    pub topic: String,
}

impl Room {
    /// Returns an error if the room is archived.
    pub(crate) fn check_writable(&self) -> Result<(), Archived> {
        match self.is_archived {
            true => Err(Archived(self.name.clone())),
            false => Ok(()),
        }
    }
}

/// An error: the room with this name is archived.
#[derive(Debug)]
pub(crate) struct Archived(pub(crate) String);

impl fmt::Display for Archived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Room {} is archived and can only be read", self.0)
    }
}

impl std::error::Error for Archived {}
