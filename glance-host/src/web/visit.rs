//! Who asks for a page, and the room it is about.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::Deserialize;

use super::pages::PageError;
use crate::shared::Shared;
use crate::state::{Room, User};

/// The person who asks.
pub(super) struct Person(pub(super) User);

impl Person {
    /// Whether they may change what is installed for all rooms.
    pub(super) fn may_manage(&self) -> bool {
        self.0.is_admin && !self.0.is_guest
    }
}

impl FromRequestParts<Arc<Shared>> for Person {
    type Rejection = PageError;

    async fn from_request_parts(_: &mut Parts, shared: &Arc<Shared>) -> Result<Self, PageError> {
        let user = shared.state.user(shared.local_user).await?;
        user.map(Self).ok_or(PageError::NoRoom)
    }
}

/// The room in a page's address, and the person who is let into it.
pub(super) struct Visit {
    pub(super) room: Room,
    pub(super) user: User,
}

impl Visit {
    /// Whether the person may change what is installed in the room.
    pub(super) fn may_manage(&self) -> bool {
        let Self { room, user } = self;
        (user.is_admin || room.owner == user.id) && !user.is_guest
    }
}

#[derive(Deserialize)]
struct Address {
    room: String,
}

impl FromRequestParts<Arc<Shared>> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<Shared>,
    ) -> Result<Self, PageError> {
        let Person(user) = Person::from_request_parts(parts, shared).await?;
        let Path(Address { room }) = Path::from_request_parts(parts, shared)
            .await
            .map_err(|_| PageError::NoRoom)?;
        let id = room.parse().map_err(|_| PageError::NoRoom)?;
        let room = shared.state.room(id).await?.ok_or(PageError::NoRoom)?;
        Ok(Self { room, user })
    }
}
