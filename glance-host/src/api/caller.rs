//! Who calls: the installation behind an access token.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use glance_sdk::auth::now;
use glance_sdk::model::{RoomId, Scope, UserId};

use super::error::ApiError;
use crate::shared::Shared;
use crate::state::{Installed, Room, User};

/// The installation that calls, with a token that holds.
pub(crate) struct Caller {
    pub(crate) installed: Installed,
    /// What the token allows, joined by spaces.
    scope: String,
}

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let token = token(parts).ok_or_else(ApiError::unauthorized)?;
        let stored = shared
            .state
            .token(&token_digest(token))
            .await?
            .filter(|stored| stored.expires_at > now())
            .ok_or_else(ApiError::unauthorized)?;
        let installed = shared.state.installation(&stored.oauth_id).await?;
        Ok(Self {
            installed: installed.ok_or_else(ApiError::unauthorized)?,
            scope: stored.scope,
        })
    }
}

/// `Authorization: Bearer ...`, or the query parameter `auth_token`.
fn token(parts: &Parts) -> Option<&str> {
    let header = parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|header| {
        let (scheme, token) = header.split_once(' ')?;
        scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
    });
    bearer.or_else(|| {
        parts
            .uri
            .query()?
            .split('&')
            .find_map(|pair| pair.strip_prefix("auth_token="))
    })
}

/// How a token is kept.
pub(super) fn token_digest(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

impl Caller {
    /// Refuses a token that has none of these scopes.
    pub(crate) fn needs(&self, scopes: &[Scope]) -> Result<(), ApiError> {
        let mut held = self.scope.split(' ');
        if held.any(|held| scopes.iter().any(|scope| scope.as_str() == held)) {
            return Ok(());
        }
        let needed: Vec<_> = scopes.iter().map(Scope::as_str).collect();
        Err(ApiError::forbidden(format!(
            "This action requires one of the following scopes: {}",
            needed.join(", ")
        )))
    }

    /// The room with this id or name, where the installation reaches it.
    pub(crate) async fn room(&self, shared: &Shared, id_or_name: &str) -> Result<Room, ApiError> {
        let room = match id_or_name.parse::<RoomId>() {
            Ok(id) => shared.state.room(id).await?,
            Err(_) => {
                let rooms = shared.state.rooms().await?;
                rooms.into_iter().find(|room| room.name == id_or_name)
            }
        };
        let room =
            room.ok_or_else(|| ApiError::not_found(format!("Room {id_or_name} not found")))?;
        if !self.installed.is_in(room.id) {
            return Err(ApiError::forbidden(
                "This integration is installed in another room",
            ));
        }
        Ok(room)
    }

    /// The user with this id or name.
    pub(crate) async fn user(&self, shared: &Shared, id_or_name: &str) -> Result<User, ApiError> {
        let user = match id_or_name.parse::<UserId>() {
            Ok(id) => shared.state.user(id).await?,
            Err(_) => shared.state.find_user(id_or_name).await?,
        };
        user.ok_or_else(|| ApiError::not_found(format!("User {id_or_name} not found")))
    }
}
