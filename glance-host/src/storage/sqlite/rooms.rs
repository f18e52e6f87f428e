//! Rooms in SQLite.

use async_trait::async_trait;
use glance_sdk::model::{RoomId, UserId};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteState;
use super::installations;
use super::people::{USER, user};
use super::rows::{execute, id, number, offset};
use crate::model::{Installed, NewRoom, Room, User};
use crate::storage::{Effects, Result, RoomChange, RoomEffects, RoomStore};

const ROOM: &str = "SELECT id, name, is_public, owner, topic, is_archived, created FROM room";

/// Returns the id of a new room: never one of a deleted room, because add-ons keep what they know of a room by its
/// id.
const NEXT: &str = "(SELECT max(
    ifnull((SELECT max(id) FROM room), 0), ifnull((SELECT max(id) FROM spent_room), 0)) + 1)";

#[async_trait]
impl RoomStore for SqliteState {
    async fn rooms(&self) -> Result<Vec<Room>> {
        self.scan(all).await
    }

    async fn list_rooms(&self, archived: bool, skip: u64, at_most: u32) -> Result<Vec<Room>> {
        self.scan(move |connection| list(connection, archived, skip, at_most))
            .await
    }

    async fn rooms_open_to(&self, user: &User, at_most: u32) -> Result<Vec<Room>> {
        let user = user.clone();
        self.scan(move |connection| open_to(connection, &user, at_most))
            .await
    }

    async fn first_room(&self) -> Result<Option<Room>> {
        self.read(first)
    }

    async fn room(&self, id: RoomId) -> Result<Option<Room>> {
        self.read(|connection| find(connection, id))
    }

    async fn owner_and_last_active(&self, room: &Room) -> Result<(Option<User>, Option<i64>)> {
        self.read(|connection| owner_and_last_active(connection, room))
    }

    async fn find_room(&self, name: &str) -> Result<Option<Room>> {
        self.read(|connection| find_by_name(connection, name))
    }

    async fn get_or_create_room(&self, name: &str, owner: UserId) -> Result<Room> {
        let name = name.to_owned();
        self.write(move |connection| get_or_create(connection, &name, owner))
            .await
    }

    async fn create_room(&self, new: &NewRoom, effects: RoomEffects) -> Result<Option<Room>> {
        let new = new.clone();
        self.write_then(move |connection| Ok(with_effects(create(connection, &new)?, effects)))
            .await
    }

    async fn create_first_room(&self, new: &NewRoom, effects: RoomEffects) -> Result<Option<Room>> {
        let new = new.clone();
        self.write_then(move |connection| {
            Ok(with_effects(create_first(connection, &new)?, effects))
        })
        .await
    }

    async fn change_room(
        &self,
        before: &Room,
        after: &Room,
        effects: Effects,
    ) -> Result<RoomChange> {
        let (before, after) = (before.clone(), after.clone());
        self.write_with(effects, move |connection| {
            let change = change(connection, &before, &after)?;
            Ok((change, change == RoomChange::Done))
        })
        .await
    }

    async fn remove_room(
        &self,
        id: RoomId,
        now: i64,
        effects: Effects,
    ) -> Result<Option<Vec<Installed>>> {
        self.write_with(effects, move |connection| {
            let removed = remove(connection, id, now)?;
            let is_removed = removed.is_some();
            Ok((removed, is_removed))
        })
        .await
    }

    async fn members(&self, room: RoomId) -> Result<Vec<User>> {
        self.scan(move |connection| members(connection, room)).await
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<RoomId>> {
        self.read(|connection| memberships(connection, user))
    }

    async fn add_member(&self, room: RoomId, user: UserId) -> Result<()> {
        self.write(move |connection| add_member(connection, room, user))
            .await
    }

    async fn remove_member(&self, room: RoomId, user: UserId, effects: Effects) -> Result<bool> {
        self.write_with(effects, move |connection| {
            let was_member = remove_member(connection, room, user)?;
            Ok((was_member, was_member))
        })
        .await
    }
}

fn with_effects(created: Option<Room>, effects: RoomEffects) -> (Option<Room>, Effects) {
    let effects = created.as_ref().map(effects).unwrap_or_default();
    (created, effects)
}

fn all(connection: &Connection) -> rusqlite::Result<Vec<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} ORDER BY id"))?
        .query_map([], room)?
        .collect()
}

fn list(
    connection: &Connection,
    archived: bool,
    skip: u64,
    at_most: u32,
) -> rusqlite::Result<Vec<Room>> {
    connection
        .prepare_cached(&format!(
            "{ROOM} WHERE ?1 OR NOT is_archived ORDER BY id LIMIT ?2 OFFSET ?3"
        ))?
        .query_map(params![archived, at_most, offset(skip)], room)?
        .collect()
}

/// Lists the rooms that a person may enter, by the same rules as [`Access`](crate::model::access::Access). A test
/// compares both.
fn open_to(connection: &Connection, user: &User, at_most: u32) -> rusqlite::Result<Vec<Room>> {
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

fn first(connection: &Connection) -> rusqlite::Result<Option<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} ORDER BY id LIMIT 1"))?
        .query_row([], room)
        .optional()
}

fn find(connection: &Connection, id: RoomId) -> rusqlite::Result<Option<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} WHERE id = ?1"))?
        .query_row([number(id.get())], room)
        .optional()
}

