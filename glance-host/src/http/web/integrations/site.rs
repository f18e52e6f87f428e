//! The place whose integrations are managed: a room, or the whole group.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use glance_sdk::model::RoomId;

use crate::http::state::AppState;
use crate::http::web::pages::PageError;
use crate::http::web::room_access::{Person, RoomAccess};
use crate::model::User;

/// A room or the group, and the person who manages it.
pub(super) enum Site {
    Room(RoomAccess),
    Group(Person),
}

impl FromRequestParts<AppState> for Site {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        let names = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        match names.is_ok_and(|Path(names)| names.contains_key("room")) {
            true => RoomAccess::from_request_parts(parts, app)
                .await
                .map(Self::Room),
            false => Person::from_request_parts(parts, app)
                .await
                .map(Self::Group),
        }
    }
}

impl Site {
    pub(super) fn user(&self) -> &User {
        match self {
            Self::Room(access) => &access.user,
            Self::Group(Person(user)) => user,
        }
    }

    pub(super) fn room_id(&self) -> Option<RoomId> {
        match self {
            Self::Room(access) => Some(access.room.id),
            Self::Group(_) => None,
        }
    }

    pub(super) fn may_manage(&self) -> bool {
        match self {
            Self::Room(access) => access.may_manage(),
            Self::Group(person) => person.may_manage(),
        }
    }

    /// Returns the path of its list of integrations.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Room(access) => format!("/rooms/{}/integrations", access.room.id),
            Self::Group(_) => "/integrations".to_owned(),
        }
    }

    /// Refuses a person who may not change anything here.
    pub(super) fn check_managed(&self) -> Result<(), PageError> {
        let who = match self {
            Self::Room(_) => {
                "Integrations of a room are changed by its owner and by administrators."
            }
            Self::Group(_) => "Integrations of all rooms are changed by administrators.",
        };
        self.may_manage()
            .then_some(())
            .ok_or(PageError::NotAllowed(who))
    }
}
