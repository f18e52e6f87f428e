//! The log of events in SQLite.

use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;
use glance_sdk::model::{OauthId, RoomId, UserId};
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::rows::{execute, id, json, number, parsed, room};
use super::{SqliteState, glance_values, timeline};
use crate::model::event::{Committed, Event, LoggedBody, LoggedEvent, Position, Topic};
use crate::model::{Entry, Place, Push, PushedGlance, Version};
use crate::storage::{EventReceiver, EventStore, MAX_LOGGED_EVENTS, Result};

/// How often an event deletes events beyond [`MAX_LOGGED_EVENTS`].
const TRIM_EVERY: u64 = 100;

#[async_trait]
impl EventStore for SqliteState {
    fn add_receiver(&self, receiver: Weak<dyn EventReceiver>) {
        self.0.receivers.add(receiver);
    }

    async fn position(&self, room: RoomId) -> Result<Option<Position>> {
        self.read(|connection| position(connection, room))
    }

    async fn events_after(
        &self,
        room: RoomId,
        after: &Position,
    ) -> Result<Option<Vec<LoggedEvent>>> {
        let after = after.clone();
        self.scan(move |connection| {
            // All reads see the same state.
            let transaction = connection.unchecked_transaction()?;
            events_after(&transaction, room, &after)
        })
        .await
    }

    async fn entries_after(
        &self,
        room: RoomId,
        after: &Position,
        last: Version,
        at_most: u32,
    ) -> Result<Option<Vec<(Version, Entry)>>> {
        let after = after.clone();
        self.read_up_to(at_most, move |connection| {
            let transaction = connection.unchecked_transaction()?;
            entries_after(&transaction, room, &after, last, at_most)
        })
        .await
    }

    async fn delete_old_events(&self, age: Duration, at_most: u32) -> Result<u64> {
        let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        self.write(move |connection| delete_old(connection, age, at_most))
            .await
    }
}

/// The receivers of committed events.
#[derive(Debug, Default)]
pub(super) struct Receivers(Mutex<Vec<Weak<dyn EventReceiver>>>);

impl Receivers {
    fn add(&self, receiver: Weak<dyn EventReceiver>) {
        let mut receivers = self.0.lock();
        receivers.retain(|known| known.strong_count() > 0);
        receivers.push(receiver);
    }

    /// Passes events to all receivers. They do not wait, so the lock is held shortly.
    pub(super) fn publish(&self, events: &[Committed]) {
        let receivers = self.0.lock();
        for receiver in receivers.iter().filter_map(Weak::upgrade) {
            for event in events {
                receiver.receive(event.clone());
            }
        }
    }
}

/// A push in the log: its data is in its own table.
#[derive(Serialize, Deserialize)]
struct LoggedPush {
    installation: OauthId,
    user: Option<UserId>,
    keys: Vec<String>,
}

/// The column `event`: `Event` to read it, `&Event` to write it.
#[derive(Serialize, Deserialize)]
enum EventColumn<E> {
    Pushed(LoggedPush),
    Event(E),
}

/// An event in its stored form.
pub(super) enum StoredEvent {
    /// The id of the entry.
    Posted(String),
    Json(String),
}

impl StoredEvent {
    fn new(event: &Event) -> Result<Self> {
        Ok(match event {
            Event::Posted(posted) => Self::Posted(posted.entry.id.clone()),
            Event::Pushed(push) => Self::push(push)?,
            other => Self::Json(json(&EventColumn::Event(other))?),
        })
    }

    pub(super) fn push(push: &Push) -> Result<Self> {
        let logged = LoggedPush {
            installation: push.oauth_id.clone(),
            user: push.user,
            keys: push.glances.iter().map(|new| new.key.clone()).collect(),
        };
        Ok(Self::Json(json(&EventColumn::<&Event>::Pushed(logged))?))
    }

    /// Writes the event with the number that was taken for it.
    pub(super) fn insert(
        &self,
        connection: &Connection,
        room: Option<RoomId>,
        version: Version,
    ) -> rusqlite::Result<()> {
        let (entry, event) = match self {
            Self::Posted(entry) => (Some(entry), None),
            Self::Json(event) => (None, Some(event)),
        };
        let room = room.map(|room| number(room.get()));
        execute(
            connection,
            "INSERT INTO event_log (room_id, group_version, room_version, at, entry_id, event)
             VALUES (?1, ?2, ?3, unixepoch(), ?4, ?5)",
            params![
                room,
                number(version.group),
                number(version.room),
                entry,
                event
            ],
        )?;
        trim(connection, room, version)
    }
}

