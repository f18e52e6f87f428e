//! How a store gets its connections and its schema.

use std::fmt;

use rustls::ClientConfig;
use tokio_postgres::Config;

use super::connections::Servers;
use super::pool::Pool;
use super::schema::Schema;
use super::{Database, PostgresStore, migrations};
use crate::{Error, ErrorKind, Result};

/// The number of connections that a store may have at most.
const MAX_POOL_SIZE: usize = 1000;

/// Settings of a [`PostgresStore`] that is about to connect.
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

/// Without the address, which may have a password.
impl fmt::Debug for PostgresStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreBuilder")
            .field("schema", &self.schema)
            .field("pool_size", &self.pool_size)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Begins a store at this URL; [`connect`](Self::connect) has the details of URLs.
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

    /// Begins a store with these settings of tokio-postgres. The connection is encrypted as their
    /// `ssl_mode` says.
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

    /// Begins a store with the connections of an existing pool, which the program may use for its own
    /// tables too. The store needs no connection for longer than one operation, and no two at once.
    ///
    /// The pool decides how many connections there are, how they are encrypted, and how long opening
    /// one may take; an operation of the store takes at most 8 seconds whatever the pool does. Give the
    /// pool a timeout, and a store sooner says that all connections are in use.
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

    /// Puts the tables into this schema, which is created if it is missing. Its name has 1 to 63 bytes,
    /// is taken as it is, capital letters included, and does not start with `pg_`.
    ///
    /// Without it the tables are in the first schema of the connection's search path, or where they are
    /// on that path already. The path counts while the store connects and never again.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// Has at most this many connections, 1 to 1,000, instead of 8.
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.pool_size = Some(connections);
        self
    }

    /// Encrypts connections with these settings of rustls, instead of those that trust what the system
    /// trusts: for a certificate authority of your own, or for a client certificate. Whether connections
    /// are encrypted the URL's `sslmode` says.
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

    /// Connects, and creates or migrates the schema and the tables; several machines may do it at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where a setting cannot be, or is the pool's own,
    /// [`ErrorKind::Storage`] where the server cannot be reached, refuses, or has tables of a newer
    /// version.
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
                let what = "the address of the installation store is no PostgreSQL URL";
                Error::new(ErrorKind::Configuration, what).with_source(cause)
            })?,
            Source::Config(config) => *config,
            #[cfg(feature = "deadpool-postgres")]
            Source::Pool(_) if self.pool_size.is_some() || self.tls.is_some() => {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    "an existing pool has its own size and encryption; set them where the pool is made, \
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
                format!("a pool of {size} connections cannot be; choose 1 to {MAX_POOL_SIZE}"),
            ));
        }
        Servers::pool(&config, size, self.tls).map(Pool::Own)
    }
}
