//! `/v2/room...`: rooms, their participants and their members.

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
use crate::http::state::AppState;
use crate::model;
use crate::model::NewRoom;
use crate::service::rooms::{MembershipError, RoomError};
use crate::storage::StorageError;

const VIEW: [Scope; 2] = [Scope::ViewGroup, Scope::ViewRoom];

pub(super) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Page<Room>>, ApiError> {
    caller.needs(&[Scope::ViewGroup])?;
    let archived = paging.includes("include-archived");
    let written = |room: &model::Room| app.directory.room(room);
    let Some(own) = caller.installed.room_id else {
        let (skip, at_most) = paging.read();
        let rooms = app.storage.list_rooms(archived, skip, at_most).await?;
        return Ok(Json(paging.part(rooms.iter().map(written))));
    };
    let own = app.storage.room(own).await?;
    let own = own.filter(|room| archived || !room.is_archived);
    Ok(Json(paging.page(own.iter().map(written))))
}

pub(super) async fn read(
    State(app): State<AppState>,
    caller: Caller,
    Path(room): Path<String>,
) -> Result<Json<RoomDetails>, ApiError> {
    caller.needs(&VIEW)?;
    let room = caller.room(&*app.storage, &room).await?;
    Ok(Json(app.directory.room_details(&room).await?))
}

#[derive(Deserialize)]
struct Wanted {
    name: String,
    privacy: Option<Privacy>,
    topic: Option<String>,
    /// An id, a mention name, or an email address.
    owner_user_id: Option<Value>,
}

pub(super) async fn create(
    State(app): State<AppState>,
    caller: Caller,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    caller.needs(&[Scope::ManageRooms])?;
    of_the_group(&caller)?;
    let wanted: Wanted = parse(&body)?;
    let owner = match owner(&app, &caller, wanted.owner_user_id).await? {
        Some(owner) => owner,
        None => {
            let steward = app.accounts.default_owner().await?;
            let nobody =
                "/owner_user_id: nobody administers this host yet, so say whose room it is";
            steward.ok_or_else(|| ApiError::bad_request(nobody))?.id
        }
    };
    let new = NewRoom {
        name: wanted.name,
        is_public: wanted.privacy.map_or(Ok(true), is_public)?,
        owner,
        topic: wanted.topic.unwrap_or_default(),
    };
    let room = app.rooms.create(&new).await?;
    let url = format!("{}/room/{}", app.info.api_url(), room.id);
    let created = json!({ "id": room.id, "links": { "self": url } });
    Ok((StatusCode::CREATED, [(LOCATION, url)], Json(created)))
}

/// The new state of a room. Clients send all members; a missing one stays as it is.
#[derive(Deserialize)]
struct Change {
    name: Option<String>,
    privacy: Option<Privacy>,
    topic: Option<String>,
    is_archived: Option<bool>,
    is_guest_accessible: Option<bool>,
    owner: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    /// An id, a mention name, or an email address.
    id: Value,
}

pub(super) async fn change(
    State(app): State<AppState>,
    caller: Caller,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::AdminRoom])?;
    let room = caller.room(&*app.storage, &room).await?;
    let change: Change = parse(&body)?;
    if change.is_guest_accessible == Some(true) {
        return Err(ApiError::bad_request(
            "/is_guest_accessible: guests enter no room by its address here; \
             let each into a private room as a member instead",
        ));
    }
    let by = on_behalf(&app, &room).await?;
    let privacy = change.privacy.map(is_public).transpose()?;
    let owner = owner(&app, &caller, change.owner.map(|owner| owner.id)).await?;
    let change = |room: &mut model::Room| {
        if let Some(name) = &change.name {
            room.name.clone_from(name);
        }
        if let Some(topic) = &change.topic {
            room.topic.clone_from(topic);
        }
        room.is_archived = change.is_archived.unwrap_or(room.is_archived);
        room.is_public = privacy.unwrap_or(room.is_public);
        room.owner = owner.unwrap_or(room.owner);
    };
    app.rooms.change(room.id, &by, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn delete(
    State(app): State<AppState>,
    caller: Caller,
    Path(room): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::ManageRooms])?;
    of_the_group(&caller)?;
    let room = caller.room(&*app.storage, &room).await?;
    let by = on_behalf(&app, &room).await?;
    match app.rooms.delete(&room, &by).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(RoomError::Gone.into()),
    }
}

