//! The storage of webhook calls until they are made.

use std::fmt;

use async_trait::async_trait;
use glance_sdk::model::OauthId;

use super::{Effects, Result};
use crate::model::QueuedCalls;

/// Stores the webhook calls that are still to be made. They come as [`Effects`] of changes, and are kept in the order of
/// the commits.
///
/// A storage drops calls beyond [`MAX_QUEUED_EVENTS`](crate::model::MAX_QUEUED_EVENTS) and
/// [`MAX_QUEUED_BYTES`](crate::model::MAX_QUEUED_BYTES) per installation, not counting those that are being sent, and
/// calls of an installation that is gone. Calls without a [last secret](crate::model::NewCalls::last_secret) are deleted
/// with their installation.
#[async_trait]
pub trait OutboxStore: fmt::Debug + Send + Sync + 'static {
    /// Stores the calls for an event that changes nothing in storage.
    async fn queue_calls(&self, effects: Effects) -> Result<()>;

    /// Returns the installations with stored calls, by id.
    async fn installations_with_calls(&self) -> Result<Vec<OauthId>>;

    /// Returns the oldest stored calls of an installation. Deletes and logs calls that cannot be read: they would keep
    /// those after them waiting for ever.
    async fn next_calls(&self, id: &OauthId) -> Result<Option<QueuedCalls>>;

    /// Stores that the call at this position is being sent, and that those before it are over. Returns false if the
    /// calls were deleted.
    async fn mark_sending(&self, number: u64, position: u32) -> Result<bool>;

    /// Stores that the call at this position waits, and that those before it are over. Returns false if the calls were
    /// deleted.
    async fn mark_waiting(&self, number: u64, position: u32) -> Result<bool>;

    /// Deletes calls that are over.
    async fn delete_calls(&self, number: u64) -> Result<()>;
}
