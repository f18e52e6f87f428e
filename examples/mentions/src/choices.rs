//! Stores the chosen words of rooms across restarts.

use std::path::Path;

use example_database::Database;
use glance_sdk::Result;
use glance_sdk::model::{OauthId, RoomId};
use rusqlite::{Transaction, params};

use crate::counts::Place;
use crate::text::Word;

/// The SQL that creates each version of the schema from the previous one.
const SCHEMA: &[&str] = &["
    CREATE TABLE IF NOT EXISTS chosen (
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        word TEXT NOT NULL,
        PRIMARY KEY (oauth_id, room_id, word)
    ) STRICT, WITHOUT ROWID;
"];

/// The words of all rooms, one per entry.
pub(crate) type Chosen = Vec<(Place, String)>;

/// The database.
#[derive(Debug, Clone)]
pub(crate) struct Choices {
    database: Database,
}

impl Choices {
    pub(crate) fn open(file: &Path) -> Result<Self, String> {
        let database = Database::open(file, SCHEMA)?;
        Ok(Self { database })
    }

    /// Returns the choices of all rooms, unless nobody changed them since `version`; another
    /// process may have.
    pub(crate) async fn changed_since(
        &self,
        version: Option<i64>,
    ) -> Result<Option<(i64, Chosen)>> {
        self.database.read_since(version, all).await
    }

    /// Replaces the words of a room.
    pub(crate) async fn replace(&self, (oauth_id, room): Place, words: Vec<Word>) -> Result<()> {
        let (oauth_id, room) = (oauth_id.to_string(), room.to_string());
        self.database
            .write(move |transaction| {
                transaction.execute(
                    "DELETE FROM chosen WHERE oauth_id = ?1 AND room_id = ?2",
                    params![oauth_id, room],
                )?;
                for word in &words {
                    transaction.execute(
                        "INSERT OR IGNORE INTO chosen (oauth_id, room_id, word) VALUES (?1, ?2, ?3)",
                        params![oauth_id, room, word.to_string()],
                    )?;
                }
                Ok(())
            })
            .await
    }

    /// Removes the rooms of an uninstalled add-on.
    pub(crate) async fn forget(&self, oauth_id: &OauthId) -> Result<()> {
        let oauth_id = oauth_id.to_string();
        self.database
            .write(move |transaction| {
                transaction.execute("DELETE FROM chosen WHERE oauth_id = ?1", [oauth_id])
            })
            .await
            .map(drop)
    }
}

fn all(transaction: &Transaction<'_>) -> rusqlite::Result<Chosen> {
    let mut query = transaction.prepare_cached("SELECT oauth_id, room_id, word FROM chosen")?;
    let rows = query.query_map([], |row| {
        let oauth_id = OauthId::from(row.get::<_, String>(0)?);
        let room = RoomId::from(row.get::<_, i64>(1)?.unsigned_abs());
        Ok(((oauth_id, room), row.get(2)?))
    })?;
    rows.collect()
}
