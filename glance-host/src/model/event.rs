//! Events that open pages receive, on every node of the host.

use std::sync::Arc;

use glance_sdk::model::{OauthId, RoomId, UserId};
use serde::{Deserialize, Serialize};

use crate::model::Entry;
use crate::model::glance_data::Data;

/// An event for the open pages of one room or of all rooms.
///
/// Two members are shared: many pages receive the same event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Event {
    /// An add-on pushed new data for some of its glances.
    Pushed(Arc<Push>),
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

/// New data of some glances of one installation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Push {
    pub(crate) oauth_id: OauthId,
    /// The person that the data is for; `None` means everyone.
    pub(crate) user: Option<UserId>,
    pub(crate) glances: Vec<PushedGlance>,
}

/// New data of one glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PushedGlance {
    pub(crate) key: String,
    pub(crate) data: Data,
}

impl Push {
    /// Creates a push from keys of glances and their data.
    pub(crate) fn new(
        oauth_id: OauthId,
        user: Option<UserId>,
        glances: impl IntoIterator<Item = (String, Data)>,
    ) -> Self {
        let glances = glances.into_iter();
        Self {
            oauth_id,
            user,
            glances: glances
                .map(|(key, data)| PushedGlance { key, data })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_survive_serialization() {
        let data = |value| Data::new(value).unwrap();
        let label = json!({"label": {"type": "html", "value": "<b>2</b>"}, "status": null});
        let with_metadata = json!({"label": {}, "metadata": {"number": 0.1, "text": "\u{2028}"}});
        let metadata_is_null = json!({"label": {}, "metadata": null});
        let glances =
            [label, with_metadata, metadata_is_null].map(|it| ("key".to_owned(), data(it)));
        let events = [
            Event::Pushed(Arc::new(Push::new("id".into(), Some(7.into()), glances))),
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
