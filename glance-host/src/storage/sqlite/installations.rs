//! Installations in SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use glance_sdk::model::{Descriptor, OauthId, RoomId, Secret};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::extensions::webhooks;
use super::handoffs;
use super::rows::{column, execute, id, json, number, parsed, place, room};
use super::{SqliteState, glance_values};
use crate::model::{InstallationQuery, Installed, Leaving, ListedInstallation, Place};
use crate::storage::{Effects, InstallationEffects, InstallationStore, Result};

const INSTALLATION: &str =
    "SELECT oauth_id, oauth_secret, room_id, descriptor_url, descriptor FROM installation";

#[async_trait]
impl InstallationStore for SqliteState {
    async fn begin_installation(&self, installed: &Installed, now: i64) -> Result<bool> {
        let stored = StoredDescriptor::new(&installed.descriptor)?;
        let installed = installed.clone();
        self.write(move |connection| begin(connection, &installed, &stored, now))
            .await
    }

    async fn finish_installation(&self, id: &OauthId, effects: Effects) -> Result<bool> {
        let id = id.clone();
        self.write_with(effects, move |connection| {
            let is_accepted = finish(connection, &id)?;
            Ok((is_accepted, is_accepted))
        })
        .await
    }

    async fn leave_unfinished(&self, began_before: i64, now: i64) -> Result<Vec<Installed>> {
        self.write(move |connection| leave_unfinished(connection, began_before, now))
            .await
    }

    async fn replace_descriptor(
        &self,
        id: &OauthId,
        url: &str,
        new: &Descriptor,
        effects: Effects,
    ) -> Result<()> {
        let (id, url, stored) = (id.clone(), url.to_owned(), StoredDescriptor::new(new)?);
        let new = new.clone();
        self.write_with(effects, move |connection| {
            let Some(old) = find(connection, &id)? else {
                return Ok(((), false));
            };
            glance_values::forget_changed(connection, &id, &old.descriptor, &new)?;
            replace_descriptor(connection, &id, &url, &stored)?;
            Ok(((), true))
        })
        .await
    }

    async fn replace_secret(&self, id: &OauthId, secret: &Secret) -> Result<()> {
        let (id, secret) = (id.clone(), secret.clone());
        self.write(move |connection| replace_secret(connection, &id, &secret))
            .await
    }

    async fn leave(
        &self,
        id: &OauthId,
        now: i64,
        effects: InstallationEffects,
    ) -> Result<Option<Installed>> {
        let id = id.clone();
        self.write_then(move |connection| {
            let left = leave(connection, &id, now)?;
            let effects = left.as_ref().map(effects).unwrap_or_default();
            Ok((left, effects))
        })
        .await
    }

    async fn leaving(&self, after: Option<&OauthId>, at_most: u32) -> Result<Vec<Leaving>> {
        let after = after.cloned();
        self.scan(move |connection| leaving(connection, after.as_ref(), at_most))
            .await
    }

    async fn is_leaving(&self, id: &OauthId) -> Result<bool> {
        self.read(|connection| is_leaving(connection, id))
    }

    async fn forget_leaving(&self, id: &OauthId) -> Result<bool> {
        let id = id.clone();
        self.write(move |connection| forget_leaving(connection, &id))
            .await
    }

    async fn secret(&self, id: &OauthId) -> Result<Option<Secret>> {
        self.read(|connection| secret(connection, id))
    }

    async fn remove_installation(&self, id: &OauthId) -> Result<bool> {
        let id = id.clone();
        self.write(move |connection| remove(connection, &id)).await
    }

    async fn installation(&self, id: &OauthId) -> Result<Option<Arc<Installed>>> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("{INSTALLATION} WHERE oauth_id = ?1"))?
                .query_row([id.as_str()], |row| self.0.parsed.read(row))
                .optional()
        })
    }

    async fn installed_in(&self, key: &str, room: Option<RoomId>) -> Result<Vec<Place>> {
        let key = key.to_owned();
        self.scan(move |connection| places(connection, &key, room))
            .await
    }

    async fn list_installations(
        &self,
        query: &InstallationQuery,
        after: Option<&OauthId>,
        at_most: u32,
    ) -> Result<Vec<ListedInstallation>> {
        let (query, after) = (query.clone(), after.cloned());
        self.scan(move |connection| list(connection, &query, after.as_ref(), at_most))
            .await
    }

    async fn count_installations(&self) -> Result<u64> {
        self.scan(count).await
    }

    async fn installations_in(&self, room: RoomId) -> Result<Vec<Installed>> {
        self.scan(move |connection| shown_in(connection, room))
            .await
    }

    async fn global_installations(&self) -> Result<Vec<Installed>> {
        self.scan(global).await
    }
}

/// A descriptor in its stored form, and its webhooks.
struct StoredDescriptor {
    descriptor: String,
    webhooks: Vec<webhooks::StoredWebhook>,
}

impl StoredDescriptor {
    fn new(descriptor: &Descriptor) -> Result<Self> {
        Ok(Self {
            descriptor: json(descriptor)?,
            webhooks: webhooks::StoredWebhook::declared(descriptor)?,
        })
    }
}