fn owner_and_last_active(
    connection: &Connection,
    room: &Room,
) -> rusqlite::Result<(Option<User>, Option<i64>)> {
    connection
        .prepare_cached(
            "SELECT user.id, name, is_admin, is_guest, timezone, email, is_removed, is_technical,
                    (SELECT at FROM timeline WHERE room_id = ?1 ORDER BY nth DESC LIMIT 1)
             FROM (SELECT ?2 AS owner) LEFT JOIN user ON user.id = owner",
        )?
        .query_row([number(room.id.get()), number(room.owner.get())], |row| {
            let owner = match row.get_ref(0)? {
                ValueRef::Null => None,
                _ => Some(user(row)?),
            };
            Ok((owner, row.get(8)?))
        })
}

fn find_by_name(connection: &Connection, name: &str) -> rusqlite::Result<Option<Room>> {
    connection
        .prepare_cached(&format!("{ROOM} WHERE name = ?1"))?
        .query_row([name], room)
        .optional()
}

/// Finds or creates the room with this name.
fn get_or_create(connection: &Connection, name: &str, owner: UserId) -> rusqlite::Result<Room> {
    execute(
        connection,
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

fn create(connection: &Connection, new: &NewRoom) -> rusqlite::Result<Option<Room>> {
    create_where(connection, new, "true")
}

fn create_first(connection: &Connection, new: &NewRoom) -> rusqlite::Result<Option<Room>> {
    create_where(connection, new, "NOT EXISTS (SELECT 1 FROM room)")
}

fn create_where(
    connection: &Connection,
    new: &NewRoom,
    condition: &str,
) -> rusqlite::Result<Option<Room>> {
    connection
        .prepare_cached(&format!(
            "INSERT OR IGNORE INTO room (id, name, is_public, owner, topic, created)
             SELECT {NEXT}, ?1, ?2, ?3, ?4, unixepoch() WHERE {condition}
             RETURNING id, name, is_public, owner, topic, is_archived, created"
        ))?
        .query_row(
            params![new.name, new.is_public, number(new.owner.get()), new.topic],
            room,
        )
        .optional()
}

fn change(connection: &Connection, before: &Room, after: &Room) -> rusqlite::Result<RoomChange> {
    match find(connection, before.id)? {
        None => return Ok(RoomChange::Gone),
        Some(now) if now != *before => return Ok(RoomChange::Stale),
        Some(_) => {}
    }
    let changed = execute(connection, "UPDATE OR IGNORE room SET name = ?2, is_public = ?3, owner = ?4, topic = ?5, is_archived = ?6
         WHERE id = ?1",
        params![
            number(before.id.get()),
            after.name,
            after.is_public,
            number(after.owner.get()),
            after.topic,
            after.is_archived
        ],
    )?;
    Ok(match changed {
        0 => RoomChange::NameTaken,
        _ => RoomChange::Done,
    })
}

/// Deletes a room. Most of its content is deleted by `ON DELETE CASCADE`; runtime glances and actions do not reference
/// the room.
fn remove(
    connection: &Connection,
    id: RoomId,
    now: i64,
) -> rusqlite::Result<Option<Vec<Installed>>> {
    let here = installations::of_room(connection, id)?;
    for installed in &here {
        installations::remove_and_notify(connection, installed, now)?;
    }
    let id = number(id.get());
    for statement in [
        "DELETE FROM runtime_glance WHERE room_id = ?1",
        "DELETE FROM runtime_action WHERE room_id = ?1",
        "INSERT INTO spent_room (id) SELECT id FROM room WHERE id = ?1",
    ] {
        execute(connection, statement, [id])?;
    }
    let removed = execute(connection, "DELETE FROM room WHERE id = ?1", [id])?;
    Ok((removed > 0).then_some(here))
}

fn memberships(connection: &Connection, user: UserId) -> rusqlite::Result<Vec<RoomId>> {
    connection
        .prepare_cached("SELECT room_id FROM room_member WHERE user_id = ?1 ORDER BY room_id")?
        .query_map([number(user.get())], |row| id(row, 0).map(RoomId::new))?
        .collect()
}

fn members(connection: &Connection, room: RoomId) -> rusqlite::Result<Vec<User>> {
    connection
        .prepare_cached(&format!(
            "{USER} WHERE id IN (SELECT user_id FROM room_member WHERE room_id = ?1)
             AND NOT is_removed ORDER BY id"
        ))?
        .query_map([number(room.get())], user)?
        .collect()
}

fn add_member(connection: &Connection, room: RoomId, user: UserId) -> rusqlite::Result<()> {
    execute(
        connection,
        "INSERT OR IGNORE INTO room_member (room_id, user_id)
             SELECT ?1, id FROM user WHERE id = ?2 AND NOT is_technical",
        [number(room.get()), number(user.get())],
    )
    .map(drop)
}

fn remove_member(connection: &Connection, room: RoomId, user: UserId) -> rusqlite::Result<bool> {
    execute(
        connection,
        "DELETE FROM room_member WHERE room_id = ?1 AND user_id = ?2",
        [number(room.get()), number(user.get())],
    )
    .map(|removed| removed > 0)
}

fn room(row: &Row<'_>) -> rusqlite::Result<Room> {
    room_at(row, 0)
}

/// Reads a room from the columns of [`ROOM`], which begin at this one.
pub(super) fn room_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Room> {
    Ok(Room {
        id: id(row, first)?.into(),
        name: row.get(first + 1)?,
        is_public: row.get(first + 2)?,
        owner: id(row, first + 3)?.into(),
        topic: row.get(first + 4)?,
        is_archived: row.get(first + 5)?,
        created: row.get(first + 6)?,
    })
}
