//! Rooms in SQLite.

use glance_sdk::model::{RoomId, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::{id, number};
use crate::state::{NewRoom, Room};

const ROOM: &str = "SELECT id, name, is_public, owner, topic, is_archived, created FROM room";

pub(super) fn all(connection: &Connection) -> Result<Vec<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} ORDER BY id"))?
        .query_map([], room)?
        .collect()
}

pub(super) fn first(connection: &Connection) -> Result<Option<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} ORDER BY id LIMIT 1"))?
        .query_row([], room)
        .optional()
}

pub(super) fn find(connection: &Connection, id: RoomId) -> Result<Option<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} WHERE id = ?1"))?
        .query_row([number(id.get())], room)
        .optional()
}

pub(super) fn called(connection: &Connection, name: &str) -> Result<Option<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} WHERE name = ?1"))?
        .query_row([name], room)
        .optional()
}

/// The room with this name, made where there is none.
pub(super) fn named(connection: &Connection, name: &str, owner: UserId) -> Result<Room> {
    connection.execute(
        "INSERT OR IGNORE INTO room (name, owner, created) VALUES (?1, ?2, unixepoch())",
        params![name, number(owner.get())],
    )?;
    connection
        .prepare_cached(&format!("{ROOM} WHERE name = ?1"))?
        .query_row([name], room)
}

pub(super) fn create(connection: &Connection, new: &NewRoom) -> Result<Option<Room>> {
    let made = connection.execute(
        "INSERT OR IGNORE INTO room (name, is_public, owner, topic, created)
         VALUES (?1, ?2, ?3, ?4, unixepoch())",
        params![new.name, new.is_public, number(new.owner.get()), new.topic],
    )?;
    if made == 0 {
        return Ok(None);
    }
    connection
        .prepare_cached(&format!("{ROOM} WHERE name = ?1"))?
        .query_row([&new.name], room)
        .map(Some)
}

pub(super) fn update(connection: &Connection, room: &Room) -> Result<()> {
    connection
        .execute(
            "UPDATE room SET name = ?2, is_public = ?3, owner = ?4, topic = ?5, is_archived = ?6
             WHERE id = ?1",
            params![
                number(room.id.get()),
                room.name,
                room.is_public,
                number(room.owner.get()),
                room.topic,
                room.is_archived
            ],
        )
        .map(drop)
}

fn room(row: &Row<'_>) -> Result<Room> {
    Ok(Room {
        id: id(row, 0)?.into(),
        name: row.get(1)?,
        is_public: row.get(2)?,
        owner: id(row, 3)?.into(),
        topic: row.get(4)?,
        is_archived: row.get(5)?,
        created: row.get(6)?,
    })
}
