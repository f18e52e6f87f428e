//! Installations of an add-on that rule out another one, and what to do about them.

use std::fmt;

use glance_sdk::model::RoomId;

use crate::model::Place;
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// How many rooms are named.
const NAMED: usize = 3;

/// Why an add-on cannot be installed again: where it is installed already.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// In the same room.
    InRoom,
    /// For all rooms.
    InAllRooms,
    /// In some rooms, where it was to be installed for all.
    InSomeRooms {
        /// What the first of them are called.
        names: Vec<String>,
        /// How many there are beside those.
        more: usize,
    },
    /// Its add-on, or a person with it, has yet to answer.
    UnderWay,
}

impl Conflict {
    /// Where the add-on with this key would show twice if it were installed in this room, or in all.
    /// Rooms are named only to who installs for all, who may enter each.
    pub(super) async fn find(
        shared: &Shared,
        key: &str,
        room: Option<RoomId>,
    ) -> Result<Option<Self>, StorageError> {
        let places = shared.state.installed_in(key, room).await?;
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
                && let Some(room) = shared.state.room(*room).await?
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
