//! Events that open pages receive, on every node of the host.

use std::sync::Arc;

use glance_sdk::model::{OauthId, RoomId, UserId};
use serde::{Deserialize, Serialize};

use crate::model::{Entry, Push};

/// An event for the open pages of one room or of all rooms.
///
/// Two members are shared: many pages receive the same event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Event {
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
pub(crate) enum AccessChange {
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
pub(crate) struct PostedEntry {
    pub(crate) entry: Entry,
    /// The entry as JSON for pages: rendered once, however many pages show it.
    pub(crate) rendered: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Data, Place, Version};

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
