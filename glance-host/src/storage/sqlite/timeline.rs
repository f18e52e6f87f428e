//! Timelines in SQLite.

use async_trait::async_trait;
use glance_sdk::model::{OauthId, RoomId, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::corrupt;
use super::rows::{execute, id, json, number, parsed};
use super::{SqliteState, private_messages};
use crate::model::{Content, Entry, Sender, Side};
use crate::storage::{Effects, Posted, Result, TimelineStore};

/// The kind of an add-on's notification.
const NOTIFICATION: &str = "notification";
/// The kind of a person's message.
const MESSAGE: &str = "message";
/// The kind of an add-on's message.
const ADD_ON_MESSAGE: &str = "add_on_message";

const COLUMNS: &str = "id, room_id, at, sender, sender_name, kind, content";

#[async_trait]
impl TimelineStore for SqliteState {
    async fn post(&self, entry: &Entry, effects: Effects) -> Result<Posted> {
        let stored = StoredEntry::new(entry)?;
        self.write_with(effects, move |connection| {
            let posted = stored.insert(connection)?;
            Ok((posted, posted == Posted::New))
        })
        .await
    }

    async fn timeline(&self, room: RoomId, at_most: u32) -> Result<Vec<Entry>> {
        let mut newest = self.history(room, 0, at_most).await?;
        newest.reverse();
        Ok(newest)
    }

    async fn history(&self, room: RoomId, skip: u32, at_most: u32) -> Result<Vec<Entry>> {
        self.read_up_to(skip.saturating_add(at_most), move |connection| {
            newest(connection, room, skip, at_most)
        })
        .await
    }

    async fn history_beside(
        &self,
        room: RoomId,
        id: &str,
        side: Side,
        at_most: u32,
    ) -> Result<Vec<Entry>> {
        let id = id.to_owned();
        self.read_up_to(at_most, move |connection| {
            beside(connection, room, &id, side, at_most)
        })
        .await
    }

    async fn entry(&self, room: RoomId, id: &str) -> Result<Option<Entry>> {
        self.read(|connection| find(connection, room, id))
    }

    async fn delete_messages_before(&self, before: i64, at_most: u32) -> Result<u64> {
        self.write(move |connection| {
            let in_rooms = forget(connection, before, at_most)?;
            Ok((in_rooms + private_messages::forget(connection, before, at_most)?) as u64)
        })
        .await
    }

    async fn delete_entries_above(&self, bytes: u64, at_most: u32) -> Result<u64> {
        // Usually there is nothing to delete, and reading delays no write.
        let Some(room) = self.read(|connection| room_above(connection, bytes))? else {
            return Ok(0);
        };
        self.write(move |connection| shrink(connection, room, bytes, at_most))
            .await
    }
}

/// An entry in its stored form.
struct StoredEntry {
    kind: &'static str,
    content: String,
    entry: Entry,
}

impl StoredEntry {
    fn new(entry: &Entry) -> Result<Self> {
        let (kind, content) = match (&entry.content, &entry.sender) {
            (Content::Notification(notification), _) => (NOTIFICATION, json(notification)?),
            (Content::Message(message), Sender::Person(_)) => (MESSAGE, json(message)?),
            (Content::Message(message), Sender::AddOn(_)) => (ADD_ON_MESSAGE, json(message)?),
        };
        Ok(Self {
            kind,
            content,
            entry: entry.clone(),
        })
    }

    fn insert(&self, connection: &Connection) -> rusqlite::Result<Posted> {
        let entry = &self.entry;
        let insert = "INSERT INTO timeline (id, room_id, at, kind, sender, sender_name, content)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                      ON CONFLICT (id) DO NOTHING";
        let inserted = execute(
            connection,
            insert,
            params![
                entry.id,
                number(entry.room_id.get()),
                entry.at,
                self.kind,
                entry.sender.to_string(),
                entry.sender_name,
                self.content
            ],
        )?;
        Ok(match inserted {
            0 => Posted::Exists,
            _ => Posted::New,
        })
    }
}

/// Returns entries of a room, newest first.
fn newest(
    connection: &Connection,
    room: RoomId,
    skip: u32,
    at_most: u32,
) -> rusqlite::Result<Vec<Entry>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM timeline WHERE room_id = ?1
             ORDER BY nth DESC LIMIT ?2 OFFSET ?3"
        ))?
        .query_map(params![number(room.get()), at_most, skip], entry)?
        .collect()
}

/// Returns the entries on one side of an entry, nearest first.
fn beside(
    connection: &Connection,
    room: RoomId,
    id: &str,
    side: Side,
    at_most: u32,
) -> rusqlite::Result<Vec<Entry>> {
    let (is_beside, order) = match side {
        Side::Before => ("<", "DESC"),
        Side::After => (">", "ASC"),
    };
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM timeline WHERE room_id = ?1
             AND nth {is_beside} (SELECT nth FROM timeline WHERE room_id = ?1 AND id = ?2)
             ORDER BY nth {order} LIMIT ?3"
        ))?
        .query_map(params![number(room.get()), id, at_most], entry)?
        .collect()
}

pub(super) fn find(
    connection: &Connection,
    room: RoomId,
    id: &str,
) -> rusqlite::Result<Option<Entry>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM timeline WHERE room_id = ?1 AND id = ?2"
        ))?
        .query_row(params![number(room.get()), id], entry)
        .optional()
}

/// Deletes the oldest entries before a time. Returns how many.
fn forget(connection: &Connection, before: i64, at_most: u32) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM timeline WHERE nth IN
             (SELECT nth FROM timeline WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![before, at_most])
}

/// Finds a room whose entries have more bytes than these.
fn room_above(connection: &Connection, bytes: u64) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT room_id FROM timeline_size WHERE bytes > ?1 LIMIT 1")?
        .query_row([number(bytes)], |row| row.get(0))
        .optional()
}

/// Deletes as many of the oldest entries of a room as it takes to have no more bytes than these.
fn shrink(connection: &Connection, room: i64, bytes: u64, at_most: u32) -> rusqlite::Result<u64> {
    // `before` is the size of all older entries. An entry that is older than the excess is deleted.
    let deleted = execute(
        connection,
        "DELETE FROM timeline WHERE nth IN (
             SELECT nth FROM (
                 SELECT nth, sum(size) OVER (ORDER BY nth) - size AS before FROM (
                     SELECT nth, octet_length(content) + 300 AS size FROM timeline
                     WHERE room_id = ?1 ORDER BY nth LIMIT ?3))
             WHERE before < (SELECT bytes FROM timeline_size WHERE room_id = ?1) - ?2)",
        params![room, number(bytes), at_most],
    )?;
    Ok(deleted as u64)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let kind: String = row.get(5)?;
    let add_on = || {
        row.get::<_, String>(3)
            .map(OauthId::from)
            .map(Sender::AddOn)
    };
    let (sender, content) = match kind.as_str() {
        NOTIFICATION => (add_on()?, Content::Notification(parsed(row, 6)?)),
        ADD_ON_MESSAGE => (add_on()?, Content::Message(parsed(row, 6)?)),
        MESSAGE => {
            let sender: UserId = row
                .get::<_, String>(3)?
                .parse()
                .map_err(|cause| corrupt(row, 3, cause))?;
            (Sender::Person(sender), Content::Message(parsed(row, 6)?))
        }
        other => return Err(corrupt(row, 5, format!("no kind of entry: {other}"))),
    };
    Ok(Entry {
        id: row.get(0)?,
        room_id: id(row, 1)?.into(),
        at: row.get(2)?,
        sender,
        sender_name: row.get(4)?,
        content,
    })
}
