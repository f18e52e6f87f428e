//! The events of a room, and their webhook payloads.

use std::fmt;

use glance_sdk::model::webhook::{
    RoomArchived, RoomCreated, RoomDeleted, RoomEnter, RoomExit, RoomMessage, RoomNotification,
    RoomTopicChange, RoomUnarchived,
};
use glance_sdk::model::{Event, OauthId};

use crate::model::{Content, Entry, EventSender, Room, Sender, User, WebhookEvent};
use crate::service::directory::Directory;
use crate::storage::{Storage, StorageError};

/// An event for webhooks. Of the protocol's ten events only `room_file_upload` is missing: this host stores no
/// files.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RoomEvent {
    /// Somebody posted an entry. A message of an add-on calls no webhook, because that event describes a person.
    Written(Box<Entry>),
    /// A person entered the room.
    Entered(User),
    /// A person left the room.
    Left(User),
    /// A person changed the topic.
    TopicChanged {
        /// The new topic.
        topic: String,
        /// The person.
        by: User,
    },
    /// A person created the room.
    Created(User),
    /// A person archived the room.
    Archived(User),
    /// A person restored the archived room.
    Unarchived(User),
    /// A person is about to delete the room, which still exists.
    Deleted(User),
}

impl RoomEvent {
    /// Returns the protocol's event; `None` if webhooks are not called.
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

    /// Returns the installation that caused the event; its own webhooks are not called.
    pub(super) fn author(&self) -> Option<&OauthId> {
        match self {
            Self::Written(entry) => match &entry.sender {
                Sender::AddOn(id) => Some(id),
                Sender::Person(_) => None,
            },
            _ => None,
        }
    }

    /// Returns the person who caused the event; `None` for an entry.
    fn actor(&self) -> Option<&User> {
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

/// The reason why there is no payload.
#[derive(Debug)]
pub(super) enum PayloadError {
    Storage(StorageError),
    Json(serde_json::Error),
}

impl From<StorageError> for PayloadError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(error) => error.fmt(f),
            Self::Json(error) => write!(f, "the payload cannot be serialized: {error}"),
        }
    }
}

impl std::error::Error for PayloadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Storage(error) => error.source(),
            Self::Json(error) => Some(error),
        }
    }
}

/// Describes an event for webhooks. `at` is in microseconds since 1970.
pub(super) async fn describe(
    storage: &dyn Storage,
    directory: &Directory,
    room: &Room,
    event: &RoomEvent,
    kind: Event,
    at: i64,
) -> Result<WebhookEvent, PayloadError> {
    let place = directory.room(room);
    let person = |user: &User| directory.person(user);
    let mut text = None;
    let mut sender = event.actor().cloned();
    let item = match event {
        RoomEvent::Written(entry) => {
            if let Sender::Person(id) = entry.sender {
                sender = storage.user(id).await?;
            }
            match &entry.content {
                Content::Notification(notification) => {
                    text = Some(notification.message.clone());
                    let message = directory.notification(entry, notification).await?;
                    serde_json::to_value(RoomNotification::new(message, place))
                }
                Content::Message(message) => {
                    text = Some(message.text.clone());
                    let message = directory.message(entry, message).await?;
                    serde_json::to_value(RoomMessage::new(message, place))
                }
            }
        }
        RoomEvent::TopicChanged { topic, by } => {
            serde_json::to_value(RoomTopicChange::new(topic.clone(), person(by), place))
        }
        RoomEvent::Entered(by) => serde_json::to_value(RoomEnter::new(person(by), place)),
        RoomEvent::Left(by) => serde_json::to_value(RoomExit::new(person(by), place)),
        RoomEvent::Created(by) => return describe_created(directory, room, by, at),
        RoomEvent::Archived(by) => serde_json::to_value(RoomArchived::new(Some(person(by)), place)),
        RoomEvent::Unarchived(by) => {
            serde_json::to_value(RoomUnarchived::new(Some(person(by)), place))
        }
        RoomEvent::Deleted(by) => serde_json::to_value(RoomDeleted::new(Some(person(by)), place)),
    };
    Ok(WebhookEvent {
        event: kind,
        room_id: room.id,
        at,
        text,
        sender: sender.as_ref().map(event_sender),
        item: item.map_err(PayloadError::Json)?,
    })
}

/// Describes the creation of a room for webhooks. Reads nothing, so the transaction that creates it can call this.
pub(super) fn describe_created(
    directory: &Directory,
    room: &Room,
    by: &User,
    at: i64,
) -> Result<WebhookEvent, PayloadError> {
    let item = RoomCreated::new(Some(directory.person(by)), directory.room(room));
    Ok(WebhookEvent {
        event: Event::RoomCreated,
        room_id: room.id,
        at,
        text: None,
        sender: Some(event_sender(by)),
        item: serde_json::to_value(item).map_err(PayloadError::Json)?,
    })
}

fn event_sender(user: &User) -> EventSender {
    EventSender {
        id: user.id,
        timezone: user.timezone.clone(),
    }
}
