//! Rooms in SQLite.

use glance_sdk::model::{RoomId, UserId};
use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::{id, number};
use crate::state::{NewRoom, Room};

const ROOM: &str = "SELECT id, name, is_public, owner, topic, is_archived, created FROM room";

/// An id that no room ever had: add-ons keep what they know of a room by it.
const NEW_ID: &str = "(SELECT 1 + max(
    (SELECT ifnull(max(id), 0) FROM room), (SELECT ifnull(max(id), 0) FROM removed_room)))";

pub(super) fn all(connection: &Connection) -> Result<Vec<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} ORDER BY id"))?
        .query_map([], room)?
        .collect()
}

pub(super) fn find(connection: &Connection, id: RoomId) -> Result<Option<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} WHERE id = ?1"))?
        .query_row([number(id.get())], room)
        .optional()
}

/// The room with this name, made where there is none.
pub(super) fn named(connection: &Connection, name: &str, owner: UserId) -> Result<Room> {
    connection.execute(
        &format!(
            "INSERT OR IGNORE INTO room (id, name, owner, created)
             VALUES ({NEW_ID}, ?1, ?2, unixepoch())"
        ),
        params![name, number(owner.get())],
    )?;
    connection
        .prepare_cached(&format!("{ROOM} WHERE name = ?1"))?
        .query_row([name], room)
}

pub(super) fn create(connection: &Connection, new: &NewRoom) -> Result<Option<Room>> {
    let made = connection.execute(
        &format!(
            "INSERT OR IGNORE INTO room (id, name, is_public, owner, topic, created)
             VALUES ({NEW_ID}, ?1, ?2, ?3, ?4, unixepoch())"
        ),
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

/// False where another room has its name.
pub(super) fn update(connection: &Connection, room: &Room) -> Result<bool> {
    connection
        .execute(
            "UPDATE OR IGNORE room SET name = ?2, is_public = ?3, owner = ?4, topic = ?5, is_archived = ?6
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
        .map(|updated| updated > 0)
}

/// What refers to the room goes with it; a global one's glances and actions name it without a
/// reference.
pub(super) fn remove(connection: &mut Connection, id: RoomId) -> Result<bool> {
    let id = number(id.get());
    let transaction = connection.transaction_with_behavior(Immediate)?;
    for table in ["runtime_glance", "runtime_action", "installation"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE room_id = ?1"), [id])?;
    }
    let removed = transaction.execute("DELETE FROM room WHERE id = ?1", [id])? > 0;
    if removed {
        transaction.execute("INSERT INTO removed_room (id) VALUES (?1)", [id])?;
    }
    transaction.commit()?;
    Ok(removed)
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
