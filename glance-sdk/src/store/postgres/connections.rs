//! Opens and closes the connections to PostgreSQL.
//!
//! The store uses deadpool directly, because deadpool-postgres keeps named statements, which break
//! behind a pooler in transaction mode.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Pool, QueueMode, RecycleError, RecycleResult};
use rustls::ClientConfig;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, LoadBalanceHosts};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls;
use crate::{Error, Result};

/// The time that an operation waits for a free connection.
const WAIT: Duration = Duration::from_secs(2);

/// The timeout of opening a connection: name resolution, TCP, TLS and authentication, on all hosts
/// of the URL together.
pub(super) const CONNECT: Duration = Duration::from_secs(3);

/// The default timeout of connecting to one address of a host.
const CONNECT_ADDRESS: Duration = Duration::from_secs(1);

/// The age at which a working connection is replaced: after a failover it may lead to the wrong
/// server, and servers and firewalls drop connections.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// The time after which an unused connection is replaced: firewalls drop idle ones silently.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// Opens connections to the servers of a URL.
pub(super) struct Servers {
    /// One configuration per host, in the order of the attempts.
    hosts: Vec<Config>,
    /// Whether the first host to try is random.
    is_balanced: bool,
    tls: Option<MakeRustlsConnect>,
}

impl Servers {
    /// The default limit on the connections of a store.
    pub(super) const CONNECTIONS: usize = 8;

    /// Creates a pool without connections.
    pub(super) fn pool(
        config: &Config,
        size: usize,
        tls: Option<ClientConfig>,
    ) -> Result<Pool<Self>> {
        let tls = match (tls::is_required(config), tls) {
            (false, _) => None,
            (true, Some(tls)) => Some(MakeRustlsConnect::new(tls)),
            (true, None) => Some(tls::connector()?),
        };
        let servers = Self {
            hosts: split(config),
            is_balanced: config.get_load_balance_hosts() == LoadBalanceHosts::Random,
            tls,
        };
        Pool::builder(servers)
            .max_size(size)
            // Connections that are not needed stay unused and reach their idle age.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .build()
            .map_err(|cause| {
                Error::storage(
                    "cannot create the connection pool of the installation store",
                    cause,
                )
            })
    }

    async fn open(&self, config: &Config) -> Result<Connection, tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => open(config, tls.clone()).await,
            None => open(config, NoTls).await,
        }
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").finish_non_exhaustive()
    }
}

impl Manager for Servers {
    type Type = Connection;
    type Error = NoConnection;

    /// Each host has a part of the timeout, so that a host that accepts and then does not respond
    /// does not block the others.
    async fn create(&self) -> Result<Connection, NoConnection> {
        let hosts = self.hosts.len().max(1);
        let limit = CONNECT / u32::try_from(hosts).unwrap_or(u32::MAX);
        let first = match self.is_balanced {
            true => random(hosts),
            false => 0,
        };
        let mut failure = NoConnection::TimedOut;
        for host in self.hosts.iter().cycle().skip(first).take(hosts) {
            match tokio::time::timeout(limit, self.open(host)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(cause)) => failure = NoConnection::Failed(cause),
                Err(_) => failure = NoConnection::TimedOut,
            }
        }
        Err(failure)
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        metrics: &Metrics,
    ) -> RecycleResult<NoConnection> {
        match connection.is_closed() || metrics.age() > MAX_AGE || metrics.last_used() > MAX_IDLE {
            true => Err(RecycleError::message("closed or too old")),
            false => Ok(()),
        }
    }
}

async fn open<T>(config: &Config, tls: T) -> Result<Connection, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, driver) = config.connect(tls).await?;
    let driver = tokio::spawn(async move {
        if let Err(cause) = driver.await {
            tracing::debug!(error = %cause, "a connection to PostgreSQL ended");
        }
    });
    Ok(Connection { client, driver })
}

/// A connection and the task that moves its bytes; both end together.
pub(super) struct Connection {
    client: Client,
    driver: JoinHandle<()>,
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A server that does not respond does not read a termination message either.
        self.driver.abort();
    }
}

/// The reason why there is no connection.
#[derive(Debug)]
pub(super) enum NoConnection {
    Failed(tokio_postgres::Error),
    TimedOut,
}

