//! Storage in one SQLite database: in a file, or in memory for tests.

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

/// Storage in one SQLite database.
#[derive(Debug, Clone)]
pub struct SqliteState {
    connection: Arc<Mutex<Connection>>,
    writes: Arc<WriteLog>,
}

impl SqliteState {
    /// Opens the file, or creates it, readable by its owner only. A new file gets its name once the database is
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

    /// Opens a database in memory, which ends when it is dropped.
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
        installations::remove_unfinished(connection)
    }

    async fn call<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (connection, writes) = (Arc::clone(&self.connection), Arc::clone(&self.writes));
        // The wait for the connection is in a task of its own. On a blocking thread each waiting call would occupy
        // one, and without a task a caller that is not polled would hold up all others when its turn comes.
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