/// Returns false if the add-on would show twice: the place has one already, or one is in a room and the other in all
/// rooms.
fn begin(
    connection: &Connection,
    new: &Installed,
    stored: &StoredDescriptor,
    now: i64,
) -> rusqlite::Result<bool> {
    let here = params![
        new.room_id.map(|room| number(room.get())),
        new.descriptor.key
    ];
    execute(
        connection,
        "DELETE FROM installation WHERE accepted = 0 AND room_id IS ?1 AND add_on_key = ?2
         AND oauth_id IN (SELECT installation FROM handoff)",
        here,
    )?;
    let made = execute(
        connection,
        "INSERT INTO installation
         (oauth_id, oauth_secret, room_id, add_on_key, descriptor_url, descriptor, installed_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS
             (SELECT 1 FROM installation
              WHERE add_on_key = ?4 AND (?3 IS NULL OR room_id = ?3 OR room_id IS NULL))",
        params![
            new.oauth_id.as_str(),
            new.oauth_secret.expose(),
            new.room_id.map(|room| number(room.get())),
            new.descriptor.key,
            new.descriptor_url,
            stored.descriptor,
            now
        ],
    )?;
    if made > 0 {
        webhooks::declare(connection, &new.oauth_id, &stored.webhooks)?;
    }
    Ok(made > 0)
}

pub(super) fn finish(connection: &Connection, id: &OauthId) -> rusqlite::Result<bool> {
    execute(
        connection,
        "UPDATE installation SET accepted = 1 WHERE oauth_id = ?1",
        [id.as_str()],
    )
    .map(|finished| finished > 0)
}

fn replace_descriptor(
    connection: &Connection,
    id: &OauthId,
    url: &str,
    stored: &StoredDescriptor,
) -> rusqlite::Result<()> {
    execute(
        connection,
        "UPDATE installation SET descriptor_url = ?2, descriptor = ?3 WHERE oauth_id = ?1",
        params![id.as_str(), url, stored.descriptor],
    )?;
    webhooks::declare(connection, id, &stored.webhooks)
}

fn replace_secret(connection: &Connection, id: &OauthId, secret: &Secret) -> rusqlite::Result<()> {
    execute(
        connection,
        "UPDATE installation SET oauth_secret = ?2 WHERE oauth_id = ?1",
        [id.as_str(), secret.expose()],
    )
    .map(drop)
}

/// Removes an installation, and stores the pending removal call.
fn leave(connection: &Connection, id: &OauthId, now: i64) -> rusqlite::Result<Option<Installed>> {
    let Some(installed) = find(connection, id)? else {
        return Ok(None);
    };
    remove_and_notify(connection, &installed, now)?;
    Ok(Some(installed))
}

/// Removes an installation within a transaction. Stores the pending removal call if the add-on has a `callbackUrl`.
pub(super) fn remove_and_notify(
    connection: &Connection,
    installed: &Installed,
    now: i64,
) -> rusqlite::Result<()> {
    if let Some(leaving) = installed.leaving(now) {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO leaving_installation
                 (oauth_id, oauth_secret, callback_url, since) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                leaving.oauth_id.as_str(),
                leaving.oauth_secret.expose(),
                leaving.callback_url,
                leaving.since
            ])?;
    }
    remove(connection, &installed.oauth_id).map(drop)
}

/// Removes installations that were not finished in time. Their add-ons may have accepted them, so they get removal calls.
fn leave_unfinished(
    connection: &Connection,
    began_before: i64,
    now: i64,
) -> rusqlite::Result<Vec<Installed>> {
    // An older host did not store when an installation began.
    let unfinished: Vec<_> = connection
        .prepare_cached(&format!(
            "{INSTALLATION} LEFT JOIN handoff ON handoff.installation = oauth_id
             WHERE accepted = 0 AND
                 CASE WHEN expires_at IS NULL THEN ifnull(installed_at, 0) < ?1
                 ELSE expires_at <= ?2 END"
        ))?
        .query_map([began_before, now], installed)?
        .collect::<rusqlite::Result<_>>()?;
    for installed in &unfinished {
        remove_and_notify(connection, installed, now)?;
    }
    handoffs::delete_expired(connection, now)?;
    Ok(unfinished)
}

fn leaving(
    connection: &Connection,
    after: Option<&OauthId>,
    at_most: u32,
) -> rusqlite::Result<Vec<Leaving>> {
    connection
        .prepare_cached(
            "SELECT oauth_id, oauth_secret, callback_url, since FROM leaving_installation
             WHERE ?1 IS NULL OR oauth_id > ?1 ORDER BY oauth_id LIMIT ?2",
        )?
        .query_map(params![after.map(OauthId::as_str), at_most], |row| {
            Ok(Leaving {
                oauth_id: row.get::<_, String>(0)?.into(),
                oauth_secret: row.get::<_, String>(1)?.into(),
                callback_url: row.get(2)?,
                since: row.get(3)?,
            })
        })?
        .collect()
}

