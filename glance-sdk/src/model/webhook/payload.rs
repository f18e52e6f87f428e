//! The payload of a webhook: its envelope, with rooms, people and messages.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Event;
use crate::model::open_enum::open_enum;
use crate::model::{Color, Extra, MessageFormat, OauthId, RoomId, UserId};

/// The payload that the host posts to a webhook.
///
/// `I` is the type of the event: one of the ten items such as [`RoomMessage`](super::RoomMessage),
/// or a [`Value`] if the event is not known in advance; [`typed`](Self::typed) then finds its type.
///
/// ```
/// use glance_sdk::model::webhook::{RoomMessage, WebhookPayload};
///
/// let payload: WebhookPayload<RoomMessage> = serde_json::from_str(
///     r#"{
///         "event": "room_message",
///         "webhook_id": 7,
///         "oauth_client_id": "installation",
///         "item": {
///             "message": { "message": "/build", "from": { "id": 5, "name": "Ann" } },
///             "room": { "id": 42, "name": "ops" }
///         }
///     }"#,
/// )?;
/// assert_eq!(payload.item.message.message, "/build");
/// assert_eq!(payload.item.room.id.get(), 42);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WebhookPayload<I = Value> {
    /// The event. Hosts always send it, bodies written by hand often omit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// The number of the webhook; hosts always send it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<u64>,
    /// The installation of the webhook; absent if the webhook does not belong to an add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_client_id: Option<OauthId>,
    /// The details of the event.
    pub item: I,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl<I> WebhookPayload<I> {
    /// Creates the payload of an installation's webhook.
    ///
    /// ```
    /// use glance_sdk::model::Event;
    /// use glance_sdk::model::webhook::{Room, RoomEnter, User, WebhookPayload};
    ///
    /// let entered = RoomEnter::new(User::new(5.into()), Room::new(42.into()));
    /// let payload = WebhookPayload::new(Event::RoomEnter, 7, "installation".into(), entered);
    /// assert_eq!(
    ///     serde_json::to_value(&payload)?,
    ///     serde_json::json!({
    ///         "event": "room_enter",
    ///         "webhook_id": 7,
    ///         "oauth_client_id": "installation",
    ///         "item": { "sender": { "id": 5 }, "room": { "id": 42 } }
    ///     })
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn new(event: Event, webhook_id: u64, oauth_client_id: OauthId, item: I) -> Self {
        Self {
            event: Some(event),
            webhook_id: Some(webhook_id),
            oauth_client_id: Some(oauth_client_id),
            item,
            extra: Extra::new(),
        }
    }
}

/// A room, as webhooks and lists contain it.
///
/// ```
/// use glance_sdk::model::webhook::Room;
///
/// let room: Room = serde_json::from_str(r#"{ "id": 42, "name": "ops", "is_archived": false }"#)?;
/// assert_eq!(room.name.as_deref(), Some("ops"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Room {
    /// The id.
    pub id: RoomId,
    /// The displayed name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_archived: Option<bool>,
    /// The people who may enter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy: Option<Privacy>,
    /// A text that changes whenever the room changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The URLs in the REST API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<RoomLinks>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Room {
    /// Creates a room with only its id.
    pub fn new(id: RoomId) -> Self {
        Self {
            id,
            name: None,
            is_archived: None,
            privacy: None,
            version: None,
            links: None,
            extra: Extra::new(),
        }
    }
}

open_enum! {
    /// The people who may enter a room.
    ///
    /// ```
    /// use glance_sdk::model::webhook::{Privacy, Room};
    ///
    /// let room: Room = serde_json::from_str(r#"{ "id": 42, "privacy": "private" }"#)?;
    /// assert_eq!(room.privacy, Some(Privacy::Private));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum Privacy {
        /// All people of the group.
        Public = "public",
        /// Members only.
        Private = "private",
    }
}

/// The URLs of a room in the REST API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RoomLinks {
    /// The room (`self` in JSON).
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    pub self_url: Option<String>,
    /// The room's webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<String>,
    /// The people in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participants: Option<String>,
    /// The members of the room; private rooms only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A person, as webhooks and lists contain them.
///
/// ```
/// use glance_sdk::model::webhook::User;
///
/// let user: User = serde_json::from_str(r#"{ "id": 5, "name": "Ann", "mention_name": "ann" }"#)?;
/// assert_eq!(user.mention_name.as_deref(), Some("ann"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The displayed name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name after an `@`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mention_name: Option<String>,
    /// A text that changes whenever the person changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The URLs in the REST API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<UserLinks>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl User {
    /// Creates a person with only the id.
    pub fn new(id: UserId) -> Self {
        Self {
            id,
            name: None,
            mention_name: None,
            version: None,
            links: None,
            extra: Extra::new(),
        }
    }
}

/// The URLs of a person in the REST API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserLinks {
    /// The person (`self` in JSON).
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    pub self_url: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A message of a person.
///
/// ```
/// use glance_sdk::model::webhook::Message;
///
/// let message: Message = serde_json::from_str(
///     r#"{ "message": "@ann look", "from": { "id": 6 }, "mentions": [{ "id": 5 }] }"#,
/// )?;
/// assert_eq!(message.mentions()[0].id, 5.into());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// The original text.
    pub message: String,
    /// The id, a UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The time of the message, for example `2016-09-09T08:23:02.932694+00:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// `message`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MessageType>,
    /// The author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<User>,
    /// The mentioned people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mentions: Option<Vec<User>>,
    /// The uploaded file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<File>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Message {
    /// Creates a message with only its text.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            id: None,
            date: None,
            kind: None,
            from: None,
            mentions: None,
            file: None,
            extra: Extra::new(),
        }
    }

    /// Returns the mentioned people, which are empty if the list is missing.
    ///
    /// ```
    /// use glance_sdk::model::webhook::Message;
    ///
    /// assert!(Message::new("Good morning").mentions().is_empty());
    /// ```
    pub fn mentions(&self) -> &[User] {
        self.mentions.as_deref().unwrap_or_default()
    }
}

open_enum! {
    /// The kind of a message.
    pub enum MessageType {
        /// A message of a person.
        Message = "message",
        /// A notification of an add-on.
        Notification = "notification",
    }
}

/// A notification of an add-on.
///
/// ```
/// use glance_sdk::model::notification::MessageFormat;
/// use glance_sdk::model::webhook::NotificationMessage;
///
/// let message: NotificationMessage = serde_json::from_str(
///     r#"{ "message": "<b>Green</b>", "message_format": "html", "from": "CI" }"#,
/// )?;
/// assert_eq!(message.from.as_deref(), Some("CI"));
/// assert_eq!(message.message_format, Some(MessageFormat::Html));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotificationMessage {
    /// The text; HTML if `message_format` says so.
    pub message: String,
    /// The id, a UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The time of the notification, for example `2016-09-09T08:23:02.932694+00:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// `notification`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MessageType>,
    /// The add-on's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The background color.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// The format of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_format: Option<MessageFormat>,
    /// The mentioned people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mentions: Option<Vec<User>>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl NotificationMessage {
    /// Creates a notification with only its text.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            id: None,
            date: None,
            kind: None,
            from: None,
            color: None,
            message_format: None,
            mentions: None,
            extra: Extra::new(),
        }
    }
}

/// An uploaded file.
///
/// ```
/// use glance_sdk::model::webhook::File;
///
/// let file: File = serde_json::from_str(r#"{ "name": "plan.pdf", "size": 48213 }"#)?;
/// assert_eq!(file.size, Some(48_213));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct File {
    /// The file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The URL of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The URL of a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumb_url: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
