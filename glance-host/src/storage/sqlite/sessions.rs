//! Sessions in SQLite, by their digests.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteState;
use super::rows::{execute, id, number};
use crate::model::Session;
use crate::storage::{Effects, Result, SessionStore};

#[async_trait]
impl SessionStore for SqliteState {
    async fn put_session(&self, session: &Session, now: i64) -> Result<()> {
        let session = session.clone();
        self.write(move |connection| put(connection, &session, now))
            .await
    }

    async fn prolong_session(&self, digest: &[u8], expires_at: i64) -> Result<()> {
        let digest = digest.to_owned();
        self.write(move |connection| prolong(connection, &digest, expires_at))
            .await
    }

    async fn session(&self, digest: &[u8]) -> Result<Option<Session>> {
        self.read(|connection| find(connection, digest))
    }

    async fn remove_session(&self, digest: &[u8], effects: Effects) -> Result<bool> {
        let digest = digest.to_owned();
        self.write_with(effects, move |connection| {
            let is_removed = remove(connection, &digest)?;
            Ok((is_removed, is_removed))
        })
        .await
    }
}

fn put(connection: &Connection, session: &Session, now: i64) -> rusqlite::Result<()> {
    execute(
        connection,
        "DELETE FROM session WHERE expires_at <= ?1",
        [now],
    )?;
    execute(
        connection,
        "INSERT INTO session (digest, user_id, began_at, expires_at)
         SELECT ?1, id, ?3, ?4 FROM user WHERE id = ?2 AND NOT is_removed",
        params![
            session.digest,
            number(session.user.get()),
            session.began_at,
            session.expires_at
        ],
    )?;
    Ok(())
}

fn prolong(connection: &Connection, digest: &[u8], expires_at: i64) -> rusqlite::Result<()> {
    execute(
        connection,
        "UPDATE session SET expires_at = ?2 WHERE digest = ?1",
        params![digest, expires_at],
    )
    .map(drop)
}

fn find(connection: &Connection, digest: &[u8]) -> rusqlite::Result<Option<Session>> {
    connection
        .prepare_cached("SELECT user_id, began_at, expires_at FROM session WHERE digest = ?1")?
        .query_row([digest], |row| {
            Ok(Session {
                digest: digest.to_owned(),
                user: id(row, 0)?.into(),
                began_at: row.get(1)?,
                expires_at: row.get(2)?,
            })
        })
        .optional()
}

fn remove(connection: &Connection, digest: &[u8]) -> rusqlite::Result<bool> {
    execute(
        connection,
        "DELETE FROM session WHERE digest = ?1",
        [digest],
    )
    .map(|removed| removed > 0)
}
