//! The newest data of glances in SQLite.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use async_trait::async_trait;
use glance_sdk::model::{Descriptor, OauthId, RoomId, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteState;
use super::error::corrupt;
use super::events::{StoredEvent, next_version, read_version};
use super::rows::{execute, id, number};
use super::writer::OnCommit;
use crate::model::event::{Committed, Event, Topic};
use crate::model::{Data, GlanceValue, Push, QueryAnswer, Source, Version};
use crate::storage::{GlanceStore, MAX_INSTALLATION_BYTES, Result};

/// The size of a row without its data, with its entries in the indexes: an estimate.
const ROW_BYTES: usize = 300;

/// The number of rows that are deleted at a time to make room.
const EVICTED: u32 = 100;

#[async_trait]
impl GlanceStore for SqliteState {
    async fn push(&self, push: Push) -> Result<bool> {
        let event = StoredEvent::push(&push)?;
        let receivers = Arc::clone(&self.0.receivers);
        let store = move |connection: &Connection| {
            let Some(push) = store_push(connection, push, &event)? else {
                return Ok((false, Box::new(|| ()) as OnCommit));
            };
            let on_commit = move || {
                let committed = Committed {
                    topic: Topic::of(push.place.room()),
                    version: Some(push.version),
                    event: Event::Pushed(push.into()),
                };
                receivers.publish(&[committed]);
            };
            Ok((true, Box::new(on_commit) as OnCommit))
        };
        self.0.writer.change_then(store).await
    }

    async fn store_answers(&self, answers: Vec<QueryAnswer>) -> Result<()> {
        self.write(move |connection| store_answers(connection, &answers))
            .await
    }

    async fn version(&self, room: RoomId) -> Result<Version> {
        self.read(|connection| version(connection, room))
            .map(Option::unwrap_or_default)
    }

    async fn latest(&self, room: RoomId, user: UserId) -> Result<Vec<GlanceValue>> {
        self.read(|connection| latest(connection, room, user))
    }
}

/// A row that replaces the one of its glance, place and person.
struct NewRow<'a> {
    oauth_id: &'a OauthId,
    key: &'a str,
    room: Option<RoomId>,
    user: Option<UserId>,
    version: Version,
    source: Source,
    data: &'a Data,
    at: i64,
}

fn store_push(
    connection: &Connection,
    mut push: Push,
    event: &StoredEvent,
) -> rusqlite::Result<Option<Push>> {
    if !exists(connection, &push.oauth_id, push.user)? {
        return Ok(None);
    }
    let room = push.place.room();
    let Some(version) = next_version(connection, room)? else {
        return Ok(None);
    };
    for glance in &push.glances {
        let row = NewRow {
            oauth_id: &push.oauth_id,
            key: &glance.key,
            room,
            user: push.user,
            version,
            source: Source::Push,
            data: &glance.data,
            at: push.at,
        };
        put(connection, &row)?;
    }
    evict(connection, &push.oauth_id)?;
    event.insert(connection, room, version)?;
    push.version = version;
    Ok(Some(push))
}

fn store_answers(connection: &Connection, answers: &[QueryAnswer]) -> rusqlite::Result<()> {
    for answer in answers {
        let is_there = exists(connection, &answer.oauth_id, answer.user)?
            && version(connection, answer.room)?.is_some();
        if is_there {
            let row = NewRow {
                oauth_id: &answer.oauth_id,
                key: &answer.key,
                room: Some(answer.room),
                user: answer.user,
                version: answer.version,
                source: Source::Query,
                data: &answer.data,
                at: answer.at,
            };
            put(connection, &row)?;
            evict(connection, &answer.oauth_id)?;
        }
    }
    Ok(())
}

/// Returns whether the installation exists, and the person if there is one.
fn exists(
    connection: &Connection,
    oauth_id: &OauthId,
    user: Option<UserId>,
) -> rusqlite::Result<bool> {
    let is_installed = connection
        .prepare_cached("SELECT 1 FROM installation WHERE oauth_id = ?1")?
        .exists([oauth_id.as_str()])?;
    Ok(is_installed
        && match user {
            None => true,
            Some(user) => connection
                .prepare_cached("SELECT 1 FROM user WHERE id = ?1 AND NOT is_removed")?
                .exists([number(user.get())])?,
        })
}

pub(super) fn version(connection: &Connection, room: RoomId) -> rusqlite::Result<Option<Version>> {
    connection
        .prepare_cached("SELECT (SELECT version FROM team), version FROM room WHERE id = ?1")?
        .query_row([number(room.get())], |row| read_version(row, 0))
        .optional()
}

fn put(connection: &Connection, new: &NewRow<'_>) -> rusqlite::Result<()> {
    let (look, metadata) = (new.data.look(), new.data.metadata());
    let bytes = ROW_BYTES + look.len() + metadata.map_or(0, str::len);
    execute(
        connection,
        "INSERT INTO glance_value
             (oauth_id, key, room_id, user_id, group_version, room_version, is_answer, look, metadata,
              received_at, changed_at, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)
         ON CONFLICT (oauth_id, key, ifnull(room_id, 0), ifnull(user_id, 0)) DO UPDATE SET
             group_version = excluded.group_version,
             room_version = excluded.room_version,
             is_answer = excluded.is_answer,
             look = excluded.look,
             metadata = excluded.metadata,
             received_at = excluded.received_at,
             changed_at = iif(look = excluded.look, changed_at, excluded.changed_at),
             bytes = excluded.bytes
         WHERE (excluded.group_version, excluded.room_version) >= (group_version, room_version)",
        params![
            new.oauth_id.as_str(),
            new.key,
            new.room.map(|room| number(room.get())),
            new.user.map(|user| number(user.get())),
            number(new.version.group),
            number(new.version.room),
            new.source == Source::Query,
            look,
            metadata,
            new.at,
            number(bytes as u64)
        ],
    )
    .map(drop)
}

