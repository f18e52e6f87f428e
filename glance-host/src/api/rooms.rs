//! `/v2/room...`: rooms, who is in them, and who may be.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use glance_sdk::model::webhook::{Privacy, Room};
use glance_sdk::model::{Page, RoomDetails, Scope, UserDetails};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use super::page::Paging;
use crate::directory;
use crate::shared::Shared;
use crate::state::{self, NewRoom};
use crate::webhooks::{self, Happening};

/// The longest name of a room, in characters.
const MAX_NAME: usize = 50;

/// The longest topic, in characters.
const MAX_TOPIC: usize = 250;

const VIEW: [Scope; 2] = [Scope::ViewGroup, Scope::ViewRoom];

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Page<Room>>, ApiError> {
    caller.needs(&[Scope::ViewGroup])?;
    let mut rooms = shared.state.rooms().await?;
    rooms.retain(|room| {
        let is_asked_for = !room.is_archived || paging.includes("include-archived");
        is_asked_for && caller.installed.is_in(room.id)
    });
    let rooms = rooms.iter().map(|room| directory::room(&shared, room));
    Ok(Json(paging.page(rooms)))
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(room): Path<String>,
) -> Result<Json<RoomDetails>, ApiError> {
    caller.needs(&VIEW)?;
    let room = caller.room(&shared, &room).await?;
    Ok(Json(directory::room_details(&shared, &room).await?))
}

#[derive(Deserialize)]
struct Wanted {
    name: String,
    privacy: Option<Privacy>,
    topic: Option<String>,
    /// An id, or a mention name or address.
    owner_user_id: Option<Value>,
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    caller.needs(&[Scope::ManageRooms])?;
    if caller.installed.room_id.is_some() {
        return Err(ApiError::forbidden(
            "This integration is installed in one room and cannot create another",
        ));
    }
    let wanted: Wanted = parse(&body)?;
    let length = wanted.name.chars().count();
    if !(1..=MAX_NAME).contains(&length) {
        return Err(ApiError::bad_request(format!(
            "/name: the name has {length} characters, 1 to {MAX_NAME} are allowed"
        )));
    }
    let topic = wanted.topic.unwrap_or_default();
    check_topic(&topic)?;
    let is_public = match wanted.privacy {
        None | Some(Privacy::Public) => true,
        Some(Privacy::Private) => false,
        Some(other) => {
            let message = format!("/privacy: {other} is neither public nor private");
            return Err(ApiError::bad_request(message));
        }
    };
    let owner = match wanted.owner_user_id {
        None | Some(Value::Null) => shared.local_user,
        Some(Value::String(owner)) => caller.user(&shared, &owner).await?.id,
        Some(owner) => caller.user(&shared, &owner.to_string()).await?.id,
    };
    let new = NewRoom {
        name: wanted.name,
        is_public,
        owner,
        topic,
    };
    let Some(room) = shared.state.create_room(&new).await? else {
        let message = format!("There is a room with the name {}", new.name);
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    };
    if let Some(owner) = shared.state.user(room.owner).await? {
        webhooks::tell(&shared, room.id, Happening::Created(owner)).await;
    }
    let url = format!("{}/room/{}", shared.api_url(), room.id);
    let created = json!({ "id": room.id, "links": { "self": url } });
    Ok((StatusCode::CREATED, [(LOCATION, url)], Json(created)))
}

#[derive(Deserialize)]
struct Topic {
    topic: String,
}

pub(super) async fn set_topic(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::AdminRoom])?;
    let mut room = caller.room(&shared, &room).await?;
    let Topic { topic } = parse(&body)?;
    check_topic(&topic)?;
    room.topic = topic;
    shared.state.update_room(&room).await?;
    // The event speaks of a person, and here an add-on acts: whose room it is answers for it.
    if let Some(by) = shared.state.user(room.owner).await? {
        let topic = room.topic.clone();
        webhooks::tell(&shared, room.id, Happening::TopicChanged { topic, by }).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn participants(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(room): Path<String>,
    paging: Paging,
) -> Result<Json<Page<UserDetails>>, ApiError> {
    caller.needs(&VIEW)?;
    let room = caller.room(&shared, &room).await?;
    // Who is elsewhere takes part only where taking part must be allowed.
    let people = match paging.includes("include-offline") && !room.is_public {
        true => directory::members(&shared, &room).await?,
        false => directory::participants(&shared, &room).await?,
    };
    Ok(Json(page(&shared, &paging, &people)))
}

pub(super) async fn members(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(room): Path<String>,
    paging: Paging,
) -> Result<Json<Page<UserDetails>>, ApiError> {
    caller.needs(&VIEW)?;
    let room = caller.room(&shared, &room).await?;
    let people = directory::members(&shared, &room).await?;
    Ok(Json(page(&shared, &paging, &people)))
}

pub(super) async fn add_member(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((room, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::AdminRoom])?;
    let room = private(&shared, &caller, &room).await?;
    let user = caller.user(&shared, &user).await?;
    shared.state.add_member(room.id, user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove_member(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((room, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::AdminRoom])?;
    let room = private(&shared, &caller, &room).await?;
    let user = caller.user(&shared, &user).await?;
    if !shared.state.remove_member(room.id, user.id).await? {
        let message = format!("{} is no member of the room", user.name);
        return Err(ApiError::not_found(message));
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn private(shared: &Shared, caller: &Caller, room: &str) -> Result<state::Room, ApiError> {
    let room = caller.room(shared, room).await?;
    match room.is_public {
        true => Err(ApiError::bad_request(
            "The room is public: everyone may enter it, and nobody is let in or taken out",
        )),
        false => Ok(room),
    }
}

fn page(shared: &Shared, paging: &Paging, people: &[state::User]) -> Page<UserDetails> {
    let people = people.iter();
    paging.page(people.map(|user| directory::user_details(shared, user)))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|cause| ApiError::bad_request(format!("The body cannot be used: {cause}")))
}

fn check_topic(topic: &str) -> Result<(), ApiError> {
    match topic.chars().count() {
        0..=MAX_TOPIC => Ok(()),
        length => Err(ApiError::bad_request(format!(
            "/topic: the topic has {length} characters, {MAX_TOPIC} are allowed"
        ))),
    }
}
