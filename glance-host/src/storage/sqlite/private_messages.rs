//! Private messages in SQLite.

use async_trait::async_trait;
use glance_sdk::model::UserId;
use rusqlite::{Connection, Row, params};

use super::SqliteState;
use super::rows::{id, number};
use crate::model::{MAX_PRIVATE_MESSAGES, PrivateMessage};
use crate::storage::{PrivateMessageStore, Result};

#[async_trait]
impl PrivateMessageStore for SqliteState {
    async fn put_private_message(&self, message: &PrivateMessage) -> Result<()> {
        let message = message.clone();
        self.write(move |connection| insert(connection, &message))
            .await
    }

    async fn private_messages(&self, to: UserId, at_most: u32) -> Result<Vec<PrivateMessage>> {
        self.read_up_to(at_most, move |connection| newest(connection, to, at_most))
            .await
    }

    async fn count_unread(&self, to: UserId) -> Result<u64> {
        self.read(|connection| count_unread(connection, to))
    }

    async fn mark_read(&self, to: UserId, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.write(move |connection| mark_read(connection, to, &id))
            .await
    }
}

/// Stores a message, and deletes the oldest if there are too many.
fn insert(connection: &Connection, message: &PrivateMessage) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO private_message
                 (id, user_id, at, sender, sender_name, text, format, notify, is_read)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            message.id,
            number(message.to.get()),
            message.at,
            message.from.as_str(),
            message.sender_name,
            message.text,
            message.format.to_string(),
            message.notify,
            message.is_read
        ])?;
    connection
        .prepare_cached(
            "DELETE FROM private_message WHERE user_id = ?1 AND nth <=
             (SELECT nth FROM private_message WHERE user_id = ?1
              ORDER BY nth DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![number(message.to.get()), MAX_PRIVATE_MESSAGES])?;
    Ok(())
}

/// Returns the newest messages to a person, oldest first.
fn newest(
    connection: &Connection,
    user: UserId,
    at_most: u32,
) -> rusqlite::Result<Vec<PrivateMessage>> {
    connection
        .prepare_cached(
            "SELECT id, user_id, at, sender, sender_name, text, format, notify, is_read
             FROM (SELECT * FROM private_message WHERE user_id = ?1 ORDER BY nth DESC LIMIT ?2)
             ORDER BY nth",
        )?
        .query_map(params![number(user.get()), at_most], message)?
        .collect()
}

fn count_unread(connection: &Connection, user: UserId) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT count(*) FROM private_message WHERE user_id = ?1 AND NOT is_read")?
        .query_row([number(user.get())], |row| id(row, 0))
}

/// Marks a message as read, and the earlier messages to the person too.
fn mark_read(connection: &Connection, user: UserId, message: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE private_message SET is_read = 1 WHERE user_id = ?1 AND NOT is_read
             AND nth <= (SELECT nth FROM private_message WHERE user_id = ?1 AND id = ?2)",
        )?
        .execute(params![number(user.get()), message])
        .map(drop)
}

/// Deletes the oldest messages before a time. Returns how many.
pub(super) fn forget(
    connection: &Connection,
    before: i64,
    at_most: u32,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM private_message WHERE nth IN
             (SELECT nth FROM private_message WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![before, at_most])
}

fn message(row: &Row<'_>) -> rusqlite::Result<PrivateMessage> {
    Ok(PrivateMessage {
        id: row.get(0)?,
        to: id(row, 1)?.into(),
        at: row.get(2)?,
        from: row.get::<_, String>(3)?.into(),
        sender_name: row.get(4)?,
        text: row.get(5)?,
        format: row.get::<_, String>(6)?.as_str().into(),
        notify: row.get(7)?,
        is_read: row.get(8)?,
    })
}
