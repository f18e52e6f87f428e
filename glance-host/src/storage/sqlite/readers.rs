//! The connections that read. A reader sees what was committed before it began, and waits for no writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rusqlite::Connection;

/// Connections that take turns.
#[derive(Debug)]
pub(super) struct Readers {
    connections: Vec<Arc<Mutex<Connection>>>,
    /// The connection to wait for if none is free.
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn new(connections: Vec<Arc<Mutex<Connection>>>) -> Self {
        Self {
            connections,
            next: AtomicUsize::default(),
        }
    }

    /// Runs a query on this thread. The first free connection runs it: its pages and statements are in the cache.
    pub(super) fn run<T>(&self, query: impl FnOnce(&Connection) -> T) -> T {
        let mut all = self.connections.iter();
        match all.find_map(|connection| connection.try_lock()) {
            Some(free) => query(&free),
            None => {
                let next = self.next.fetch_add(1, Ordering::Relaxed);
                query(&self.connections[next % self.connections.len()].lock())
            }
        }
    }
}
