//! Serves an add-on over HTTP.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::Route;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};
use tower::{Layer, Service};

use super::{AddOn, Built};
use crate::client::Installations;
use crate::egress::{ALLOW_NETWORKS, parse_networks, variable};
use crate::serve::{HttpServer, Limits, limit_bodies};
use crate::{Error, ErrorKind, Result};

/// The time limit of the last pushes after the server has ended.
const LAST_PUSHES: Duration = Duration::from_secs(5);

/// The number of stored installations with a refused host that the log lists one by one.
const MOST_NAMED: usize = 20;

/// An add-on that listens, but does not accept requests yet.
///
/// ```
/// use glance_sdk::AddOn;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let server = AddOn::new("com.example.hello", "Hello").listen("127.0.0.1", 0, None).await?;
/// assert_eq!(server.base_url(), format!("http://{}", server.address()));
/// server.run(async { /* completes when the add-on shall end */ }).await?;
/// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    built: Built,
    limits: Limits,
}

impl<S: Clone + Send + Sync + 'static> AddOn<S> {
    /// Serves the add-on until the process is interrupted (Ctrl-C) or terminated, and completes the
    /// running requests. It listens at the address of [`listen_from_env`](Self::listen_from_env).
    ///
    /// ```no_run
    /// use glance_sdk::AddOn;
    ///
    /// #[tokio::main]
    /// async fn main() -> glance_sdk::Result<()> {
    ///     AddOn::new("com.example.hello", "Hello").serve().await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`listen_from_env`](Self::listen_from_env) and [`Server::run`].
    pub async fn serve(self) -> Result<()> {
        let server = self.listen_from_env().await?;
        tracing::info!(base_url = server.base_url(), "listening");
        server.run(interrupted()).await
    }

    /// Listens at the address in the environment without accepting requests yet. An add-on with
    /// tasks of its own takes their [pusher](Built::pusher) and
    /// [installations](Built::installations) from [`Server::add_on`] before it calls
    /// [`Server::run`].
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `HOST` | the address to listen at | `127.0.0.1` |
    /// | `PORT` | the port, 0 for any | `8080` |
    /// | `BASE_URL` | the URL at which hosts reach the add-on; required if `HOST` is `0.0.0.0` or `::` | `http://HOST:PORT` |
    /// | `ALLOW_NETWORKS` | private networks in which the add-on may call hosts, separated by commas, as in [`allow_networks`](Self::allow_networks) | none |
    ///
    /// ```no_run
    /// use glance_sdk::AddOn;
    /// use glance_sdk::addon::interrupted;
    ///
    /// # async fn example() -> glance_sdk::Result<()> {
    /// let server = AddOn::new("com.example.hello", "Hello").listen_from_env().await?;
    /// println!("install me from {}/", server.base_url());
    /// server.run(interrupted()).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if the add-on or a variable is invalid,
    /// [`ErrorKind::Listen`] if the port is in use, and [`ErrorKind::Storage`] if the installation
    /// store cannot be opened.
    pub async fn listen_from_env(mut self) -> Result<Server> {
        #[cfg(feature = "store-sqlite")]
        if self.store.is_none() {
            let file = format!("{}.sqlite", self.key.replace(['/', '\\'], "_"));
            self = self.store(crate::store::SqliteStore::open(file)?);
        }
        let host = variable("HOST").unwrap_or_else(|| "127.0.0.1".to_owned());
        let port = variable("PORT").unwrap_or_else(|| "8080".to_owned());
        let port = port.parse::<u16>().map_err(|cause| {
            Error::new(
                ErrorKind::Configuration,
                format!("PORT is {port:?}, which is not a port"),
            )
            .with_source(cause)
        })?;
        let networks = variable(ALLOW_NETWORKS).unwrap_or_default();
        self.networks.extend(parse_networks(&networks)?);
        self.networks_setting = ALLOW_NETWORKS;
        self.listen(&host, port, variable("BASE_URL").as_deref())
            .await
    }

    /// Listens at an address without accepting requests yet; port 0 takes any free port. Hosts
    /// reach the add-on at `base_url`, by default at the address itself.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let add_on = AddOn::new("com.example.hello", "Hello");
    /// let server = add_on.listen("127.0.0.1", 0, Some("https://hello.example.com")).await?;
    /// assert_eq!(server.base_url(), "https://hello.example.com");
    /// assert_ne!(server.address().port(), 0);
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`listen_from_env`](Self::listen_from_env).
    pub async fn listen(self, host: &str, port: u16, base_url: Option<&str>) -> Result<Server> {
        let failed = |cause| {
            Error::new(ErrorKind::Listen, format!("cannot listen at {host}:{port}"))
                .with_source(cause)
        };
        let listener = TcpListener::bind((host, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let built = match base_url {
            Some(base_url) => self.build(base_url)?,
            None if address.ip().is_unspecified() => {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!(
                        "HOST is {host}, which is not an address that a host can call; set BASE_URL to the \
                         address at which hosts reach the add-on, such as https://add-on.example.com"
                    ),
                ));
            }
            None => self.build(&format!("http://{address}"))?,
        };
        Ok(Server {
            listener,
            address,
            built,
            limits: Limits::default(),
        })
    }
}

