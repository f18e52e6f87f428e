//! The storage of visits of people's browsers to pages of add-ons.

use std::fmt;

use async_trait::async_trait;
use glance_sdk::model::InstallationData;

use super::{InstallationEffects, Result};
use crate::model::Handoff;

/// Stores hand-offs. `now` is in seconds since 1970; an expired hand-off is as good as none.
///
/// [`InstallationStore::leave_unfinished`](super::InstallationStore::leave_unfinished) deletes expired hand-offs. One that
/// completes an installation goes with it.
#[async_trait]
pub trait HandoffStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a hand-off.
    async fn put_handoff(&self, handoff: &Handoff) -> Result<()>;

    /// Returns the hand-off with this name.
    async fn handoff(&self, name: &str, now: i64) -> Result<Option<Handoff>>;

    /// Returns the installation data with this name the first time, and `None` afterwards.
    async fn take_handoff_data(
        &self,
        data_name: &str,
        now: i64,
    ) -> Result<Option<InstallationData>>;

    /// Ends a hand-off and returns it the first time, and `None` afterwards. The same transaction accepts the
    /// installation that it completes, or deletes it if the add-on did not fetch the data. The effects are those of the
    /// accepted installation.
    async fn finish_handoff(
        &self,
        name: &str,
        now: i64,
        effects: InstallationEffects,
    ) -> Result<Option<Handoff>>;
}
