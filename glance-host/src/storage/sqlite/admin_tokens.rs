//! Tokens for scripts in SQLite, by their digests.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteState;
use super::rows::{execute, id, number};
use crate::model::{AdminToken, MAX_ADMIN_TOKENS, NewAdminToken};
use crate::storage::{AdminTokenStore, Result};

const TOKEN: &str =
    "SELECT id, name, digest, created_by, created_at, expires_at, last_used_at, revoked_at
     FROM admin_token";

#[async_trait]
impl AdminTokenStore for SqliteState {
    async fn create_admin_token(
        &self,
        new: &NewAdminToken,
        now: i64,
    ) -> Result<Option<AdminToken>> {
        let new = new.clone();
        self.write(move |connection| create(connection, &new, now))
            .await
    }

    async fn admin_token(&self, id: u64) -> Result<Option<AdminToken>> {
        self.read(|connection| find(connection, id))
    }

    async fn admin_tokens(&self) -> Result<Vec<AdminToken>> {
        self.scan(all).await
    }

    async fn touch_admin_token(&self, id: u64, now: i64) -> Result<()> {
        self.write(move |connection| touch(connection, id, now))
            .await
    }

    async fn revoke_admin_token(&self, id: u64, now: i64) -> Result<bool> {
        self.write(move |connection| revoke(connection, id, now))
            .await
    }
}

/// Returns `None` if the largest number of valid tokens is reached.
fn create(
    connection: &Connection,
    new: &NewAdminToken,
    now: i64,
) -> rusqlite::Result<Option<AdminToken>> {
    let holding: u32 = connection
        .prepare_cached(
            "SELECT count(*) FROM admin_token WHERE revoked_at IS NULL AND expires_at > ?1",
        )?
        .query_row([now], |row| row.get(0))?;
    if holding >= MAX_ADMIN_TOKENS {
        return Ok(None);
    }
    execute(
        connection,
        "DELETE FROM admin_token WHERE (revoked_at IS NOT NULL OR expires_at <= ?1) AND id NOT IN
         (SELECT id FROM admin_token WHERE revoked_at IS NOT NULL OR expires_at <= ?1
          ORDER BY ifnull(revoked_at, expires_at) DESC, id DESC LIMIT ?2)",
        params![now, MAX_ADMIN_TOKENS],
    )?;
    execute(
        connection,
        "INSERT INTO admin_token (name, digest, created_by, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            new.name,
            new.digest,
            number(new.created_by.get()),
            now,
            new.expires_at
        ],
    )?;
    let created = connection
        .prepare_cached(&format!("{TOKEN} WHERE id = ?1"))?
        .query_row([connection.last_insert_rowid()], token)?;
    Ok(Some(created))
}

fn find(connection: &Connection, id: u64) -> rusqlite::Result<Option<AdminToken>> {
    connection
        .prepare_cached(&format!("{TOKEN} WHERE id = ?1"))?
        .query_row([number(id)], token)
        .optional()
}

fn all(connection: &Connection) -> rusqlite::Result<Vec<AdminToken>> {
    connection
        .prepare_cached(&format!("{TOKEN} ORDER BY id DESC"))?
        .query_map([], token)?
        .collect()
}

fn touch(connection: &Connection, id: u64, now: i64) -> rusqlite::Result<()> {
    execute(
        connection,
        "UPDATE admin_token SET last_used_at = ?2 WHERE id = ?1",
        params![number(id), now],
    )
    .map(drop)
}

fn revoke(connection: &Connection, id: u64, now: i64) -> rusqlite::Result<bool> {
    execute(
        connection,
        "UPDATE admin_token SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
        params![number(id), now],
    )
    .map(|revoked| revoked > 0)
}

/// Reads a row with the columns of [`TOKEN`].
fn token(row: &Row<'_>) -> rusqlite::Result<AdminToken> {
    Ok(AdminToken {
        id: id(row, 0)?,
        name: row.get(1)?,
        digest: row.get(2)?,
        created_by: id(row, 3)?.into(),
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
        last_used_at: row.get(6)?,
        revoked_at: row.get(7)?,
    })
}
