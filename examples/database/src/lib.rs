//! The SQLite file of an example add-on. Other processes may read and write the same file.
//!
//! - A change is one `IMMEDIATE` transaction: it reads what it is based on after it has the write lock, so
//!   that no process overwrites what another wrote in between.
//! - A locked file is waited for, [`WAIT`] at most. Reads wait for no writer: they have a connection of
//!   their own, and the file uses SQLite's write-ahead log.
//! - Every failure is an error of the kind `Storage`, which an add-on answers with 503, so that the sender
//!   repeats the call.
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

/// How long a call waits for others of this process, and then again for other processes. Twice this is less
/// than the ten seconds after which a host gives up a call.
pub const WAIT: Duration = Duration::from_secs(4);

/// A SQLite file.
#[derive(Debug, Clone)]
pub struct Database {
    location: Arc<Location>,
    reader: Arc<Mutex<Connection>>,
    writer: Arc<Mutex<Connection>>,
}

impl Database {
    /// Opens the file, or creates it, readable by its owner only.
    ///
    /// `steps` are the versions of the schema, each the SQL that makes it from the one before. The file
    /// remembers how many of them it has behind it. A file that was made before it counted them begins with
    /// the first, which therefore says `IF NOT EXISTS`.
    ///
    /// # Errors
    ///
    /// In one sentence, where the file cannot be used or has more steps behind it than there are.
    pub fn open(path: &Path, steps: &[&str]) -> std::result::Result<Self, String> {
        let problem = |cause: &dyn std::fmt::Display| {
            format!("the database {} cannot be used: {cause}", path.display())
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

    /// Reads, in one transaction: every query in it sees the same state.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`](glance_sdk::ErrorKind::Storage) where the file cannot be read.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection = &self.reader;
        self.run("read", connection, TransactionBehavior::Deferred, query)
            .await
    }

    /// Reads, unless nothing was written since `version`, which an earlier call returned. For what a process
    /// keeps in memory: another process may have changed the file.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
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

    /// Reads and writes, in one transaction that nobody else's change comes between. Nothing is written
    /// where `change` fails.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`](glance_sdk::ErrorKind::Storage) where the file is locked for longer than
    /// [`WAIT`], the disk is full or gone, or `change` fails.
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
        // Callers wait here and not on threads, of which each would keep one.
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
