//! Installations of add-ons.

use glance_sdk::model::{Descriptor, OauthId, RoomId, Scope, Secret};

use super::Place;

/// An add-on installed in a room or in the whole group.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The id of the installation.
    pub oauth_id: OauthId,
    /// The secret that signs its requests and gets its tokens.
    pub oauth_secret: Secret,
    /// The room, or `None` for the whole group.
    pub room_id: Option<RoomId>,
    /// The URL of the descriptor.
    pub descriptor_url: String,
    /// The descriptor as it was read.
    pub descriptor: Descriptor,
}

impl AsRef<Self> for Installed {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Installed {
    /// Returns the name under which it posts.
    pub fn sender_name(&self) -> &str {
        let consumer = self.descriptor.capabilities.hipchat_api_consumer.as_ref();
        let name = consumer.and_then(|consumer| consumer.from_name.as_ref());
        name.unwrap_or(&self.descriptor.name)
    }

    /// Returns whether it shows in this room.
    pub fn is_in(&self, room: RoomId) -> bool {
        self.room_id.is_none_or(|own| own == room)
    }

    /// Returns the pending removal call of an installation that is removed at this time, in seconds since 1970;
    /// `None` if the add-on has no `callbackUrl`.
    pub(crate) fn leaving(&self, since: i64) -> Option<Leaving> {
        let installable = self.descriptor.capabilities.installable.as_ref()?;
        Some(Leaving {
            oauth_id: self.oauth_id.clone(),
            oauth_secret: self.oauth_secret.clone(),
            callback_url: installable.callback_url.clone()?,
            since,
        })
    }

    /// Returns whether its descriptor requests this scope.
    pub(crate) fn asks_for(&self, scope: &Scope) -> bool {
        let consumer = self.descriptor.capabilities.hipchat_api_consumer.as_ref();
        consumer.is_some_and(|consumer| consumer.scopes.contains(scope))
    }
}

/// An installation in a list.
#[derive(Debug, Clone)]
pub struct ListedInstallation {
    /// The installation.
    pub installed: Installed,
    /// Whether its add-on, or a person with it, accepted it.
    pub is_accepted: bool,
    /// The time when it began, in seconds since 1970; `None` if an older host stored it.
    pub installed_at: Option<i64>,
}

/// A filter for installations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstallationQuery {
    /// Only the one with this id.
    pub id: Option<OauthId>,
    /// Only those of the add-on with this key.
    pub key: Option<String>,
    /// Only those in this room, or only those for all rooms.
    pub place: Option<Place>,
}

/// A removed installation whose add-on has not been told yet. It has no tokens, shows nowhere, and the host calls it
/// only for the removal.
#[derive(Debug, Clone)]
pub struct Leaving {
    /// The id of the installation.
    pub oauth_id: OauthId,
    /// The secret that signs the removal call.
    pub oauth_secret: Secret,
    /// The URL of the removal call.
    pub callback_url: String,
    /// The time of the removal, in seconds since 1970.
    pub since: i64,
}
