//! A store of installations in one SQLite file, which several processes may use.

mod location;
mod migrations;
mod removal_checks;
mod sharing;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use location::Location;

use super::{
    AccessToken, Claimed, Endpoints, Installation, InstallationStore, RemovalCheck, RequestClaim,
};
use crate::model::{GroupId, InstallationData, OauthId, RoomId, Secret};
use crate::{Error, ErrorKind, Result};

/// The number of attempts to switch the journal mode, and the pause between them: 5 seconds in all.
const WAL_ATTEMPTS: u32 = 100;
const WAL_WAIT: Duration = Duration::from_millis(50);

const GET: &str = "SELECT data, token_url, api_url FROM installation WHERE oauth_id = ?1";
const FIRST_PAGE: &str =
    "SELECT data, token_url, api_url FROM installation ORDER BY oauth_id LIMIT ?1";
const NEXT_PAGE: &str = "SELECT data, token_url, api_url FROM installation
    WHERE oauth_id > ?2 ORDER BY oauth_id LIMIT ?1";
const IN_ROOM: &str = "SELECT data, token_url, api_url FROM installation
    WHERE room_id = ?1 ORDER BY oauth_id";
const IN_GROUP: &str = "SELECT data, token_url, api_url FROM installation
    WHERE group_id = ?1 ORDER BY oauth_id";
const COUNT: &str = "SELECT count(*) FROM installation";
const COUNT_OF_ORIGIN: &str = "SELECT count(*) FROM installation WHERE origin = ?1";

/// A repeated put changes everything except the secret, which is the same, and the removal check.
const PUT: &str = "INSERT INTO installation
    (oauth_id, oauth_secret, data, token_url, api_url, group_id, room_id, origin)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (oauth_id) DO UPDATE SET
        oauth_secret = excluded.oauth_secret, data = excluded.data,
        token_url = excluded.token_url, api_url = excluded.api_url,
        group_id = excluded.group_id, room_id = excluded.room_id, origin = excluded.origin";

/// The time that a call waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Stores installations in one SQLite file; acknowledged changes survive a crash.
///
/// Other processes may use the same file. A change waits up to five seconds for another process
/// that writes, and a lookup does not wait.
///
/// ```
/// use glance_sdk::AddOn;
/// use glance_sdk::store::SqliteStore;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("hello.sqlite");
/// let store = SqliteStore::open(path)?;
/// let add_on = AddOn::new("com.example.hello", "Hello").store(store);
/// # add_on.build("https://hello.example.com")?;
/// # Ok::<(), glance_sdk::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SqliteStore {
    location: Arc<Location>,
    /// Separate from the writer, so that no lookup waits for a change that waits for another
    /// process.
    reader: Arc<Mutex<Connection>>,
    writer: Arc<Mutex<Connection>>,
}

impl SqliteStore {
    /// Opens the file, or creates it with permissions for its owner only.
    ///
    /// ```
    /// use glance_sdk::store::{InstallationStore, SqliteStore};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("add-on.sqlite");
    /// let store = SqliteStore::open(path)?;
    /// assert!(store.list().await?.is_empty());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`] if the file cannot be opened or written, or is not an SQLite
    /// database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let failed = |cause: rusqlite::Error| {
            Error::new(
                ErrorKind::Storage,
                format!("cannot use the installation store {}", path.display()),
            )
            .with_source(cause)
        };
        let location = Location::create(path).map_err(|cause| {
            Error::new(
                ErrorKind::Storage,
                format!("cannot create the installation store {}", path.display()),
            )
            .with_source(cause)
        })?;
        let mut writer = connect(path).map_err(failed)?;
        if let Err(found) = migrations::run(&mut writer).map_err(failed)? {
            return Err(Error::new(
                ErrorKind::Storage,
                format!(
                    "the installation store {} belongs to a newer version of this program: its schema \
                     is {found}, and this version knows {}",
                    path.display(),
                    migrations::LATEST
                ),
            ));
        }
        let reader = connect(path).map_err(failed)?;
        Ok(Self {
            location: Arc::new(location),
            reader: Arc::new(Mutex::new(reader)),
            writer: Arc::new(Mutex::new(writer)),
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        what: &'static str,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call(&self.reader, what, query).await
    }

    async fn write<T: Send + 'static>(
        &self,
        what: &'static str,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call(&self.writer, what, query).await
    }

    async fn call<T: Send + 'static>(
        &self,
        connection: &Arc<Mutex<Connection>>,
        what: &'static str,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (location, connection) = (Arc::clone(&self.location), Arc::clone(connection));
        let failed =
            move || Error::new(ErrorKind::Storage, format!("the installation store {what}"));
        let call = move || {
            location
                .check()
                .map_err(|cause| failed().with_source(cause))?;
            query(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
                .map_err(|cause| failed().with_source(cause))
        };
        tokio::task::spawn_blocking(call)
            .await
            .map_err(|cause| failed().with_source(cause))?
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    use_wal(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// If several processes open a new file concurrently, one switches its journal mode, and SQLite
/// refuses the others at once, regardless of its timeout.
fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    for _ in 0..WAL_ATTEMPTS {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(cause) if cause.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                std::thread::sleep(WAL_WAIT);
            }
            outcome => return outcome,
        }
    }
    connection.pragma_update(None, "journal_mode", "WAL")
}