/// Refuses an installation in one room: only the group's add-ons may manage rooms.
fn of_the_group(caller: &Caller) -> Result<(), ApiError> {
    match caller.installed.room_id {
        None => Ok(()),
        Some(_) => Err(ApiError::forbidden(
            "This integration is installed in one room and cannot create or delete any",
        )),
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
    app: &AppState,
    caller: &Caller,
    named: Option<Value>,
) -> Result<Option<UserId>, ApiError> {
    let named = match named {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(named)) => named,
        Some(id) => id.to_string(),
    };
    Ok(Some(caller.user(&*app.storage, &named).await?.id))
}

/// Returns the person for events that an add-on causes, because events name a person: the owner of the room.
async fn on_behalf(app: &AppState, room: &model::Room) -> Result<model::User, ApiError> {
    let owner = app.storage.user(room.owner).await?;
    owner.ok_or_else(|| {
        let what = format!("the owner of room {}", room.id);
        let source = "there is no such person".into();
        StorageError::Corrupt { what, source }.into()
    })
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
            RoomError::Storage(cause) => cause.into(),
        }
    }
}

#[derive(Deserialize)]
struct Topic {
    topic: String,
}

pub(super) async fn set_topic(
    State(app): State<AppState>,
    caller: Caller,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::AdminRoom])?;
    let room = caller.room(&*app.storage, &room).await?;
    let Topic { topic } = parse(&body)?;
    let by = on_behalf(&app, &room).await?;
    app.rooms
        .change(room.id, &by, |room| room.topic.clone_from(&topic))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn participants(
    State(app): State<AppState>,
    caller: Caller,
    Path(room): Path<String>,
    paging: Paging,
) -> Result<Json<Page<UserDetails>>, ApiError> {
    caller.needs(&VIEW)?;
    let room = caller.room(&*app.storage, &room).await?;
    // A person who is elsewhere counts as a participant only of a private room.
    let people = match paging.includes("include-offline") && !room.is_public {
        true => app.directory.members(&room).await?,
        false => app.directory.participants(&room).await?,
    };
    Ok(Json(page(&app, &paging, &people)))
}

pub(super) async fn members(
    State(app): State<AppState>,
    caller: Caller,
    Path(room): Path<String>,
    paging: Paging,
) -> Result<Json<Page<UserDetails>>, ApiError> {
    caller.needs(&VIEW)?;
    let room = caller.room(&*app.storage, &room).await?;
    let people = app.directory.members(&room).await?;
    Ok(Json(page(&app, &paging, &people)))
}

pub(super) async fn add_member(
    State(app): State<AppState>,
    caller: Caller,
    Path((room, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::AdminRoom])?;
    let room = caller.room(&*app.storage, &room).await?;
    let user = caller.user(&*app.storage, &user).await?;
    app.rooms.add_member(&room, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove_member(
    State(app): State<AppState>,
    caller: Caller,
    Path((room, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[Scope::AdminRoom])?;
    let room = caller.room(&*app.storage, &room).await?;
    let user = caller.user(&*app.storage, &user).await?;
    app.rooms.remove_member(&room, &user).await?;
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

fn page(app: &AppState, paging: &Paging, people: &[model::User]) -> Page<UserDetails> {
    let people = people.iter();
    paging.page(people.map(|user| app.directory.user_details(user)))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    glance_sdk::json::from_slice(body)
        .map_err(|cause| ApiError::bad_request(format!("The body cannot be used: {cause}")))
}
