//! Hand-offs of browsers in SQLite.

use async_trait::async_trait;
use glance_sdk::model::{InstallationData, OauthId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteState;
use super::installations;
use super::rows::{execute, json, parsed};
use crate::model::Handoff;
use crate::storage::{Effects, HandoffStore, InstallationEffects, Result};

const COLUMNS: &str =
    "name, installation, add_on_name, page, data_name, data, is_data_taken, expires_at";

#[async_trait]
impl HandoffStore for SqliteState {
    async fn put_handoff(&self, handoff: &Handoff) -> Result<()> {
        let (handoff, data) = (handoff.clone(), json(&handoff.data)?);
        self.write(move |connection| put(connection, &handoff, &data))
            .await
    }

    async fn handoff(&self, name: &str, now: i64) -> Result<Option<Handoff>> {
        self.read(|connection| find(connection, name, now))
    }

    async fn take_handoff_data(
        &self,
        data_name: &str,
        now: i64,
    ) -> Result<Option<InstallationData>> {
        let data_name = data_name.to_owned();
        self.write(move |connection| take_data(connection, &data_name, now))
            .await
    }

    async fn finish_handoff(
        &self,
        name: &str,
        now: i64,
        effects: InstallationEffects,
    ) -> Result<Option<Handoff>> {
        let name = name.to_owned();
        self.write_then(move |connection| finish(connection, &name, now, effects))
            .await
    }
}

fn put(connection: &Connection, handoff: &Handoff, data: &str) -> rusqlite::Result<()> {
    execute(
        connection,
        &format!("INSERT INTO handoff ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
        params![
            handoff.name,
            handoff.completes.as_ref().map(OauthId::as_str),
            handoff.add_on_name,
            handoff.page,
            handoff.data_name,
            data,
            handoff.is_data_taken,
            handoff.expires_at
        ],
    )
    .map(drop)
}

fn find(connection: &Connection, name: &str, now: i64) -> rusqlite::Result<Option<Handoff>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM handoff WHERE name = ?1 AND expires_at > ?2"
        ))?
        .query_row(params![name, now], handoff)
        .optional()
}

fn take_data(
    connection: &Connection,
    data_name: &str,
    now: i64,
) -> rusqlite::Result<Option<InstallationData>> {
    connection
        .prepare_cached(
            "UPDATE handoff SET is_data_taken = 1
             WHERE data_name = ?1 AND NOT is_data_taken AND expires_at > ?2 RETURNING data",
        )?
        .query_row(params![data_name, now], |row| parsed(row, 0))
        .optional()
}

fn finish(
    connection: &Connection,
    name: &str,
    now: i64,
    effects: InstallationEffects,
) -> rusqlite::Result<(Option<Handoff>, Effects)> {
    let ended = connection
        .prepare_cached(&format!(
            "DELETE FROM handoff WHERE name = ?1 AND expires_at > ?2 RETURNING {COLUMNS}"
        ))?
        .query_row(params![name, now], handoff)
        .optional()?;
    let mut accepted = None;
    if let Some(Handoff {
        completes: Some(id),
        is_data_taken,
        ..
    }) = &ended
    {
        match is_data_taken {
            true if installations::finish(connection, id)? => {
                accepted = installations::find(connection, id)?;
            }
            true => {}
            false => drop(installations::remove(connection, id)?),
        }
    }
    let effects = accepted.as_ref().map(effects).unwrap_or_default();
    Ok((ended, effects))
}

/// Deletes expired hand-offs that complete no installation.
pub(super) fn delete_expired(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    execute(
        connection,
        "DELETE FROM handoff WHERE expires_at <= ?1",
        [now],
    )
    .map(drop)
}

fn handoff(row: &Row<'_>) -> rusqlite::Result<Handoff> {
    Ok(Handoff {
        name: row.get(0)?,
        completes: row.get::<_, Option<String>>(1)?.map(OauthId::from),
        add_on_name: row.get(2)?,
        page: row.get(3)?,
        data_name: row.get(4)?,
        data: parsed(row, 5)?,
        is_data_taken: row.get(6)?,
        expires_at: row.get(7)?,
    })
}
