//! Existing installations that prevent another one, and their remedies.

use std::fmt;

use glance_sdk::model::RoomId;

use crate::model::Place;
use crate::storage::{Storage, StorageError};

/// The number of rooms that a message names.
const NAMED: usize = 3;

/// The installation that prevents another one of the same add-on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// One in the same room.
    InRoom,
    /// One for all rooms.
    InAllRooms,
    /// Some in rooms, although the add-on was to be installed for all.
    InSomeRooms {
        /// The names of the first rooms.
        names: Vec<String>,
        /// The number of other rooms.
        more: usize,
    },
    /// One whose add-on, or a person with it, has not answered yet.
    UnderWay,
}

impl Conflict {
    /// Finds the installation that prevents one of the add-on with this key in this room, or in all. Names rooms only
    /// if the add-on is installed for all: that person may enter each room.
    pub(super) async fn find(
        storage: &dyn Storage,
        key: &str,
        room: Option<RoomId>,
    ) -> Result<Option<Self>, StorageError> {
        let places = storage.installed_in(key, room).await?;
        if places.is_empty() {
            return Ok(None);
        }
        if places.contains(&Place::Global) {
            return Ok(Some(Self::InAllRooms));
        }
        if room.is_some() {
            return Ok(Some(Self::InRoom));
        }
        let mut names = Vec::new();
        for place in places.iter().take(NAMED) {
            if let Place::Room(room) = place
                && let Some(room) = storage.room(*room).await?
            {
                names.push(room.name);
            }
        }
        let more = places.len() - names.len();
        Ok(Some(Self::InSomeRooms { names, more }))
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InRoom => f.write_str(
                "is installed in this room already; remove it in the room's integrations to \
                 install it anew",
            ),
            Self::InAllRooms => f.write_str(
                "is installed for all rooms already; to install it anew, an admin removes it in \
                 the integrations of all rooms",
            ),
            Self::InSomeRooms { names, more } => {
                let rest = match more {
                    0 => None,
                    1 => Some("1 more room".to_owned()),
                    more => Some(format!("{more} more rooms")),
                };
                let mut rooms: Vec<_> = names.iter().chain(&rest).map(String::as_str).collect();
                let last = rooms.pop().unwrap_or_default();
                let (rooms, of) = match rooms.as_slice() {
                    [] => (last.to_owned(), "that room"),
                    first => (format!("{} and {last}", first.join(", ")), "each"),
                };
                write!(
                    f,
                    "is installed in {rooms} already; remove it in the integrations of {of} to \
                     install it for all rooms"
                )
            }
            Self::UnderWay => f.write_str(
                "is being installed already; try again when that is done, in 15 minutes at the latest",
            ),
        }
    }
}
