//! Access tokens of the REST API. An installation exchanges its secret for one.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use glance_sdk::auth::random_alphanumeric;
use glance_sdk::model::{OauthId, Secret};

use crate::model::clock::Clock;
use crate::model::{Installed, StoredToken, TokenOwner};
use crate::service::install::SECRET_LENGTH;
use crate::storage::{Storage, StorageError};

/// Letters and digits of a token: 238 bits.
const TOKEN_LENGTH: usize = 40;

/// Creates, finds and revokes access tokens. Storage has only their digests.
#[derive(Debug, Clone)]
pub(crate) struct AccessTokens {
    storage: Arc<dyn Storage>,
    clock: Clock,
    life: Duration,
}

impl AccessTokens {
    /// Creates the service; its tokens are valid for `life`.
    pub(crate) fn new(storage: Arc<dyn Storage>, clock: Clock, life: Duration) -> Self {
        Self {
            storage,
            clock,
            life,
        }
    }

    /// Returns how long a new token is valid, in seconds.
    pub(crate) fn life_seconds(&self) -> u64 {
        self.life.as_secs()
    }

    /// Returns the installation with this id and secret. A wrong secret takes the same time whether the id exists or
    /// not: this reads one small row, and the installation only after the secret matched.
    pub(crate) async fn authenticate(
        &self,
        id: &OauthId,
        secret: &str,
    ) -> Result<Option<Arc<Installed>>, StorageError> {
        let stored = self.storage.secret(id).await?;
        let right = stored.as_ref().unwrap_or(&UNKNOWN_ID_SECRET).expose();
        let is_same = verify_slices_are_equal(right.as_bytes(), secret.as_bytes()).is_ok();
        if !is_same || stored.is_none() || right.is_empty() {
            return Ok(None);
        }
        let installed = self.storage.installation(id).await?;
        // The installation may have been removed, or its secret replaced, in between.
        Ok(installed.filter(|installed| installed.oauth_secret.expose() == right))
    }

    /// Creates a token of an installation for these scopes, which are separated by spaces.
    pub(crate) async fn create(
        &self,
        oauth_id: &OauthId,
        scope: &str,
    ) -> Result<Secret, StorageError> {
        let secret = random_alphanumeric(TOKEN_LENGTH).map_err(StorageError::other)?;
        let life = i64::try_from(self.life.as_secs()).unwrap_or(i64::MAX);
        let now = self.clock.now();
        let token = StoredToken {
            digest: digested(&secret),
            oauth_id: oauth_id.clone(),
            scope: scope.to_owned(),
            expires_at: now.saturating_add(life),
        };
        self.storage.put_token(&token, now).await?;
        Ok(secret.into())
    }

    /// Finds a token that has not expired.
    pub(crate) async fn find(&self, token: &str) -> Result<Option<StoredToken>, StorageError> {
        let stored = self.storage.token(&digested(token)).await?;
        let now = self.clock.now();
        Ok(stored.filter(|stored| stored.expires_at > now))
    }

    /// Finds a token that has not expired, with its installation.
    pub(crate) async fn find_owner(
        &self,
        token: &str,
    ) -> Result<Option<Arc<TokenOwner>>, StorageError> {
        let found = self.storage.token_owner(&digested(token)).await?;
        let now = self.clock.now();
        Ok(found.filter(|owner| owner.token.expires_at > now))
    }

    /// Returns the seconds until a token expires.
    pub(crate) fn seconds_left(&self, token: &StoredToken) -> i64 {
        token.expires_at.saturating_sub(self.clock.now())
    }

    /// Revokes a token.
    pub(crate) async fn revoke(&self, token: &StoredToken) -> Result<(), StorageError> {
        self.storage.remove_token(&token.digest).await?;
        Ok(())
    }
}

/// Compared in place of the secret of an unknown id.
static UNKNOWN_ID_SECRET: LazyLock<Secret> = LazyLock::new(|| {
    let secret = random_alphanumeric(SECRET_LENGTH).unwrap_or_default();
    secret.into()
});

fn digested(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}
