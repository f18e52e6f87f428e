//! Webhooks as they are registered: by a descriptor, or at run time.

use glance_sdk::model::{OauthId, RoomId, Webhook};

/// How many webhooks an installation may create in a room at run time.
pub const MAX_RUNTIME_WEBHOOKS: u32 = 10;

/// A webhook of an installation.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredWebhook {
    /// The number the host gave it; it is not given again.
    pub id: u64,
    /// Whose it is.
    pub oauth_id: OauthId,
    /// Where it listens: the room it was created in, or `None` for one of the descriptor, which
    /// listens wherever its add-on is.
    pub room_id: Option<RoomId>,
    /// What it is.
    pub webhook: Webhook,
}