impl Server {
    /// Limits the connections and the memory of requests.
    ///
    /// ```no_run
    /// use glance_sdk::AddOn;
    /// use glance_sdk::addon::interrupted;
    /// use glance_sdk::serve::Limits;
    ///
    /// # async fn example() -> glance_sdk::Result<()> {
    /// let server = AddOn::new("com.example.hello", "Hello").listen_from_env().await?;
    /// server.limits(Limits::default().connections(500)).run(interrupted()).await
    /// # }
    /// ```
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds a tower layer around all routes, like [`Router::layer`](axum::Router::layer): for
    /// distributed tracing, compression and the like. The limits of [`serve`](crate::serve) stay
    /// outside of the layer.
    ///
    /// ```no_run
    /// use glance_sdk::addon::interrupted;
    /// use glance_sdk::axum::extract::Request;
    /// use glance_sdk::axum::middleware::{Next, from_fn};
    /// use glance_sdk::prelude::*;
    ///
    /// # async fn run(add_on: AddOn) -> glance_sdk::Result<()> {
    /// let server = add_on.listen_from_env().await?;
    /// let log = from_fn(async |request: Request, next: Next| {
    ///     println!("{} {}", request.method(), request.uri().path());
    ///     next.run(request).await
    /// });
    /// server.layer(log).run(interrupted()).await
    /// # }
    /// ```
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.built = self.built.map_router(|router| router.layer(layer));
        self
    }

    /// Returns the address at which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the base URL, at which hosts reach the add-on. The URL of the descriptor is the base
    /// URL followed by `/`.
    pub fn base_url(&self) -> &str {
        self.built.base_url().as_str()
    }

    /// Returns the add-on.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let server = AddOn::new("com.example.hello", "Hello").listen("127.0.0.1", 0, None).await?;
    /// let pusher = server.add_on().pusher().clone();
    /// assert_eq!(pusher.pushed().waiting, 0);
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    pub fn add_on(&self) -> &Built {
        &self.built
    }

    /// Serves requests until `end` completes. Then it completes the running requests and sends the
    /// waiting pushes, for at most five seconds. The limits of [`serve`](crate::serve) apply to
    /// clients.
    ///
    /// # Errors
    ///
    /// Currently returns no errors: it logs connections that it cannot accept, and continues.
    pub async fn run(self, end: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        tokio::spawn(warn_of_refused(self.built.installations().clone()));
        let pusher = self.built.pusher().clone();
        self.built.removal_checks.start();
        let limit = from_fn_with_state(self.limits.clone(), limit_bodies);
        let router = self.built.into_router().layer(limit);
        let server = HttpServer::new(self.listener).limits(self.limits);
        server.run(router, end).await;
        let pushed = pusher.shutdown(LAST_PUSHES).await;
        if pushed.dropped > 0 {
            tracing::warn!(dropped = pushed.dropped, "pushes not sent before shutdown");
        }
        Ok(())
    }
}

/// Logs the stored installations whose hosts the current settings refuse, and names the settings
/// that allow them.
async fn warn_of_refused(installations: Installations) {
    let refused = match installations.refused().await {
        Ok(refused) => refused,
        Err(error) => {
            tracing::warn!(error = %format_args!("{error:#}"), "checking the hosts of stored installations failed");
            return;
        }
    };
    for (oauth_id, why) in refused.iter().take(MOST_NAMED) {
        tracing::warn!(
            %oauth_id,
            "the settings refuse the host of this installation: {why}, or name the host in \
             AddOn::allow_hosts"
        );
    }
    if let Some(more) = refused
        .len()
        .checked_sub(MOST_NAMED)
        .filter(|more| *more > 0)
    {
        tracing::warn!(
            more,
            "the settings refuse the hosts of further installations"
        );
    }
}

/// Completes when the process is interrupted or terminated.
///
/// Signals count from the call on, or from the first poll if the call is outside of a tokio
/// runtime.
///
/// ```no_run
/// use glance_sdk::addon::interrupted;
///
/// # async fn example() {
/// tokio::select! {
///     () = interrupted() => println!("ending"),
///     () = work() => println!("done"),
/// }
/// # }
/// # async fn work() {}
/// ```
pub fn interrupted() -> impl Future<Output = ()> + Send + 'static {
    let signals = Handle::try_current().is_ok().then(Signals::subscribe);
    async move {
        let signals = signals.unwrap_or_else(Signals::subscribe);
        signals.next().await;
    }
}

/// The signals that end a process. A signal is absent if the process cannot subscribe to it.
#[cfg(unix)]
struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
}

#[cfg(unix)]
impl Signals {
    fn subscribe() -> Self {
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
        }
    }

    async fn next(self) {
        async fn next(signal: Option<Signal>) {
            match signal {
                Some(mut signal) => drop(signal.recv().await),
                None => pending().await,
            }
        }
        tokio::select! {
            () = next(self.interrupt) => {}
            () = next(self.terminate) => {}
        }
    }
}

/// Ctrl-C, absent if the process cannot subscribe to it.
#[cfg(windows)]
struct Signals(Option<CtrlC>);

#[cfg(windows)]
impl Signals {
    fn subscribe() -> Self {
        Self(ctrl_c().ok())
    }

    async fn next(self) {
        match self.0 {
            Some(mut signal) => drop(signal.recv().await),
            None => pending().await,
        }
    }
}
