//! Runtime extensions: glances, actions and webhooks that add-ons create over the REST API.

use glance_sdk::model::{Action, Glance, OauthId, RoomId, Webhook};
use serde::{Deserialize, Serialize};

/// How many runtime glances an installation may have in a room, and how many global ones.
pub const MAX_RUNTIME_GLANCES: u32 = 10;

/// How many runtime actions an installation may have in a room, and how many global ones.
pub const MAX_RUNTIME_ACTIONS: u32 = 10;

/// How many webhooks an installation may create in a room at run time.
pub const MAX_RUNTIME_WEBHOOKS: u32 = 10;

/// The size in bytes of the runtime glances, runtime actions and webhooks that an installation may create in all rooms
/// together, each counted with 300 bytes for its row.
pub const MAX_EXTENSION_BYTES: u64 = 32 * 1024 * 1024;

/// The place of an installation or of a runtime extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// In one room.
    Room(RoomId),
    /// In all rooms.
    Global,
}

impl Place {
    /// Returns the room; `None` is all rooms.
    pub(crate) fn room(self) -> Option<RoomId> {
        match self {
            Self::Room(room) => Some(room),
            Self::Global => None,
        }
    }
}

/// A rule that keeps a runtime glance, action or webhook from being created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restriction {
    /// There are 10 in this place already.
    TooMany,
    /// The installation would have more than [`MAX_EXTENSION_BYTES`].
    TooLarge,
    /// The key is that of a room's glance, and this one is global; or the other way round.
    KeyElsewhere,
}

/// A glance an add-on created over the REST API.
#[derive(Debug, Clone)]
pub struct RuntimeGlance {
    /// The installation that it belongs to.
    pub oauth_id: OauthId,
    /// The place where it shows.
    pub place: Place,
    /// The glance.
    pub glance: Glance,
}

/// An action an add-on created over the REST API.
#[derive(Debug, Clone)]
pub struct RuntimeAction {
    /// The installation that it belongs to.
    pub oauth_id: OauthId,
    /// The place where it is offered.
    pub place: Place,
    /// The action.
    pub action: Action,
}

/// A webhook of an installation.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredWebhook {
    /// The id, which is never used again.
    pub id: u64,
    /// The installation that it belongs to.
    pub oauth_id: OauthId,
    /// The room that it was created in; `None` for a declared webhook, which listens wherever its add-on is
    /// installed.
    pub room_id: Option<RoomId>,
    /// The webhook.
    pub webhook: Webhook,
}
