//! The `hipchatApiConsumer` capability: what the add-on may call, and under which name.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use super::{Extra, Picture, present};

/// What the add-on may call, and under which name it speaks.
///
/// ```
/// use glance_sdk::model::{Picture, HipchatApiConsumer, Scope};
///
/// let mut consumer = HipchatApiConsumer::new([Scope::SendNotification, Scope::ViewRoom]);
/// consumer.avatar = Some(Picture::from("https://add-on.example.com/face.png"));
/// assert_eq!(consumer.avatar.unwrap().url(), Some("https://add-on.example.com/face.png"));
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HipchatApiConsumer {
    /// The scopes of its tokens.
    pub scopes: Vec<Scope>,
    /// The sender's name on its messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_name: Option<String>,
    /// The sender's picture on its messages.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub avatar: Option<Picture>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl HipchatApiConsumer {
    /// A consumer with these scopes.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self {
            scopes: scopes.into_iter().collect(),
            ..Self::default()
        }
    }
}

open_enum! {
    /// What a token allows.
    ///
    /// ```
    /// use glance_sdk::model::Scope;
    ///
    /// assert_eq!(Scope::SendNotification.to_string(), "send_notification");
    /// assert_eq!(Scope::from("view_room"), Scope::ViewRoom);
    /// ```
    pub enum Scope {
        /// Post notifications to rooms.
        SendNotification = "send_notification",
        /// Send private messages.
        SendMessage = "send_message",
        /// See rooms and their participants; push to a room.
        ViewRoom = "view_room",
        /// Administer rooms.
        AdminRoom = "admin_room",
        /// See users and rooms of the group; push to the group and to users.
        ViewGroup = "view_group",
        /// Administer the group.
        AdminGroup = "admin_group",
        /// Create, change and remove rooms.
        ManageRooms = "manage_rooms",
        /// Read messages.
        ViewMessages = "view_messages",
        /// Import data; for selected add-ons only.
        ImportData = "import_data",
        /// Show a room's sidebar elsewhere, to people the add-on vouches for. glance-host's own;
        /// HipChat had no such scope.
        ViewerToken = "viewer_token",
    }
}
