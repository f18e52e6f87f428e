//! Migrates files of earlier versions.

use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, OptionalExtension, params};

use super::{parse, read};

/// The value of `user_version` after all steps.
pub(super) const LATEST: u32 = STEPS.len() as u32;

/// The order of the steps must never change: a file stores the number of completed steps.
const STEPS: [fn(&Connection) -> rusqlite::Result<()>; 4] = [
    create,
    index_rooms_and_groups,
    add_origins_and_removal_checks,
    add_shared_tables,
];

/// Makes the missing steps, all or none. Returns `Ok(Err(version))` if the file belongs to a newer
/// version.
pub(super) fn run(connection: &mut Connection) -> rusqlite::Result<Result<(), u32>> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(missing) = STEPS.get(version as usize..) else {
        return Ok(Err(version));
    };
    for step in missing {
        step(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", LATEST)?;
    transaction.commit()?;
    Ok(Ok(()))
}

/// The first version did not count steps, so the table may exist.
fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS installation (
            oauth_id TEXT PRIMARY KEY,
            oauth_secret TEXT NOT NULL,
            data TEXT NOT NULL,
            token_url TEXT NOT NULL,
            api_url TEXT NOT NULL
        ) STRICT;",
    )
}

/// Done in Rust, because the numbers in the JSON may be strings, and larger than SQLite's own.
fn index_rooms_and_groups(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "ALTER TABLE installation ADD COLUMN group_id INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE installation ADD COLUMN room_id INTEGER;",
    )?;
    let mut next = connection
        .prepare("SELECT rowid, data FROM installation WHERE rowid > ?1 ORDER BY rowid LIMIT 1")?;
    let mut update = connection
        .prepare("UPDATE installation SET group_id = ?2, room_id = ?3 WHERE rowid = ?1")?;
    let mut last = i64::MIN;
    loop {
        let found = next.query_row([last], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)));
        let Some((rowid, json)) = found.optional()? else {
            break;
        };
        let data = parse(&json)?;
        update.execute(params![
            rowid,
            data.group_id.get().cast_signed(),
            data.room_id.map(|room| room.get().cast_signed()),
        ])?;
        last = rowid;
    }
    connection.execute_batch(
        "CREATE INDEX installation_by_room ON installation (room_id, oauth_id);
         CREATE INDEX installation_by_group ON installation (group_id, oauth_id);",
    )
}

/// Done in Rust, because the URL standard defines the origin of an address.
fn add_origins_and_removal_checks(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "ALTER TABLE installation ADD COLUMN origin TEXT NOT NULL DEFAULT '';
         ALTER TABLE installation ADD COLUMN removal_attempts INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE installation ADD COLUMN removal_asked_at INTEGER;
         ALTER TABLE installation ADD COLUMN removal_due_at INTEGER;",
    )?;
    let mut next = connection.prepare(
        "SELECT data, token_url, api_url, rowid FROM installation
         WHERE rowid > ?1 ORDER BY rowid LIMIT 1",
    )?;
    let mut update = connection.prepare("UPDATE installation SET origin = ?2 WHERE rowid = ?1")?;
    let mut last = i64::MIN;
    while let Some((rowid, installation)) = next
        .query_row([last], |row| Ok((row.get::<_, i64>(3)?, read(row)?)))
        .optional()?
    {
        update.execute(params![rowid, installation.origin().unwrap_or_default()])?;
        last = rowid;
    }
    connection.execute_batch(
        "CREATE INDEX installation_by_origin ON installation (origin);
         CREATE INDEX installation_by_removal_due
             ON installation (removal_due_at, oauth_id) WHERE removal_due_at IS NOT NULL;",
    )
}

fn add_shared_tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE access_token (
            oauth_id TEXT NOT NULL,
            name TEXT NOT NULL,
            token TEXT NOT NULL,
            renew_at INTEGER NOT NULL,
            PRIMARY KEY (oauth_id, name)
         ) STRICT, WITHOUT ROWID;
         CREATE TABLE used_request (
            oauth_id TEXT NOT NULL,
            name BLOB NOT NULL,
            expires_at INTEGER NOT NULL,
            PRIMARY KEY (oauth_id, name)
         ) STRICT, WITHOUT ROWID;
         CREATE INDEX used_request_by_expiry ON used_request (expires_at);",
    )
}
