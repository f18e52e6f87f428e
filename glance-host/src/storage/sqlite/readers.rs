//! The connections that read. A reader sees what was committed before it began, and waits for no writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;

use super::token_owners::TokenOwners;

/// Connections that take turns.
#[derive(Debug)]
pub(super) struct Readers {
    all: Vec<Reader>,
    /// The connection to wait for if none is free.
    next: AtomicUsize,
}

#[derive(Debug)]
struct Reader {
    connection: Arc<Mutex<Connection>>,
    /// Used only while the connection is locked.
    tokens: Mutex<TokenOwners>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Arc<Mutex<Connection>>>) -> Self {
        let readers = connections.into_iter().map(|connection| Reader {
            connection,
            tokens: Mutex::default(),
        });
        Self {
            all: readers.collect(),
            next: AtomicUsize::default(),
        }
    }

    /// Runs a query on this thread.
    pub(super) fn run<T>(&self, query: impl FnOnce(&Connection) -> T) -> T {
        query(&self.lock().1)
    }

    /// Runs a query that uses the tokens which the connection has read.
    pub(super) fn run_cached<T>(
        &self,
        query: impl FnOnce(&Connection, &mut TokenOwners) -> T,
    ) -> T {
        let (reader, connection) = self.lock();
        query(&connection, &mut reader.tokens.lock())
    }

    /// Locks the first free connection: its pages and statements are in the cache.
    fn lock(&self) -> (&Reader, MutexGuard<'_, Connection>) {
        let mut all = self.all.iter();
        let free = all.find_map(|reader| Some((reader, reader.connection.try_lock()?)));
        free.unwrap_or_else(|| {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            let reader = &self.all[next % self.all.len()];
            (reader, reader.connection.lock())
        })
    }
}
