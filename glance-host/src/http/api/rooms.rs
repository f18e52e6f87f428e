//! `/v2/room...`: rooms, their participants and their members.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use glance_sdk::model::webhook::{Privacy, Room};
use glance_sdk::model::{Page, RoomDetails, Scope, UserDetails, UserId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use super::page::Paging;
use crate::model;
use crate::model::NewRoom;
use crate::model::host_info::HostInfo;
use crate::service::directory::Directory;
use crate::service::rooms::{MembershipError, NotForGroup, RoomError, Rooms, check_manages_rooms};
use crate::service::sign_in::accounts::Accounts;
use crate::storage::Storage;

const VIEW: [Scope; 2] = [Scope::ViewGroup, Scope::ViewRoom];

pub(super) async fn list(
    State(directory): State<Directory>,
    State(storage): State<Arc<dyn Storage>>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Page<Room>>, ApiError> {
    caller.needs(&[Scope::ViewGroup])?;
    let archived = paging.includes("include-archived");
    let written = |room: &model::Room| directory.room(room);
    let Some(own) = caller.installed().room_id else {
        let (skip, at_most) = paging.read();
        let rooms = storage.list_rooms(archived, skip, at_most).await?;
        return Ok(Json(paging.part(rooms.iter().map(written))));
    };
    let own = storage.room(own).await?;
    let own = own.filter(|room| archived || !room.is_archived);
    Ok(Json(paging.page(own.iter().map(written))))
}

pub(super) async fn read(
    State(directory): State<Directory>,
    caller: Caller,
    Path(room): Path<String>,
) -> Result<Json<RoomDetails>, ApiError> {
    caller.needs(&VIEW)?;
    let room = caller.room(&directory, &room).await?;
    Ok(Json(directory.room_details(&room).await?))
}

#[derive(Deserialize)]
struct NewRoomJson {
    name: String,
    privacy: Option<Privacy>,
    topic: Option<String>,
    /// An id, a mention name, or an email address.
    owner_user_id: Option<Value>,
}

pub(super) async fn create(
    State(directory): State<Directory>,
    State(accounts): State<Accounts>,
    State(rooms): State<Rooms>,
    State(info): State<Arc<HostInfo>>,
    caller: Caller,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    caller.needs(&[Scope::ManageRooms])?;
    check_manages_rooms(caller.installed())?;
    let json: NewRoomJson = parse(&body)?;
    let owner = match owner(&directory, &caller, json.owner_user_id).await? {
        Some(owner) => owner,
        None => {
            let steward = accounts.default_owner().await?;
            let nobody =
                "/owner_user_id: nobody administers this host yet, so say whose room it is";
            steward.ok_or_else(|| ApiError::bad_request(nobody))?.id
        }
    };
    let new = NewRoom {
        name: json.name,
        is_public: json.privacy.map_or(Ok(true), is_public)?,
        owner,
        topic: json.topic.unwrap_or_default(),
    };
    let room = rooms.create(&new).await?;
    let url = format!("{}/room/{}", info.api_url(), room.id);
    let created = json!({ "id": room.id, "links": { "self": url } });
    Ok((StatusCode::CREATED, [(LOCATION, url)], Json(created)))
}

/// The new state of a room. Clients send all members; a missing one stays as it is.
#[derive(Deserialize)]
struct RoomJson {
    name: Option<String>,
    privacy: Option<Privacy>,
    topic: Option<String>,
    is_archived: Option<bool>,
    is_guest_accessible: Option<bool>,
    owner: Option<OwnerJson>,
}

#[derive(Deserialize)]
struct OwnerJson {
    /// An id, a mention name, or an email address.
    id: Value,
}

pub(super) async fn change(
    State(directory): State<Directory>,
    State(rooms): State<Rooms>,
    caller: Caller,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::AdminRoom])?;
    let room = caller.room(&directory, &room).await?;
    let json: RoomJson = parse(&body)?;
    if json.is_guest_accessible == Some(true) {
        return Err(ApiError::bad_request(
            "/is_guest_accessible: guests enter no room by its address here; \
             let each into a private room as a member instead",
        ));
    }
    let privacy = json.privacy.map(is_public).transpose()?;
    let owner = owner(&directory, &caller, json.owner.map(|owner| owner.id)).await?;
    let change = |room: &mut model::Room| {
        if let Some(name) = &json.name {
            room.name.clone_from(name);
        }
        if let Some(topic) = &json.topic {
            room.topic.clone_from(topic);
        }
        room.is_archived = json.is_archived.unwrap_or(room.is_archived);
        room.is_public = privacy.unwrap_or(room.is_public);
        room.owner = owner.unwrap_or(room.owner);
    };
    rooms.change_for_add_on(&room, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn delete(
    State(directory): State<Directory>,
    State(rooms): State<Rooms>,
    caller: Caller,
    Path(room): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::ManageRooms])?;
    check_manages_rooms(caller.installed())?;
    let room = caller.room(&directory, &room).await?;
    rooms.delete_for_add_on(&room).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<NotForGroup> for ApiError {
    fn from(refused: NotForGroup) -> Self {
        Self::forbidden(refused.to_string())
    }
}

fn is_public(privacy: Privacy) -> Result<bool, ApiError> {
    match privacy {
        Privacy::Public => Ok(true),
        Privacy::Private => Ok(false),
        other => {
            let message = format!("/privacy: {other} is neither public nor private");
            Err(ApiError::bad_request(message))
        }
    }
}

async fn owner(
    directory: &Directory,
    caller: &Caller,
    named: Option<Value>,
) -> Result<Option<UserId>, ApiError> {
    let named = match named {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(named)) => named,
        Some(id) => id.to_string(),
    };
    Ok(Some(caller.user(directory, &named).await?.id))
}

