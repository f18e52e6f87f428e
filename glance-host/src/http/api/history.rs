//! `GET /v2/room/{room}/history`: the entries of a room, the newest on the first page.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, State};
use glance_sdk::model::{Page, PageLinks, Scope};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use crate::model::host_info::HostInfo;
use crate::model::{Content, Entry, Room, Sender};
use crate::service::directory::Directory;
use crate::storage::Storage;

/// The largest number of entries of a page.
const MAX_RESULTS: u32 = 1000;

/// The default number of entries of a page.
const PAGE: u32 = 100;

/// The default number of the latest entries.
const LATEST: u32 = 75;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct HistoryQuery {
    start_index: Option<u32>,
    max_results: Option<u32>,
    /// Whether a page begins with its oldest entry, the default.
    reverse: Option<bool>,
    /// `recent`, or a date, which this host does not support.
    date: Option<String>,
}

type Query = Result<axum::extract::Query<HistoryQuery>, QueryRejection>;

pub(super) async fn pages(
    State(directory): State<Directory>,
    State(storage): State<Arc<dyn Storage>>,
    State(info): State<Arc<HostInfo>>,
    caller: Caller,
    Path(room): Path<String>,
    query: Query,
) -> Result<Json<Page<Value>>, ApiError> {
    let room = room_of(&directory, &caller, &room).await?;
    let query = checked(query)?;
    let skip = query.start_index.unwrap_or(0);
    let size = size(&query, PAGE)?;
    let oldest_first = query.reverse.unwrap_or(true);
    let mut entries = storage.history(room.id, skip, size + 1).await?;
    let has_more = entries.len() > size as usize;
    entries.truncate(size as usize);
    if oldest_first {
        entries.reverse();
    }
    let at = |start: u32| {
        format!(
            "{}?start-index={start}&max-results={size}&reverse={oldest_first}",
            address(&info, &room)
        )
    };
    let mut page = Page::new(written(&directory, &entries).await?);
    page.start_index = Some(skip.into());
    page.max_results = Some(size.into());
    let mut links = PageLinks::default();
    // Without a query: one client recognizes the list by it.
    links.self_url = Some(address(&info, &room));
    links.prev = (skip > 0).then(|| at(skip.saturating_sub(size)));
    links.next = has_more.then(|| at(skip.saturating_add(size)));
    page.links = Some(links);
    Ok(Json(page))
}

pub(super) async fn latest(
    State(directory): State<Directory>,
    State(storage): State<Arc<dyn Storage>>,
    State(info): State<Arc<HostInfo>>,
    caller: Caller,
    Path(room): Path<String>,
    query: Query,
) -> Result<Json<Page<Value>>, ApiError> {
    let room = room_of(&directory, &caller, &room).await?;
    let query = checked(query)?;
    let size = size(&query, LATEST)?;
    let entries = storage.timeline(room.id, size).await?;
    let mut page = Page::new(written(&directory, &entries).await?);
    page.max_results = Some(size.into());
    let mut links = PageLinks::default();
    links.self_url = Some(format!("{}/latest", address(&info, &room)));
    page.links = Some(links);
    Ok(Json(page))
}

fn address(info: &HostInfo, room: &Room) -> String {
    format!("{}/room/{}/history", info.api_url(), room.id)
}

async fn room_of(directory: &Directory, caller: &Caller, room: &str) -> Result<Room, ApiError> {
    caller.needs(&[Scope::ViewMessages])?;
    caller.room(directory, room).await
}

fn checked(query: Query) -> Result<HistoryQuery, ApiError> {
    let axum::extract::Query(query) =
        query.map_err(|cause| ApiError::bad_request(cause.body_text()))?;
    match query.date.as_deref() {
        None | Some("recent") => Ok(query),
        Some(other) => Err(ApiError::bad_request(format!(
            "date: {other} is not `recent`, the only date there is here"
        ))),
    }
}

fn size(query: &HistoryQuery, otherwise: u32) -> Result<u32, ApiError> {
    match query.max_results.unwrap_or(otherwise) {
        size @ 1..=MAX_RESULTS => Ok(size),
        other => Err(ApiError::bad_request(format!(
            "max-results: {other} is not 1 to {MAX_RESULTS}"
        ))),
    }
}

async fn written(directory: &Directory, entries: &[Entry]) -> Result<Vec<Value>, ApiError> {
    let mut written = Vec::new();
    for entry in entries {
        written.push(item(directory, entry).await?);
    }
    Ok(written)
}

async fn item(directory: &Directory, entry: &Entry) -> Result<Value, ApiError> {
    let (item, card) = match &entry.content {
        Content::Message(message) => {
            let message = directory.message(entry, message).await?;
            (serde_json::to_value(message), None)
        }
        Content::Notification(notification) => {
            let json = directory.notification(entry, notification).await?;
            (serde_json::to_value(json), notification.card.as_ref())
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
