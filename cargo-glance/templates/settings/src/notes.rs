//! The notes of all rooms, in one SQLite file.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use glance_sdk::model::{OauthId, RoomId};
use rusqlite::{Connection, OptionalExtension, Result, params};

/// The time that a call waits for another process with access to the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS note (
    installation TEXT NOT NULL,
    room TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (installation, room)
)";

/// The notes of all rooms.
///
/// Calls take microseconds, so handlers may block their thread. Run long queries with
/// `tokio::task::spawn_blocking`.
#[derive(Clone)]
pub struct Notes(Arc<Mutex<Connection>>);

impl Notes {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be opened or written.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    pub(crate) fn get(&self, oauth_id: &OauthId, room: RoomId) -> Result<Option<String>> {
        let query = "SELECT text FROM note WHERE installation = ?1 AND room = ?2";
        let at = params![oauth_id.as_str(), room.to_string()];
        self.connection().query_row(query, at, |row| row.get(0)).optional()
    }

    /// Sets the note of a room; an empty one removes it.
    pub(crate) fn set(&self, oauth_id: &OauthId, room: RoomId, text: &str) -> Result<()> {
        let at = (oauth_id.as_str(), room.to_string());
        if text.is_empty() {
            let delete = "DELETE FROM note WHERE installation = ?1 AND room = ?2";
            self.connection().execute(delete, at)?;
        } else {
            let put = "INSERT INTO note VALUES (?1, ?2, ?3)
                ON CONFLICT DO UPDATE SET text = excluded.text";
            self.connection().execute(put, (at.0, at.1, text))?;
        }
        Ok(())
    }

    /// Removes the notes of an uninstalled add-on.
    pub(crate) fn forget(&self, oauth_id: &OauthId) -> Result<()> {
        let delete = "DELETE FROM note WHERE installation = ?1";
        self.connection().execute(delete, [oauth_id.as_str()])?;
        Ok(())
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
