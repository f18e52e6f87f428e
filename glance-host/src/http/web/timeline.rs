//! The timeline of a room's page: reads entries, and posts messages.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use glance_sdk::extract::JsonBody;
use serde::Deserialize;
use serde_json::json;

use super::pages::PageError;
use super::room_access::RoomAccess;
use crate::model::Side;
use crate::service::entry_renderer::EntryRenderer;
use crate::service::messages::{Draft, MAX_TEXT, Messages, PostError};
use crate::storage::Storage;

/// The number of entries in a response.
const PAGE: usize = 50;

/// The requested entries: the newest, or the neighbours of one that the page has.
#[derive(Deserialize)]
pub(super) struct TimelineQuery {
    before: Option<String>,
    after: Option<String>,
}

/// Returns entries, oldest first, and whether there are more on the requested side.
pub(super) async fn read(
    State(storage): State<Arc<dyn Storage>>,
    State(renderer): State<EntryRenderer>,
    RoomAccess { room, .. }: RoomAccess,
    Query(query): Query<TimelineQuery>,
) -> Result<Response, PageError> {
    let at_most = PAGE as u32 + 1;
    let (id, side) = match (&query.before, &query.after) {
        (Some(id), _) => (Some(id), Side::Before),
        (None, Some(id)) => (Some(id), Side::After),
        (None, None) => (None, Side::Before),
    };
    let mut entries = match id {
        Some(id) => {
            let beside = storage.history_beside(room.id, id, side, at_most);
            beside.await?
        }
        None => storage.history(room.id, 0, at_most).await?,
    };
    let has_more = entries.len() > PAGE;
    entries.truncate(PAGE);
    if side == Side::Before {
        entries.reverse();
    }
    let shown = renderer.render_all(&entries).await?;
    Ok(Json(json!({ "entries": shown, "hasMore": has_more })).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageRequest {
    text: String,
    /// A UUID that the page chose: a repeated request posts one message.
    id: Option<String>,
    /// The id of the entry that the message answers.
    reply_to: Option<String>,
}

/// Posts a message of the person. A refusal is one sentence for them.
pub(super) async fn post(
    State(messages): State<Messages>,
    State(renderer): State<EntryRenderer>,
    RoomAccess { room, user }: RoomAccess,
    JsonBody(MessageRequest { text, id, reply_to }): JsonBody<MessageRequest>,
) -> Result<Response, PageError> {
    // A page has no use for a blank message.
    let text = if text.trim().is_empty() {
        String::new()
    } else {
        text
    };
    let draft = Draft { text, id, reply_to };
    let sentence = match messages.post(&room, &user, draft).await {
        Ok(entry) => {
            let rendered = renderer.render(&entry).await?;
            return Ok((StatusCode::CREATED, Json(rendered)).into_response());
        }
        Err(PostError::Storage(error)) => return Err(error.into()),
        Err(PostError::Archived(_)) => "This room is archived and can only be read.".to_owned(),
        Err(PostError::Length(0)) => "The message is empty: write something.".to_owned(),
        Err(PostError::Length(length)) => {
            format!("The message has {length} characters and may have {MAX_TEXT}: make it shorter.")
        }
        Err(PostError::NoParent(_)) => {
            "What you reply to is not in this room: send it without.".to_owned()
        }
        Err(PostError::BadId) => "The id of the message is no UUID: reload the page.".to_owned(),
        Err(PostError::Render(error)) => {
            tracing::error!(room = %room.id, %error, "rendering a message failed");
            let sentence = "Something went wrong in the host";
            return Ok((StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response());
        }
        Err(PostError::IdTaken) => "Another message has this id: reload the page.".to_owned(),
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, sentence).into_response())
}
