//! `POST /v2/addon/ui...`: an add-on pushes new data of its glances.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use glance_sdk::json;
use glance_sdk::model::{RoomId, Scope, UserId};
use serde::Deserialize;
use serde_json::Value;

use super::caller::Caller;
use super::error::ApiError;
use crate::model::{Data, PushedData};
use crate::service::directory::Directory;
use crate::service::extensions::Extensions;

/// The largest number of glances in one push.
const MAX_ENTRIES: usize = 100;

type Pushed = Result<StatusCode, ApiError>;

/// Libraries request `view_group`, but add-ons with `send_notification` alone pushed to whole groups too, and no
/// source says that HipChat refused them.
const OF_GROUP: [Scope; 2] = [Scope::ViewGroup, Scope::SendNotification];

/// The same for one room, for which libraries request `view_room`.
const OF_ROOM: [Scope; 3] = [Scope::ViewGroup, Scope::ViewRoom, Scope::SendNotification];

pub(super) async fn group(
    State(extensions): State<Extensions>,
    caller: Caller,
    body: Bytes,
) -> Pushed {
    caller.needs(&OF_GROUP)?;
    push(&extensions, &caller, None, None, &body).await
}

pub(super) async fn room(
    State(directory): State<Directory>,
    State(extensions): State<Extensions>,
    caller: Caller,
    Path(room): Path<String>,
    body: Bytes,
) -> Pushed {
    caller.needs(&OF_ROOM)?;
    let room = caller.room(&directory, &room).await?;
    push(&extensions, &caller, Some(room.id), None, &body).await
}

pub(super) async fn user(
    State(directory): State<Directory>,
    State(extensions): State<Extensions>,
    caller: Caller,
    Path(user): Path<String>,
    body: Bytes,
) -> Pushed {
    caller.needs(&OF_GROUP)?;
    let user = caller.user(&directory, &user).await?;
    push(&extensions, &caller, None, Some(user.id), &body).await
}

pub(super) async fn user_in_room(
    State(directory): State<Directory>,
    State(extensions): State<Extensions>,
    caller: Caller,
    Path((room, user)): Path<(String, String)>,
    body: Bytes,
) -> Pushed {
    caller.needs(&OF_ROOM)?;
    let room = caller.room(&directory, &room).await?;
    let user = caller.user(&directory, &user).await?;
    push(&extensions, &caller, Some(room.id), Some(user.id), &body).await
}

async fn push(
    extensions: &Extensions,
    caller: &Caller,
    room: Option<RoomId>,
    user: Option<UserId>,
    body: &[u8],
) -> Pushed {
    let glances = match json::from_slice::<PushJson>(body) {
        Ok(PushJson { glance }) if (1..=MAX_ENTRIES).contains(&glance.len()) => {
            let glances = glance.into_iter();
            glances
                .map(|EntryJson { key, content }| (key, content.0))
                .collect()
        }
        _ => entries(body)?,
    };
    extensions
        .push(caller.installed(), room, user, glances)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A push as almost all add-ons send it.
#[derive(Deserialize)]
struct PushJson {
    glance: Vec<EntryJson>,
}

#[derive(Deserialize)]
struct EntryJson {
    key: String,
    content: PushedData,
}

/// Reads key and data of each entry, or finds what is wrong. The rules for answers to queries do not apply: old add-ons
/// push labels without a value, and HipChat showed the glance's name then.
fn entries(body: &[u8]) -> Result<Vec<(String, Data)>, ApiError> {
    let mut body: Value = json::from_slice(body)
        .map_err(|cause| ApiError::bad_request(format!("The body is no JSON: {cause}")))?;
    let Some(Value::Array(list)) = body.get_mut("glance").map(Value::take) else {
        return Err(ApiError::bad_request(
            "/glance: a list of glances is required",
        ));
    };
    if list.is_empty() || list.len() > MAX_ENTRIES {
        return Err(ApiError::bad_request(format!(
            "/glance: 1 to {MAX_ENTRIES} glances are required"
        )));
    }
    list.into_iter()
        .enumerate()
        .map(|(index, mut entry)| {
            let wrong = |member: &str, what: &str| {
                ApiError::bad_request(format!("/glance/{index}/{member}: {what} is required"))
            };
            let content = entry
                .get_mut("content")
                .map(Value::take)
                .unwrap_or_default();
            let key = entry["key"]
                .as_str()
                .ok_or_else(|| wrong("key", "the key of a glance"))?;
            if !content.is_object() {
                return Err(wrong("content", "an object of glance data"));
            }
            if !content["label"].is_object() {
                return Err(wrong("content/label", "an object with `type` and `value`"));
            }
            let data = Data::new(content).map_err(|cause| {
                ApiError::bad_request(format!("/glance/{index}/content{cause}"))
            })?;
            Ok((key.to_owned(), data))
        })
        .collect()
}
