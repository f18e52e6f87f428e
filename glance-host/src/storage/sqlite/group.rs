//! The group in SQLite.

use rusqlite::{Connection, Result};

use super::rows::id;
use crate::model::Group;

pub(super) fn get(connection: &Connection) -> Result<Group> {
    connection.query_row("SELECT id, name FROM team", [], |row| {
        Ok(Group {
            id: id(row, 0)?.into(),
            name: row.get(1)?,
        })
    })
}

pub(super) fn name(connection: &Connection, name: &str) -> Result<()> {
    connection
        .execute("UPDATE team SET name = ?1", [name])
        .map(drop)
}

/// Writes the group as it is.
pub(super) fn rewrite(connection: &Connection) -> Result<()> {
    connection
        .execute("UPDATE team SET name = name", [])
        .map(drop)
}
