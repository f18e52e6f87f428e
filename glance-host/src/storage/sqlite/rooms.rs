//! Rooms in SQLite.

use glance_sdk::model::{RoomId, UserId};
use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::installations;
use super::rows::{id, number, offset};
use crate::model::{Installed, NewRoom, Room, User};

const ROOM: &str = "SELECT id, name, is_public, owner, topic, is_archived, created FROM room";

/// The id of a new room: one that no room had, as add-ons keep what they know of a room by it.
const NEXT: &str = "(SELECT max(
    ifnull((SELECT max(id) FROM room), 0), ifnull((SELECT max(id) FROM spent_room), 0)) + 1)";

pub(super) fn all(connection: &Connection) -> Result<Vec<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} ORDER BY id"))?
        .query_map([], room)?
        .collect()
}

pub(super) fn some(
    connection: &Connection,
    archived: bool,
    skip: u64,
    at_most: u32,
) -> Result<Vec<Room>> {
    connection
        .prepare_cached(&format!(
            "{ROOM} WHERE ?1 OR NOT is_archived ORDER BY id LIMIT ?2 OFFSET ?3"
        ))?
        .query_map(params![archived, at_most, offset(skip)], room)?
        .collect()
}

/// As [`Access`](crate::model::access::Access) has it: a test holds the two to each other.
pub(super) fn open_to(connection: &Connection, user: &User, at_most: u32) -> Result<Vec<Room>> {
    connection
        .prepare_cached(&format!(
            "{ROOM} WHERE NOT is_archived AND NOT ?4
               AND (?2 OR owner = ?1 OR (is_public AND NOT ?3)
                    OR id IN (SELECT room_id FROM room_member WHERE user_id = ?1))
             ORDER BY id LIMIT ?5"
        ))?
        .query_map(
            params![
                number(user.id.get()),
                user.is_admin,
                user.is_guest,
                user.is_removed,
                at_most
            ],
            room,
        )?
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

pub(super) fn find_by_name(connection: &Connection, name: &str) -> Result<Option<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} WHERE name = ?1"))?
        .query_row([name], room)
        .optional()
}

/// The room with this name, made where there is none.
pub(super) fn get_or_create(connection: &Connection, name: &str, owner: UserId) -> Result<Room> {
    connection.execute(
        &format!(
            "INSERT OR IGNORE INTO room (id, name, owner, created)
             VALUES ({NEXT}, ?1, ?2, unixepoch())"
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
             VALUES ({NEXT}, ?1, ?2, ?3, ?4, unixepoch())"
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
        .map(|changed| changed > 0)
}

/// What cascades does so by the schema; a runtime glance or action has no reference to its room.
pub(super) fn remove(
    connection: &mut Connection,
    id: RoomId,
    now: i64,
) -> Result<Option<Vec<Installed>>> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let here = installations::of_room(&transaction, id)?;
    for installed in &here {
        installations::let_go(&transaction, installed, now)?;
    }
    let id = number(id.get());
    for statement in [
        "DELETE FROM runtime_glance WHERE room_id = ?1",
        "DELETE FROM runtime_action WHERE room_id = ?1",
        "INSERT INTO spent_room (id) SELECT id FROM room WHERE id = ?1",
    ] {
        transaction.execute(statement, [id])?;
    }
    let removed = transaction.execute("DELETE FROM room WHERE id = ?1", [id])?;
    transaction.commit()?;
    Ok((removed > 0).then_some(here))
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
