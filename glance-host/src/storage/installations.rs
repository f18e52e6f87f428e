//! The storage of installations.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use glance_sdk::model::{Descriptor, OauthId, RoomId, Secret};

use super::{Effects, InstallationEffects, Result};
use crate::model::{InstallationQuery, Installed, Leaving, ListedInstallation, Place};

/// Stores installations. An installation is accepted once its add-on agreed to it.
#[async_trait]
pub trait InstallationStore: fmt::Debug + Send + Sync + 'static {
    /// Stores an installation that its add-on has not accepted yet, and the webhooks it declares. It can have tokens at
    /// once, and is [finished](Self::finish_installation) or [leaves](Self::leave_unfinished). Deletes one that waits
    /// for a [hand-off](super::HandoffStore) in the same place. Returns false if another installation, accepted or not,
    /// would show the add-on in the same room. `now` is in seconds since 1970.
    async fn begin_installation(&self, installed: &Installed, now: i64) -> Result<bool>;

    /// Marks an installation as accepted. Returns false, and has no effects, if there is none, because it took too long.
    async fn finish_installation(&self, id: &OauthId, effects: Effects) -> Result<bool>;

    /// Lets each installation [leave](Self::leave) that is not accepted and either began before `began_before` and waits
    /// for no hand-off, or waits for one that expired by `now`. Deletes all hand-offs that expired. Returns the
    /// installations. Both times are in seconds since 1970.
    async fn leave_unfinished(&self, began_before: i64, now: i64) -> Result<Vec<Installed>>;

    /// Replaces the descriptor of an installation, and the webhooks it declares. Does nothing if there is none.
    async fn replace_descriptor(
        &self,
        id: &OauthId,
        url: &str,
        new: &Descriptor,
        effects: Effects,
    ) -> Result<()>;

    /// Replaces the secret of an installation.
    async fn replace_secret(&self, id: &OauthId, secret: &Secret) -> Result<()>;

    /// Removes an installation with its glances, webhooks and tokens. The same transaction stores the pending removal
    /// call, if the add-on has a `callbackUrl`. Returns the installation, or `None` without effects if there is none.
    /// `now` is in seconds since 1970.
    async fn leave(
        &self,
        id: &OauthId,
        now: i64,
        effects: InstallationEffects,
    ) -> Result<Option<Installed>>;

    /// Lists pending removal calls by id, those after `after`.
    async fn leaving(&self, after: Option<&OauthId>, at_most: u32) -> Result<Vec<Leaving>>;

    /// Returns whether the removal call of an installation is pending.
    async fn is_leaving(&self, id: &OauthId) -> Result<bool>;

    /// Deletes a pending removal call. Returns whether there was one.
    async fn forget_leaving(&self, id: &OauthId) -> Result<bool>;

    /// Returns the secret of an installation, accepted or not. Takes the same time whether there is one or
    /// not.
    async fn secret(&self, id: &OauthId) -> Result<Option<Secret>>;

    /// Deletes an installation that its add-on does not know, with its glances, webhooks and tokens. Returns whether
    /// there was one. An installation that its add-on knows [leaves](Self::leave).
    async fn remove_installation(&self, id: &OauthId) -> Result<bool>;

    /// Returns the installation with this id, accepted or not.
    async fn installation(&self, id: &OauthId) -> Result<Option<Arc<Installed>>>;

    /// Returns where the accepted installations of the add-on with this key are, all rooms first, then by
    /// room: those that show in `room`, or those in any room.
    async fn installed_in(&self, key: &str, room: Option<RoomId>) -> Result<Vec<Place>>;

    /// Lists installations, accepted or not, by id, those after `after`.
    async fn list_installations(
        &self,
        query: &InstallationQuery,
        after: Option<&OauthId>,
        at_most: u32,
    ) -> Result<Vec<ListedInstallation>>;

    /// Counts accepted installations.
    async fn count_installations(&self) -> Result<u64>;

    /// Returns the accepted installations that show in this room, by the key of the add-on.
    async fn installations_in(&self, room: RoomId) -> Result<Vec<Installed>>;

    /// Returns the accepted installations for all rooms, by the key of the add-on.
    async fn global_installations(&self) -> Result<Vec<Installed>>;
}