/// Deletes the events of a room, or of all rooms, that are too many.
fn trim(connection: &Connection, room: Option<i64>, version: Version) -> rusqlite::Result<()> {
    let (newest, sql) = match room {
        Some(_) => (
            version.room,
            "DELETE FROM event_log WHERE room_id = ?1 AND room_version <= ?2",
        ),
        None => (
            version.group,
            "DELETE FROM event_log WHERE room_id IS ?1 AND room_version = 0 AND group_version <= ?2",
        ),
    };
    if newest.is_multiple_of(TRIM_EVERY) {
        let last = newest.saturating_sub(MAX_LOGGED_EVENTS);
        execute(connection, sql, params![room, number(last)])?;
    }
    Ok(())
}

/// The events of a change in their stored form.
pub(super) struct StoredEvents(Vec<(Topic, StoredEvent, Event)>);

impl StoredEvents {
    pub(super) fn new(events: Vec<(Topic, Event)>) -> Result<Self> {
        let stored = |(topic, event)| Ok((topic, StoredEvent::new(&event)?, event));
        events
            .into_iter()
            .map(stored)
            .collect::<Result<_>>()
            .map(Self)
    }

    /// Numbers the events and writes them within a transaction.
    pub(super) fn insert(self, connection: &Connection) -> rusqlite::Result<Vec<Committed>> {
        let insert = |(topic, stored, event): (Topic, StoredEvent, Event)| {
            let version = next_version(connection, topic.room())?;
            if let Some(version) = version {
                stored.insert(connection, topic.room(), version)?;
            }
            Ok(Committed {
                topic,
                version,
                event,
            })
        };
        self.0.into_iter().map(insert).collect()
    }
}

/// Takes the next number of a room or of the group; `None` if there is no such room.
pub(super) fn next_version(
    connection: &Connection,
    room: Option<RoomId>,
) -> rusqlite::Result<Option<Version>> {
    // Not `RETURNING`, for which SQLite creates a temporary table.
    let Some(room) = room else {
        execute(connection, "UPDATE team SET version = version + 1", [])?;
        let group = connection
            .prepare_cached("SELECT version FROM team")?
            .query_row([], |row| id(row, 0))?;
        return Ok(Some(Version { group, room: 0 }));
    };
    execute(
        connection,
        "UPDATE room SET version = version + 1 WHERE id = ?1",
        [number(room.get())],
    )?;
    glance_values::version(connection, room)
}

/// Reads a version from two columns.
pub(super) fn read_version(row: &Row<'_>, first: usize) -> rusqlite::Result<Version> {
    Ok(Version {
        group: id(row, first)?,
        room: id(row, first + 1)?,
    })
}

fn position(connection: &Connection, room: RoomId) -> rusqlite::Result<Option<Position>> {
    connection
        .prepare_cached(
            "SELECT team.version, room.version, epoch FROM room, team WHERE room.id = ?1",
        )?
        .query_row([number(room.get())], |row| {
            Ok(Position {
                version: read_version(row, 0)?,
                epoch: row.get(2)?,
            })
        })
        .optional()
}

/// Returns whether the log contains all events of a room after this one. Numbers have no gaps, and older events are
/// deleted before newer ones.
fn has_room_events_after(
    connection: &Connection,
    room: RoomId,
    after: Version,
    current: Version,
) -> rusqlite::Result<bool> {
    Ok(after.room == current.room
        || after.room < current.room
            && connection
                .prepare_cached("SELECT 1 FROM event_log WHERE room_id = ?1 AND room_version = ?2")?
                .exists([number(room.get()), number(after.room + 1)])?)
}

/// Returns whether the log contains all events of all rooms after this one.
fn has_group_events_after(
    connection: &Connection,
    after: Version,
    current: Version,
) -> rusqlite::Result<bool> {
    Ok(after.group == current.group
        || after.group < current.group
            && connection
                .prepare_cached(
                    "SELECT 1 FROM event_log
                     WHERE room_id IS NULL AND room_version = 0 AND group_version = ?1",
                )?
                .exists([number(after.group + 1)])?)
}

