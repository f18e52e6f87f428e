//! Installations of add-ons.

use glance_sdk::model::{Descriptor, OauthId, RoomId, Scope, Secret};

use super::Place;

/// An add-on installed in a room or in the whole group.
#[derive(Debug, Clone)]
pub struct Installed {
    /// Names the installation.
    pub oauth_id: OauthId,
    /// Signs its requests and gets its tokens.
    pub oauth_secret: Secret,
    /// The room, or `None` for the whole group.
    pub room_id: Option<RoomId>,
    /// Where the descriptor was read.
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
    /// The name under which it writes.
    pub fn sender_name(&self) -> &str {
        let consumer = self.descriptor.capabilities.hipchat_api_consumer.as_ref();
        let name = consumer.and_then(|consumer| consumer.from_name.as_ref());
        name.unwrap_or(&self.descriptor.name)
    }

    /// Whether it shows in this room.
    pub fn is_in(&self, room: RoomId) -> bool {
        self.room_id.is_none_or(|own| own == room)
    }

    /// What to tell its add-on once it was removed at this time, in seconds since 1970; `None` where
    /// the add-on has no `callbackUrl`.
    pub(crate) fn leaving(&self, since: i64) -> Option<Leaving> {
        let installable = self.descriptor.capabilities.installable.as_ref()?;
        Some(Leaving {
            oauth_id: self.oauth_id.clone(),
            oauth_secret: self.oauth_secret.clone(),
            callback_url: installable.callback_url.clone()?,
            since,
        })
    }

    /// Whether its descriptor asks for this scope.
    pub(crate) fn asks_for(&self, scope: &Scope) -> bool {
        let consumer = self.descriptor.capabilities.hipchat_api_consumer.as_ref();
        consumer.is_some_and(|consumer| consumer.scopes.contains(scope))
    }
}

/// An installation as the host lists it.
#[derive(Debug, Clone)]
pub struct ListedInstallation {
    /// The installation.
    pub installed: Installed,
    /// Whether its add-on, or a person with it, accepted it.
    pub is_accepted: bool,
    /// When it was begun, in seconds since 1970; `None` where a host began it that did not store this.
    pub installed_at: Option<i64>,
}

/// Which installations are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstallationQuery {
    /// The one with this id only.
    pub id: Option<OauthId>,
    /// Those of the add-on with this key only.
    pub key: Option<String>,
    /// Those in this room, or those for all rooms, only.
    pub place: Option<Place>,
}

/// An installation that was removed and whose add-on has not been told yet. It has no tokens, shows
/// nowhere and is called for nothing but this.
#[derive(Debug, Clone)]
pub struct Leaving {
    /// Named the installation.
    pub oauth_id: OauthId,
    /// Signs that it was removed.
    pub oauth_secret: Secret,
    /// The address that is told.
    pub callback_url: String,
    /// When it was removed, in seconds since 1970.
    pub since: i64,
}
