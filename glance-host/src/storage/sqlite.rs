//! The host's memory in one SQLite database: a file, or RAM for tests.

mod admin_tokens;
mod error;
mod extensions;
pub(crate) mod file;
mod group;
mod installations;
mod migrations;
mod people;
mod private_messages;
mod rooms;
mod rows;
mod schema;
mod sessions;
mod timeline;
mod tokens;
mod writes;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Mutex;

use self::error::storage_error;
pub use self::file::OpenError;
use self::writes::WriteLog;
use super::{Result, StorageError};

/// The host's memory in one SQLite database.
#[derive(Debug, Clone)]
pub struct SqliteState {
    connection: Arc<Mutex<Connection>>,
    writes: Arc<WriteLog>,
}

impl SqliteState {
    /// Opens the file, or creates it, readable by its owner only. A new database gets its name once it is
    /// complete.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be opened or written, is empty, or is not a host's database.
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        file::open(path, Self::prepare)
            .map(Self::new)
            .map_err(|cause| OpenError::new(path, cause))
    }

    /// A database in RAM, gone when it is dropped.
    ///
    /// # Errors
    ///
    /// Returns an error if SQLite cannot allocate memory.
    pub fn in_memory() -> Result<Self> {
        Connection::open_in_memory()
            .and_then(|mut connection| Self::prepare(&mut connection).map(|()| connection))
            .map(Self::new)
            .map_err(storage_error)
    }

    fn new(connection: Connection) -> Self {
        Self {
            connection: Arc::new(Mutex::new(connection)),
            writes: Arc::default(),
        }
    }

    fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.execute_batch(schema::SCHEMA)?;
        migrations::run(connection)?;
        people::prepare(connection)?;
        extensions::webhooks::prepare(connection)?;
        installations::let_unfinished_go(connection)
    }

    async fn call<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (connection, writes) = (Arc::clone(&self.connection), Arc::clone(&self.writes));
        // Who waits for the connection waits in a task: on a thread each would keep one, and a caller
        // that is not polled for a while would hold up all others once its turn has come.
        let called = tokio::spawn(async move {
            let mut connection = connection.lock_owned().await;
            tokio::task::spawn_blocking(move || writes.observe(&mut connection, query)).await
        });
        called
            .await
            .flatten()
            .map_err(StorageError::other)?
            .map_err(storage_error)
    }
}

#[cfg(test)]
mod tests;