fn events_after(
    connection: &Connection,
    room: RoomId,
    after: &Position,
) -> rusqlite::Result<Option<Vec<LoggedEvent>>> {
    let Some(current) = position(connection, room)? else {
        return Ok(None);
    };
    let (seen, newest) = (after.version, current.version);
    if after.epoch != current.epoch
        || !has_room_events_after(connection, room, seen, newest)?
        || !has_group_events_after(connection, seen, newest)?
    {
        return Ok(None);
    }
    const COLUMNS: &str =
        "SELECT group_version, room_version, room_id, entry_id, event FROM event_log";
    connection
        .prepare_cached(&format!(
            "{COLUMNS} WHERE room_id = ?1 AND room_version > ?2
             UNION ALL {COLUMNS} WHERE room_id IS NULL AND room_version = 0 AND group_version > ?3
             ORDER BY 1, 2"
        ))?
        .query_map([room.get(), seen.room, seen.group].map(number), |row| {
            logged(connection, row)
        })?
        .collect::<rusqlite::Result<_>>()
        .map(Some)
}

fn logged(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<LoggedEvent> {
    let body = match row.get(3)? {
        Some(entry) => LoggedBody::Posted(entry),
        None => LoggedBody::Event(match parsed(row, 4)? {
            EventColumn::Event(event) => event,
            EventColumn::Pushed(push) => {
                let push = read_push(connection, push, room(row, 2)?, read_version(row, 0)?)?;
                Event::Pushed(push.into())
            }
        }),
    };
    Ok(LoggedEvent {
        version: read_version(row, 0)?,
        body,
    })
}

/// Reads the newest data of the glances of a push.
fn read_push(
    connection: &Connection,
    logged: LoggedPush,
    room: Option<RoomId>,
    version: Version,
) -> rusqlite::Result<Push> {
    let LoggedPush {
        installation: oauth_id,
        user,
        keys,
    } = logged;
    let mut push = Push {
        place: room.map_or(Place::Global, Place::Room),
        user,
        glances: Vec::new(),
        at: 0,
        version,
        oauth_id,
    };
    for key in keys {
        let found = glance_values::find(connection, &push.oauth_id, &key, room, user)?;
        if let Some((data, at)) = found {
            push.glances.push(PushedGlance { key, data });
            push.at = push.at.max(at);
        }
    }
    Ok(push)
}

fn entries_after(
    connection: &Connection,
    room: RoomId,
    after: &Position,
    last: Version,
    at_most: u32,
) -> rusqlite::Result<Option<Vec<(Version, Entry)>>> {
    let Some(current) = position(connection, room)? else {
        return Ok(None);
    };
    let seen = after.version;
    if after.epoch != current.epoch
        || seen.group > last.group
        || seen.room > last.room
        || !has_room_events_after(connection, room, seen, current.version)?
    {
        return Ok(None);
    }
    let posted: Vec<(Version, String)> = connection
        .prepare_cached(
            "SELECT group_version, room_version, entry_id FROM event_log
             WHERE room_id = ?1 AND room_version > ?2 AND room_version <= ?3
               AND entry_id IN (SELECT id FROM timeline WHERE room_id = ?1)
             ORDER BY room_version LIMIT ?4",
        )?
        .query_map(
            params![
                number(room.get()),
                number(seen.room),
                number(last.room),
                at_most
            ],
            |row| Ok((read_version(row, 0)?, row.get(2)?)),
        )?
        .collect::<rusqlite::Result<_>>()?;
    let mut entries = Vec::with_capacity(posted.len());
    for (version, id) in posted {
        // An entry may be deleted before its event.
        if let Some(entry) = timeline::find(connection, room, &id)? {
            entries.push((version, entry));
        }
    }
    Ok(Some(entries))
}

/// Deletes the oldest events down to the first young one, so that the log has no gap even after the clock was set back.
fn delete_old(connection: &Connection, age: i64, at_most: u32) -> rusqlite::Result<u64> {
    let oldest: Vec<(i64, bool)> = connection
        .prepare_cached("SELECT id, at <= unixepoch() - ?1 FROM event_log ORDER BY id LIMIT ?2")?
        .query_map(params![age, at_most], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let old = oldest.iter().take_while(|(_, is_old)| *is_old);
    let Some((last, _)) = old.last() else {
        return Ok(0);
    };
    let deleted = execute(connection, "DELETE FROM event_log WHERE id <= ?1", [last])?;
    Ok(deleted as u64)
}
