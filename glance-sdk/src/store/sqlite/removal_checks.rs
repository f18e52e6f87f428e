//! Removal checks, which are columns of the installation's table.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use crate::model::OauthId;
use crate::store::RemovalCheck;

pub(super) const FAILED: &str = "cannot schedule a removal check";

const GET: &str = "SELECT removal_attempts, removal_asked_at, removal_due_at FROM installation
    WHERE oauth_id = ?1";
const SET: &str = "UPDATE installation
    SET removal_attempts = ?2, removal_asked_at = ?3, removal_due_at = ?4
    WHERE oauth_id = ?1
      AND removal_attempts = ?5 AND removal_asked_at IS ?6 AND removal_due_at IS ?7";
pub(super) const DUE: &str = "SELECT removal_attempts, removal_asked_at, removal_due_at, oauth_id
    FROM installation WHERE removal_due_at <= ?1 ORDER BY removal_due_at, oauth_id LIMIT ?2";

pub(super) fn get(connection: &Connection, oauth_id: &OauthId) -> Result<Option<RemovalCheck>> {
    let mut statement = connection.prepare_cached(GET)?;
    statement.query_row([oauth_id.as_str()], read).optional()
}

pub(super) fn set(
    connection: &Connection,
    oauth_id: &OauthId,
    expected: &RemovalCheck,
    new: &RemovalCheck,
) -> Result<bool> {
    let set = connection.prepare_cached(SET)?.execute(params![
        oauth_id.as_str(),
        new.attempts,
        new.asked_at,
        new.due_at,
        expected.attempts,
        expected.asked_at,
        expected.due_at,
    ])?;
    Ok(set > 0)
}

pub(super) fn due(
    connection: &Connection,
    until: i64,
    limit: i64,
) -> Result<Vec<(OauthId, RemovalCheck)>> {
    connection
        .prepare_cached(DUE)?
        .query_map([until, limit], |row| {
            Ok((row.get::<_, String>(3)?.into(), read(row)?))
        })?
        .collect()
}

fn read(row: &Row<'_>) -> Result<RemovalCheck> {
    Ok(RemovalCheck::new(row.get(0)?, row.get(1)?, row.get(2)?))
}
