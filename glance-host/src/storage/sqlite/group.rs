//! The group in SQLite.

use async_trait::async_trait;
use rusqlite::Connection;

use super::SqliteState;
use super::rows::{execute, id};
use crate::model::Group;
use crate::storage::{GroupStore, Result, StorageError, Writes};

#[async_trait]
impl GroupStore for SqliteState {
    fn writes(&self) -> Writes {
        self.0.writes.read()
    }

    async fn probe_write(&self) -> Result<()> {
        self.write(rewrite).await
    }

    async fn group(&self) -> Result<Group> {
        self.read(get)
    }

    async fn rename_group(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.write(move |connection| rename(connection, &name))
            .await
    }

    async fn epoch(&self) -> Result<String> {
        self.read(epoch)
    }

    async fn renew_epoch(&self) -> Result<String> {
        self.write(renew_epoch).await
    }

    async fn signing_key(&self) -> Result<Vec<u8>> {
        let mut new = [0; 32];
        aws_lc_rs::rand::fill(&mut new)
            .map_err(|_| StorageError::other("the system gives no random numbers"))?;
        self.write(move |connection| key(connection, &new)).await
    }
}

fn get(connection: &Connection) -> rusqlite::Result<Group> {
    connection
        .prepare_cached("SELECT id, name FROM team")?
        .query_row([], |row| {
            Ok(Group {
                id: id(row, 0)?.into(),
                name: row.get(1)?,
            })
        })
}

fn rename(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    execute(connection, "UPDATE team SET name = ?1", [name]).map(drop)
}

/// Writes the group as it is.
fn rewrite(connection: &Connection) -> rusqlite::Result<()> {
    execute(connection, "UPDATE team SET name = name", []).map(drop)
}

fn epoch(connection: &Connection) -> rusqlite::Result<String> {
    connection
        .prepare_cached("SELECT epoch FROM team")?
        .query_row([], |row| row.get(0))
}

pub(super) fn renew_epoch(connection: &Connection) -> rusqlite::Result<String> {
    connection
        .prepare_cached("UPDATE team SET epoch = lower(hex(randomblob(8))) RETURNING epoch")?
        .query_row([], |row| row.get(0))
}

/// Returns the stored key; stores this one if there is none.
fn key(connection: &Connection, new: &[u8]) -> rusqlite::Result<Vec<u8>> {
    execute(
        connection,
        "INSERT OR IGNORE INTO signing_key (id, key) VALUES (1, ?1)",
        [new],
    )?;
    connection
        .prepare_cached("SELECT key FROM signing_key")?
        .query_row([], |row| row.get(0))
}
