//! Access tokens in SQLite, by their digests.

use glance_sdk::model::OauthId;
use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::state::StoredToken;

pub(super) fn put(connection: &mut Connection, token: &StoredToken, now: i64) -> Result<()> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    transaction.execute("DELETE FROM token WHERE expires_at < ?1", [now])?;
    transaction.execute(
        "INSERT INTO token (digest, oauth_id, scope, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![
            token.digest,
            token.oauth_id.as_str(),
            token.scope,
            token.expires_at
        ],
    )?;
    transaction.commit()
}

pub(super) fn find(connection: &Connection, digest: Vec<u8>) -> Result<Option<StoredToken>> {
    let found = connection
        .prepare_cached("SELECT oauth_id, scope, expires_at FROM token WHERE digest = ?1")?
        .query_row([&digest], |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    Ok(found.map(|(oauth_id, scope, expires_at)| StoredToken {
        digest,
        oauth_id: oauth_id.into(),
        scope,
        expires_at,
    }))
}

pub(super) fn remove(connection: &Connection, digest: &[u8]) -> Result<bool> {
    connection
        .execute("DELETE FROM token WHERE digest = ?1", [digest])
        .map(|removed| removed > 0)
}

pub(super) fn remove_all(connection: &Connection, of: &OauthId) -> Result<()> {
    connection
        .execute("DELETE FROM token WHERE oauth_id = ?1", [of.as_str()])
        .map(drop)
}
