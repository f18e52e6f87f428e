//! The caller of the REST API: the installation behind an access token.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use glance_sdk::model::{RoomId, Scope, UserId};

use super::error::ApiError;
use crate::model::{Installed, Room, User};
use crate::service::access_tokens::AccessTokens;
use crate::storage::{Storage, StorageError};

/// The calling installation, with a valid token. [`admit`](super::admit) finds it before any other code sees the
/// request.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) installed: Installed,
    /// The scopes of the token, separated by spaces.
    scope: String,
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
        let found = tokens.find_with_installation(token).await?;
        Ok(found.map(|(stored, installed)| Self {
            installed,
            scope: stored.scope,
            only_tests,
        }))
    }

    /// Returns the scopes that a token with these scopes still has: an update may have removed some.
    pub(super) fn allows<'t>(&self, scope: &'t str) -> Vec<&'t str> {
        let is_left = |held: &&str| self.installed.asks_for(&Scope::from(*held));
        scope.split_whitespace().filter(is_left).collect()
    }

    /// Refuses a token that has none of these scopes; an empty list accepts every token. Each handler calls this
    /// first, because a call that only tests its token ends here.
    pub(crate) fn needs(&self, scopes: &[Scope]) -> Result<(), ApiError> {
        let held = self.allows(&self.scope);
        let is_held = |scope: &Scope| held.contains(&scope.as_str());
        if scopes.is_empty() || scopes.iter().any(is_held) {
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
        storage: &dyn Storage,
        id_or_name: &str,
    ) -> Result<Room, ApiError> {
        let id = id_or_name.parse::<RoomId>().ok();
        let room = match (self.installed.room_id, id) {
            // An installation in one room reads that one, whichever it names: neither the answer nor
            // the time it takes says whether there is another.
            (Some(own), _) => {
                let own = storage.room(own).await?;
                own.filter(|own| id == Some(own.id) || own.name == id_or_name)
            }
            (None, Some(id)) => match storage.room(id).await? {
                None => storage.find_room(id_or_name).await?,
                with_id => with_id,
            },
            (None, None) => storage.find_room(id_or_name).await?,
        };
        room.ok_or_else(|| ApiError::not_found(format!("Room {id_or_name} not found")))
    }

    /// Returns the user with this id, name, mention name (after an `@`) or email address.
    pub(crate) async fn user(
        &self,
        storage: &dyn Storage,
        id_or_name: &str,
    ) -> Result<User, ApiError> {
        let user = match id_or_name.parse::<UserId>() {
            Ok(id) => storage.user(id).await?,
            Err(_) if id_or_name.contains('@') => match id_or_name.strip_prefix('@') {
                Some(mention) => {
                    let found = storage.users_mentioned(&[mention.to_owned()]).await?;
                    found.into_iter().next()
                }
                None => storage.find_user_by_email(id_or_name).await?,
            },
            Err(_) => storage.find_user(id_or_name).await?,
        };
        let person = user.filter(|user| !user.is_technical);
        person.ok_or_else(|| ApiError::not_found(format!("User {id_or_name} not found")))
    }
}
