//! The storage of sessions.

use std::fmt;

use async_trait::async_trait;

use super::{Effects, Result};
use crate::model::Session;

/// Stores sessions.
#[async_trait]
pub trait SessionStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a new session, and deletes those that expired at or before `now`. Stores nothing for a person
    /// who was removed.
    async fn put_session(&self, session: &Session, now: i64) -> Result<()>;

    /// Changes when a session expires, unless it has ended.
    async fn prolong_session(&self, digest: &[u8], expires_at: i64) -> Result<()>;

    /// Returns the session with this digest, expired or not.
    async fn session(&self, digest: &[u8]) -> Result<Option<Session>>;

    /// Deletes a session. Returns whether there was one; otherwise there are no effects.
    async fn remove_session(&self, digest: &[u8], effects: Effects) -> Result<bool>;
}
