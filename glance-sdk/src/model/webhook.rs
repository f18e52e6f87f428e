//! The `webhook` capability, and what the host posts to the webhooks of a descriptor.

mod items;
mod payload;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::open_enum::open_enum;
use super::{Authentication, Extra};

pub use items::{
    RoomArchived, RoomCreated, RoomDeleted, RoomEnter, RoomEvent, RoomExit, RoomFileUpload,
    RoomMessage, RoomNotification, RoomTopicChange, RoomUnarchived, WebhookItem,
};
pub use payload::{
    File, Message, MessageType, NotificationMessage, Privacy, Room, RoomLinks, User, UserLinks,
    WebhookPayload,
};

/// Where the host posts what happens in a room.
///
/// ```
/// use glance_sdk::model::{Authentication, Event, Webhook};
///
/// let webhook = Webhook::new(Event::RoomMessage, "https://add-on.example.com/said")
///     .key("said")
///     .pattern("^/build")
///     .signed();
/// assert_eq!(webhook.authentication(), &Authentication::Jwt);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Webhook {
    /// 1 to 40 of `a-z A-Z 0-9 _ - .`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What happens.
    pub event: Event,
    /// Where it is posted to: an absolute address.
    pub url: String,
    /// A regular expression, Python's, that a message must match; for messages only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// A name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the post is signed; it is not where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Webhook {
    /// Posts every such event to this absolute address, unsigned.
    pub fn new(event: Event, url: impl Into<String>) -> Self {
        Self {
            key: None,
            event,
            url: url.into(),
            pattern: None,
            name: None,
            authentication: None,
            extra: Extra::new(),
        }
    }

    /// Sets the key: 1 to 40 of `a-z A-Z 0-9 _ - .`.
    ///
    /// ```
    /// use glance_sdk::model::{Event, Webhook};
    ///
    /// let webhook = Webhook::new(Event::RoomEnter, "https://add-on.example.com/entered").key("entered");
    /// assert_eq!(serde_json::to_value(&webhook)?["key"], "entered");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the regular expression that a message must match, in Python's syntax.
    ///
    /// ```
    /// use glance_sdk::model::{Event, Webhook};
    ///
    /// let webhook = Webhook::new(Event::RoomMessage, "https://add-on.example.com/said").pattern("^/build");
    /// assert_eq!(webhook.pattern.as_deref(), Some("^/build"));
    /// ```
    #[must_use]
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.pattern = Some(pattern.into());
        self
    }

    /// Sets the name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Signs the post.
    ///
    /// ```
    /// use glance_sdk::model::{Event, Webhook};
    ///
    /// let webhook = Webhook::new(Event::RoomEnter, "https://add-on.example.com/entered").signed();
    /// assert_eq!(serde_json::to_value(&webhook)?["authentication"], "jwt");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn signed(mut self) -> Self {
        self.authentication = Some(Authentication::Jwt);
        self
    }

    /// Whether the post is signed.
    ///
    /// ```
    /// use glance_sdk::model::{Authentication, Event, Webhook};
    ///
    /// let webhook = Webhook::new(Event::RoomEnter, "https://add-on.example.com/entered");
    /// assert_eq!(webhook.authentication(), &Authentication::None);
    /// ```
    pub fn authentication(&self) -> &Authentication {
        self.authentication
            .as_ref()
            .unwrap_or(&Authentication::None)
    }
}

open_enum! {
    /// What can happen in a room.
    ///
    /// ```
    /// use glance_sdk::model::Event;
    ///
    /// assert_eq!(Event::RoomTopicChange.as_str(), "room_topic_change");
    /// ```
    pub enum Event {
        /// The room was archived.
        RoomArchived = "room_archived",
        /// The room was created.
        RoomCreated = "room_created",
        /// The room was deleted.
        RoomDeleted = "room_deleted",
        /// Somebody entered.
        RoomEnter = "room_enter",
        /// Somebody left.
        RoomExit = "room_exit",
        /// Somebody uploaded a file.
        RoomFileUpload = "room_file_upload",
        /// Somebody wrote.
        RoomMessage = "room_message",
        /// An add-on wrote.
        RoomNotification = "room_notification",
        /// The topic changed.
        RoomTopicChange = "room_topic_change",
        /// The room is no longer archived.
        RoomUnarchived = "room_unarchived",
    }
}

/// The webhooks of a descriptor: a list, or, as a quarter of real descriptors have it, one that
/// stands alone.
///
/// ```
/// use glance_sdk::model::webhook::Webhooks;
///
/// let webhooks: Webhooks =
///     serde_json::from_str(r#"{ "event": "room_enter", "url": "https://add-on.example.com/entered" }"#)?;
/// assert_eq!(webhooks.as_slice().len(), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Webhooks {
    /// A list, as the schema asks for.
    Many(Vec<Webhook>),
    /// One without a list; HipChat's service took it.
    One(Box<Webhook>),
}

impl Webhooks {
    /// The webhooks, whichever way they are written.
    pub fn as_slice(&self) -> &[Webhook] {
        match self {
            Self::Many(webhooks) => webhooks,
            Self::One(webhook) => std::slice::from_ref(webhook),
        }
    }

    /// The webhooks, to be changed, whichever way they are written.
    pub fn as_mut_slice(&mut self) -> &mut [Webhook] {
        match self {
            Self::Many(webhooks) => webhooks,
            Self::One(webhook) => std::slice::from_mut(webhook),
        }
    }
}

impl From<Vec<Webhook>> for Webhooks {
    fn from(webhooks: Vec<Webhook>) -> Self {
        Self::Many(webhooks)
    }
}

impl<'de> Deserialize<'de> for Webhooks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Value::deserialize(deserializer)?;
        let read = if raw.is_array() {
            Vec::deserialize(raw).map(Self::Many)
        } else {
            Webhook::deserialize(raw).map(|webhook| Self::One(Box::new(webhook)))
        };
        read.map_err(serde::de::Error::custom)
    }
}
