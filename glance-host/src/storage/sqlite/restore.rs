//! Prepares a restored database, so that it repeats nothing.
//!
//! A backup is marked. The first host that opens the copy drops the webhook calls in it, because the host that it was
//! copied from has made them since, and begins a new epoch, because others have seen numbers that this database will
//! assign again. Both happen in the transaction that removes the mark.

use glance_sdk::model::OauthId;
use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, Result};

use super::group;
use super::rows::{execute, id};

/// The mark of a copy: the `application_id` in the header of the file. It needs no table, so databases of older hosts
/// can have it too.
const MARK: i32 = i32::from_be_bytes(*b"copy");

/// The data that the first start after a restore dropped.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// The number of webhook calls of each installation that had some.
    pub(crate) calls: Vec<(OauthId, u64)>,
}

impl Dropped {
    /// Returns the number of calls of all installations.
    pub(crate) fn total(&self) -> u64 {
        self.calls.iter().map(|(_, calls)| calls).sum()
    }

    /// Logs what was dropped.
    pub(super) fn log(&self) {
        let each = self
            .calls
            .iter()
            .map(|(id, calls)| format!("{id}: {calls}"));
        tracing::warn!(
            dropped = self.total(),
            installations = each.collect::<Vec<_>>().join(", "),
            "the database was restored: the webhook calls that waited in it are dropped"
        );
    }
}

/// Marks the database as a copy.
#[cfg(any(feature = "server", test))]
pub(super) fn mark(connection: &Connection) -> Result<()> {
    connection.pragma_update(None, "application_id", MARK)
}

/// Removes the mark of a copy, drops its webhook calls and begins a new epoch. Returns `None` for a database without the
/// mark.
pub(super) fn finish(connection: &mut Connection) -> Result<Option<Dropped>> {
    if !is_marked(connection)? {
        return Ok(None);
    }
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let calls = transaction
        .prepare(
            "SELECT oauth_id, sum(json_array_length(calls) - position) FROM webhook_call
             GROUP BY oauth_id ORDER BY oauth_id",
        )?
        .query_map([], |row| Ok((row.get::<_, String>(0)?.into(), id(row, 1)?)))?
        .collect::<Result<_>>()?;
    execute(&transaction, "DELETE FROM webhook_call", [])?;
    group::renew_epoch(&transaction)?;
    transaction.pragma_update(None, "application_id", 0)?;
    transaction.commit()?;
    Ok(Some(Dropped { calls }))
}

fn is_marked(connection: &Connection) -> Result<bool> {
    let found: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(found == MARK)
}

#[cfg(test)]
mod tests {
    use super::super::SqliteState;
    use super::*;
    use crate::storage::GroupStore;

    #[tokio::test]
    async fn only_a_marked_database_begins_a_new_epoch_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.sqlite");
        let open = || SqliteState::open(&path).unwrap();
        let first = open().epoch().await.unwrap();
        assert_eq!(open().epoch().await.unwrap(), first);
        mark(&Connection::open(&path).unwrap()).unwrap();
        let second = open().epoch().await.unwrap();
        assert_ne!(second, first);
        assert_eq!(open().epoch().await.unwrap(), second);
        let mut connection = Connection::open(&path).unwrap();
        assert_eq!(finish(&mut connection).unwrap(), None);
    }
}
