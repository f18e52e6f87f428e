//! The storage of access tokens.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use glance_sdk::model::OauthId;

use super::Result;
use crate::model::{StoredToken, TokenOwner};

/// Stores access tokens.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a token. Deletes tokens that expired before `now`, and the oldest tokens of an installation that
    /// has very many.
    async fn put_token(&self, token: &StoredToken, now: i64) -> Result<()>;

    /// Returns the token with this digest, expired or not.
    async fn token(&self, digest: &[u8]) -> Result<Option<StoredToken>>;

    /// Returns the token with this digest, expired or not, with its installation.
    async fn token_owner(&self, digest: &[u8]) -> Result<Option<Arc<TokenOwner>>>;

    /// Deletes a token. Returns whether there was one.
    async fn remove_token(&self, digest: &[u8]) -> Result<bool>;

    /// Deletes all tokens of an installation.
    async fn remove_tokens(&self, id: &OauthId) -> Result<()>;
}
