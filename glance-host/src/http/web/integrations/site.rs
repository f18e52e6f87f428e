//! The place whose integrations are managed: a room, or the whole group.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use glance_sdk::model::RoomId;
use serde_json::{Value, json};

use crate::http::state::AppState;
use crate::http::web::pages::PageError;
use crate::http::web::room_access::{Person, Visit};
use crate::model::access;
use crate::model::{Installed, User};

/// A room or the group, and the person who manages it.
pub(super) enum Site {
    Room(Visit),
    Group(Person),
}

impl FromRequestParts<AppState> for Site {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        let names = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        match names.is_ok_and(|Path(names)| names.contains_key("room")) {
            true => Visit::from_request_parts(parts, app).await.map(Self::Room),
            false => Person::from_request_parts(parts, app)
                .await
                .map(Self::Group),
        }
    }
}

impl Site {
    pub(super) fn user(&self) -> &User {
        match self {
            Self::Room(visit) => &visit.user,
            Self::Group(Person(user)) => user,
        }
    }

    pub(super) fn room_id(&self) -> Option<RoomId> {
        match self {
            Self::Room(visit) => Some(visit.room.id),
            Self::Group(_) => None,
        }
    }

    pub(super) fn may_manage(&self) -> bool {
        match self {
            Self::Room(visit) => visit.may_manage(),
            Self::Group(person) => person.may_manage(),
        }
    }

    /// Returns the path of its list of integrations.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Room(visit) => format!("/rooms/{}/integrations", visit.room.id),
            Self::Group(_) => "/integrations".to_owned(),
        }
    }

    /// Returns the values that each of its pages shows.
    pub(super) fn values(&self, app: &AppState) -> Value {
        let name = match self {
            Self::Room(visit) => visit.room.name.as_str(),
            Self::Group(_) => app.info.group.name.as_str(),
        };
        json!({
            "group": app.info.group.name,
            "room": self.room_id(),
            "name": name,
            "address": self.address(),
            "may_manage": self.may_manage(),
            "may_manage_group": access::manages_group(self.user()),
            "has_tokens": !app.sign_in.is_local(),
        })
    }

    /// Lists the installations; for a room also those of the whole group.
    pub(super) async fn installations(&self, app: &AppState) -> Result<Vec<Installed>, PageError> {
        let found = match self {
            Self::Room(visit) => app.storage.installations_in(visit.room.id).await?,
            Self::Group(_) => app.storage.global_installations().await?,
        };
        Ok(found)
    }

    /// Refuses a person who may not change anything here.
    pub(super) fn managed(&self) -> Result<(), PageError> {
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

    /// Returns an installation that is managed here; those of the whole group are not managed in a room.
    pub(super) async fn installed(&self, app: &AppState, id: &str) -> Result<Installed, PageError> {
        self.managed()?;
        let found = self.shown(app, id).await?;
        let is_own = found.room_id == self.room_id();
        is_own.then_some(found).ok_or(PageError::NotAllowed(
            "Integrations of all rooms are changed by administrators.",
        ))
    }

    /// Returns an installation that shows here.
    pub(super) async fn shown(&self, app: &AppState, id: &str) -> Result<Installed, PageError> {
        let mut here = self.installations(app).await?.into_iter();
        let found = here.find(|installed| installed.oauth_id.as_str() == id);
        found.ok_or(PageError::Gone("This integration was removed."))
    }
}
