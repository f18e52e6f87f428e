//! Converts values to columns and back.

use glance_sdk::model::RoomId;
use rusqlite::{Connection, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::corrupt;
use crate::model::Place;
use crate::storage::StorageError;

/// Executes a statement, which the connection keeps prepared. Returns the number of changed rows.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(params)
}

/// Returns the column value of an id. SQLite stores `i64`; a larger id from a request becomes -1, which nothing has.
pub(super) fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(-1)
}

/// Returns the number of rows to skip, at most `i64::MAX`.
pub(super) fn offset(skip: u64) -> i64 {
    i64::try_from(skip).unwrap_or(i64::MAX)
}

pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let id: i64 = row.get(column)?;
    u64::try_from(id).map_err(|cause| corrupt(row, column, cause))
}

/// Reads an optional room; null means all rooms.
pub(super) fn room(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RoomId>> {
    let id: Option<i64> = row.get(column)?;
    Ok(id.and_then(|id| u64::try_from(id).ok()).map(RoomId::new))
}

/// Returns the column value of a place; 0 means all rooms.
pub(super) fn column(place: Place) -> i64 {
    match place {
        Place::Global => 0,
        Place::Room(room) => number(room.get()),
    }
}

pub(super) fn place(row: &Row<'_>, column: usize) -> rusqlite::Result<Place> {
    Ok(match id(row, column)? {
        0 => Place::Global,
        room => Place::Room(room.into()),
    })
}

pub(super) fn json(value: &impl Serialize) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(StorageError::other)
}

pub(super) fn parsed<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|cause| corrupt(row, column, cause))
}