#[async_trait]
impl InstallationStore for SqliteStore {
    async fn put(&self, installation: &Installation) -> Result<()> {
        let row = Record::of(installation)?;
        let kept = self
            .write("cannot store an installation", move |connection| {
                let transaction = connection.transaction_with_behavior(Immediate)?;
                let stored = secret_of(&transaction, &row.data.oauth_id)?;
                if stored.is_some_and(|stored| stored != row.data.oauth_secret) {
                    return Ok(false);
                }
                row.write(&transaction)?;
                transaction.commit()?;
                Ok(true)
            })
            .await?;
        if kept {
            Ok(())
        } else {
            Err(Error::conflict(installation.oauth_id()))
        }
    }

    async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>> {
        let oauth_id = oauth_id.clone();
        self.read("cannot look up an installation", move |connection| {
            connection
                .prepare_cached(GET)?
                .query_row([oauth_id.as_str()], read)
                .optional()
        })
        .await
    }

    async fn remove(&self, oauth_id: &OauthId) -> Result<bool> {
        let oauth_id = oauth_id.clone();
        self.write("cannot remove an installation", move |connection| {
            let transaction = connection.transaction_with_behavior(Immediate)?;
            let removed = transaction.execute(
                "DELETE FROM installation WHERE oauth_id = ?1",
                [oauth_id.as_str()],
            )?;
            sharing::forget(&transaction, &oauth_id)?;
            transaction.commit()?;
            Ok(removed > 0)
        })
        .await
    }

    async fn replace(&self, stored: &Secret, installation: &Installation) -> Result<bool> {
        let row = Record::of(installation)?;
        let expected = stored.clone();
        self.write("cannot change a secret", move |connection| {
            let transaction = connection.transaction_with_behavior(Immediate)?;
            let stored = secret_of(&transaction, &row.data.oauth_id)?;
            if !stored.is_some_and(|stored| stored == expected) {
                return Ok(false);
            }
            row.write(&transaction)?;
            transaction.commit()?;
            Ok(true)
        })
        .await
    }

