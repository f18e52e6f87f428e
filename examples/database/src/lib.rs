//! The SQLite file of an example add-on. Other processes may read and write the same file.
//!
//! - A change is one `IMMEDIATE` transaction: it reads the previous state while it holds the write
//!   lock, so that no process overwrites a concurrent change.
//! - A call waits for a locked file for at most [`WAIT`]. Reads do not wait for writers: they use a
//!   separate connection and SQLite's write-ahead log.
//! - Every failure is an error of the kind `Storage`, to which an add-on responds with 503, so that
//!   the sender retries.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # let folder = tempfile::tempdir()?;
//! use example_database::Database;
//!
//! const SCHEMA: &[&str] = &["CREATE TABLE IF NOT EXISTS visit (room INTEGER PRIMARY KEY, count INTEGER NOT NULL)"];
//! let database = Database::open(&folder.path().join("visits.sqlite"), SCHEMA)?;
//! let add = "INSERT INTO visit VALUES (7, 1) ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count";
//! let count: u32 = database
//!     .write(move |transaction| transaction.query_row(add, [], |row| row.get(0)))
//!     .await?;
//! assert_eq!(count, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

mod open;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use glance_sdk::{Error, Result};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::Mutex;

use open::Location;

/// The time that a call waits for other calls of this process, and then again for other processes.
/// Twice this is less than the ten seconds of a host's timeout.
pub const WAIT: Duration = Duration::from_secs(4);

/// A SQLite file.
#[derive(Debug, Clone)]
pub struct Database {
    location: Arc<Location>,
    reader: Arc<Mutex<Connection>>,
    writer: Arc<Mutex<Connection>>,
}

impl Database {
    /// Opens the file, or creates it with permissions for its owner only.
    ///
    /// `steps` are the versions of the schema: each is the SQL that creates it from the previous
    /// one. The file stores the number of completed steps. A file without that number starts with
    /// the first step, which therefore uses `IF NOT EXISTS`.
    ///
    /// # Errors
    ///
    /// Returns a sentence if the file cannot be used, or if it has more steps than this program.
    pub fn open(path: &Path, steps: &[&str]) -> std::result::Result<Self, String> {
        let problem = |cause: &dyn std::fmt::Display| {
            format!("cannot use the database {}: {cause}", path.display())
        };
        let location = Location::create(path).map_err(|cause| problem(&cause))?;
        let open = || {
            let mut writer = open::connect(path)?;
            let version = open::upgrade(&mut writer, steps)?;
            Ok::<_, rusqlite::Error>((open::connect(path)?, writer, version))
        };
        let (reader, writer, version) = open().map_err(|cause| problem(&cause))?;
        if version > steps.len() {
            let known = steps.len();
            let cause = format!(
                "its schema is version {version}, this program knows {known}: start a newer one"
            );
            return Err(problem(&cause));
        }
        Ok(Self {
            location: Arc::new(location),
            reader: Arc::new(Mutex::new(reader)),
            writer: Arc::new(Mutex::new(writer)),
        })
    }

    /// Reads in one transaction: all its queries see the same state.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](glance_sdk::ErrorKind::Storage) if the file cannot be read.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection = &self.reader;
        self.run("read", connection, TransactionBehavior::Deferred, query)
            .await
    }

    /// Reads, unless nothing was written since `version`, which an earlier call returned. It serves
    /// for data that a process caches, because another process may have changed the file.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`read`](Self::read).
    pub async fn read_since<T: Send + 'static>(
        &self,
        version: Option<i64>,
        query: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Option<(i64, T)>> {
        self.read(move |transaction| {
            let now = transaction.pragma_query_value(None, "data_version", |row| row.get(0))?;
            if version == Some(now) {
                return Ok(None);
            }
            query(transaction).map(|read| Some((now, read)))
        })
        .await
    }

    /// Reads and writes in one transaction, without concurrent changes in between. If `change`
    /// fails, nothing is written.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](glance_sdk::ErrorKind::Storage) if the file is locked for
    /// longer than [`WAIT`], the disk is full or missing, or `change` fails.
    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection = &self.writer;
        self.run("change", connection, TransactionBehavior::Immediate, change)
            .await
    }

    async fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        connection: &Arc<Mutex<Connection>>,
        behavior: TransactionBehavior,
        call: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let failed = |cause: Box<dyn std::error::Error + Send + Sync>| {
            let path = self.location.path().display();
            Error::storage(format!("cannot {what} the database {path}"), cause)
        };
        // Callers wait asynchronously, because each blocked call would occupy a thread.
        let connection = tokio::time::timeout(WAIT, Arc::clone(connection).lock_owned());
        let mut connection = connection
            .await
            .map_err(|_| failed("other calls take too long".into()))?;
        let location = Arc::clone(&self.location);
        let call = move || {
            location.check()?;
            let transaction = connection.transaction_with_behavior(behavior)?;
            let outcome = call(&transaction)?;
            transaction.commit()?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(outcome)
        };
        match tokio::task::spawn_blocking(call).await {
            Ok(outcome) => outcome.map_err(failed),
            Err(panicked) => Err(failed(panicked.into())),
        }
    }
}
