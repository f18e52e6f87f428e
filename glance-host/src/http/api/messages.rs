//! `POST /v2/room/{room}/message` and `/reply`: an add-on writes in the manner of a person.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use glance_sdk::model::Scope;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use super::rooms::writable;
use crate::cluster::rate_limits::Allowance;
use crate::content::wire;
use crate::model::{Content, Entry};
use crate::service::messages;
use crate::service::shared::Shared;

/// The longest text, in characters.
const MAX_TEXT: usize = 10_000;

#[derive(Deserialize)]
struct Body {
    message: String,
    #[serde(rename = "parentMessageId")]
    parent: Option<String>,
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Allowance, Json<Value>), ApiError> {
    caller.needs(&[Scope::SendMessage])?;
    let body = read(&body)?;
    let (entry, allowance) = write(&shared, &caller, &room, body.message, None).await?;
    let written = json!({ "id": entry.id, "timestamp": wire::date(entry.at) });
    Ok((StatusCode::CREATED, allowance, Json(written)))
}

pub(super) async fn reply(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<(Allowance, StatusCode), ApiError> {
    caller.needs(&[Scope::SendMessage])?;
    let body = read(&body)?;
    let parent = body.parent.ok_or_else(|| {
        ApiError::bad_request("/parentMessageId: the id of a message is required")
    })?;
    let (_, allowance) = write(&shared, &caller, &room, body.message, Some(parent)).await?;
    Ok((allowance, StatusCode::NO_CONTENT))
}

fn read(body: &[u8]) -> Result<Body, ApiError> {
    let body: Body = glance_sdk::json::from_slice(body)
        .map_err(|cause| ApiError::bad_request(format!("The body is no message: {cause}")))?;
    match body.message.chars().count() {
        1..=MAX_TEXT => Ok(body),
        length => Err(ApiError::bad_request(format!(
            "/message: `message` has {length} characters, 1 to {MAX_TEXT} are allowed"
        ))),
    }
}

async fn write(
    shared: &Arc<Shared>,
    caller: &Caller,
    room: &str,
    text: String,
    reply_to: Option<String>,
) -> Result<(Entry, Allowance), ApiError> {
    let room = caller.room(shared, room).await?;
    writable(&room)?;
    if let Some(parent) = &reply_to
        && shared.state.entry(room.id, parent).await?.is_none()
    {
        return Err(ApiError::not_found(format!("Message {parent} not found")));
    }
    let allowance = shared.limits.message(&caller.installed.oauth_id, room.id)?;
    let mut message = messages::message(shared, text).await?;
    message.reply_to = reply_to;
    let entry = Entry::new(room.id, &caller.installed, Content::Message(message));
    Ok((messages::post(shared, entry).await?, allowance))
}