    async fn page(&self, after: Option<&OauthId>, limit: usize) -> Result<Vec<Installation>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = after.cloned();
        self.read("cannot list installations", move |connection| match after {
            None => select(connection, FIRST_PAGE, [limit]),
            Some(after) => select(connection, NEXT_PAGE, params![limit, after.as_str()]),
        })
        .await
    }

    async fn in_room(&self, room: RoomId) -> Result<Vec<Installation>> {
        self.read("cannot look up a room", move |connection| {
            select(connection, IN_ROOM, [room.get().cast_signed()])
        })
        .await
    }

    async fn in_group(&self, group: GroupId) -> Result<Vec<Installation>> {
        self.read("cannot look up a group", move |connection| {
            select(connection, IN_GROUP, [group.get().cast_signed()])
        })
        .await
    }

    async fn count(&self, origin: Option<&str>) -> Result<u64> {
        let origin = origin.map(ToOwned::to_owned);
        let what = "cannot count installations";
        let count = self.read(what, move |connection| {
            let count = |row: &Row<'_>| row.get::<_, i64>(0);
            match origin {
                None => connection.prepare_cached(COUNT)?.query_row([], count),
                Some(origin) => {
                    let mut of_origin = connection.prepare_cached(COUNT_OF_ORIGIN)?;
                    of_origin.query_row([origin], count)
                }
            }
        });
        Ok(count.await?.unsigned_abs())
    }

    async fn removal_check(&self, oauth_id: &OauthId) -> Result<Option<RemovalCheck>> {
        let oauth_id = oauth_id.clone();
        self.read(removal_checks::FAILED, move |connection| {
            removal_checks::get(connection, &oauth_id)
        })
        .await
    }

    async fn set_removal_check(
        &self,
        oauth_id: &OauthId,
        expected: &RemovalCheck,
        new: &RemovalCheck,
    ) -> Result<bool> {
        let (oauth_id, expected, new) = (oauth_id.clone(), expected.clone(), new.clone());
        self.write(removal_checks::FAILED, move |connection| {
            removal_checks::set(connection, &oauth_id, &expected, &new)
        })
        .await
    }

    async fn due_removal_checks(
        &self,
        until: i64,
        limit: usize,
    ) -> Result<Vec<(OauthId, RemovalCheck)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(removal_checks::FAILED, move |connection| {
            removal_checks::due(connection, until, limit)
        })
        .await
    }

    async fn access_token(&self, oauth_id: &OauthId, name: &str) -> Result<Option<AccessToken>> {
        let (oauth_id, name) = (oauth_id.clone(), name.to_owned());
        self.read(sharing::TOKEN_FAILED, move |connection| {
            sharing::token(connection, &oauth_id, &name)
        })
        .await
    }

    async fn put_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        token: &AccessToken,
        now: i64,
    ) -> Result<bool> {
        let (oauth_id, name, token) = (oauth_id.clone(), name.to_owned(), token.clone());
        self.write(sharing::TOKEN_FAILED, move |connection| {
            sharing::put_token(connection, &oauth_id, &name, &token, now)
        })
        .await
    }

    async fn remove_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        refused: &Secret,
    ) -> Result<bool> {
        let (oauth_id, name, refused) = (oauth_id.clone(), name.to_owned(), refused.clone());
        self.write(sharing::TOKEN_FAILED, move |connection| {
            sharing::remove_token(connection, &oauth_id, &name, &refused)
        })
        .await
    }

    async fn claim_request(&self, claim: &RequestClaim) -> Result<Claimed> {
        let claim = claim.clone();
        self.write(sharing::CLAIM_FAILED, move |connection| {
            sharing::claim(connection, &claim)
        })
        .await
    }
}

/// The values of an installation's row.
struct Record {
    data: InstallationData,
    json: String,
    endpoints: Endpoints,
    origin: String,
}

impl Record {
    fn of(installation: &Installation) -> Result<Self> {
        let origin = installation.origin().unwrap_or_default();
        let Installation { data, endpoints } = installation.clone();
        let json = serde_json::to_string(&data)
            .map_err(|cause| Error::storage("cannot serialize the installation", cause))?;
        Ok(Self {
            data,
            json,
            endpoints,
            origin,
        })
    }

    /// SQLite's integers are signed: a larger number is stored by its bits.
    fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached(PUT)?
            .execute(params![
                self.data.oauth_id.as_str(),
                self.data.oauth_secret.expose(),
                self.json,
                self.endpoints.token_url,
                self.endpoints.api_url,
                self.data.group_id.get().cast_signed(),
                self.data.room_id.map(|room| room.get().cast_signed()),
                self.origin,
            ])
            .map(drop)
    }
}

fn secret_of(connection: &Connection, oauth_id: &OauthId) -> rusqlite::Result<Option<Secret>> {
    connection
        .prepare_cached("SELECT oauth_secret FROM installation WHERE oauth_id = ?1")?
        .query_row([oauth_id.as_str()], |row| row.get::<_, String>(0))
        .optional()
        .map(|secret| secret.map(Secret::from))
}

fn select(
    connection: &Connection,
    query: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Installation>> {
    connection
        .prepare_cached(query)?
        .query_map(parameters, read)?
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Installation> {
    let data = parse(&row.get::<_, String>(0)?)?;
    Ok(Installation::new(
        data,
        Endpoints::new(row.get::<_, String>(1)?, row.get::<_, String>(2)?),
    ))
}

fn parse(json: &str) -> rusqlite::Result<InstallationData> {
    serde_json::from_str(json).map_err(|cause| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(cause))
    })
}

#[cfg(test)]
mod tests;
