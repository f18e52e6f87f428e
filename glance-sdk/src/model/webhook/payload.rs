//! What the host posts to a webhook: the envelope, and who and what it speaks of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Event;
use crate::model::open_enum::open_enum;
use crate::model::{Color, Extra, MessageFormat, OauthId, RoomId, UserId};

/// What the host posts to a webhook.
///
/// `I` is what happened: one of the ten items such as
/// [`RoomMessage`](super::RoomMessage), or a [`Value`] where the event is not known beforehand;
/// [`typed`](Self::typed) then finds its type.
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
    /// What happened; hosts always send it, hand-written bodies leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// Names the webhook; hosts always send it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<u64>,
    /// The installation it belongs to; absent for a webhook that is no add-on's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_client_id: Option<OauthId>,
    /// What happened, in detail.
    pub item: I,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl<I> WebhookPayload<I> {
    /// The payload of an installation's webhook.
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

/// A room, as webhooks and lists describe it.
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
    /// Names it.
    pub id: RoomId,
    /// What people read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_archived: Option<bool>,
    /// Who may enter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy: Option<Privacy>,
    /// Changes with the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where the REST API has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<RoomLinks>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Room {
    /// A room of which only the id is known.
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
    /// Who may enter a room.
    ///
    /// ```
    /// use glance_sdk::model::webhook::{Privacy, Room};
    ///
    /// let room: Room = serde_json::from_str(r#"{ "id": 42, "privacy": "private" }"#)?;
    /// assert_eq!(room.privacy, Some(Privacy::Private));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum Privacy {
        /// Everybody of the group.
        Public = "public",
        /// Its members.
        Private = "private",
    }
}

/// Where the REST API has a room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RoomLinks {
    /// The room (`self` on the wire).
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    pub self_url: Option<String>,
    /// Its webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<String>,
    /// Who is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participants: Option<String>,
    /// Its members; of private rooms only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A person, as webhooks and lists describe them.
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
    /// Names them.
    pub id: UserId,
    /// What people read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What people write behind an `@`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mention_name: Option<String>,
    /// Changes with the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where the REST API has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<UserLinks>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl User {
    /// A person of whom only the id is known.
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

/// Where the REST API has a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserLinks {
    /// The person (`self` on the wire).
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    pub self_url: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What somebody wrote.
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
    /// The text, as it was written.
    pub message: String,
    /// Names it: a UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it was written, for example `2016-09-09T08:23:02.932694+00:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// `message`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MessageType>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<User>,
    /// Whom it mentions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mentions: Option<Vec<User>>,
    /// What was uploaded with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<File>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Message {
    /// A message of which only the text is known.
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

    /// Whom it mentions, nobody where the list is missing.
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
    /// Whose a message is.
    pub enum MessageType {
        /// A person's.
        Message = "message",
        /// An add-on's.
        Notification = "notification",
    }
}

/// What an add-on wrote.
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
    /// The text, HTML where `message_format` says so.
    pub message: String,
    /// Names it: a UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it was written, for example `2016-09-09T08:23:02.932694+00:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// `notification`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MessageType>,
    /// The add-on's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The colour behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// How the text is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_format: Option<MessageFormat>,
    /// Whom it mentions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mentions: Option<Vec<User>>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl NotificationMessage {
    /// A notification of which only the text is known.
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
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it can be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Where a small picture of it can be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumb_url: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
