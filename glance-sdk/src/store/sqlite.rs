//! Installations in one SQLite file.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Endpoints, Installation, InstallationStore, is_same};
use crate::model::OauthId;
use crate::{Error, ErrorKind, Result};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS installation (
        oauth_id TEXT PRIMARY KEY,
        oauth_secret TEXT NOT NULL,
        data TEXT NOT NULL,
        token_url TEXT NOT NULL,
        api_url TEXT NOT NULL
    ) STRICT;
";

/// Keeps installations in one SQLite file; what it acknowledged survives a crash.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    connection: Arc<Mutex<Connection>>,
}

impl SqliteStore {
    /// Opens the file, or creates it, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] where the file cannot be opened or written, or is no SQLite
    /// database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let failed = |cause: rusqlite::Error| {
            Error::new(
                ErrorKind::Storage,
                format!("the installation store {} cannot be used", path.display()),
            )
            .because(cause)
        };
        create_private(path).map_err(|cause| {
            Error::new(
                ErrorKind::Storage,
                format!(
                    "the installation store {} cannot be created",
                    path.display()
                ),
            )
            .because(cause)
        })?;
        let connection = Connection::open(path).map_err(failed)?;
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(failed)?;
        connection
            .pragma_update(None, "synchronous", "FULL")
            .map_err(failed)?;
        connection
            .busy_timeout(std::time::Duration::from_secs(5))
            .map_err(failed)?;
        connection.execute_batch(SCHEMA).map_err(failed)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    async fn call<T: Send + 'static>(
        &self,
        what: &'static str,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection = Arc::clone(&self.connection);
        let failed = || Error::new(ErrorKind::Storage, format!("the installation store {what}"));
        tokio::task::spawn_blocking(move || {
            query(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        })
        .await
        .map_err(|cause| failed().because(cause))?
        .map_err(|cause| failed().because(cause))
    }
}

/// The file holds secrets: nobody else may read it.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[async_trait]
impl InstallationStore for SqliteStore {
    async fn put(&self, installation: &Installation) -> Result<()> {
        let Installation { data, endpoints } = installation.clone();
        let json = serde_json::to_string(&data)
            .map_err(|cause| Error::storage("the installation cannot be written", cause))?;
        let oauth_id = data.oauth_id.clone();
        let kept = self
            .call("cannot keep an installation", move |connection| {
                let transaction = connection.transaction_with_behavior(Immediate)?;
                let stored = transaction
                    .query_row(
                        "SELECT oauth_secret FROM installation WHERE oauth_id = ?1",
                        [data.oauth_id.as_str()],
                        |row| row.get::<_, String>(0),
                    )
                    .optional()?;
                if stored.is_some_and(|stored| !is_same(&stored.into(), &data.oauth_secret)) {
                    return Ok(false);
                }
                transaction.execute(
                    "INSERT OR REPLACE INTO installation
                     (oauth_id, oauth_secret, data, token_url, api_url) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![
                        data.oauth_id.as_str(),
                        data.oauth_secret.expose(),
                        json,
                        endpoints.token_url,
                        endpoints.api_url
                    ],
                )?;
                transaction.commit()?;
                Ok(true)
            })
            .await?;
        if kept {
            Ok(())
        } else {
            Err(Error::conflict(&oauth_id))
        }
    }

    async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>> {
        let oauth_id = oauth_id.clone();
        self.call("cannot look an installation up", move |connection| {
            connection
                .prepare_cached(
                    "SELECT data, token_url, api_url FROM installation WHERE oauth_id = ?1",
                )?
                .query_row([oauth_id.as_str()], read)
                .optional()
        })
        .await
    }

    async fn remove(&self, oauth_id: &OauthId) -> Result<bool> {
        let oauth_id = oauth_id.clone();
        self.call("cannot forget an installation", move |connection| {
            connection.execute(
                "DELETE FROM installation WHERE oauth_id = ?1",
                [oauth_id.as_str()],
            )
        })
        .await
        .map(|removed| removed > 0)
    }

    async fn list(&self) -> Result<Vec<Installation>> {
        self.call("cannot list installations", |connection| {
            connection
                .prepare("SELECT data, token_url, api_url FROM installation ORDER BY oauth_id")?
                .query_map([], read)?
                .collect()
        })
        .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Installation> {
    let json: String = row.get(0)?;
    let data = serde_json::from_str(&json).map_err(|cause| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(cause))
    })?;
    Ok(Installation::new(
        data,
        Endpoints::new(row.get::<_, String>(1)?, row.get::<_, String>(2)?),
    ))
}
