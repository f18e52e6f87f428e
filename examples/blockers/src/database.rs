//! The SQLite file of what the add-on remembers.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS issue (
        id TEXT PRIMARY KEY,
        key TEXT NOT NULL,
        project TEXT NOT NULL,
        summary TEXT NOT NULL,
        url TEXT NOT NULL,
        is_blocker INTEGER NOT NULL,
        is_deleted INTEGER NOT NULL,
        at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS planned (
        issue TEXT NOT NULL REFERENCES issue ON DELETE CASCADE,
        sprint INTEGER NOT NULL,
        PRIMARY KEY (issue, sprint)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sprint (
        id INTEGER PRIMARY KEY,
        is_active INTEGER NOT NULL,
        at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS room (
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        project TEXT,
        is_settled INTEGER NOT NULL,
        PRIMARY KEY (oauth_id, room_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS issue_of_project ON issue (project) WHERE is_blocker;
    CREATE INDEX IF NOT EXISTS planned_in_sprint ON planned (sprint);
";

#[derive(Debug, Clone)]
pub(crate) struct Database {
    connection: Arc<Mutex<Connection>>,
}

impl Database {
    pub(crate) fn open(file: &Path) -> Result<Self, String> {
        let prepare = || {
            let connection = Connection::open(file)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.execute_batch(SCHEMA)?;
            Ok(Self {
                connection: Arc::new(Mutex::new(connection)),
            })
        };
        prepare().map_err(|cause: rusqlite::Error| {
            format!("the database {} cannot be used: {cause}", file.display())
        })
    }

    pub(crate) async fn call<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let connection = Arc::clone(&self.connection);
        let query = move || query(&mut connection.lock().unwrap_or_else(PoisonError::into_inner));
        match tokio::task::spawn_blocking(query).await {
            Ok(result) => result,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}
