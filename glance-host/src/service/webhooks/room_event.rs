//! Events of a room, and the payloads that webhooks get for them.

use glance_sdk::model::webhook::{
    RoomArchived, RoomCreated, RoomDeleted, RoomEnter, RoomExit, RoomMessage, RoomNotification,
    RoomTopicChange, RoomUnarchived,
};
use glance_sdk::model::{Event, OauthId};
use serde_json::Value;

use crate::model::{Content, Entry, Room, Sender, User};
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// Something that webhooks listen for. Of the ten events only `room_file_upload` is missing: this
/// host keeps no files.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RoomEvent {
    /// Something was written into the room. What an add-on writes in the manner of a person is
    /// told to nobody, as that event speaks of a person.
    Written(Box<Entry>),
    /// Somebody came.
    Entered(User),
    /// Somebody left.
    Left(User),
    /// Somebody changed what the room is about.
    TopicChanged {
        /// The new topic.
        topic: String,
        /// Who did it.
        by: User,
    },
    /// Somebody made the room.
    Created(User),
    /// Somebody archived it.
    Archived(User),
    /// Somebody brought it back.
    Unarchived(User),
    /// Somebody is about to delete it: told while it is still there.
    Deleted(User),
}

impl RoomEvent {
    /// The event, where there is one.
    pub fn event(&self) -> Option<Event> {
        Some(match self {
            Self::Written(entry) => match (&entry.content, &entry.sender) {
                (Content::Notification(_), _) => Event::RoomNotification,
                (Content::Message(_), Sender::Person(_)) => Event::RoomMessage,
                (Content::Message(_), Sender::AddOn(_)) => return None,
            },
            Self::Entered(_) => Event::RoomEnter,
            Self::Left(_) => Event::RoomExit,
            Self::TopicChanged { .. } => Event::RoomTopicChange,
            Self::Created(_) => Event::RoomCreated,
            Self::Archived(_) => Event::RoomArchived,
            Self::Unarchived(_) => Event::RoomUnarchived,
            Self::Deleted(_) => Event::RoomDeleted,
        })
    }

    /// The person who did it, where it is nothing written.
    fn by(&self) -> Option<&User> {
        match self {
            Self::Written(_) => None,
            Self::TopicChanged { by, .. }
            | Self::Entered(by)
            | Self::Left(by)
            | Self::Created(by)
            | Self::Archived(by)
            | Self::Unarchived(by)
            | Self::Deleted(by) => Some(by),
        }
    }
}

/// The parts that all payloads for one event share.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) event: Event,
    pub(super) room: Room,
    /// What a pattern is matched with; of messages only.
    pub(super) text: Option<String>,
    /// The person who did it.
    pub(super) sender: Option<User>,
    /// The installation that did it: it is not told.
    pub(super) author: Option<OauthId>,
    pub(super) item: Value,
}

impl Told {
    pub(super) async fn new(
        shared: &Shared,
        room: Room,
        kind: Event,
        event: &RoomEvent,
    ) -> Result<Self, StorageError> {
        let at = shared.directory.room(&room);
        let person = |user: &User| shared.directory.person(user);
        let (mut text, mut author) = (None, None);
        let mut sender = event.by().cloned();
        let item = match event {
            RoomEvent::Written(entry) => {
                match &entry.sender {
                    Sender::AddOn(id) => author = Some(id.clone()),
                    Sender::Person(id) => sender = shared.state.user(*id).await?,
                }
                match &entry.content {
                    Content::Notification(said) => {
                        text = Some(said.message.clone());
                        let message = shared.directory.notification(entry, said).await?;
                        serde_json::to_value(RoomNotification::new(message, at))
                    }
                    Content::Message(said) => {
                        text = Some(said.text.clone());
                        let message = shared.directory.message(entry, said).await?;
                        serde_json::to_value(RoomMessage::new(message, at))
                    }
                }
            }
            RoomEvent::TopicChanged { topic, by } => {
                serde_json::to_value(RoomTopicChange::new(topic.clone(), person(by), at))
            }
            RoomEvent::Entered(by) => serde_json::to_value(RoomEnter::new(person(by), at)),
            RoomEvent::Left(by) => serde_json::to_value(RoomExit::new(person(by), at)),
            RoomEvent::Created(by) => serde_json::to_value(RoomCreated::new(Some(person(by)), at)),
            RoomEvent::Archived(by) => {
                serde_json::to_value(RoomArchived::new(Some(person(by)), at))
            }
            RoomEvent::Unarchived(by) => {
                serde_json::to_value(RoomUnarchived::new(Some(person(by)), at))
            }
            RoomEvent::Deleted(by) => serde_json::to_value(RoomDeleted::new(Some(person(by)), at)),
        };
        Ok(Self {
            event: kind,
            room,
            text,
            sender,
            author,
            item: item.map_err(StorageError::other)?,
        })
    }
}
