//! The `hipchatApiConsumer` capability: the scopes and the sender of the add-on.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use super::{Extra, Picture, present};

/// The scopes of the add-on's tokens, and its name and picture as a sender.
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
    /// The scopes of the add-on's tokens.
    pub scopes: Vec<Scope>,
    /// The sender's name on the add-on's messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_name: Option<String>,
    /// The sender's picture on the add-on's messages.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub avatar: Option<Picture>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl HipchatApiConsumer {
    /// Creates a consumer with these scopes.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self {
            scopes: scopes.into_iter().collect(),
            ..Self::default()
        }
    }
}

open_enum! {
    /// A permission of a token.
    ///
    /// ```
    /// use glance_sdk::model::Scope;
    ///
    /// assert_eq!(Scope::SendNotification.to_string(), "send_notification");
    /// assert_eq!(Scope::from("view_room"), Scope::ViewRoom);
    /// ```
    pub enum Scope {
        /// Allows posting notifications into rooms.
        SendNotification = "send_notification",
        /// Allows sending private messages.
        SendMessage = "send_message",
        /// Allows reading rooms and their participants, and pushing to a room.
        ViewRoom = "view_room",
        /// Allows administering rooms.
        AdminRoom = "admin_room",
        /// Allows reading users and rooms of the group, and pushing to the group and to users.
        ViewGroup = "view_group",
        /// Allows administering the group.
        AdminGroup = "admin_group",
        /// Allows creating, changing and removing rooms.
        ManageRooms = "manage_rooms",
        /// Allows reading messages.
        ViewMessages = "view_messages",
        /// Allows importing data; for selected add-ons only.
        ImportData = "import_data",
        /// Allows embedding a room's sidebar elsewhere, for people for whom the add-on vouches.
        /// Only glance-host has this scope, HipChat did not.
        ViewerToken = "viewer_token",
    }
}
