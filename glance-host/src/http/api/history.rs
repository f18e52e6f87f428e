//! `GET /v2/room/{room}/history`: the entries of a room, the newest on the first page.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, State};
use glance_sdk::model::{Page, PageLinks, Scope};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use crate::http::state::AppState;
use crate::model::{Content, Entry, Room, Sender};

/// The largest number of entries of a page.
const MAX_RESULTS: u32 = 1000;

/// The default number of entries of a page.
const PAGE: u32 = 100;

/// The default number of the latest entries.
const LATEST: u32 = 75;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Asked {
    start_index: Option<u32>,
    max_results: Option<u32>,
    /// Whether a page begins with its oldest entry, the default.
    reverse: Option<bool>,
    /// `recent`, or a date, which this host does not support.
    date: Option<String>,
}

type Query = Result<axum::extract::Query<Asked>, QueryRejection>;

pub(super) async fn pages(
    State(app): State<AppState>,
    caller: Caller,
    Path(room): Path<String>,
    query: Query,
) -> Result<Json<Page<Value>>, ApiError> {
    let room = room_of(&app, &caller, &room).await?;
    let asked = asked(query)?;
    let skip = asked.start_index.unwrap_or(0);
    let size = size(&asked, PAGE)?;
    let oldest_first = asked.reverse.unwrap_or(true);
    let mut entries = app.storage.history(room.id, skip, size + 1).await?;
    let has_more = entries.len() > size as usize;
    entries.truncate(size as usize);
    if oldest_first {
        entries.reverse();
    }
    let at = |start: u32| {
        format!(
            "{}?start-index={start}&max-results={size}&reverse={oldest_first}",
            address(&app, &room)
        )
    };
    let mut page = Page::new(written(&app, &entries).await?);
    page.start_index = Some(skip.into());
    page.max_results = Some(size.into());
    let mut links = PageLinks::default();
    // Without a query: one client recognizes the list by it.
    links.self_url = Some(address(&app, &room));
    links.prev = (skip > 0).then(|| at(skip.saturating_sub(size)));
    links.next = has_more.then(|| at(skip.saturating_add(size)));
    page.links = Some(links);
    Ok(Json(page))
}

pub(super) async fn latest(
    State(app): State<AppState>,
    caller: Caller,
    Path(room): Path<String>,
    query: Query,
) -> Result<Json<Page<Value>>, ApiError> {
    let room = room_of(&app, &caller, &room).await?;
    let asked = asked(query)?;
    let size = size(&asked, LATEST)?;
    let entries = app.storage.timeline(room.id, size).await?;
    let mut page = Page::new(written(&app, &entries).await?);
    page.max_results = Some(size.into());
    let mut links = PageLinks::default();
    links.self_url = Some(format!("{}/latest", address(&app, &room)));
    page.links = Some(links);
    Ok(Json(page))
}

fn address(app: &AppState, room: &Room) -> String {
    format!("{}/room/{}/history", app.info.api_url(), room.id)
}

async fn room_of(app: &AppState, caller: &Caller, room: &str) -> Result<Room, ApiError> {
    caller.needs(&[Scope::ViewMessages])?;
    caller.room(&*app.storage, room).await
}

fn asked(query: Query) -> Result<Asked, ApiError> {
    let asked = query
        .map_err(|cause| ApiError::bad_request(cause.body_text()))?
        .0;
    match asked.date.as_deref() {
        None | Some("recent") => Ok(asked),
        Some(other) => Err(ApiError::bad_request(format!(
            "date: {other} is not `recent`, the only date there is here"
        ))),
    }
}

fn size(asked: &Asked, otherwise: u32) -> Result<u32, ApiError> {
    match asked.max_results.unwrap_or(otherwise) {
        size @ 1..=MAX_RESULTS => Ok(size),
        other => Err(ApiError::bad_request(format!(
            "max-results: {other} is not 1 to {MAX_RESULTS}"
        ))),
    }
}

async fn written(app: &AppState, entries: &[Entry]) -> Result<Vec<Value>, ApiError> {
    let mut written = Vec::new();
    for entry in entries {
        written.push(item(app, entry).await?);
    }
    Ok(written)
}

async fn item(app: &AppState, entry: &Entry) -> Result<Value, ApiError> {
    let (item, card) = match &entry.content {
        Content::Message(said) => {
            let message = app.directory.message(entry, said).await?;
            (serde_json::to_value(message), None)
        }
        Content::Notification(said) => {
            let notification = app.directory.notification(entry, said).await?;
            (serde_json::to_value(notification), said.card.as_ref())
        }
    };
    let mut item = item?;
    if let Some(card) = card {
        item["card"] = serde_json::to_value(card)?;
    }
    if let Sender::AddOn(id) = &entry.sender {
        item["from"] = json!(entry.sender_name);
        item["notification_sender"] = json!({ "type": "addon", "client_id": id });
    }
    Ok(item)
}