/// Deletes the oldest data of an installation that has too much.
fn evict(connection: &Connection, oauth_id: &OauthId) -> rusqlite::Result<()> {
    loop {
        let bytes = connection
            .prepare_cached("SELECT bytes FROM glance_value_size WHERE oauth_id = ?1")?
            .query_row([oauth_id.as_str()], |row| id(row, 0))
            .optional()?;
        if bytes.is_none_or(|bytes| bytes <= MAX_INSTALLATION_BYTES) {
            return Ok(());
        }
        execute(
            connection,
            "DELETE FROM glance_value WHERE id IN
                 (SELECT id FROM glance_value WHERE oauth_id = ?1
                  ORDER BY user_id IS NULL, received_at LIMIT ?2)",
            params![oauth_id.as_str(), EVICTED],
        )?;
    }
}

/// Returns the newest data of each glance: for everyone or this person, in the room or in all rooms.
fn latest(
    connection: &Connection,
    room: RoomId,
    user: UserId,
) -> rusqlite::Result<Vec<GlanceValue>> {
    const COLUMNS: &str = "SELECT oauth_id, key, user_id IS NULL, group_version, room_version,
         is_answer, look, metadata, received_at, changed_at FROM glance_value";
    let mut statement = connection.prepare_cached(&format!(
        "{COLUMNS} WHERE room_id = ?1 AND user_id IS NULL
         UNION ALL {COLUMNS} WHERE room_id = ?1 AND user_id = ?2
         UNION ALL {COLUMNS} WHERE room_id IS NULL AND user_id IS NULL
         UNION ALL {COLUMNS} WHERE room_id IS NULL AND user_id = ?2"
    ))?;
    let mut newest = HashMap::new();
    let rows = statement.query_map([number(room.get()), number(user.get())], read_value)?;
    for value in rows {
        let value = value?;
        match newest.entry((value.oauth_id.clone(), value.key.clone())) {
            Entry::Vacant(entry) => drop(entry.insert(value)),
            Entry::Occupied(mut entry) if entry.get().order() < value.order() => {
                entry.insert(value);
            }
            Entry::Occupied(_) => {}
        }
    }
    Ok(newest.into_values().collect())
}

/// Finds the newest data of one glance for exactly this place and person, and the time when the host received it.
pub(super) fn find(
    connection: &Connection,
    oauth_id: &OauthId,
    key: &str,
    room: Option<RoomId>,
    user: Option<UserId>,
) -> rusqlite::Result<Option<(Data, i64)>> {
    connection
        .prepare_cached(
            "SELECT look, metadata, received_at FROM glance_value WHERE oauth_id = ?1 AND key = ?2
                 AND ifnull(room_id, 0) = ?3 AND ifnull(user_id, 0) = ?4",
        )?
        .query_row(
            params![
                oauth_id.as_str(),
                key,
                room.map_or(0, |room| number(room.get())),
                user.map_or(0, |user| number(user.get()))
            ],
            |row| {
                let data = Data::from_stored(row.get(0)?, row.get(1)?);
                Ok((data.map_err(|cause| corrupt(row, 0, cause))?, row.get(2)?))
            },
        )
        .optional()
}

fn read_value(row: &Row<'_>) -> rusqlite::Result<GlanceValue> {
    let data = Data::from_stored(row.get(6)?, row.get(7)?);
    Ok(GlanceValue {
        oauth_id: row.get::<_, String>(0)?.into(),
        key: row.get(1)?,
        is_for_everyone: row.get(2)?,
        version: read_version(row, 3)?,
        source: match row.get(5)? {
            true => Source::Query,
            false => Source::Push,
        },
        data: data.map_err(|cause| corrupt(row, 6, cause))?,
        received_at: row.get(8)?,
        changed_at: row.get(9)?,
    })
}

/// Deletes the data of the glances of an installation that the new descriptor does not declare in the same way. Answers
/// to queries are deleted too, because the new version may answer differently.
pub(super) fn forget_changed(
    connection: &Connection,
    oauth_id: &OauthId,
    old: &Descriptor,
    new: &Descriptor,
) -> rusqlite::Result<()> {
    for glance in old.capabilities.glances() {
        let is_same = new.glance(&glance.key) == Some(glance);
        forget(connection, oauth_id, &glance.key, None, is_same)?;
    }
    Ok(())
}

/// Deletes the data of one glance, in one room or in all; `answers_only` keeps pushed data.
pub(super) fn forget(
    connection: &Connection,
    oauth_id: &OauthId,
    key: &str,
    room: Option<RoomId>,
    answers_only: bool,
) -> rusqlite::Result<()> {
    execute(
        connection,
        "DELETE FROM glance_value WHERE oauth_id = ?1 AND key = ?2
             AND (?3 IS NULL OR room_id = ?3) AND (is_answer OR NOT ?4)",
        params![
            oauth_id.as_str(),
            key,
            room.map(|room| number(room.get())),
            answers_only
        ],
    )
    .map(drop)
}
