//! A store of installations in PostgreSQL.

mod attempt_error;
mod builder;
mod connections;
mod migrations;
mod operation;
mod pool;
mod removal_checks;
mod schema;
mod sharing;
mod tls;

use std::fmt;

use async_trait::async_trait;
use tokio_postgres::types::Type;
use tokio_postgres::{Row, Transaction};

use self::attempt_error::AttemptError;
#[cfg(feature = "server")]
pub(crate) use self::attempt_error::is_lost;
pub use self::builder::PostgresStoreBuilder;
use self::operation::{Operation, Parameter, transact};
use self::pool::Pool;
use self::schema::Schema;
use super::{
    AccessToken, Claimed, Endpoints, Installation, InstallationStore, RemovalCheck, RequestClaim,
};
use crate::model::{GroupId, InstallationData, OauthId, RoomId, Secret};
use crate::{Error, Result};

const GET: &str =
    "SELECT data, token_url, api_url FROM {schema}.glance_installation WHERE oauth_id = $1";
const FIRST_PAGE: &str =
    "SELECT data, token_url, api_url FROM {schema}.glance_installation ORDER BY oauth_id LIMIT $1";
const NEXT_PAGE: &str = "SELECT data, token_url, api_url FROM {schema}.glance_installation
    WHERE oauth_id > $2 ORDER BY oauth_id LIMIT $1";
const IN_ROOM: &str = "SELECT data, token_url, api_url FROM {schema}.glance_installation
    WHERE room_id = $1 ORDER BY oauth_id";
const IN_GROUP: &str = "SELECT data, token_url, api_url FROM {schema}.glance_installation
    WHERE group_id = $1 ORDER BY oauth_id";
const LOCK: &str = "SELECT data FROM {schema}.glance_installation WHERE oauth_id = $1 FOR UPDATE";
const INSERT: &str = "INSERT INTO {schema}.glance_installation
    (oauth_id, data, token_url, api_url, group_id, room_id, origin)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (oauth_id) DO NOTHING";
const UPDATE: &str = "UPDATE {schema}.glance_installation
    SET data = $2, token_url = $3, api_url = $4, group_id = $5, room_id = $6, origin = $7
    WHERE oauth_id = $1";
const COUNT: &str = "SELECT count(*) FROM {schema}.glance_installation";
const COUNT_OF_ORIGIN: &str = "SELECT count(*) FROM {schema}.glance_installation WHERE origin = $1";
const REMOVE: &str = "DELETE FROM {schema}.glance_installation WHERE oauth_id = $1";

/// Stores installations in PostgreSQL, for an add-on that runs on several machines.
///
/// It also shares access tokens and used requests between the processes of the add-on. Its tables
/// are `glance_installation`, `glance_access_token`, `glance_used_request` and `glance_schema`, by
/// default in the first schema of the connection's search path. Clones share the connections, by
/// default at most 8; [`builder`](Self::builder) has settings.
///
/// ```no_run
/// use glance_sdk::AddOn;
/// use glance_sdk::store::PostgresStore;
///
/// # async fn example(url: &str) -> glance_sdk::Result<()> {
/// let store = PostgresStore::connect(url).await?;
/// AddOn::new("com.example.hello", "Hello").store(store).serve().await
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    database: Database,
}

/// The connections and the schema of the tables.
#[derive(Clone)]
struct Database {
    pool: Pool,
    schema: Schema,
}

