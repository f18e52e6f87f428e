//! A room's timeline: what was written into it.

use std::time::{SystemTime, UNIX_EPOCH};

use glance_sdk::model::{Notification, RoomId};

use super::Installed;

/// Something that was written into a room.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Names it: a UUID.
    pub id: String,
    /// Where it was written.
    pub room_id: RoomId,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// Who wrote it: the OAuth id of an installation.
    pub sender: String,
    /// The name they had then.
    pub sender_name: String,
    /// What it says.
    pub content: Content,
}

/// What an entry of a timeline says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// What an add-on wrote.
    Notification(Notification),
}

impl Entry {
    /// What an add-on writes now, under the name its descriptor gives.
    pub fn new(room_id: RoomId, by: &Installed, content: Content) -> Self {
        let descriptor = &by.descriptor;
        let consumer = descriptor.capabilities.hipchat_api_consumer.as_ref();
        let name = consumer.and_then(|consumer| consumer.from_name.as_ref());
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_micros());
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            room_id,
            at: i64::try_from(now).unwrap_or(i64::MAX),
            sender: by.oauth_id.to_string(),
            sender_name: name.unwrap_or(&descriptor.name).clone(),
            content,
        }
    }
}
