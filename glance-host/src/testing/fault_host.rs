//! A host on which a test injects faults and inspects every call.
//!
//! A fault host has one middleware around its router and one before its outgoing calls. Other hosts
//! have neither.
#![allow(clippy::panic)]

mod incoming;
mod layer;
mod outgoing;
mod wire;
mod wrap;

use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::middleware;
use glance_sdk::auth::random_alphanumeric;
use glance_sdk::model::OauthId;
use glance_sdk::serve::{HttpServer, Limits};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::program::calls::{CallStream, Exchange};
use crate::program::host::{Builder, Error, Host};
use crate::testing::faults::{Fault, Injected};
use crate::testing::{WAIT_TIMEOUT, must};
pub(crate) use layer::FaultLayer;
pub(crate) use outgoing::FaultTransport;
pub(crate) use wire::Peer;
use wire::Wires;
use wrap::FaultWrap;

/// A host on which a test injects faults and inspects every call. It derefs to [`Host`], and adds
/// faults, a list of calls, and recordings.
///
/// ```
/// use glance_host::testing::{Fault, FaultHost};
/// use glance_sdk::client::Method;
/// use glance_sdk::model::{Notification, Scope};
/// use glance_sdk::prelude::*;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let host = FaultHost::start().await;
/// let room = host.room("ops").await;
/// let add_on = AddOn::new("com.example.builds", "Builds").scopes([Scope::SendNotification]);
/// let add_on = room.install(add_on).await;
///
/// let busy = Fault::status(429).retry_after(0).on(Method::Post, "/v2/room/*/notification");
/// let busy = host.inject(busy.times(2));
/// let client = add_on.client().await;
/// client.room(room.room.id).notify(&Notification::text("Green again.")).await.unwrap();
/// assert_eq!(busy.hits(), 2);
/// let taken = host.call(|call| call.url.ends_with("/notification") && call.status == Some(204));
/// assert_eq!(taken.await.body["message"], "Green again.");
/// # });
/// ```
#[derive(Debug)]
pub struct FaultHost {
    host: Host,
    layer: Arc<FaultLayer>,
    router: Router,
    wires: watch::Sender<bool>,
    /// Keeps the port while the host is down.
    kept: Option<TcpSocket>,
}

impl Deref for FaultHost {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl Builder {
    /// Starts the host as a [`FaultHost`]. It speaks plain HTTP.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start).
    pub async fn start_with_faults(mut self) -> Result<FaultHost, Error> {
        self.tls = None;
        let layer = Arc::new(FaultLayer::new(self.clock.clone()));
        self.wrap = Some(Arc::new(FaultWrap(Arc::clone(&layer))));
        let opened = self.open().await?;
        let router = opened.router;
        let wires = watch::Sender::new(false);
        let limits = opened.app.inbound.clone();
        let server = serve(
            &router,
            opened.listener,
            &wires,
            limits,
            opened.app.shutdown.begun(),
        );
        Ok(FaultHost {
            host: Host {
                app: opened.app,
                certificate: opened.certificate,
                end: opened.end,
                grace: opened.grace,
                server,
                _lock: opened.lock,
            },
            layer,
            router,
            wires,
            kept: None,
        })
    }
}

/// Adds the middleware that records requests and applies faults.
pub(crate) fn watched(router: Router, layer: &Arc<FaultLayer>) -> Router {
    let layer = Arc::clone(layer);
    router.layer(middleware::from_fn_with_state(layer, incoming::perform))
}

pub(crate) fn serve(
    router: &Router,
    listener: TcpListener,
    wires: &watch::Sender<bool>,
    limits: Limits,
    ended: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    let server = HttpServer::new(listener).handshake(Wires::new(wires.clone()));
    tokio::spawn(server.limits(limits).run(router.clone(), ended))
}

impl FaultHost {
    /// Starts a host as [`Host::start`] does.
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub async fn start() -> Self {
        must(Host::builder().port(0).start_with_faults().await, "no host")
    }

    /// Injects a fault until the returned value is dropped. If several faults match a call, the one
    /// that was injected first hits it.
    #[must_use = "the fault is lifted when this is dropped"]
    pub fn inject(&self, fault: Fault) -> Injected {
        self.layer.faults.inject(fault)
    }

    /// Takes the host off the network: cuts its connections and refuses new ones. Its data and the viewers of the
    /// test stay.
    ///
    /// ```
    ///
    /// # use glance_host::testing::FaultHost;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let mut host = host;
    /// host.down().await;
    /// assert!(client.room(room.room.id).get().await.is_err());
    /// host.up();
    /// assert!(client.room(room.room.id).get().await.is_ok());
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if its port cannot be reserved.
    pub async fn down(&mut self) {
        let address = self.address();
        self.wires.send_replace(true);
        self.host.server.abort();
        let _ = (&mut self.host.server).await;
        let socket = match address.is_ipv4() {
            true => TcpSocket::new_v4(),
            false => TcpSocket::new_v6(),
        };
        let socket = must(socket, "no socket");
        must(socket.set_reuseaddr(true), "no socket");
        // Bound, so that no other process takes the port; not listening, so that connections are refused.
        must(socket.bind(address), "the port is lost");
        self.kept = Some(socket);
    }

