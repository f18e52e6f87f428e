//! Who signed in, in SQLite: sessions by their digests, and the key that signs their cookies.

use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, OptionalExtension, Result, params};

use glance_sdk::model::UserId;

use super::rows::{id, number};
use crate::model::Session;

pub(super) fn put(connection: &mut Connection, session: &Session, now: i64) -> Result<()> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    transaction.execute("DELETE FROM session WHERE expires_at <= ?1", [now])?;
    transaction.execute(
        "INSERT INTO session (digest, user_id, began_at, expires_at)
         VALUES (?1, ?2, ?3, ?4)",
        params![
            session.digest,
            number(session.user.get()),
            session.began_at,
            session.expires_at
        ],
    )?;
    transaction.commit()
}

pub(super) fn prolong(connection: &Connection, digest: &[u8], expires_at: i64) -> Result<()> {
    connection
        .execute(
            "UPDATE session SET expires_at = ?2 WHERE digest = ?1",
            params![digest, expires_at],
        )
        .map(drop)
}

pub(super) fn find(connection: &Connection, digest: Vec<u8>) -> Result<Option<Session>> {
    let found = connection
        .prepare_cached("SELECT user_id, began_at, expires_at FROM session WHERE digest = ?1")?
        .query_row([&digest], |row| Ok((id(row, 0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    Ok(found.map(|(user, began_at, expires_at)| Session {
        digest,
        user: user.into(),
        began_at,
        expires_at,
    }))
}

pub(super) fn remove(connection: &Connection, digest: &[u8]) -> Result<bool> {
    connection
        .execute("DELETE FROM session WHERE digest = ?1", [digest])
        .map(|removed| removed > 0)
}

pub(super) fn remove_of(connection: &Connection, user: UserId) -> Result<()> {
    connection
        .execute(
            "DELETE FROM session WHERE user_id = ?1",
            [number(user.get())],
        )
        .map(drop)
}

/// The key, which is this one where there was none.
pub(super) fn key(connection: &Connection, new: &[u8]) -> Result<Vec<u8>> {
    connection.execute(
        "INSERT OR IGNORE INTO signing_key (id, key) VALUES (1, ?1)",
        [new],
    )?;
    connection.query_row("SELECT key FROM signing_key", [], |row| row.get(0))
}
