//! Access tokens and used requests, each in a table of its own.

use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use crate::model::{OauthId, Secret};
use crate::store::{AccessToken, Claimed, RequestClaim};

pub(super) const TOKEN_FAILED: &str = "cannot share an access token";
pub(super) const CLAIM_FAILED: &str = "cannot record a request";

/// The number of expired requests, of any installation, that one claim removes. A claim adds one,
/// so none stay for long.
const SWEEP: i64 = 1000;

const IS_INSTALLED: &str = "SELECT EXISTS (SELECT 1 FROM installation WHERE oauth_id = ?1)";
const TOKEN: &str = "SELECT token, renew_at FROM access_token WHERE oauth_id = ?1 AND name = ?2";
const EVICT: &str = "DELETE FROM access_token WHERE oauth_id = ?1 AND (renew_at <= ?3 OR name IN (
    SELECT name FROM access_token WHERE oauth_id = ?1 AND name <> ?2
    ORDER BY renew_at DESC LIMIT -1 OFFSET ?4))";
const PUT_TOKEN: &str = "INSERT INTO access_token (oauth_id, name, token, renew_at)
    VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (oauth_id, name) DO UPDATE SET token = excluded.token, renew_at = excluded.renew_at";
const REMOVE_TOKEN: &str = "DELETE FROM access_token WHERE oauth_id = ?1 AND name = ?2";

pub(super) const SWEEP_REQUESTS: &str = "DELETE FROM used_request WHERE (oauth_id, name) IN (
    SELECT oauth_id, name FROM used_request WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
const IS_USED: &str = "SELECT EXISTS (SELECT 1 FROM used_request
    WHERE oauth_id = ?1 AND name = ?2 AND expires_at > ?3)";
pub(super) const COUNT_REQUESTS: &str = "SELECT count(*) FROM (SELECT 1 FROM used_request
    WHERE oauth_id = ?1 AND expires_at > ?2 LIMIT ?3)";
const USE: &str =
    "INSERT OR REPLACE INTO used_request (oauth_id, name, expires_at) VALUES (?1, ?2, ?3)";

/// Removes an installation's data outside its row.
pub(super) fn forget(connection: &Connection, oauth_id: &OauthId) -> Result<()> {
    for statement in [
        "DELETE FROM access_token WHERE oauth_id = ?1",
        "DELETE FROM used_request WHERE oauth_id = ?1",
    ] {
        let mut statement = connection.prepare_cached(statement)?;
        statement.execute([oauth_id.as_str()])?;
    }
    Ok(())
}

pub(super) fn token(
    connection: &Connection,
    oauth_id: &OauthId,
    name: &str,
) -> Result<Option<AccessToken>> {
    let mut statement = connection.prepare_cached(TOKEN)?;
    let read = |row: &Row<'_>| {
        let secret = Secret::from(row.get::<_, String>(0)?);
        Ok(AccessToken::new(secret, row.get(1)?))
    };
    statement
        .query_row([oauth_id.as_str(), name], read)
        .optional()
}

pub(super) fn put_token(
    connection: &mut Connection,
    oauth_id: &OauthId,
    name: &str,
    token: &AccessToken,
    now: i64,
) -> Result<bool> {
    let id = oauth_id.as_str();
    let transaction = connection.transaction_with_behavior(Immediate)?;
    if !is_installed(&transaction, id)? {
        return Ok(false);
    }
    let others = AccessToken::MAX_PER_INSTALLATION as i64 - 1;
    transaction
        .prepare_cached(EVICT)?
        .execute(params![id, name, now, others])?;
    let values = params![id, name, token.secret.expose(), token.renew_at];
    transaction.prepare_cached(PUT_TOKEN)?.execute(values)?;
    transaction.commit()?;
    Ok(true)
}

pub(super) fn remove_token(
    connection: &mut Connection,
    oauth_id: &OauthId,
    name: &str,
    refused: &Secret,
) -> Result<bool> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let stored = token(&transaction, oauth_id, name)?;
    if !stored.is_some_and(|stored| stored.secret == *refused) {
        return Ok(false);
    }
    let mut statement = transaction.prepare_cached(REMOVE_TOKEN)?;
    statement.execute([oauth_id.as_str(), name])?;
    drop(statement);
    transaction.commit()?;
    Ok(true)
}

pub(super) fn claim(connection: &mut Connection, claim: &RequestClaim) -> Result<Claimed> {
    let id = claim.oauth_id.as_str();
    let transaction = connection.transaction_with_behavior(Immediate)?;
    if !is_installed(&transaction, id)? {
        return Ok(Claimed::Unknown);
    }
    transaction
        .prepare_cached(SWEEP_REQUESTS)?
        .execute([claim.now, SWEEP])?;
    let is_used: bool = transaction
        .prepare_cached(IS_USED)?
        .query_row(params![id, claim.name.as_slice(), claim.now], |row| {
            row.get(0)
        })?;
    let used: i64 = transaction
        .prepare_cached(COUNT_REQUESTS)?
        .query_row(params![id, claim.now, claim.limit], |row| row.get(0))?;
    let claimed = match is_used {
        true => Claimed::Replayed,
        false if used >= i64::from(claim.limit) => Claimed::Full,
        false => {
            let values = params![id, claim.name.as_slice(), claim.expires_at];
            transaction.prepare_cached(USE)?.execute(values)?;
            Claimed::First
        }
    };
    transaction.commit()?;
    Ok(claimed)
}

fn is_installed(connection: &Connection, oauth_id: &str) -> Result<bool> {
    connection
        .prepare_cached(IS_INSTALLED)?
        .query_row([oauth_id], |row| row.get(0))
}
