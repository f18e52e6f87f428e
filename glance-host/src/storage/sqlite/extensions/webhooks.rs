//! Registered webhooks, in SQLite.

use std::sync::Arc;

use glance_sdk::model::{Descriptor, OauthId, RoomId, Webhook};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::error::unstorable;
use super::super::parsed::ParsedInstallations;
use super::super::rows::{execute, id, json, number, parsed, room};
use super::fits;
use crate::model::{Installed, MAX_RUNTIME_WEBHOOKS, RegisteredWebhook, Restriction};
use crate::storage::StorageError;

const SCHEMA: &str = "
    -- A declared webhook has no room: it listens wherever its add-on is installed. AUTOINCREMENT, because add-ons
    -- store the number, and it must never name another webhook.
    CREATE TABLE IF NOT EXISTS webhook (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        oauth_id TEXT NOT NULL REFERENCES installation (oauth_id) ON DELETE CASCADE,
        room_id INTEGER REFERENCES room (id) ON DELETE CASCADE,
        key TEXT,
        event TEXT NOT NULL,
        webhook TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS webhook_by_installation ON webhook (oauth_id, room_id);
    CREATE INDEX IF NOT EXISTS webhook_by_event ON webhook (event);
";

/// A webhook in its stored form.
pub(in crate::storage::sqlite) struct StoredWebhook {
    key: Option<String>,
    event: String,
    webhook: String,
}

impl StoredWebhook {
    pub(in crate::storage::sqlite) fn new(webhook: &Webhook) -> Result<Self, StorageError> {
        Ok(Self {
            key: webhook.key.clone(),
            event: webhook.event.to_string(),
            webhook: json(webhook)?,
        })
    }

    /// Converts the webhooks that a descriptor declares.
    pub(in crate::storage::sqlite) fn declared(
        descriptor: &Descriptor,
    ) -> Result<Vec<Self>, StorageError> {
        let webhooks = descriptor.capabilities.webhook.iter();
        let webhooks = webhooks.flat_map(|webhooks| webhooks.as_slice());
        webhooks.map(Self::new).collect()
    }

    fn insert(
        &self,
        connection: &Connection,
        oauth_id: &OauthId,
        room: Option<RoomId>,
    ) -> rusqlite::Result<u64> {
        connection
            .prepare_cached(
                "INSERT INTO webhook (oauth_id, room_id, key, event, webhook)
                 VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
            )?
            .query_row(
                params![
                    oauth_id.as_str(),
                    room.map(|room| number(room.get())),
                    self.key,
                    self.event,
                    self.webhook
                ],
                |row| id(row, 0),
            )
    }
}

/// Replaces the declared webhooks of an installation. Unchanged webhooks keep their number.
pub(in crate::storage::sqlite) fn declare(
    connection: &Connection,
    oauth_id: &OauthId,
    declared: &[StoredWebhook],
) -> rusqlite::Result<()> {
    let mut old: Vec<(u64, String)> = connection
        .prepare_cached("SELECT id, webhook FROM webhook WHERE oauth_id = ?1 AND room_id IS NULL")?
        .query_map([oauth_id.as_str()], |row| Ok((id(row, 0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for stored in declared {
        match old
            .iter()
            .position(|(_, webhook)| *webhook == stored.webhook)
        {
            Some(at) => drop(old.swap_remove(at)),
            None => drop(stored.insert(connection, oauth_id, None)?),
        }
    }
    for (id, _) in old {
        execute(
            connection,
            "DELETE FROM webhook WHERE id = ?1",
            [number(id)],
        )?;
    }
    Ok(())
}

/// Creates the table. An earlier host stored installations without it, so a new table gets the declared webhooks of
/// all installations.
pub(in crate::storage::sqlite) fn create_table(connection: &Connection) -> rusqlite::Result<()> {
    let is_there = connection
        .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'webhook'")?
        .exists([])?;
    connection.execute_batch(SCHEMA)?;
    match is_there {
        true => Ok(()),
        false => declare_all(connection),
    }
}

fn declare_all(connection: &Connection) -> rusqlite::Result<()> {
    let mut all = connection.prepare("SELECT oauth_id, descriptor FROM installation")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let oauth_id = OauthId::from(row.get::<_, String>(0)?);
        let descriptor: Descriptor = parsed(row, 1)?;
        let declared = StoredWebhook::declared(&descriptor).map_err(unstorable)?;
        declare(connection, &oauth_id, &declared)?;
    }
    Ok(())
}

/// Registers a webhook in a room, or replaces the one with its key there. Returns its id.
pub(super) fn put(
    connection: &Connection,
    oauth_id: &OauthId,
    room: RoomId,
    stored: &StoredWebhook,
) -> rusqlite::Result<Result<u64, Restriction>> {
    let here = params![oauth_id.as_str(), number(room.get()), stored.key];
    let old = connection
        .prepare_cached(
            "SELECT octet_length(webhook) FROM webhook
             WHERE oauth_id = ?1 AND room_id = ?2 AND key = ?3",
        )?
        .query_row(here, |row| id(row, 0))
        .optional()?;
    if !fits(connection, oauth_id, old, &stored.webhook)? {
        return Ok(Err(Restriction::TooLarge));
    }
    let old = connection
        .prepare_cached(
            "UPDATE webhook SET event = ?4, webhook = ?5
             WHERE oauth_id = ?1 AND room_id = ?2 AND key = ?3 RETURNING id",
        )?
        .query_row(
            params![
                oauth_id.as_str(),
                number(room.get()),
                stored.key,
                stored.event,
                stored.webhook
            ],
            |row| id(row, 0),
        )
        .optional()?;
    let id = match old {
        Some(id) => id,
        None => {
            let others: u32 = connection
                .prepare_cached(
                    "SELECT count(*) FROM webhook WHERE oauth_id = ?1 AND room_id = ?2
                 AND (?3 IS NULL OR key IS NULL OR key <> ?3)",
                )?
                .query_row(here, |row| row.get(0))?;
            if others >= MAX_RUNTIME_WEBHOOKS {
                return Ok(Err(Restriction::TooMany));
            }
            stored.insert(connection, oauth_id, Some(room))?
        }
    };
    Ok(Ok(id))
}

pub(super) fn remove(
    connection: &Connection,
    oauth_id: &OauthId,
    id: u64,
) -> rusqlite::Result<bool> {
    let removed = execute(
        connection,
        "DELETE FROM webhook WHERE oauth_id = ?1 AND id = ?2 AND room_id IS NOT NULL",
        params![oauth_id.as_str(), number(id)],
    )?;
    Ok(removed > 0)
}

pub(super) fn of(
    connection: &Connection,
    oauth_id: &OauthId,
    room: RoomId,
) -> rusqlite::Result<Vec<RegisteredWebhook>> {
    connection
        .prepare_cached(
            "SELECT oauth_id, id, room_id, webhook FROM webhook
             WHERE oauth_id = ?1 AND (room_id IS NULL OR room_id = ?2) ORDER BY id",
        )?
        .query_map(params![oauth_id.as_str(), number(room.get())], |row| {
            registered(row, row.get::<_, String>(0)?.into(), 1)
        })?
        .collect()
}

pub(super) fn on(
    connection: &Connection,
    parsed_installations: &ParsedInstallations,
    event: &str,
    room: RoomId,
) -> rusqlite::Result<Vec<(Arc<Installed>, RegisteredWebhook)>> {
    // The installations of the room come first (`CROSS JOIN`), then their webhooks (`+` forgoes the index of events):
    // a host may have many more webhooks for an event than a room has installations.
    connection
        .prepare_cached(
            "SELECT oauth_id, oauth_secret, installation.room_id, descriptor_url, descriptor,
                    webhook.id, webhook.room_id, webhook.webhook
             FROM installation CROSS JOIN webhook USING (oauth_id)
             WHERE accepted = 1 AND +event = ?1
               AND (installation.room_id IS NULL OR installation.room_id = ?2)
               AND (webhook.room_id IS NULL OR webhook.room_id = ?2)
             ORDER BY webhook.id",
        )?
        .query_map(params![event, number(room.get())], |row| {
            let installed = parsed_installations.read(row)?;
            let registered = registered(row, installed.oauth_id.clone(), 5)?;
            Ok((installed, registered))
        })?
        .collect()
}

/// Reads a webhook from the columns `id`, `room_id` and `webhook`, which begin at this one.
fn registered(
    row: &Row<'_>,
    oauth_id: OauthId,
    first: usize,
) -> rusqlite::Result<RegisteredWebhook> {
    Ok(RegisteredWebhook {
        id: id(row, first)?,
        oauth_id,
        room_id: room(row, first + 1)?,
        webhook: parsed(row, first + 2)?,
    })
}
