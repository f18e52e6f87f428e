//! The settings of a store's connections and schema.

use std::fmt;

use rustls::ClientConfig;
use tokio_postgres::Config;

use super::connections::Servers;
use super::pool::Pool;
use super::schema::Schema;
use super::{Database, PostgresStore, migrations};
use crate::{Error, ErrorKind, Result};

/// The limit on the connections of a store.
const MAX_POOL_SIZE: usize = 1000;

/// Builds a [`PostgresStore`].
///
/// ```no_run
/// # async fn example() -> glance_sdk::Result<()> {
/// use glance_sdk::store::PostgresStore;
///
/// let store = PostgresStore::builder("postgresql://addon@db.example/shared")
///     .schema("builds_addon")
///     .pool_size(4)
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[must_use = "nothing connects before `connect`"]
pub struct PostgresStoreBuilder {
    source: Source,
    schema: Option<String>,
    pool_size: Option<usize>,
    tls: Option<ClientConfig>,
}

enum Source {
    Url(String),
    Config(Box<Config>),
    #[cfg(feature = "deadpool-postgres")]
    Pool(deadpool_postgres::Pool),
}

/// Omits the URL, which may contain a password.
impl fmt::Debug for PostgresStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreBuilder")
            .field("schema", &self.schema)
            .field("pool_size", &self.pool_size)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Starts building a store at this URL; see [`connect`](Self::connect) for the syntax.
    ///
    /// ```no_run
    /// use glance_sdk::store::PostgresStore;
    ///
    /// # async fn example(url: &str) -> glance_sdk::Result<()> {
    /// let store = PostgresStore::builder(url).schema("builds").pool_size(4).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn builder(url: impl Into<String>) -> PostgresStoreBuilder {
        PostgresStoreBuilder::new(Source::Url(url.into()))
    }

    /// Starts building a store with these settings of tokio-postgres. Their `ssl_mode` decides
    /// whether connections are encrypted.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use glance_sdk::store::PostgresStore;
    ///
    /// let mut config = tokio_postgres::Config::new();
    /// config.host("db.example").dbname("addon").user("addon");
    /// config.password(std::fs::read_to_string("/run/secrets/database")?.trim());
    /// let store = PostgresStore::from_config(config).pool_size(2).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn from_config(config: Config) -> PostgresStoreBuilder {
        PostgresStoreBuilder::new(Source::Config(Box::new(config)))
    }

    /// Starts building a store with the connections of an existing pool, which the program may use
    /// for its own tables too. An operation of the store uses one connection.
    ///
    /// The pool decides the number of connections, their encryption, and the timeout of opening
    /// one; an operation of the store takes at most 8 seconds in any case. If the pool has a
    /// timeout, the store reports sooner that all connections are in use.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use deadpool_postgres::{Manager, Pool, Runtime};
    /// use glance_sdk::store::PostgresStore;
    /// use tokio_postgres::NoTls;
    ///
    /// let config = "postgresql:///addon?host=/run/postgresql".parse()?;
    /// let pool = Pool::builder(Manager::new(config, NoTls))
    ///     .max_size(8)
    ///     .runtime(Runtime::Tokio1)
    ///     .wait_timeout(Some(Duration::from_secs(2)))
    ///     .build()?;
    /// let store = PostgresStore::from_pool(pool.clone()).schema("glance").connect().await?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "deadpool-postgres")]
    pub fn from_pool(pool: deadpool_postgres::Pool) -> PostgresStoreBuilder {
        PostgresStoreBuilder::new(Source::Pool(pool))
    }
}

impl PostgresStoreBuilder {
    fn new(source: Source) -> Self {
        Self {
            source,
            schema: None,
            pool_size: None,
            tls: None,
        }
    }

    /// Puts the tables into this schema, and creates it if it does not exist. The name has 1 to 63
    /// bytes, is case-sensitive, and does not start with `pg_`.
    ///
    /// By default the tables are in the first schema of the connection's search path, or in the
    /// schema of the search path that contains them already. The search path matters only while the
    /// store connects.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// Sets the maximum number of connections, 1 to 1,000. The default is 8.
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.pool_size = Some(connections);
        self
    }

    /// Encrypts connections with these settings of rustls, for your own certificate authority or a
    /// client certificate. By default the system's certificates are trusted. The `sslmode` of the
    /// URL decides whether connections are encrypted.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use glance_sdk::store::PostgresStore;
    /// use rustls::pki_types::CertificateDer;
    /// use rustls::pki_types::pem::PemObject;
    ///
    /// let mut roots = rustls::RootCertStore::empty();
    /// roots.add(CertificateDer::from_pem_file("/etc/addon/database-ca.pem")?)?;
    /// let tls = rustls::ClientConfig::builder()
    ///     .with_root_certificates(roots)
    ///     .with_no_client_auth();
    /// let url = "postgresql://addon@db.example/addon?sslmode=require";
    /// let store = PostgresStore::builder(url).tls_config(tls).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn tls_config(mut self, config: ClientConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// Connects, and creates or migrates the schema and the tables. Several machines may do so
    /// concurrently.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if a setting is invalid, or belongs to the pool, and
    /// [`ErrorKind::Storage`] if the server cannot be reached, refuses the connection, or has
    /// tables of a newer version.
    pub async fn connect(self) -> Result<PostgresStore> {
        let schema = self.schema.as_deref().map(Schema::new).transpose()?;
        let pool = self.pool()?;
        let schema = migrations::run(&pool, schema).await?;
        Ok(PostgresStore {
            database: Database { pool, schema },
        })
    }

    fn pool(self) -> Result<Pool> {
        let config = match self.source {
            Source::Url(url) => url.parse().map_err(|cause: tokio_postgres::Error| {
                let what = "the address of the installation store is not a PostgreSQL URL";
                Error::new(ErrorKind::Configuration, what).with_source(cause)
            })?,
            Source::Config(config) => *config,
            #[cfg(feature = "deadpool-postgres")]
            Source::Pool(_) if self.pool_size.is_some() || self.tls.is_some() => {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    "an existing pool has its own size and encryption; set them on the pool, \
                 not on the store",
                ));
            }
            #[cfg(feature = "deadpool-postgres")]
            Source::Pool(pool) => return Ok(Pool::Given(pool)),
        };
        let size = self.pool_size.unwrap_or(Servers::CONNECTIONS);
        if !(1..=MAX_POOL_SIZE).contains(&size) {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "a pool of {size} connections is not possible; choose 1 to {MAX_POOL_SIZE}"
                ),
            ));
        }
        Servers::pool(&config, size, self.tls).map(Pool::Own)
    }
}
