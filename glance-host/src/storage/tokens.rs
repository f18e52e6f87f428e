//! Access tokens of installations.

use std::fmt;

use async_trait::async_trait;
use glance_sdk::model::OauthId;

use super::Result;
use crate::model::StoredToken;

/// Stores access tokens.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a token, and deletes those that expired before `now` and the oldest of an installation with
    /// very many.
    async fn put_token(&self, token: &StoredToken, now: i64) -> Result<()>;

    /// Returns the token with this digest, expired or not.
    async fn token(&self, digest: &[u8]) -> Result<Option<StoredToken>>;

    /// Deletes a token. Returns whether there was one.
    async fn remove_token(&self, digest: &[u8]) -> Result<bool>;

    /// Deletes all tokens of an installation.
    async fn remove_tokens(&self, id: &OauthId) -> Result<()>;
}
