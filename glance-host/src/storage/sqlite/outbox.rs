//! Webhook calls in SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use glance_sdk::model::{OauthId, Secret};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteState;
use super::error::storage_error;
use super::rows::{execute, id, json, number, parsed};
use crate::model::{
    DropReason, DroppedCalls, MAX_QUEUED_BYTES, MAX_QUEUED_EVENTS, NewCalls, QueuedCalls,
    WebhookEvent,
};
use crate::storage::{Effects, OutboxStore, Result};

#[async_trait]
impl OutboxStore for SqliteState {
    async fn queue_calls(&self, effects: Effects) -> Result<()> {
        self.write_with(effects, |_| Ok(((), true))).await
    }

    async fn installations_with_calls(&self) -> Result<Vec<OauthId>> {
        self.scan(installations).await
    }

    async fn next_calls(&self, id: &OauthId) -> Result<Option<QueuedCalls>> {
        loop {
            let (number, error) = match self.read(|connection| next(connection, id))? {
                None => return Ok(None),
                Some((_, Ok(queued))) => return Ok(Some(queued)),
                Some((number, Err(error))) => (number, storage_error(error)),
            };
            let error = format!("{error:#}");
            tracing::error!(installation = %id, error, "dropped stored webhook calls that cannot be read");
            self.delete_calls(number).await?;
        }
    }

    async fn mark_sending(&self, number: u64, position: u32) -> Result<bool> {
        self.write(move |connection| mark(connection, number, position, true))
            .await
    }

    async fn mark_waiting(&self, number: u64, position: u32) -> Result<bool> {
        self.write(move |connection| mark(connection, number, position, false))
            .await
    }

    async fn delete_calls(&self, number: u64) -> Result<()> {
        self.write(move |connection| delete(connection, number))
            .await
    }
}

/// Calls in their stored form.
pub(super) struct StoredCalls(Vec<StoredEvent>);

/// An event, and the calls of each installation for it.
struct StoredEvent {
    event: Arc<WebhookEvent>,
    payload: String,
    calls: Vec<(NewCalls, String)>,
}

impl StoredCalls {
    /// Serializes calls. Those of one event that follow each other share it.
    pub(super) fn new(all: Vec<NewCalls>) -> Result<Self> {
        let mut events: Vec<StoredEvent> = Vec::new();
        for calls in all {
            let text = json(&calls.calls)?;
            match events.last_mut() {
                Some(last) if Arc::ptr_eq(&last.event, &calls.event) => {
                    last.calls.push((calls, text));
                }
                _ => events.push(StoredEvent {
                    event: Arc::clone(&calls.event),
                    payload: json(&*calls.event)?,
                    calls: vec![(calls, text)],
                }),
            }
        }
        Ok(Self(events))
    }

    /// Stores the calls within a transaction. Returns those that are not stored.
    pub(super) fn insert(self, connection: &Connection) -> rusqlite::Result<Vec<DroppedCalls>> {
        let mut dropped = Vec::new();
        for event in self.0 {
            event.insert(connection, &mut dropped)?;
        }
        Ok(dropped)
    }
}

impl StoredEvent {
    fn insert(
        self,
        connection: &Connection,
        dropped: &mut Vec<DroppedCalls>,
    ) -> rusqlite::Result<()> {
        let mut event_id = None;
        for (calls, text) in self.calls {
            let bytes = (self.payload.len() + text.len()) as u64;
            if let Some(reason) = refusal(connection, &calls, bytes)? {
                dropped.push(DroppedCalls { calls, reason });
                continue;
            }
            let event_id = match event_id {
                Some(id) => id,
                None => *event_id.insert(insert_event(connection, &self.payload)?),
            };
            let installation = match calls.last_secret {
                Some(_) => None,
                None => Some(calls.oauth_id.as_str()),
            };
            execute(
                connection,
                "INSERT INTO webhook_call (event_id, oauth_id, installation, last_secret, bytes, calls)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    event_id,
                    calls.oauth_id.as_str(),
                    installation,
                    calls.last_secret.as_ref().map(Secret::expose),
                    number(bytes),
                    text
                ],
            )?;
        }
        Ok(())
    }
}

/// Returns why calls are not stored.
fn refusal(
    connection: &Connection,
    calls: &NewCalls,
    bytes: u64,
) -> rusqlite::Result<Option<DropReason>> {
    let oauth_id = calls.oauth_id.as_str();
    if calls.last_secret.is_none() {
        let is_installed = connection
            .prepare_cached("SELECT 1 FROM installation WHERE oauth_id = ?1")?
            .exists([oauth_id])?;
        if !is_installed {
            return Ok(Some(DropReason::Removed));
        }
    }
    let (events, queued) = connection
        .prepare_cached(
            "SELECT count(*), ifnull(sum(bytes), 0) FROM webhook_call
             WHERE oauth_id = ?1 AND NOT is_sending",
        )?
        .query_row([oauth_id], |row| Ok((row.get::<_, u32>(0)?, id(row, 1)?)))?;
    let is_full = events >= MAX_QUEUED_EVENTS || queued + bytes > MAX_QUEUED_BYTES;
    Ok(is_full.then_some(DropReason::Full))
}

fn insert_event(connection: &Connection, payload: &str) -> rusqlite::Result<i64> {
    execute(
        connection,
        "INSERT INTO webhook_event (payload) VALUES (?1)",
        [payload],
    )?;
    Ok(connection.last_insert_rowid())
}

fn installations(connection: &Connection) -> rusqlite::Result<Vec<OauthId>> {
    connection
        .prepare_cached("SELECT DISTINCT oauth_id FROM webhook_call ORDER BY oauth_id")?
        .query_map([], |row| row.get::<_, String>(0).map(OauthId::from))?
        .collect()
}

/// Returns the number of the oldest calls, and the calls if they can be read.
fn next(
    connection: &Connection,
    id: &OauthId,
) -> rusqlite::Result<Option<(u64, rusqlite::Result<QueuedCalls>)>> {
    connection
        .prepare_cached(
            "SELECT webhook_call.id, oauth_id, last_secret, position, is_sending, calls, payload
             FROM webhook_call JOIN webhook_event ON webhook_event.id = event_id
             WHERE oauth_id = ?1 ORDER BY webhook_call.id LIMIT 1",
        )?
        .query_row([id.as_str()], |row| {
            let number = self::id(row, 0)?;
            Ok((number, queued(row, number)))
        })
        .optional()
}

fn queued(row: &Row<'_>, number: u64) -> rusqlite::Result<QueuedCalls> {
    Ok(QueuedCalls {
        number,
        calls: NewCalls {
            event: Arc::new(parsed(row, 6)?),
            oauth_id: row.get::<_, String>(1)?.into(),
            last_secret: row.get::<_, Option<String>>(2)?.map(Secret::from),
            calls: parsed(row, 5)?,
        },
        position: row.get(3)?,
        is_sending: row.get(4)?,
    })
}

fn mark(
    connection: &Connection,
    calls: u64,
    position: u32,
    is_sending: bool,
) -> rusqlite::Result<bool> {
    let marked = execute(
        connection,
        "UPDATE webhook_call SET position = ?2, is_sending = ?3 WHERE id = ?1",
        params![number(calls), position, is_sending],
    )?;
    Ok(marked > 0)
}

/// Deletes calls. A trigger deletes their event with its last calls.
fn delete(connection: &Connection, calls: u64) -> rusqlite::Result<()> {
    execute(
        connection,
        "DELETE FROM webhook_call WHERE id = ?1",
        [number(calls)],
    )
    .map(drop)
}
