//! The storage of the newest data of glances.

use std::fmt;

use async_trait::async_trait;
use glance_sdk::model::{RoomId, UserId};

use super::Result;
use crate::model::{GlanceValue, Push, QueryAnswer, Version};

/// The size of the data of an installation's glances in bytes. Above it the oldest data is deleted, that of single
/// persons first.
pub const MAX_INSTALLATION_BYTES: u64 = 16 * 1024 * 1024;

/// Stores the newest data of each glance: per place, and per person if it is not for everyone.
///
/// The data is deleted with its installation, room or person, and when its glance is changed or removed.
#[async_trait]
pub trait GlanceStore: fmt::Debug + Send + Sync + 'static {
    /// Stores pushed data, which is newer than all data that was stored before, and the event
    /// [`Pushed`](crate::model::event::Event::Pushed) with the version that it got. Returns false, and does nothing, if
    /// the installation, the room or the person is gone.
    async fn push(&self, push: Push) -> Result<bool>;

    /// Stores answers to queries, except those that a push replaced meanwhile.
    async fn store_answers(&self, answers: Vec<QueryAnswer>) -> Result<()>;

    /// Returns the number of the newest event of a room: data pushed from now on has a greater version.
    async fn version(&self, room: RoomId) -> Result<Version>;

    /// Returns the newest data of each glance for a person in a room.
    async fn latest(&self, room: RoomId, user: UserId) -> Result<Vec<GlanceValue>>;
}
