//! The storage of glances, webhooks and actions that installations create over the REST API.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use glance_sdk::model::{Action, Event, Glance, OauthId, RoomId, Webhook};

use super::{Effects, Result};
use crate::model::{
    Installed, Place, RegisteredWebhook, Restriction, RuntimeAction, RuntimeGlance,
};

/// Stores runtime glances, webhooks and runtime actions. A change that is refused, or deletes nothing, has no effects.
///
/// An installation may have [`MAX_EXTENSION_BYTES`](crate::model::MAX_EXTENSION_BYTES) of them. What replaces something
/// larger is stored also above that.
#[async_trait]
pub trait ExtensionStore: fmt::Debug + Send + Sync + 'static {
    /// Creates a runtime glance, or replaces the one with its key in its place.
    async fn put_glance(
        &self,
        glance: &RuntimeGlance,
        effects: Effects,
    ) -> Result<std::result::Result<(), Restriction>>;

    /// Returns the runtime glance with this key in this place.
    async fn glance(&self, id: &OauthId, place: Place, key: &str) -> Result<Option<Glance>>;

    /// Deletes a runtime glance. Returns whether there was one.
    async fn remove_glance(
        &self,
        id: &OauthId,
        place: Place,
        key: &str,
        effects: Effects,
    ) -> Result<bool>;

    /// Returns the runtime glances of an installation in this room and in all rooms, by key.
    async fn glances_in(&self, id: &OauthId, room: RoomId) -> Result<Vec<RuntimeGlance>>;

    /// Returns whether an installation has a runtime glance with this key in any place.
    async fn has_glance(&self, id: &OauthId, key: &str) -> Result<bool>;

    /// Returns whether an installation has a runtime glance with this key, in any place, whose data is the same for
    /// everyone in a room.
    async fn has_glance_shared_by_room(&self, id: &OauthId, key: &str) -> Result<bool>;

    /// Registers a webhook in a room, or replaces the one with its key there. Returns its number.
    async fn put_webhook(
        &self,
        id: &OauthId,
        room: RoomId,
        webhook: &Webhook,
    ) -> Result<std::result::Result<u64, Restriction>>;

    /// Deletes a webhook that was registered in a room. Returns whether there was one.
    async fn remove_webhook(&self, id: &OauthId, number: u64) -> Result<bool>;

    /// Returns the webhooks of an installation for this room, declared and registered ones, by number.
    async fn webhooks_of(&self, id: &OauthId, room: RoomId) -> Result<Vec<RegisteredWebhook>>;

    /// Returns the webhooks of accepted installations for this event in this room, by number.
    async fn webhooks_on(
        &self,
        event: &Event,
        room: RoomId,
    ) -> Result<Vec<(Arc<Installed>, RegisteredWebhook)>>;

    /// Creates a runtime action, or replaces the one with its key in its place.
    async fn put_action(
        &self,
        action: &RuntimeAction,
        effects: Effects,
    ) -> Result<std::result::Result<(), Restriction>>;

    /// Returns the runtime action with this key in this place.
    async fn action(&self, id: &OauthId, place: Place, key: &str) -> Result<Option<Action>>;

    /// Returns the runtime actions of an installation, those of this room before those of all rooms.
    async fn actions_in(&self, id: &OauthId, room: RoomId) -> Result<Vec<RuntimeAction>>;

    /// Deletes a runtime action. Returns whether there was one.
    async fn remove_action(
        &self,
        id: &OauthId,
        place: Place,
        key: &str,
        effects: Effects,
    ) -> Result<bool>;
}
