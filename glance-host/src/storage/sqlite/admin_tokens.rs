//! Tokens for scripts in SQLite, by their digests.

use async_trait::async_trait;
use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteState;
use super::rows::{id, number};
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
        self.call(move |connection| create(connection, &new, now))
            .await
    }

    async fn admin_token(&self, id: u64) -> Result<Option<AdminToken>> {
        self.call(move |connection| find(connection, id)).await
    }

    async fn admin_tokens(&self) -> Result<Vec<AdminToken>> {
        self.call(|connection| all(connection)).await
    }

    async fn touch_admin_token(&self, id: u64, now: i64) -> Result<()> {
        self.call(move |connection| touch(connection, id, now))
            .await
    }

    async fn revoke_admin_token(&self, id: u64, now: i64) -> Result<bool> {
        self.call(move |connection| revoke(connection, id, now))
            .await
    }
}

/// Returns `None` if the largest number of valid tokens is reached.
fn create(
    connection: &mut Connection,
    new: &NewAdminToken,
    now: i64,
) -> rusqlite::Result<Option<AdminToken>> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let holding: u32 = transaction.query_row(
        "SELECT count(*) FROM admin_token WHERE revoked_at IS NULL AND expires_at > ?1",
        [now],
        |row| row.get(0),
    )?;
    if holding >= MAX_ADMIN_TOKENS {
        return Ok(None);
    }
    transaction.execute(
        "DELETE FROM admin_token WHERE (revoked_at IS NOT NULL OR expires_at <= ?1) AND id NOT IN
         (SELECT id FROM admin_token WHERE revoked_at IS NOT NULL OR expires_at <= ?1
          ORDER BY ifnull(revoked_at, expires_at) DESC, id DESC LIMIT ?2)",
        params![now, MAX_ADMIN_TOKENS],
    )?;
    transaction.execute(
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
    let created = transaction.query_row(
        &format!("{TOKEN} WHERE id = ?1"),
        [transaction.last_insert_rowid()],
        token,
    )?;
    transaction.commit()?;
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
    connection
        .execute(
            "UPDATE admin_token SET last_used_at = ?2 WHERE id = ?1",
            params![number(id), now],
        )
        .map(drop)
}

fn revoke(connection: &Connection, id: u64, now: i64) -> rusqlite::Result<bool> {
    connection
        .execute(
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
