//! The `webhook` capability, and the payloads that the host posts to webhooks.

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

/// A webhook: the host posts an event of a room to its URL.
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
    /// The event.
    pub event: Event,
    /// The absolute URL to which the host posts.
    pub url: String,
    /// A regular expression in Python's syntax that a message must match; for messages only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// A name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the host signs its requests. The default is no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Webhook {
    /// Creates a webhook for all events of this kind, with an absolute URL and without signatures.
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

    /// Makes hosts sign their requests.
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

    /// Returns whether the host signs its requests.
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
    /// An event in a room.
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
        /// A person entered.
        RoomEnter = "room_enter",
        /// A person left.
        RoomExit = "room_exit",
        /// A person uploaded a file.
        RoomFileUpload = "room_file_upload",
        /// A person wrote a message.
        RoomMessage = "room_message",
        /// An add-on posted a notification.
        RoomNotification = "room_notification",
        /// The topic changed.
        RoomTopicChange = "room_topic_change",
        /// The room is no longer archived.
        RoomUnarchived = "room_unarchived",
    }
}

/// The webhooks of a descriptor: a list, or a single webhook without a list, as in a quarter of
/// real descriptors.
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
    /// A list, as the schema requires.
    Many(Vec<Webhook>),
    /// A single webhook without a list, which HipChat's service accepted.
    One(Box<Webhook>),
}

impl Webhooks {
    /// Returns the webhooks in either form.
    pub fn as_slice(&self) -> &[Webhook] {
        match self {
            Self::Many(webhooks) => webhooks,
            Self::One(webhook) => std::slice::from_ref(webhook),
        }
    }

    /// Returns the webhooks in either form, for changes.
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
