//! A room's integrations: install from a descriptor's address, open a panel, remove.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use glance_sdk::model::{OauthId, RoomId, WebPanel};
use serde::Deserialize;
use serde_json::{Value, json};

use super::pages::{PageError, render};
use super::visit::{Manage, Visit};
use crate::install::{self, InstallError};
use crate::shared::Shared;
use crate::state::Room;

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Visit { room, .. }: Visit,
) -> Result<Response, PageError> {
    page(&shared, &room, StatusCode::OK, "", None).await
}

#[derive(Deserialize)]
pub(super) struct Install {
    url: String,
}

pub(super) async fn install(
    State(shared): State<Arc<Shared>>,
    Manage(Visit { room, .. }): Manage,
    Form(Install { url }): Form<Install>,
) -> Result<Response, PageError> {
    match install::install(&shared, &url, Some(room.id)).await {
        Ok(_) => Ok(Redirect::to(&format!("/rooms/{}/integrations", room.id)).into_response()),
        Err(InstallError::State(cause)) => Err(cause.into()),
        Err(error) => {
            page(
                &shared,
                &room,
                StatusCode::UNPROCESSABLE_ENTITY,
                &url,
                Some(error),
            )
            .await
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Remove {
    oauth_id: String,
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    Manage(Visit { room, .. }): Manage,
    Form(Remove { oauth_id }): Form<Remove>,
) -> Result<Response, PageError> {
    let id = OauthId::from(oauth_id);
    let here = shared.state.installation(&id).await?;
    if here.is_some_and(|installed| installed.is_in(room.id)) {
        install::uninstall(&shared, &id).await?;
    }
    Ok(Redirect::to(&format!("/rooms/{}/integrations", room.id)).into_response())
}

async fn page(
    shared: &Shared,
    room: &Room,
    status: StatusCode,
    url: &str,
    error: Option<InstallError>,
) -> Result<Response, PageError> {
    let error = error.map(|error| match error {
        InstallError::Invalid { url, problems } => json!({
            "sentence": format!("What stands at {url} is no descriptor:"),
            "problems": problems,
        }),
        other => json!({ "sentence": sentence(&other.to_string()) }),
    });
    let values = json!({
        "group": shared.group.name,
        "room": { "id": room.id, "name": room.name },
        "url": url,
        "error": error,
        "installed": installed(shared, room.id).await?,
    });
    Ok(render(status, "integrations.html", values))
}

async fn installed(shared: &Shared, room: RoomId) -> Result<Vec<Value>, PageError> {
    let installations = shared.state.installations_in(room).await?;
    let shown = installations.iter().map(|installed| {
        let descriptor = &installed.descriptor;
        let capabilities = &descriptor.capabilities;
        let panel = |panel: &WebPanel| json!({ "key": panel.key, "name": panel.name.value });
        json!({
            "oauth_id": installed.oauth_id,
            "key": descriptor.key,
            "name": descriptor.name,
            "description": descriptor.description,
            "url": installed.descriptor_url,
            "is_global": installed.room_id.is_none(),
            "glances": capabilities.glances().iter().map(|g| &g.name.value).collect::<Vec<_>>(),
            "panels": capabilities.web_panels().iter().map(panel).collect::<Vec<_>>(),
        })
    });
    Ok(shown.collect())
}

/// An error as a sentence of its own.
fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    let capital = letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect::<String>());
    format!("{}.", capital.unwrap_or_default().trim_end_matches('.'))
}