impl From<RoomError> for ApiError {
    fn from(refused: RoomError) -> Self {
        let message = refused.to_string();
        match refused {
            RoomError::NameLength(_) | RoomError::NameCharacter => {
                Self::bad_request(format!("/name: {message}"))
            }
            RoomError::TopicLength(_) => Self::bad_request(format!("/topic: {message}")),
            RoomError::NameTaken(_) | RoomError::Archived(_) => {
                Self::new(StatusCode::CONFLICT, message)
            }
            RoomError::Gone => Self::not_found(message),
            // The SDK retries it.
            RoomError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, message),
            RoomError::Storage(cause) => cause.into(),
        }
    }
}

#[derive(Deserialize)]
struct TopicJson {
    topic: String,
}

pub(super) async fn set_topic(
    State(directory): State<Directory>,
    State(rooms): State<Rooms>,
    caller: Caller,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::AdminRoom])?;
    let room = caller.room(&directory, &room).await?;
    let TopicJson { topic } = parse(&body)?;
    rooms
        .change_for_add_on(&room, |room| room.topic.clone_from(&topic))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn participants(
    State(directory): State<Directory>,
    caller: Caller,
    Path(room): Path<String>,
    paging: Paging,
) -> Result<Json<Page<UserDetails>>, ApiError> {
    caller.needs(&VIEW)?;
    let room = caller.room(&directory, &room).await?;
    // A person who is elsewhere counts as a participant only of a private room.
    let people = match paging.includes("include-offline") && !room.is_public {
        true => directory.members(&room).await?,
        false => directory.participants(&room).await?,
    };
    Ok(Json(page(&directory, &paging, &people)))
}

pub(super) async fn members(
    State(directory): State<Directory>,
    caller: Caller,
    Path(room): Path<String>,
    paging: Paging,
) -> Result<Json<Page<UserDetails>>, ApiError> {
    caller.needs(&VIEW)?;
    let room = caller.room(&directory, &room).await?;
    let people = directory.members(&room).await?;
    Ok(Json(page(&directory, &paging, &people)))
}

pub(super) async fn add_member(
    State(directory): State<Directory>,
    State(rooms): State<Rooms>,
    caller: Caller,
    Path((room, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::AdminRoom])?;
    let room = caller.room(&directory, &room).await?;
    let user = caller.user(&directory, &user).await?;
    rooms.add_member(&room, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove_member(
    State(directory): State<Directory>,
    State(rooms): State<Rooms>,
    caller: Caller,
    Path((room, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::AdminRoom])?;
    let room = caller.room(&directory, &room).await?;
    let user = caller.user(&directory, &user).await?;
    rooms.remove_member(&room, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<MembershipError> for ApiError {
    fn from(refused: MembershipError) -> Self {
        let message = refused.to_string();
        match refused {
            MembershipError::NotNeeded => Self::bad_request(message),
            MembershipError::NoPerson | MembershipError::NoMember(_) => Self::not_found(message),
            MembershipError::Storage(cause) => cause.into(),
        }
    }
}

fn page(directory: &Directory, paging: &Paging, people: &[model::User]) -> Page<UserDetails> {
    let people = people.iter();
    paging.page(people.map(|user| directory.user_details(user)))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    glance_sdk::json::from_slice(body)
        .map_err(|cause| ApiError::bad_request(format!("The body cannot be used: {cause}")))
}
