//! The storage of tokens for scripts.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::model::{AdminToken, NewAdminToken};

/// Stores tokens for scripts.
#[async_trait]
pub trait AdminTokenStore: fmt::Debug + Send + Sync + 'static {
    /// Creates a token, and keeps the newest [`MAX_ADMIN_TOKENS`](crate::model::MAX_ADMIN_TOKENS) of those
    /// that ended. Returns `None` if as many are valid at `now`, in seconds since 1970.
    async fn create_admin_token(&self, new: &NewAdminToken, now: i64)
    -> Result<Option<AdminToken>>;

    /// Returns the token with this id, valid or not.
    async fn admin_token(&self, id: u64) -> Result<Option<AdminToken>>;

    /// Returns all tokens, the newest first.
    async fn admin_tokens(&self) -> Result<Vec<AdminToken>>;

    /// Stores when a token was used last, in seconds since 1970.
    async fn touch_admin_token(&self, id: u64, now: i64) -> Result<()>;

    /// Revokes a token. Returns whether there was one that was not revoked before.
    async fn revoke_admin_token(&self, id: u64, now: i64) -> Result<bool>;
}