    /// Brings the host back, at the same address.
    ///
    /// # Panics
    ///
    /// Panics if it was not down.
    pub fn up(&mut self) {
        let Some(socket) = self.kept.take() else {
            panic!("the host is up; `down` takes it off the net");
        };
        let listener = must(socket.listen(1024), "the port is lost");
        self.wires = watch::Sender::new(false);
        let ended = self.host.app.shutdown.begun();
        let limits = self.host.app.inbound.clone();
        self.host.server = serve(&self.router, listener, &self.wires, limits, ended);
    }

    fn address(&self) -> std::net::SocketAddr {
        let address = self.base_url().trim_start_matches("http://");
        must(address.parse(), "no address")
    }

    /// Ends all access tokens of an installation; it may ask for new ones.
    ///
    /// ```
    /// use glance_host::testing::Purpose;
    ///
    /// # use glance_host::testing::FaultHost;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// host.revoke_tokens(add_on.oauth_id()).await;
    /// client.rooms().all().await.unwrap();
    /// let tokens = host.calls().into_iter().filter(|call| call.purpose == Purpose::Token).count();
    /// assert_eq!(tokens, 2);
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn revoke_tokens(&self, installation: &OauthId) {
        let removed = self.state().remove_tokens(installation).await;
        must(removed, "the tokens cannot be ended");
    }

    /// Replaces the secret of an installation without notifying its add-on, and ends its tokens: the add-on sees the
    /// same as after a removal.
    ///
    /// ```
    /// use glance_sdk::ErrorKind;
    ///
    /// # use glance_host::testing::FaultHost;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// host.rotate_secret(add_on.oauth_id()).await;
    /// let error = client.rooms().all().await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unauthorized);
    /// assert!(client.is_gone());
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn rotate_secret(&self, installation: &OauthId) {
        let secret = must(random_alphanumeric(40), "no secret").into();
        let replaced = self.state().replace_secret(installation, &secret).await;
        must(replaced, "the secret cannot be replaced");
        self.revoke_tokens(installation).await;
    }

    /// Returns the completed calls of add-ons and of the host, oldest first: the latest 10,000.
    ///
    /// ```
    /// use glance_host::testing::Purpose;
    ///
    /// # use glance_host::testing::FaultHost;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let purposes: Vec<_> = host.calls().iter().map(|call| call.purpose).collect();
    /// assert_eq!(purposes[0], Purpose::Descriptor);
    /// assert!(purposes.contains(&Purpose::Token));
    /// # let _ = client;
    /// # });
    /// ```
    pub fn calls(&self) -> Vec<Arc<Exchange>> {
        self.layer.calls.since(0).0
    }

    /// Waits for the first call that satisfies a condition.
    ///
    /// ```
    ///
    /// # use glance_host::testing::FaultHost;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// client.room(room.room.id).get().await.unwrap();
    /// let path = format!("/v2/room/{}", room.room.id);
    /// let call = host.call(|call| call.path() == path).await;
    /// assert_eq!(call.answer["name"], "ops");
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if there is none within 20 seconds; the message lists the calls.
    pub async fn call(&self, wanted: impl Fn(&Exchange) -> bool) -> Arc<Exchange> {
        let waiting = self.layer.find(wanted);
        match tokio::time::timeout(WAIT_TIMEOUT, waiting).await {
            Ok(call) => call,
            Err(_) => panic!("no call is as wanted; there are {:#?}", self.calls()),
        }
    }

    /// Follows the calls that end from now on, of add-ons and of the host.
    ///
    /// ```
    ///
    /// # use glance_host::testing::FaultHost;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let mut calls = host.follow_calls();
    /// client.room(room.room.id).get().await.unwrap();
    /// assert_eq!(calls.next().await.method, "GET");
    /// # });
    /// ```
    pub fn follow_calls(&self) -> CallStream {
        CallStream::new(Arc::clone(&self.layer.calls))
    }

    /// Records the traffic between this host and the next installed add-on into a file, replacing it. Other add-ons
    /// are left out.
    ///
    /// ```
    /// use glance_host::testing::{FaultHost, Replay};
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let file = folder.path().join("builds.jsonl");
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// let recording = host.record_to(&file).unwrap();
    /// let _add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// recording.finish().unwrap();
    /// assert!(!Replay::read(&file).unwrap().exchanges().is_empty());
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn record_to(&self, path: impl AsRef<Path>) -> io::Result<Recording> {
        let number = self.layer.record_to(path.as_ref(), self.base_url())?;
        Ok(Recording {
            layer: Arc::clone(&self.layer),
            number,
        })
    }

    /// Waits for running requests, and shuts down.
    pub async fn shutdown(self) {
        self.host.shutdown().await;
    }
}

/// A running recording. It ends when this value is dropped or another recording begins.
#[derive(Debug)]
pub struct Recording {
    layer: Arc<FaultLayer>,
    number: u64,
}

impl Recording {
    /// Ends the recording.
    ///
    /// # Errors
    ///
    /// Returns an error if something could not be written.
    pub fn finish(self) -> io::Result<()> {
        self.layer.end_recording(self.number)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // A caller that needs the outcome calls `finish`.
        let _ = self.layer.end_recording(self.number);
    }
}
