//! The timeline of a room's page: what was written, page by page, and what a person writes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use glance_sdk::extract::JsonBody;
use serde::Deserialize;
use serde_json::json;

use super::pages::PageError;
use super::room_access::Visit;
use crate::model::{Entry, Side};
use crate::service::messages;
use crate::service::shared::Shared;

/// How many entries a page is given at once.
const PAGE: usize = 50;

/// The longest text, in characters.
const MAX_TEXT: usize = 10_000;

/// Which entries: the newest, or those next to one that the page has.
#[derive(Deserialize)]
pub(super) struct Asked {
    before: Option<String>,
    after: Option<String>,
}

/// Oldest first, and whether there are more on the side asked for.
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Visit { room, .. }: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let at_most = PAGE as u32 + 1;
    let (id, side) = match (&asked.before, &asked.after) {
        (Some(id), _) => (Some(id), Side::Before),
        (None, Some(id)) => (Some(id), Side::After),
        (None, None) => (None, Side::Before),
    };
    let mut entries = match id {
        Some(id) => {
            let beside = shared.state.history_beside(room.id, id, side, at_most);
            beside.await?
        }
        None => shared.state.history(room.id, 0, at_most).await?,
    };
    let has_more = entries.len() > PAGE;
    entries.truncate(PAGE);
    if side == Side::Before {
        entries.reverse();
    }
    let shown = shared.renderer.render_all(&entries).await?;
    Ok(Json(json!({ "entries": shown, "hasMore": has_more })).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Say {
    text: String,
    /// A UUID of the page's own: what is sent again under it is written once.
    id: Option<String>,
    /// The id of the entry that it answers.
    reply_to: Option<String>,
}

/// Writes what the person says; a refusal is one sentence for them.
pub(super) async fn say(
    State(shared): State<Arc<Shared>>,
    Visit { room, user }: Visit,
    JsonBody(Say { text, id, reply_to }): JsonBody<Say>,
) -> Result<Response, PageError> {
    let refused =
        |sentence: String| Ok((StatusCode::UNPROCESSABLE_ENTITY, sentence).into_response());
    if room.is_archived {
        return refused("This room is archived and can only be read.".to_owned());
    }
    if text.trim().is_empty() {
        return refused("The message is empty: write something.".to_owned());
    }
    let length = text.chars().count();
    if length > MAX_TEXT {
        return refused(format!(
            "The message has {length} characters and may have {MAX_TEXT}: make it shorter."
        ));
    }
    if let Some(parent) = &reply_to
        && shared.state.entry(room.id, parent).await?.is_none()
    {
        return refused("What you reply to is not in this room: send it without.".to_owned());
    }
    let mut message = messages::message(&shared, text).await?;
    message.reply_to = reply_to;
    let mut entry = Entry::said(room.id, &user, message);
    if let Some(id) = id {
        let Ok(id) = uuid::Uuid::try_parse(&id) else {
            return refused("The id of the message is no UUID: reload the page.".to_owned());
        };
        entry.id = id.to_string();
    }
    let (mut entry, is_new) = messages::post_idempotent(&shared, entry).await?;
    if !is_new {
        let kept = shared.state.entry(room.id, &entry.id).await?;
        let is_same = |kept: &Entry| kept.sender == entry.sender && kept.content == entry.content;
        let Some(kept) = kept.filter(is_same) else {
            return refused("Another message has this id: reload the page.".to_owned());
        };
        entry = kept;
    }
    let shown = shared.renderer.render(&entry).await?;
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}
