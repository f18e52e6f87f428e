//! `POST /v2/room/{room}/message` and `/reply`: an add-on posts a message like a person.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use glance_sdk::model::Scope;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use crate::cluster::rate_limits::Allowance;
use crate::content::wire;
use crate::service::directory::Directory;
use crate::service::messages::{Draft, Messages};

#[derive(Deserialize)]
struct MessageBody {
    message: String,
    #[serde(rename = "parentMessageId")]
    parent: Option<String>,
}

pub(super) async fn create(
    State(directory): State<Directory>,
    State(messages): State<Messages>,
    caller: Caller,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Allowance, Json<Value>), ApiError> {
    caller.needs(&[Scope::SendMessage])?;
    let body = read(&body)?;
    let room = caller.room(&directory, &room).await?;
    let draft = Draft::from(body.message);
    let posted = messages.post_as_add_on(&room, caller.installed(), draft);
    let (entry, allowance) = posted.await?;
    let written = json!({ "id": entry.id, "timestamp": wire::date(entry.at) });
    Ok((StatusCode::CREATED, allowance, Json(written)))
}

pub(super) async fn reply(
    State(directory): State<Directory>,
    State(messages): State<Messages>,
    caller: Caller,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<(Allowance, StatusCode), ApiError> {
    caller.needs(&[Scope::SendMessage])?;
    let body = read(&body)?;
    let parent = body.parent.ok_or_else(|| {
        ApiError::bad_request("/parentMessageId: the id of a message is required")
    })?;
    let room = caller.room(&directory, &room).await?;
    let draft = Draft {
        text: body.message,
        reply_to: Some(parent),
        ..Draft::default()
    };
    let posted = messages.post_as_add_on(&room, caller.installed(), draft);
    let (_, allowance) = posted.await?;
    Ok((allowance, StatusCode::NO_CONTENT))
}

fn read(body: &[u8]) -> Result<MessageBody, ApiError> {
    glance_sdk::json::from_slice(body)
        .map_err(|cause| ApiError::bad_request(format!("The body is no message: {cause}")))
}