impl PostgresStore {
    /// Connects, and creates or migrates the tables. Several machines may do so concurrently.
    ///
    /// The URL has libpq's syntax, for example `postgresql://user:password@db.example/addon` or
    /// `postgresql:///addon?host=/run/postgresql`. Over TCP the connection is encrypted if the
    /// server supports it, and always with `sslmode=require`; the system (or the file in
    /// `SSL_CERT_FILE`) must then trust the certificate. Use `sslmode=disable` for a server on the
    /// same machine or network.
    ///
    /// ```no_run
    /// # async fn example() -> glance_sdk::Result<()> {
    /// use glance_sdk::store::PostgresStore;
    ///
    /// let store = PostgresStore::connect("postgresql://addon@db.example/addon?sslmode=require").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if the URL is invalid,
    /// and [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the server cannot be reached,
    /// refuses the connection, or has tables of a newer version.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::builder(url).connect().await
    }

    async fn select(
        &self,
        what: &'static str,
        query: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Installation>> {
        let rows = Operation::new(&self.database, what).select(query, parameters);
        rows.await?.iter().map(read).collect()
    }

    /// Stores an installation if `may_replace` accepts the stored one. Returns whether it did.
    async fn write(
        &self,
        what: &'static str,
        installation: &Installation,
        may_insert: bool,
        may_replace: impl Fn(&Secret) -> bool + Send + Sync,
    ) -> Result<bool> {
        let Installation { data, endpoints } = installation;
        let json = serde_json::to_string(data)
            .map_err(|cause| Error::storage("cannot serialize the installation", cause))?;
        let id = data.oauth_id.as_str();
        let group = data.group_id.get().cast_signed();
        let room = data.room_id.map(|room| room.get().cast_signed());
        let origin = installation.origin().unwrap_or_default();
        let row: [Parameter<'_>; 7] = [
            (&id, Type::TEXT),
            (&json, Type::TEXT),
            (&endpoints.token_url, Type::TEXT),
            (&endpoints.api_url, Type::TEXT),
            (&group, Type::INT8),
            (&room, Type::INT8),
            (&origin, Type::TEXT),
        ];
        let sql = |template| self.database.schema.sql(template);
        let write = async |transaction: &Transaction<'_>| -> Result<bool, AttemptError> {
            loop {
                if may_insert && transaction.execute_typed(&sql(INSERT), &row).await? > 0 {
                    return Ok(true);
                }
                let stored = transaction.query_typed_opt(&sql(LOCK), &row[..1]).await?;
                match stored {
                    // Another process removed it after the insert found it.
                    None if may_insert => {}
                    None => return Ok(false),
                    Some(stored) => {
                        if !may_replace(&parse(&stored)?.oauth_secret) {
                            return Ok(false);
                        }
                        transaction.execute_typed(&sql(UPDATE), &row).await?;
                        return Ok(true);
                    }
                }
            }
        };
        transact!(Operation::new(&self.database, what), transaction => write(&transaction))
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl InstallationStore for PostgresStore {
    async fn put(&self, installation: &Installation) -> Result<()> {
        let sent = &installation.data.oauth_secret;
        let is_kept = self
            .write(
                "cannot store an installation",
                installation,
                true,
                |stored| stored == sent,
            )
            .await?;
        if is_kept {
            Ok(())
        } else {
            Err(Error::conflict(installation.oauth_id()))
        }
    }

    async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>> {
        if cannot_be_stored(oauth_id) {
            return Ok(None);
        }
        let what = "cannot look up an installation";
        let id = oauth_id.as_str();
        let found = self.select(what, GET, &[(&id, Type::TEXT)]).await?;
        Ok(found.into_iter().next())
    }

    async fn remove(&self, oauth_id: &OauthId) -> Result<bool> {
        if cannot_be_stored(oauth_id) {
            return Ok(false);
        }
        let id = oauth_id.as_str();
        let removal = Operation::new(&self.database, "cannot remove an installation");
        let removed = removal.execute(REMOVE, &[(&id, Type::TEXT)]).await?;
        Ok(removed > 0)
    }

    async fn replace(&self, stored: &Secret, installation: &Installation) -> Result<bool> {
        if cannot_be_stored(installation.oauth_id()) {
            return Ok(false);
        }
        self.write("cannot change a secret", installation, false, |found| {
            found == stored
        })
        .await
    }

    async fn page(&self, after: Option<&OauthId>, limit: usize) -> Result<Vec<Installation>> {
        let what = "cannot list installations";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        match after {
            None => self.select(what, FIRST_PAGE, &[(&limit, Type::INT8)]).await,
            Some(after) => {
                // Stored ids contain no NUL, so the ids after `after` are those after its part
                // before the NUL.
                let after = after.as_str().split('\0').next();
                let parameters: [Parameter<'_>; 2] = [(&limit, Type::INT8), (&after, Type::TEXT)];
                self.select(what, NEXT_PAGE, &parameters).await
            }
        }
    }

    async fn in_room(&self, room: RoomId) -> Result<Vec<Installation>> {
        let room = room.get().cast_signed();
        self.select("cannot look up a room", IN_ROOM, &[(&room, Type::INT8)])
            .await
    }

    async fn in_group(&self, group: GroupId) -> Result<Vec<Installation>> {
        let group = group.get().cast_signed();
        self.select("cannot look up a group", IN_GROUP, &[(&group, Type::INT8)])
            .await
    }

    async fn count(&self, origin: Option<&str>) -> Result<u64> {
        let counting = Operation::new(&self.database, "cannot count installations");
        let rows = match &origin {
            None => counting.select(COUNT, &[]).await?,
            Some(origin) => {
                let origin: [Parameter<'_>; 1] = [(origin, Type::TEXT)];
                counting.select(COUNT_OF_ORIGIN, &origin).await?
            }
        };
        let count = rows.first().map(|row| row.try_get::<_, i64>(0));
        let count = count.transpose().map_err(broken)?;
        Ok(count.unwrap_or_default().unsigned_abs())
    }

    async fn removal_check(&self, oauth_id: &OauthId) -> Result<Option<RemovalCheck>> {
        removal_checks::get(&self.database, oauth_id).await
    }

    async fn set_removal_check(
        &self,
        oauth_id: &OauthId,
        expected: &RemovalCheck,
        new: &RemovalCheck,
    ) -> Result<bool> {
        removal_checks::set(&self.database, oauth_id, expected, new).await
    }

    async fn due_removal_checks(
        &self,
        until: i64,
        limit: usize,
    ) -> Result<Vec<(OauthId, RemovalCheck)>> {
        removal_checks::due(&self.database, until, limit).await
    }

    async fn access_token(&self, oauth_id: &OauthId, name: &str) -> Result<Option<AccessToken>> {
        sharing::token(&self.database, oauth_id, name).await
    }

    async fn put_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        token: &AccessToken,
        now: i64,
    ) -> Result<bool> {
        sharing::put_token(&self.database, oauth_id, name, token, now).await
    }

    async fn remove_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        refused: &Secret,
    ) -> Result<bool> {
        sharing::remove_token(&self.database, oauth_id, name, refused).await
    }

    async fn claim_request(&self, claim: &RequestClaim) -> Result<Claimed> {
        sharing::claim(&self.database, claim).await
    }
}

/// PostgreSQL's `text` cannot contain NUL; an id with one comes from a stranger.
fn cannot_be_stored(oauth_id: &OauthId) -> bool {
    oauth_id.as_str().contains('\0')
}

fn broken(cause: tokio_postgres::Error) -> Error {
    Error::storage("the installation store contains invalid data", cause)
}

fn read(row: &Row) -> Result<Installation> {
    let address = |column| row.try_get::<_, String>(column).map_err(broken);
    Ok(Installation::new(
        parse(row)?,
        Endpoints::new(address("token_url")?, address("api_url")?),
    ))
}

fn parse(row: &Row) -> Result<InstallationData> {
    let json: &str = row.try_get("data").map_err(broken)?;
    serde_json::from_str(json)
        .map_err(|cause| Error::storage("the installation store contains invalid data", cause))
}

#[cfg(test)]
mod tests;