fn is_leaving(connection: &Connection, id: &OauthId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM leaving_installation WHERE oauth_id = ?1")?
        .exists([id.as_str()])
}

fn forget_leaving(connection: &Connection, id: &OauthId) -> rusqlite::Result<bool> {
    execute(
        connection,
        "DELETE FROM leaving_installation WHERE oauth_id = ?1",
        [id.as_str()],
    )
    .map(|removed| removed > 0)
}

fn secret(connection: &Connection, id: &OauthId) -> rusqlite::Result<Option<Secret>> {
    connection
        .prepare_cached("SELECT oauth_secret FROM installation WHERE oauth_id = ?1")?
        .query_row([id.as_str()], |row| row.get::<_, String>(0))
        .optional()
        .map(|secret| secret.map(Secret::from))
}

pub(super) fn remove(connection: &Connection, id: &OauthId) -> rusqlite::Result<bool> {
    execute(
        connection,
        "DELETE FROM installation WHERE oauth_id = ?1",
        [id.as_str()],
    )
    .map(|removed| removed > 0)
}

/// Finds an installation, accepted or not.
pub(super) fn find(connection: &Connection, id: &OauthId) -> rusqlite::Result<Option<Installed>> {
    connection
        .prepare_cached(&format!("{INSTALLATION} WHERE oauth_id = ?1"))?
        .query_row([id.as_str()], installed)
        .optional()
}

/// Returns the places of the accepted installations of an add-on that show in this room, or in any.
fn places(
    connection: &Connection,
    key: &str,
    room: Option<RoomId>,
) -> rusqlite::Result<Vec<Place>> {
    connection
        .prepare_cached(
            "SELECT ifnull(room_id, 0) FROM installation
             WHERE accepted = 1 AND add_on_key = ?1
               AND (?2 IS NULL OR room_id = ?2 OR room_id IS NULL)
             ORDER BY 1",
        )?
        .query_map(params![key, room.map(|room| number(room.get()))], |row| {
            place(row, 0)
        })?
        .collect()
}

fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT count(*) FROM installation WHERE accepted = 1")?
        .query_row([], |row| id(row, 0))
}

/// Returns the accepted installations of a room and those of all rooms.
fn shown_in(connection: &Connection, room: RoomId) -> rusqlite::Result<Vec<Installed>> {
    connection
        .prepare_cached(&format!(
            "{INSTALLATION} WHERE accepted = 1 AND (room_id = ?1 OR room_id IS NULL)
             ORDER BY add_on_key, oauth_id"
        ))?
        .query_map([number(room.get())], installed)?
        .collect()
}

/// Returns the installations of a room, accepted or not, without those of all rooms.
pub(super) fn of_room(connection: &Connection, room: RoomId) -> rusqlite::Result<Vec<Installed>> {
    connection
        .prepare_cached(&format!("{INSTALLATION} WHERE room_id = ?1"))?
        .query_map([number(room.get())], installed)?
        .collect()
}

fn global(connection: &Connection) -> rusqlite::Result<Vec<Installed>> {
    connection
        .prepare_cached(&format!(
            "{INSTALLATION} WHERE accepted = 1 AND room_id IS NULL ORDER BY add_on_key, oauth_id"
        ))?
        .query_map([], installed)?
        .collect()
}

/// Lists installations, accepted or not.
fn list(
    connection: &Connection,
    query: &InstallationQuery,
    after: Option<&OauthId>,
    at_most: u32,
) -> rusqlite::Result<Vec<ListedInstallation>> {
    // A column is named only if the query filters by it, so that SQLite uses the index.
    let of_key = match query.key {
        Some(_) => "add_on_key = ?1",
        None => "?1 IS NULL",
    };
    let of_place = match query.place {
        Some(_) => "ifnull(room_id, 0) = ?2",
        None => "?2 IS NULL",
    };
    let with_id = match query.id {
        Some(_) => "oauth_id = ?5",
        None => "?5 IS NULL",
    };
    connection
        .prepare_cached(&format!(
            "SELECT oauth_id, oauth_secret, room_id, descriptor_url, descriptor, accepted, installed_at
             FROM installation
             WHERE {of_key} AND {of_place} AND {with_id} AND (?3 IS NULL OR oauth_id > ?3)
             ORDER BY oauth_id LIMIT ?4"
        ))?
        .query_map(
            params![
                query.key,
                query.place.map(column),
                after.map(OauthId::as_str),
                at_most,
                query.id.as_ref().map(OauthId::as_str)
            ],
            |row| {
                Ok(ListedInstallation {
                    installed: installed(row)?,
                    is_accepted: row.get(5)?,
                    installed_at: row.get(6)?,
                })
            },
        )?
        .collect()
}

/// Reads a row whose first columns are those of [`INSTALLATION`].
pub(super) fn installed(row: &Row<'_>) -> rusqlite::Result<Installed> {
    Ok(Installed {
        oauth_id: row.get::<_, String>(0)?.into(),
        oauth_secret: row.get::<_, String>(1)?.into(),
        room_id: room(row, 2)?,
        descriptor_url: row.get(3)?,
        descriptor: parsed(row, 4)?,
    })
}
