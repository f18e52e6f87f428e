//! The requests of add-on scripts: a page to open, a token, the room, its participants, the person.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use glance_sdk::extract::JsonBody;
use glance_sdk::model::Scope;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refusal;
use crate::http::web::room_access::{Embedded, Guest, RoomAccess};
use crate::model::host_info::HostInfo;
use crate::model::{Installed, Room, User};
use crate::service::addon_calls::AddOnCalls;
use crate::service::directory::Directory;
use crate::service::targets::{OpenRequest, Targets, installed};

/// Opens a module, or the target of a glance or an action.
pub(super) async fn open(
    State(targets): State<Targets>,
    embedded: Option<Extension<Embedded>>,
    RoomAccess { room, user }: RoomAccess,
    JsonBody(request): JsonBody<OpenRequest>,
) -> Result<Json<Value>, Refusal> {
    let opened = targets.open(&room, &user, request, embedded.is_some());
    Ok(Json(opened.await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenRequest {
    add_on: String,
    module: String,
}

/// Creates a new token for an open module.
pub(super) async fn token(
    State(directory): State<Directory>,
    State(addon_calls): State<AddOnCalls>,
    RoomAccess { room, user }: RoomAccess,
    JsonBody(TokenRequest { add_on, module }): JsonBody<TokenRequest>,
) -> Result<Json<Value>, Refusal> {
    let installed = installed(&directory, &room, &add_on).await?;
    let descriptor = &installed.descriptor;
    if descriptor.web_panel(&module).is_none() && descriptor.dialog(&module).is_none() {
        return Err(Refusal::not_found(format!(
            "The add-on has no panel or dialog {module:?}"
        )));
    }
    match addon_calls.page_token(&installed, &room, &user) {
        Ok(token) => Ok(Json(json!({ "token": token }))),
        Err(cause) => {
            tracing::error!("cannot make a token: {cause}");
            let why = "Unable to create token".to_owned();
            Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, why))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddOnRequest {
    add_on: String,
}

pub(super) async fn room(
    State(directory): State<Directory>,
    RoomAccess { room, .. }: RoomAccess,
    JsonBody(AddOnRequest { add_on }): JsonBody<AddOnRequest>,
) -> Result<Json<Value>, Refusal> {
    may_view(&directory, &room, &add_on).await?;
    Ok(Json(json!({
        "id": room.id,
        "name": room.name,
        "privacy": if room.is_public { "public" } else { "private" },
        "topic": room.topic,
    })))
}

pub(super) async fn participants(
    State(directory): State<Directory>,
    State(info): State<Arc<HostInfo>>,
    Guest(is_guest): Guest,
    RoomAccess { room, .. }: RoomAccess,
    JsonBody(AddOnRequest { add_on }): JsonBody<AddOnRequest>,
) -> Result<Json<Value>, Refusal> {
    if is_guest {
        let why = "A guest of another site is not told who is here".to_owned();
        return Err(Refusal(StatusCode::FORBIDDEN, why));
    }
    may_view(&directory, &room, &add_on).await?;
    let present = directory.participants(&room).await?;
    let (guests, members): (Vec<_>, Vec<_>) = present.iter().partition(|user| user.is_guest);
    let written = |users: Vec<&User>| -> Vec<Value> {
        users
            .into_iter()
            .map(|user| person(&directory, &info, user))
            .collect()
    };
    Ok(Json(
        json!({ "guests": written(guests), "members": written(members) }),
    ))
}

pub(super) async fn user(
    State(directory): State<Directory>,
    State(info): State<Arc<HostInfo>>,
    RoomAccess { room, user }: RoomAccess,
    JsonBody(AddOnRequest { add_on }): JsonBody<AddOnRequest>,
) -> Result<Json<Value>, Refusal> {
    may_view(&directory, &room, &add_on).await?;
    let mut written = person(&directory, &info, &user);
    written["is_guest"] = user.is_guest.into();
    // This host has no titles; scripts read the member.
    written["title"] = "".into();
    Ok(Json(written))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnterRequest {
    add_on: String,
    room: String,
}

/// Returns the URL of another room that the person may enter. A forbidden room and a missing one look the same.
pub(super) async fn enter(
    State(directory): State<Directory>,
    RoomAccess { room, user }: RoomAccess,
    JsonBody(EnterRequest {
        add_on,
        room: other,
    }): JsonBody<EnterRequest>,
) -> Result<Json<Value>, Refusal> {
    installed(&directory, &room, &add_on).await?;
    if let Some(found) = directory.find_room_to_enter(&user, &other).await? {
        return Ok(Json(json!({ "address": format!("/rooms/{}", found.id) })));
    }
    Err(Refusal::not_found(format!(
        "There is no room {other:?} to open"
    )))
}

async fn may_view(directory: &Directory, room: &Room, add_on: &str) -> Result<Installed, Refusal> {
    let installed = installed(directory, room, add_on).await?;
    match installed.asks_for(&Scope::ViewRoom) {
        true => Ok(installed),
        false => {
            let why = "The add-on needs the scope view_room for this".to_owned();
            Err(Refusal(StatusCode::FORBIDDEN, why))
        }
    }
}

fn person(directory: &Directory, info: &HostInfo, user: &User) -> Value {
    let is_online = directory.is_online(user.id);
    json!({
        "id": user.id,
        "name": user.name,
        "mention_name": user.mention_name(),
        "presence": { "show": if is_online { "chat" } else { "unavailable" } },
        // People have no pictures on this host, and scripts put this into an image.
        "photo_url": format!("{}/assets/icon.svg", info.base_url),
        "is_admin": user.is_admin,
        "email": user.email,
    })
}
