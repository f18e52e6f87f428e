//! What was written to one person, in SQLite.

use glance_sdk::model::UserId;
use rusqlite::{Connection, Result, Row, params};

use super::rows::{id, number};
use crate::state::PrivateMessage;

pub(super) fn insert(connection: &Connection, message: &PrivateMessage) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO private_message (id, user_id, at, sender, sender_name, text, format, notify)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            message.id,
            number(message.to.get()),
            message.at,
            message.from.as_str(),
            message.sender_name,
            message.text,
            message.format.to_string(),
            message.notify
        ])
        .map(drop)
}

/// All that was written to a person, oldest first.
pub(super) fn to(connection: &Connection, user: UserId) -> Result<Vec<PrivateMessage>> {
    connection
        .prepare_cached(
            "SELECT id, user_id, at, sender, sender_name, text, format, notify
             FROM private_message WHERE user_id = ?1 ORDER BY nth",
        )?
        .query_map([number(user.get())], message)?
        .collect()
}

/// Forgets the oldest of what was written before a time; says how many.
pub(super) fn forget(connection: &Connection, before: i64, at_most: u32) -> Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM private_message WHERE nth IN
             (SELECT nth FROM private_message WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![before, at_most])
}

fn message(row: &Row<'_>) -> Result<PrivateMessage> {
    Ok(PrivateMessage {
        id: row.get(0)?,
        to: id(row, 1)?.into(),
        at: row.get(2)?,
        from: row.get::<_, String>(3)?.into(),
        sender_name: row.get(4)?,
        text: row.get(5)?,
        format: row.get::<_, String>(6)?.as_str().into(),
        notify: row.get(7)?,
    })
}
