//! People in SQLite, and which private rooms they may enter.

use glance_sdk::model::{RoomId, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::{id, number};
use crate::state::User;

const USER: &str = "SELECT id, name, is_admin, is_guest, timezone, email FROM user";

pub(super) fn all(connection: &Connection) -> Result<Vec<User>> {
    connection
        .prepare_cached(&format!("{USER} ORDER BY id"))?
        .query_map([], user)?
        .collect()
}

pub(super) fn find(connection: &Connection, id: UserId) -> Result<Option<User>> {
    connection
        .prepare_cached(&format!("{USER} WHERE id = ?1"))?
        .query_row([number(id.get())], user)
        .optional()
}

pub(super) fn called(connection: &Connection, name: &str) -> Result<Option<User>> {
    connection
        .prepare_cached(&format!("{USER} WHERE name = ?1"))?
        .query_row([name], user)
        .optional()
}

/// The user with this name, made where there is none.
pub(super) fn named(connection: &Connection, name: &str) -> Result<User> {
    connection.execute("INSERT OR IGNORE INTO user (name) VALUES (?1)", [name])?;
    connection
        .prepare_cached(&format!("{USER} WHERE name = ?1"))?
        .query_row([name], user)
}

pub(super) fn update(connection: &Connection, user: &User) -> Result<()> {
    connection
        .execute(
            "UPDATE user SET name = ?2, is_admin = ?3, is_guest = ?4, timezone = ?5, email = ?6
             WHERE id = ?1",
            params![
                number(user.id.get()),
                user.name,
                user.is_admin,
                user.is_guest,
                user.timezone,
                user.email
            ],
        )
        .map(drop)
}

pub(super) fn members(connection: &Connection, room: RoomId) -> Result<Vec<User>> {
    connection
        .prepare_cached(&format!(
            "{USER} WHERE id IN (SELECT user_id FROM room_member WHERE room_id = ?1) ORDER BY id"
        ))?
        .query_map([number(room.get())], user)?
        .collect()
}

pub(super) fn add_member(connection: &Connection, room: RoomId, user: UserId) -> Result<()> {
    connection
        .execute(
            "INSERT OR IGNORE INTO room_member (room_id, user_id) VALUES (?1, ?2)",
            [number(room.get()), number(user.get())],
        )
        .map(drop)
}

pub(super) fn remove_member(connection: &Connection, room: RoomId, user: UserId) -> Result<bool> {
    connection
        .execute(
            "DELETE FROM room_member WHERE room_id = ?1 AND user_id = ?2",
            [number(room.get()), number(user.get())],
        )
        .map(|removed| removed > 0)
}

fn user(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: id(row, 0)?.into(),
        name: row.get(1)?,
        is_admin: row.get(2)?,
        is_guest: row.get(3)?,
        timezone: row.get(4)?,
        email: row.get(5)?,
    })
}
