//! The requests of add-on scripts: a token, the room, its participants, the person.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use glance_sdk::extract::JsonBody;
use glance_sdk::model::Scope;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refusal, installed};
use crate::http::state::AppState;
use crate::http::web::room_access::{Guest, RoomAccess};
use crate::model::access::Access;
use crate::model::{Installed, Room, User};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenRequest {
    add_on: String,
    module: String,
}

/// Creates a new token for an open module.
pub(super) async fn token(
    State(app): State<AppState>,
    RoomAccess { room, user }: RoomAccess,
    JsonBody(TokenRequest { add_on, module }): JsonBody<TokenRequest>,
) -> Result<Json<Value>, Refusal> {
    let installed = installed(&app, &room, &add_on).await?;
    let descriptor = &installed.descriptor;
    if descriptor.web_panel(&module).is_none() && descriptor.dialog(&module).is_none() {
        return Err(Refusal::not_found(format!(
            "The add-on has no panel or dialog {module:?}"
        )));
    }
    match app.addon_calls.page_token(&installed, &room, &user) {
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
    State(app): State<AppState>,
    RoomAccess { room, .. }: RoomAccess,
    JsonBody(AddOnRequest { add_on }): JsonBody<AddOnRequest>,
) -> Result<Json<Value>, Refusal> {
    may_view(&app, &room, &add_on).await?;
    Ok(Json(json!({
        "id": room.id,
        "name": room.name,
        "privacy": if room.is_public { "public" } else { "private" },
        "topic": room.topic,
    })))
}

pub(super) async fn participants(
    State(app): State<AppState>,
    Guest(is_guest): Guest,
    RoomAccess { room, .. }: RoomAccess,
    JsonBody(AddOnRequest { add_on }): JsonBody<AddOnRequest>,
) -> Result<Json<Value>, Refusal> {
    if is_guest {
        let why = "A guest of another site is not told who is here".to_owned();
        return Err(Refusal(StatusCode::FORBIDDEN, why));
    }
    may_view(&app, &room, &add_on).await?;
    let present = app.directory.participants(&room).await?;
    let (guests, members): (Vec<_>, Vec<_>) = present.iter().partition(|user| user.is_guest);
    let written = |users: Vec<&User>| -> Vec<Value> {
        users.into_iter().map(|user| person(&app, user)).collect()
    };
    Ok(Json(
        json!({ "guests": written(guests), "members": written(members) }),
    ))
}

pub(super) async fn user(
    State(app): State<AppState>,
    RoomAccess { room, user }: RoomAccess,
    JsonBody(AddOnRequest { add_on }): JsonBody<AddOnRequest>,
) -> Result<Json<Value>, Refusal> {
    may_view(&app, &room, &add_on).await?;
    let mut written = person(&app, &user);
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
    State(app): State<AppState>,
    RoomAccess { room, user }: RoomAccess,
    JsonBody(EnterRequest {
        add_on,
        room: other,
    }): JsonBody<EnterRequest>,
) -> Result<Json<Value>, Refusal> {
    installed(&app, &room, &add_on).await?;
    let access = Access::new(&user, app.storage.memberships(user.id).await?);
    let state = &app.storage;
    let with_id = match other.parse() {
        Ok(id) => state.room(id).await?,
        Err(_) => None,
    };
    let mut named = with_id.into_iter().chain(state.find_room(&other).await?);
    if let Some(found) = named.find(|found| access.may_enter(found)) {
        return Ok(Json(json!({ "address": format!("/rooms/{}", found.id) })));
    }
    Err(Refusal::not_found(format!(
        "There is no room {other:?} to open"
    )))
}

async fn may_view(app: &AppState, room: &Room, add_on: &str) -> Result<Installed, Refusal> {
    let installed = installed(app, room, add_on).await?;
    match installed.asks_for(&Scope::ViewRoom) {
        true => Ok(installed),
        false => {
            let why = "The add-on needs the scope view_room for this".to_owned();
            Err(Refusal(StatusCode::FORBIDDEN, why))
        }
    }
}

fn person(app: &AppState, user: &User) -> Value {
    let is_online = app.directory.is_online(user.id);
    json!({
        "id": user.id,
        "name": user.name,
        "mention_name": user.mention_name(),
        "presence": { "show": if is_online { "chat" } else { "unavailable" } },
        // People have no pictures on this host, and scripts put this into an image.
        "photo_url": format!("{}/assets/icon.svg", app.info.base_url),
        "is_admin": user.is_admin,
        "email": user.email,
    })
}
