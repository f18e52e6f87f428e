//! New data of glances, and the newest data of each, which the host keeps.

use glance_sdk::model::{Audience, Glance, OauthId, RoomId, UserId};
use serde::{Deserialize, Serialize};

use super::Place;
use super::glance_data::Data;

/// The number of an event, and of data that was pushed: data with a greater version is newer.
///
/// Each event of a room has the next number of that room, and each event of all rooms the next number of the group, both
/// taken in the transaction of the change. So the order of versions is the order of the commits.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Version {
    /// The number of events of all rooms so far.
    pub group: u64,
    /// The number of events of the room so far; 0 for an event of all rooms.
    pub room: u64,
}

impl Version {
    /// Returns whether somebody who has seen the events up to `seen` has not seen the event with this number yet.
    pub(crate) fn is_after(self, seen: Self) -> bool {
        match self.room {
            0 => self.group > seen.group,
            room => room > seen.room,
        }
    }

    /// Returns what somebody has seen who had seen `self`, after the event with the number `next`.
    pub(crate) fn advanced_to(self, next: Self) -> Self {
        Self {
            group: self.group.max(next.group),
            room: self.room.max(next.room),
        }
    }
}

/// New data of some glances of one installation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// The installation.
    pub oauth_id: OauthId,
    /// The place that the data is for.
    pub place: Place,
    /// The person that the data is for; `None` means everyone.
    pub user: Option<UserId>,
    /// The new data by glance.
    pub glances: Vec<PushedGlance>,
    /// The time when the host received it, in milliseconds since 1970.
    pub at: i64,
    /// The version of the data, which the storage sets.
    pub version: Version,
}

impl Push {
    /// Creates a push from keys of glances and their data. It has no version yet.
    pub fn new(
        oauth_id: OauthId,
        place: Place,
        user: Option<UserId>,
        at: i64,
        glances: impl IntoIterator<Item = (String, Data)>,
    ) -> Self {
        let glances = glances.into_iter();
        Self {
            oauth_id,
            place,
            user,
            glances: glances
                .map(|(key, data)| PushedGlance { key, data })
                .collect(),
            at,
            version: Version::default(),
        }
    }
}

/// New data of one glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PushedGlance {
    /// The key of the glance.
    pub key: String,
    /// The data.
    pub data: Data,
}

/// The answer to a query of a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryAnswer {
    /// The installation.
    pub oauth_id: OauthId,
    /// The key of the glance.
    pub key: String,
    /// The room of the query.
    pub room: RoomId,
    /// The person who the answer is for; `None` means everyone in the room.
    pub user: Option<UserId>,
    /// The data.
    pub data: Data,
    /// The time when the host received it, in milliseconds since 1970.
    pub at: i64,
    /// The version of the room's data when the query began: a push with a greater version is newer.
    pub version: Version,
}

/// The source of a glance's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The add-on pushed it.
    Push,
    /// The add-on answered a query.
    Query,
}

/// The newest data of one glance for one person in one room.
#[derive(Debug, Clone, PartialEq)]
pub struct GlanceValue {
    /// The installation.
    pub oauth_id: OauthId,
    /// The key of the glance.
    pub key: String,
    /// Whether the data is for everyone in the room.
    pub is_for_everyone: bool,
    /// The data.
    pub data: Data,
    /// The version of the data.
    pub version: Version,
    /// The source of the data.
    pub source: Source,
    /// The time when the host received the data, in milliseconds since 1970.
    pub received_at: i64,
    /// The time when label or status last changed, in milliseconds since 1970.
    pub changed_at: i64,
}

impl GlanceValue {
    /// Returns the order among the values of one glance: the greatest is the newest. A query that began after a push
    /// has the version of that push, and its answer is newer.
    pub fn order(&self) -> (Version, Source) {
        (self.version, self.source)
    }
}

/// Returns whether everyone in a room sees the same data of a glance.
pub(crate) fn is_shared_by_room(glance: &Glance) -> bool {
    *glance.audience_or_default() == Audience::Room
}
