//! The tokens that a connection has read since the database last changed.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use crate::model::TokenOwner;

/// The largest number of tokens in a cache.
const MAX_TOKENS: usize = 1024;

/// A cache of one connection. SQLite tells the connection when any other one commits, in any process, so a revoked
/// token or a changed installation is read again at once.
#[derive(Debug, Default)]
pub(super) struct TokenOwners {
    state: Option<State>,
    by_digest: HashMap<Vec<u8>, Arc<TokenOwner>>,
}

impl TokenOwners {
    /// Returns the token with this digest, from the cache or by reading it.
    pub(super) fn get(
        &mut self,
        connection: &Connection,
        digest: &[u8],
        read: impl FnOnce() -> rusqlite::Result<Option<Arc<TokenOwner>>>,
    ) -> rusqlite::Result<Option<Arc<TokenOwner>>> {
        // Before the token is read: what another connection changes in between is read again by the next call.
        let current = Some(State::read(connection)?);
        if self.state != current {
            self.by_digest.clear();
            self.state = current;
        }
        if let Some(owner) = self.by_digest.get(digest) {
            return Ok(Some(Arc::clone(owner)));
        }
        let owner = read()?;
        if let Some(owner) = &owner {
            if self.by_digest.len() >= MAX_TOKENS {
                self.by_digest.clear();
            }
            self.by_digest.insert(digest.to_owned(), Arc::clone(owner));
        }
        Ok(owner)
    }
}

/// The state of the database as a connection sees it.
#[derive(Debug, PartialEq, Eq)]
struct State {
    /// Changes with each commit of another connection.
    version: i64,
    /// The rows that the connection itself has changed: a database in memory has one connection.
    own_changes: u64,
}

impl State {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let version = connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        Ok(Self {
            version,
            own_changes: connection.total_changes(),
        })
    }
}
