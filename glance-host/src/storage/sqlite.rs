//! Storage in one SQLite database: in a file, or in memory for tests.

mod admin_tokens;
#[cfg(feature = "server")]
pub(crate) mod backup;
mod error;
mod events;
mod extensions;
pub(crate) mod file;
mod glance_values;
mod group;
mod handoffs;
mod installations;
mod migrations;
mod outbox;
mod parsed;
mod people;
mod private_messages;
mod readers;
mod restore;
mod rooms;
mod rows;
mod schema;
mod sessions;
mod timeline;
mod token_owners;
mod tokens;
mod writer;
mod writes;

use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::Semaphore;

use self::error::{storage_error, unstorable};
use self::events::{Receivers, StoredEvents};
use self::file::FileError;
pub use self::file::OpenError;
use self::outbox::StoredCalls;
use self::parsed::ParsedInstallations;
use self::readers::Readers;
use self::writer::{OnCommit, Writer};
use self::writes::{WriteLog, is_disk_failure};
use super::{Effects, Result, StorageError};

/// The number of prepared statements that a connection keeps: more than there are.
const STATEMENTS: usize = 256;

/// The largest number of connections for short reads.
const MAX_READERS: usize = 8;

/// The number of long reads at a time.
const MAX_SCANS: usize = 2;

/// The longest result of a short read, in rows.
const FEW_ROWS: u32 = 10;

/// Storage in one SQLite database.
///
/// One thread makes all changes, several in one commit. Short reads run where they are called: SQLite finds a row in
/// microseconds, and handing the query to another thread and back takes longer. Long reads run on threads that may
/// block, with connections of their own.
#[derive(Debug, Clone)]
pub struct SqliteState(Arc<Database>);

#[derive(Debug)]
struct Database {
    writer: Writer,
    readers: Readers,
    scanners: Readers,
    scans: Semaphore,
    writes: Arc<WriteLog>,
    receivers: Arc<Receivers>,
    parsed: ParsedInstallations,
}

impl SqliteState {
    /// Opens the file, or creates it, readable by its owner only. A new file gets its name once the database is
    /// complete.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be opened or written, is empty, or is not a host's database.
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        Self::open_all(path).map_err(|cause| OpenError::new(path, cause))
    }

    fn open_all(path: &Path) -> std::result::Result<Self, FileError> {
        let mut writer = file::open(path, Self::prepare)?;
        if let Some(dropped) = restore::finish(&mut writer)? {
            dropped.log();
        }
        let writer = Arc::new(Mutex::new(writer));
        let open = |number: usize| -> rusqlite::Result<Vec<_>> {
            let open = |_| Self::reader(path).map(Mutex::new).map(Arc::new);
            (0..number).map(open).collect()
        };
        // Each thread of the runtime reads at most once at a time.
        let threads = available_parallelism().map_or(2, usize::from);
        let readers = open(threads.min(MAX_READERS))?;
        Ok(Self::new(writer, readers, open(MAX_SCANS)?)?)
    }

    /// Opens a database in memory, which ends when it is dropped.
    ///
    /// # Errors
    ///
    /// Returns an error if SQLite cannot allocate memory.
    pub fn in_memory() -> Result<Self> {
        let open = || {
            let mut connection = Connection::open_in_memory()?;
            Self::prepare(&mut connection)?;
            Ok(Arc::new(Mutex::new(connection)))
        };
        // A database in memory has one connection.
        let only = open().map_err(storage_error)?;
        let readers = vec![Arc::clone(&only)];
        Self::new(only, readers.clone(), readers).map_err(StorageError::other)
    }

    fn new(
        writer: Arc<Mutex<Connection>>,
        readers: Vec<Arc<Mutex<Connection>>>,
        scanners: Vec<Arc<Mutex<Connection>>>,
    ) -> std::io::Result<Self> {
        let writes = Arc::<WriteLog>::default();
        Ok(Self(Arc::new(Database {
            writer: Writer::start(writer, Arc::clone(&writes))?,
            scans: Semaphore::new(scanners.len()),
            readers: Readers::new(readers),
            scanners: Readers::new(scanners),
            writes,
            receivers: Arc::default(),
            parsed: ParsedInstallations::default(),
        })))
    }

    fn reader(path: &Path) -> rusqlite::Result<Connection> {
        let connection = file::connect(path)?;
        Self::configure(&connection)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn configure(connection: &Connection) -> rusqlite::Result<()> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Otherwise SQLite plans a statement anew whenever its `LIMIT` has another value.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.busy_timeout(Duration::from_secs(5))
    }

    fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
        Self::configure(connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrations::run(connection)
    }

    /// Changes the database, all of it or nothing. The change is stored when this returns.
    async fn write<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.writer.change(query).await
    }

    /// Changes the database, and has effects if the second part of the outcome is true.
    async fn write_with<T: Send + 'static>(
        &self,
        effects: Effects,
        query: impl FnOnce(&Connection) -> rusqlite::Result<(T, bool)> + Send + 'static,
    ) -> Result<T> {
        let effects = StoredEffects::new(effects)?;
        let receivers = Arc::clone(&self.0.receivers);
        self.0
            .writer
            .change_then(move |connection| {
                let (value, has_effects) = query(connection)?;
                let on_commit = match has_effects {
                    true => effects.insert(connection, receivers)?,
                    false => Box::new(|| ()),
                };
                Ok((value, on_commit))
            })
            .await
    }

    /// Changes the database, and has the effects that the outcome names.
    async fn write_then<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<(T, Effects)> + Send + 'static,
    ) -> Result<T> {
        let receivers = Arc::clone(&self.0.receivers);
        self.0
            .writer
            .change_then(move |connection| {
                let (value, effects) = query(connection)?;
                let effects = StoredEffects::new(effects).map_err(unstorable)?;
                Ok((value, effects.insert(connection, receivers)?))
            })
            .await
    }

    /// Reads a few rows by their keys.
    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.0.observe(self.0.readers.run(query))
    }

    /// Reads at most so many rows.
    async fn read_up_to<T: Send + 'static>(
        &self,
        rows: u32,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        match rows <= FEW_ROWS {
            true => self.read(query),
            false => self.scan(query).await,
        }
    }

    /// Reads any number of rows.
    async fn scan<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        // The semaphore is never closed.
        let _turn = self.0.scans.acquire().await.map_err(StorageError::other)?;
        let database = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || database.scanners.run(query));
        self.0.observe(read.await.map_err(StorageError::other)?)
    }
}

/// Effects in their stored form.
struct StoredEffects {
    events: StoredEvents,
    calls: StoredCalls,
    /// The rest of the effects: the function that runs after the commit.
    effects: Effects,
}

impl StoredEffects {
    fn new(mut effects: Effects) -> Result<Self> {
        Ok(Self {
            events: StoredEvents::new(effects.take_events())?,
            calls: StoredCalls::new(effects.take_calls())?,
            effects,
        })
    }

    /// Stores the effects within a transaction.
    fn insert(
        self,
        connection: &Connection,
        receivers: Arc<Receivers>,
    ) -> rusqlite::Result<OnCommit> {
        let events = self.events.insert(connection)?;
        let dropped = self.calls.insert(connection)?;
        Ok(Box::new(move || {
            receivers.publish(&events);
            self.effects.committed(&dropped);
        }))
    }
}

impl Database {
    fn observe<T>(&self, outcome: rusqlite::Result<T>) -> Result<T> {
        if outcome.as_ref().is_err_and(is_disk_failure) {
            self.writes.failed();
        }
        outcome.map_err(storage_error)
    }
}

#[cfg(test)]
mod tests;
