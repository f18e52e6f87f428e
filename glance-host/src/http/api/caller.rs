//! The caller of the REST API: the installation behind an access token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use glance_sdk::model::Scope;

use super::error::ApiError;
use crate::model::{Installed, Room, TokenOwner, User};
use crate::service::access_tokens::AccessTokens;
use crate::service::directory::Directory;
use crate::storage::StorageError;

/// The calling installation, with a valid token. [`admit`](super::admit) finds it before any other code sees the
/// request.
#[derive(Clone)]
pub(crate) struct Caller {
    owner: Arc<TokenOwner>,
    /// Whether the caller only tests the token (`auth_test=true`).
    only_tests: bool,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(ApiError::unauthorized)
    }
}

impl Caller {
    /// Returns the caller of a valid token.
    pub(super) async fn find(
        tokens: &AccessTokens,
        token: &str,
        only_tests: bool,
    ) -> Result<Option<Self>, StorageError> {
        let found = tokens.find_owner(token).await?;
        Ok(found.map(|owner| Self { owner, only_tests }))
    }

    pub(crate) fn installed(&self) -> &Installed {
        &self.owner.installed
    }

    /// Returns the scopes that a token with these scopes still has: an update may have removed some.
    pub(super) fn allows<'t>(&self, scope: &'t str) -> impl Iterator<Item = &'t str> {
        let is_left = |held: &&str| self.installed().asks_for(&Scope::from(*held));
        scope.split_whitespace().filter(is_left)
    }

    /// Refuses a token that has none of these scopes; an empty list accepts every token. Each handler calls this
    /// first, because a call that only tests its token ends here.
    pub(crate) fn needs(&self, scopes: &[Scope]) -> Result<(), ApiError> {
        let is_needed = |held: &str| scopes.iter().any(|scope| scope.as_str() == held);
        if scopes.is_empty() || self.allows(&self.owner.token.scope).any(is_needed) {
            return match self.only_tests {
                true => Err(ApiError::tested()),
                false => Ok(()),
            };
        }
        // A Python list, as HipChat's clients show and search it.
        let needed: Vec<_> = scopes.iter().map(|scope| format!("u'{scope}'")).collect();
        Err(ApiError::forbidden(format!(
            "This action requires one of the following scopes: [{}]",
            needed.join(", ")
        )))
    }

    /// Returns the room with this id or name, if the installation may see it.
    pub(crate) async fn room(
        &self,
        directory: &Directory,
        id_or_name: &str,
    ) -> Result<Room, ApiError> {
        let found = directory.find_room_for(&self.owner, id_or_name).await?;
        found.ok_or_else(|| ApiError::not_found(format!("Room {id_or_name} not found")))
    }

    /// Returns the user with this id, name, mention name (after an `@`) or email address.
    pub(crate) async fn user(
        &self,
        directory: &Directory,
        id_or_name: &str,
    ) -> Result<User, ApiError> {
        let found = directory.find_person(id_or_name).await?;
        found.ok_or_else(|| ApiError::not_found(format!("User {id_or_name} not found")))
    }
}
