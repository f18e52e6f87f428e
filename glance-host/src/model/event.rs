//! Events that open pages receive, on every node of the host.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use glance_sdk::model::{OauthId, RoomId, UserId};
use serde::{Deserialize, Serialize};

use crate::model::{Entry, Push, Version};

/// The receivers of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The viewers of one room.
    Room(RoomId),
    /// The viewers of all rooms.
    AllRooms,
    /// All pages that may have to close.
    Access,
}

impl Topic {
    /// Returns the topic of one room, or of all rooms.
    pub fn of(room: Option<RoomId>) -> Self {
        room.map_or(Self::AllRooms, Self::Room)
    }

    /// Returns the room whose sequence numbers the events of this topic; `None` means the sequence of the group.
    pub fn room(self) -> Option<RoomId> {
        match self {
            Self::Room(room) => Some(room),
            Self::AllRooms | Self::Access => None,
        }
    }
}

/// An event for the open pages of one room or of all rooms.
///
/// Two members are shared: many pages receive the same event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// An add-on pushed new data for some of its glances.
    Pushed(Arc<Push>),
    /// An add-on answered the query of a glance for everyone in the room.
    Answered(Arc<Push>),
    /// The room's add-ons, its glances or the role of a person changed: viewers reload.
    Changed,
    /// The host introduced itself to this add-on again: viewers retry its failed queries.
    Introduced(OauthId),
    /// The data of this add-on may be out of date: viewers query all its glances again.
    QueryAgain(OauthId),
    /// Somebody posted an entry to the room.
    Posted(Arc<PostedEntry>),
    /// Somebody's access changed: a page checks whether it may stay open.
    Access(AccessChange),
}

/// The reason why an open page may have to close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessChange {
    /// The session with this digest ended.
    SessionEnded(Vec<u8>),
    /// This person became an admin, a member or a guest, or was removed.
    Person(UserId),
    /// Other people may enter this room now, or it was deleted.
    Room(RoomId),
    /// This installation was removed, or its descriptor was replaced.
    Installation(OauthId),
}

/// An entry that was posted to a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PostedEntry {
    /// The entry.
    pub entry: Entry,
    /// The entry as JSON for pages: rendered once, however many pages show it.
    pub rendered: String,
}

/// An event of a change that is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// The receivers.
    pub topic: Topic,
    /// The number, taken in the transaction of the change; `None` for an event of a room that the change deleted.
    pub version: Option<Version>,
    /// The event.
    pub event: Event,
}

/// An event in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEvent {
    /// The number.
    pub version: Version,
    /// The event.
    pub body: LoggedBody,
}

/// The content of an event in the log.
#[derive(Debug, Clone, PartialEq)]
pub enum LoggedBody {
    /// Somebody posted the entry with this id.
    Posted(String),
    /// Another event. A push contains the newest data of its glances.
    Event(Event),
}

/// A position in the events of a room: the events up to it have been seen.
///
/// Pages keep it as text: `<epoch>.<group>.<room>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The [epoch](crate::storage::GroupStore::epoch) of the database. Versions of another epoch are not comparable.
    pub epoch: String,
    /// The number of the last event of all rooms, and that of the last event of the room.
    pub version: Version,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, version } = self;
        write!(f, "{epoch}.{}.{}", version.group, version.room)
    }
}

/// The text is not a [`Position`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoPosition;

impl fmt::Display for NoPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is not a position")
    }
}

impl std::error::Error for NoPosition {}

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let mut parts = text.splitn(3, '.');
        let mut next = || parts.next().ok_or(NoPosition);
        let (epoch, group, room) = (next()?, next()?, next()?);
        Ok(Self {
            epoch: epoch.to_owned(),
            version: Version {
                group: group.parse().map_err(|_| NoPosition)?,
                room: room.parse().map_err(|_| NoPosition)?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Data, Place};

    #[test]
    fn positions_are_read_as_they_are_written() {
        let position = Position {
            epoch: "0123456789abcdef".to_owned(),
            version: Version { group: 1, room: 20 },
        };
        assert_eq!(position.to_string().parse(), Ok(position));
        for junk in [
            "",
            "a",
            "a.1",
            "a.1.",
            "a.1.2.3",
            "a.-1.2",
            "a.1.99999999999999999999",
        ] {
            assert_eq!(junk.parse::<Position>(), Err(NoPosition), "{junk}");
        }
    }

    #[test]
    fn events_survive_serialization() {
        let data = |value| Data::new(value).unwrap();
        let label = json!({"label": {"type": "html", "value": "<b>2</b>"}, "status": null});
        let with_metadata = json!({"label": {}, "metadata": {"number": 0.1, "text": "\u{2028}"}});
        let metadata_is_null = json!({"label": {}, "metadata": null});
        let glances =
            [label, with_metadata, metadata_is_null].map(|it| ("key".to_owned(), data(it)));
        let place = Place::Room(3.into());
        let push = Push {
            version: Version { group: 1, room: 2 },
            ..Push::new("id".into(), place, Some(7.into()), 5, glances)
        };
        let events = [
            Event::Pushed(Arc::new(push.clone())),
            Event::Answered(Arc::new(push)),
            Event::Changed,
            Event::Introduced("id".into()),
            Event::QueryAgain("id".into()),
            Event::Access(AccessChange::SessionEnded(vec![0, 255])),
            Event::Access(AccessChange::Person(1.into())),
            Event::Access(AccessChange::Room(2.into())),
            Event::Access(AccessChange::Installation("id".into())),
        ];
        for event in events {
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(
                serde_json::from_str::<Event>(&text).unwrap(),
                event,
                "{text}"
            );
        }
    }
}
