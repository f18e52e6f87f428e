//! What survives a restart: which words a room has chosen.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use glance_sdk::model::{OauthId, RoomId};
use rusqlite::{Connection, params};

use crate::counts::Place;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS chosen (
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        word TEXT NOT NULL,
        PRIMARY KEY (oauth_id, room_id, word)
    ) STRICT, WITHOUT ROWID;
";

/// The database.
#[derive(Debug, Clone)]
pub(crate) struct Choices {
    connection: Arc<Mutex<Connection>>,
}

impl Choices {
    pub(crate) fn open(file: &Path) -> Result<Self, String> {
        let prepare = || {
            let connection = Connection::open(file)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.execute_batch(SCHEMA)?;
            Ok(Self {
                connection: Arc::new(Mutex::new(connection)),
            })
        };
        prepare().map_err(|cause: rusqlite::Error| {
            format!("the database {} cannot be used: {cause}", file.display())
        })
    }

    /// What all rooms have chosen, a word at a time.
    pub(crate) fn all(&self) -> rusqlite::Result<Vec<(Place, String)>> {
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut query = connection.prepare("SELECT oauth_id, room_id, word FROM chosen")?;
        let rows = query.query_map([], |row| {
            let oauth_id = OauthId::from(row.get::<_, String>(0)?);
            let room = RoomId::from(row.get::<_, i64>(1)?.unsigned_abs());
            Ok(((oauth_id, room), row.get(2)?))
        })?;
        rows.collect()
    }

    /// Replaces a room's words, and then does what belongs to it before anything else is written.
    pub(crate) async fn replace(
        &self,
        (oauth_id, room): Place,
        words: Vec<String>,
        then: impl FnOnce(Vec<String>) + Send + 'static,
    ) -> rusqlite::Result<()> {
        let (oauth_id, room) = (oauth_id.to_string(), room.to_string());
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "DELETE FROM chosen WHERE oauth_id = ?1 AND room_id = ?2",
                params![oauth_id, room],
            )?;
            for word in &words {
                transaction.execute(
                    "INSERT OR IGNORE INTO chosen (oauth_id, room_id, word) VALUES (?1, ?2, ?3)",
                    params![oauth_id, room, word],
                )?;
            }
            transaction.commit()?;
            then(words);
            Ok(())
        })
        .await
    }

    /// Forgets the rooms of an installation, and then does what belongs to it.
    pub(crate) async fn forget(
        &self,
        oauth_id: &OauthId,
        then: impl FnOnce() + Send + 'static,
    ) -> rusqlite::Result<()> {
        let oauth_id = oauth_id.to_string();
        self.call(move |connection| {
            connection.execute("DELETE FROM chosen WHERE oauth_id = ?1", [oauth_id])?;
            then();
            Ok(())
        })
        .await
    }

    async fn call<T: Send + 'static>(
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