impl NoConnection {
    /// Returns whether the connection was refused at once, as by a server or pooler that starts or
    /// stops.
    pub(super) fn is_refusal(&self) -> bool {
        let Self::Failed(cause) = self else {
            return false;
        };
        if let Some(code) = cause.code() {
            return *code == SqlState::TOO_MANY_CONNECTIONS
                || is_shutdown(code)
                || code.code().starts_with("08");
        }
        let source = std::error::Error::source(cause);
        let io = source.and_then(|source| source.downcast_ref::<io::Error>());
        cause.is_closed()
            || io.is_some_and(|io| {
                matches!(
                    io.kind(),
                    io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::BrokenPipe
                        | io::ErrorKind::UnexpectedEof
                        // The Unix socket of a server that is down.
                        | io::ErrorKind::NotFound
                )
            })
    }
}

impl fmt::Display for NoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(cause) => cause.fmt(f),
            Self::TimedOut => write!(f, "no connection within {} s", CONNECT.as_secs()),
        }
    }
}

impl std::error::Error for NoConnection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(cause) => cause.source(),
            Self::TimedOut => None,
        }
    }
}

/// Returns whether the server reports that it starts or stops.
pub(super) fn is_shutdown(code: &SqlState) -> bool {
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
    ]
    .contains(code)
}

/// Returns the same settings for each host of the URL separately.
fn split(config: &Config) -> Vec<Config> {
    let (hosts, addresses, ports) = (
        config.get_hosts(),
        config.get_hostaddrs(),
        config.get_ports(),
    );
    let number = hosts.len().max(addresses.len());
    let is_sound = (hosts.is_empty() || addresses.is_empty() || hosts.len() == addresses.len())
        && (ports.len() <= 1 || ports.len() == number);
    if number <= 1 || !is_sound {
        // If the numbers do not match, connecting fails with an error.
        return vec![with_connect_timeout(config.clone())];
    }
    (0..number)
        .map(|index| {
            let mut one = without_hosts(config);
            match hosts.get(index) {
                Some(Host::Tcp(name)) => {
                    one.host(name);
                }
                #[cfg(unix)]
                Some(Host::Unix(path)) => {
                    one.host_path(path);
                }
                None => {}
            }
            if let Some(address) = addresses.get(index) {
                one.hostaddr(*address);
            }
            if let Some(port) = ports.get(index).or(ports.first()) {
                one.port(*port);
            }
            with_connect_timeout(one)
        })
        .collect()
}

fn with_connect_timeout(mut config: Config) -> Config {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_ADDRESS);
    }
    config
}

fn without_hosts(config: &Config) -> Config {
    let mut one = Config::new();
    one.ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .target_session_attrs(config.get_target_session_attrs())
        .load_balance_hosts(config.get_load_balance_hosts())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle());
    if let Some(user) = config.get_user() {
        one.user(user);
    }
    if let Some(password) = config.get_password() {
        one.password(password);
    }
    if let Some(name) = config.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = config.get_options() {
        one.options(options);
    }
    if let Some(name) = config.get_application_name() {
        one.application_name(name);
    }
    if let Some(limit) = config.get_connect_timeout() {
        one.connect_timeout(*limit);
    }
    if let Some(limit) = config.get_tcp_user_timeout() {
        one.tcp_user_timeout(*limit);
    }
    if let Some(interval) = config.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one
}

/// Returns a random number below `limit`, or 0 without randomness, which only loses the balance.
fn random(limit: usize) -> usize {
    let mut byte = [0];
    match aws_lc_rs::rand::fill(&mut byte) {
        Ok(()) => usize::from(byte[0]) % limit,
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_of_url_has_own_settings() {
        let url = "postgresql://u:p@a.example:1,b.example:2/db?target_session_attrs=read-write\
                   &options=-csearch_path%3Dx&application_name=n&connect_timeout=7&sslmode=require";
        let config: Config = url.parse().unwrap();
        let hosts = split(&config);
        let names = ["a.example", "b.example"];
        assert_eq!(hosts.len(), names.len());
        for (index, host) in hosts.iter().enumerate() {
            let mut expected = without_hosts(&config);
            expected.host(names[index]).port(1 + index as u16);
            assert_eq!(*host, expected);
            assert_eq!(host.get_connect_timeout(), Some(&Duration::from_secs(7)));
            assert_eq!(host.get_options(), Some("-csearch_path=x"));
            assert_eq!(host.get_password(), Some(&b"p"[..]));
        }
        let one: Config = "postgresql://u@a.example/db".parse().unwrap();
        let hosts = split(&one);
        assert_eq!(hosts.len(), 1);
        assert_eq!(hosts[0].get_connect_timeout(), Some(&CONNECT_ADDRESS));
    }
}
