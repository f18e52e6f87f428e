//! A running host.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum::serve::Listener;
use glance_sdk::model::OauthId;
use reqwest::redirect::Policy;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::attendance::Attendance;
use crate::clock::Clock;
use crate::embed::Embed;
use crate::hub::LocalHub;
use crate::install::{self, InstallError};
use crate::limits::Limits;
use crate::metrics::{Metrics, Now};
use crate::presence::Presence;
use crate::shared::Shared;
use crate::state::{
    Entry, Installed, Message, NewRoom, Room, SqliteState, State, StateError, User,
};
use crate::tls::{self, Certificate, TlsListener};
use crate::webhooks::{self, Delivery, Happening, Webhooks};
use crate::{api, health, outgoing, rooms, web, write};

/// The port a host takes where nothing else is said.
pub const DEFAULT_PORT: u16 = 4400;

/// A host that could not start, or could not do what was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be listened at.
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
    /// The address is not one of this machine only.
    NotLoopback(IpAddr),
    /// The folder for its data cannot be made.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Its database failed.
    State(StateError),
    /// The certificate for HTTPS, or its key, cannot be used.
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Its HTTP client, or server, cannot be made.
    Http(String),
}

impl Error {
    /// Whether the address is in use, so that another port may do.
    pub fn is_address_in_use(&self) -> bool {
        matches!(self, Self::Listen { cause, .. } if cause.kind() == std::io::ErrorKind::AddrInUse)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, cause } => {
                write!(f, "the host cannot listen at {address}: {cause}")
            }
            Self::NotLoopback(ip) => write!(
                f,
                "the host has no sign-in yet and listens on this machine only: use 127.0.0.1 instead of {ip}"
            ),
            Self::Folder { path, cause } => {
                write!(
                    f,
                    "the data folder {} cannot be used: {cause}",
                    path.display()
                )
            }
            Self::State(cause) => cause.fmt(f),
            Self::Certificate { path, problem } => {
                write!(
                    f,
                    "HTTPS is not possible with {}: {problem}",
                    path.display()
                )
            }
            Self::Http(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for Error {}

impl From<StateError> for Error {
    fn from(cause: StateError) -> Self {
        Self::State(cause)
    }
}

/// How a host starts; [`Host::builder`] makes one.
#[derive(Debug, Clone)]
pub struct Builder {
    ip: IpAddr,
    port: u16,
    data: Option<PathBuf>,
    token_life: Duration,
    requests: u32,
    messages: u32,
    clock: Clock,
    embed: Embed,
    tls: Option<tls::Files>,
    grace: Duration,
}

impl Builder {
    /// The port, 0 for any; [`DEFAULT_PORT`] where nothing is said.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The address to listen at: one of this machine only, `127.0.0.1` where nothing is said.
    #[must_use]
    pub fn ip(mut self, ip: IpAddr) -> Self {
        self.ip = ip;
        self
    }

    /// The folder of its database; it is made where there is none. Without one the host forgets
    /// everything when it ends.
    #[must_use]
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// How long an access token holds; 8 hours where nothing is said.
    #[must_use]
    pub fn token_life(mut self, life: Duration) -> Self {
        self.token_life = life;
        self
    }

    /// How many requests it takes from an installation in 5 minutes; 500 where nothing is said.
    #[must_use]
    pub fn rate_limit(mut self, requests: u32) -> Self {
        self.requests = requests;
        self
    }

    /// How many messages it takes from an installation into a room in a minute; 30 where nothing
    /// is said.
    #[must_use]
    pub fn message_limit(mut self, messages: u32) -> Self {
        self.messages = messages;
        self
    }

    /// Which other sites may show a room's sidebar; none where nothing is said.
    #[must_use]
    pub fn embed(mut self, embed: Embed) -> Self {
        self.embed = embed;
        self
    }

    /// What the time is for tokens and limits; the machine's where nothing is said.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Serves HTTPS only, with the certificate and the private key in these PEM files. The file of
    /// the certificate holds its chain too, its own first; the key has no passphrase.
    #[must_use]
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.tls = Some(tls::Files {
            certificate: certificate.into(),
            key: key.into(),
        });
        self
    }

    /// How long [`Host::shutdown`] waits for what is under way; 10 seconds where nothing is said.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Starts the host. It answers once this returns.
    ///
    /// # Errors
    ///
    /// [`Error`] where the address, the data folder or the certificate cannot be used.
    pub async fn start(self) -> Result<Host, Error> {
        if !self.ip.is_loopback() {
            return Err(Error::NotLoopback(self.ip));
        }
        let certificate = self.tls.clone().map(Certificate::read).transpose()?;
        let state = self.open()?;
        let local_user = first_user(&state).await?;
        let group = state.group().await?;

        let address = SocketAddr::new(self.ip, self.port);
        let listen = |cause| Error::Listen { address, cause };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;

        let (end, ending) = watch::channel(false);
        let scheme = if certificate.is_some() {
            "https"
        } else {
            "http"
        };
        let shared = Arc::new(Shared {
            base_url: format!("{scheme}://{address}"),
            group,
            local_user: local_user.id,
            token_life: self.token_life,
            limits: Limits::new(self.clock.clone(), self.requests, self.messages),
            clock: self.clock,
            embed: self.embed,
            attendance: Attendance::default(),
            state: Arc::new(state),
            hub: Arc::new(LocalHub::default()),
            http: outgoing::client(Policy::limited(3)).map_err(Error::Http)?,
            posting: outgoing::client(Policy::none()).map_err(Error::Http)?,
            webhooks: Webhooks::default(),
            presence: Presence::default(),
            metrics: Metrics::default(),
            ending,
        });
        let router = Router::new()
            .nest_service("/v2", api::router(&shared))
            .route("/healthz", get(health::check))
            .merge(web::router(&shared))
            .with_state(Arc::clone(&shared));
        let ended = shared.ended();
        let server = match &certificate {
            Some(certificate) => {
                let listener = TlsListener::new(listener, Arc::clone(certificate))?;
                serve(listener, router, ended)
            }
            None => serve(listener, router, ended),
        };
        Ok(Host {
            shared,
            certificate,
            end,
            grace: self.grace,
            server,
        })
    }

    fn open(&self) -> Result<SqliteState, Error> {
        let Some(folder) = &self.data else {
            return Ok(SqliteState::in_memory()?);
        };
        std::fs::create_dir_all(folder).map_err(|cause| Error::Folder {
            path: folder.clone(),
            cause,
        })?;
        Ok(SqliteState::open(&folder.join("host.sqlite"))?)
    }
}

fn serve<L>(
    listener: L,
    router: Router,
    ended: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()>
where
    L: Listener<Addr = SocketAddr>,
{
    tokio::spawn(async move {
        if let Err(cause) = axum::serve(listener, router)
            .with_graceful_shutdown(ended)
            .await
        {
            tracing::error!("the host's server failed: {cause}");
        }
    })
}

/// The person at this machine, and a first room of theirs.
async fn first_user(state: &SqliteState) -> Result<User, StateError> {
    if let Some(user) = state.user(1.into()).await? {
        return Ok(user);
    }
    let mut user = state.user_named("You").await?;
    user.is_admin = true;
    state.update_user(&user).await?;
    Ok(user)
}

/// A running host. It ends when this is dropped.
#[derive(Debug)]
pub struct Host {
    pub(crate) shared: Arc<Shared>,
    certificate: Option<Arc<Certificate>>,
    end: watch::Sender<bool>,
    grace: Duration,
    server: JoinHandle<()>,
}

impl Host {
    /// A host for a test: on any port of this machine, in memory, with no room yet.
    ///
    /// # Panics
    ///
    /// Where no port is to be had.
    #[allow(clippy::panic)]
    pub async fn start() -> Self {
        match Self::builder().port(0).start().await {
            Ok(host) => host,
            Err(cause) => panic!("{cause}"),
        }
    }

    /// A host that remembers nothing and listens at `127.0.0.1:4400`, to be changed.
    pub fn builder() -> Builder {
        Builder {
            ip: Ipv4Addr::LOCALHOST.into(),
            port: DEFAULT_PORT,
            data: None,
            token_life: Duration::from_secs(8 * 60 * 60),
            requests: 500,
            messages: 30,
            clock: Clock::default(),
            embed: Embed::default(),
            tls: None,
            grace: Duration::from_secs(10),
        }
    }

    /// Where people and add-ons reach it, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// The address of a room's page.
    pub fn room_url(&self, room: &Room) -> String {
        format!("{}/rooms/{}", self.base_url(), room.id)
    }

    /// What it remembers.
    pub fn state(&self) -> &dyn State {
        &*self.shared.state
    }

    /// The room with this name, made where there is none and owned by the person at this machine.
    ///
    /// # Errors
    ///
    /// [`StateError`] where the database fails.
    pub async fn open_room(&self, name: &str) -> Result<Room, StateError> {
        let state = &self.shared.state;
        let owner = self.shared.local_user;
        let new = NewRoom {
            name: name.to_owned(),
            is_public: true,
            owner,
            topic: String::new(),
        };
        let Some(room) = state.create_room(&new).await? else {
            return state.room_named(name, owner).await;
        };
        if let Some(owner) = state.user(owner).await? {
            self.tell(&room, Happening::Created(owner)).await;
        }
        Ok(room)
    }

    /// Makes the room with this id what `room` says, and tells add-ons of a new topic, and that it was
    /// archived or brought back, as done by the person at this machine.
    ///
    /// # Errors
    ///
    /// One sentence that says what is wrong with the room's name or topic, or that the database
    /// fails.
    pub async fn change_room(&self, room: &Room) -> Result<(), String> {
        let by = self.local_user().await?;
        let changed = rooms::change(&self.shared, room, &by).await;
        changed.map_err(|refused| refused.to_string())
    }

    /// Deletes a room with all that is in it, and tells its add-ons, as done by the person at this
    /// machine; says whether there was one.
    ///
    /// # Errors
    ///
    /// One sentence, where the database fails.
    pub async fn delete_room(&self, room: &Room) -> Result<bool, String> {
        let by = self.local_user().await?;
        let deleted = rooms::delete(&self.shared, room, &by).await;
        deleted.map_err(|cause| cause.to_string())
    }

    async fn local_user(&self) -> Result<User, String> {
        let user = self.shared.state.user(self.shared.local_user).await;
        let user = user.map_err(|cause| cause.to_string())?;
        user.ok_or_else(|| "there is nobody at this machine".to_owned())
    }

    /// Calls the webhooks that listen for this. What the host does itself, it tells itself.
    pub async fn tell(&self, room: &Room, happening: Happening) {
        webhooks::tell(&self.shared, room.id, happening).await;
    }

    /// The latest calls of webhooks for a room, oldest first.
    pub fn deliveries(&self, room: &Room) -> Vec<Arc<Delivery>> {
        self.shared.webhooks.records.of(room.id)
    }

    /// Writes into a room what a person says there.
    ///
    /// # Errors
    ///
    /// [`StateError`] where the database fails.
    pub async fn say(&self, room: &Room, user: &User, text: &str) -> Result<Entry, StateError> {
        let users = self.shared.state.users().await?;
        let entry = Entry::said(room.id, user, Message::new(text, &users));
        write::entry(&self.shared, entry).await
    }

    /// Installs the add-on whose descriptor stands at this address, in one room.
    ///
    /// # Errors
    ///
    /// [`InstallError`] where the descriptor cannot be used or the add-on refuses.
    pub async fn install(
        &self,
        room: &Room,
        descriptor_url: &str,
    ) -> Result<Installed, InstallError> {
        install::install(&self.shared, descriptor_url, Some(room.id)).await
    }

    /// Installs the add-on whose descriptor stands at this address, for all rooms.
    ///
    /// # Errors
    ///
    /// [`InstallError`] where the descriptor cannot be used or the add-on refuses.
    pub async fn install_global(&self, descriptor_url: &str) -> Result<Installed, InstallError> {
        install::install(&self.shared, descriptor_url, None).await
    }

    /// Reads an add-on's descriptor again, maybe at another address; the installation stays.
    ///
    /// # Errors
    ///
    /// [`InstallError`] where the descriptor cannot be used or is another add-on's.
    pub async fn update(
        &self,
        installed: &Installed,
        descriptor_url: &str,
    ) -> Result<Installed, InstallError> {
        install::update(&self.shared, installed, descriptor_url).await
    }

    /// Removes an installation, whatever its add-on says to it; false where there was none.
    ///
    /// # Errors
    ///
    /// [`StateError`] where the database fails.
    pub async fn uninstall(&self, oauth_id: &OauthId) -> Result<bool, StateError> {
        install::uninstall(&self.shared, oauth_id).await
    }

    /// The address at which the person at this machine would open a panel now, signed.
    ///
    /// # Errors
    ///
    /// One sentence that says why it cannot be opened.
    pub async fn panel_url(
        &self,
        room: &Room,
        installed: &Installed,
        panel: &str,
    ) -> Result<String, String> {
        let user = self.local_user().await?;
        let panel = installed
            .descriptor
            .web_panel(panel)
            .ok_or_else(|| format!("no panel {panel}"))?;
        outgoing::panel_url(&self.shared, installed, panel, room, &user).map(String::from)
    }

    /// What it counts, in the text format of Prometheus.
    ///
    /// # Errors
    ///
    /// [`StateError`] where the database fails.
    pub async fn metrics(&self) -> Result<String, StateError> {
        let (viewers, rooms) = self.shared.attendance.count();
        let installations = self.shared.state.count_installations().await?;
        Ok(self.shared.metrics.text(&Now {
            viewers,
            rooms,
            installations,
        }))
    }

    /// Reads the certificate and its key again, for new connections, as after a renewal; a host
    /// without HTTPS has nothing to read.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] where they cannot be used; those read before stay in use.
    pub fn reload_certificate(&self) -> Result<(), Error> {
        match &self.certificate {
            Some(certificate) => certificate.reload(),
            None => Ok(()),
        }
    }

    /// Takes no more requests, ends the streams of pages, lets what is being answered and the calls
    /// of webhooks that are under way come to their end for as long as [`Builder::grace`] says, and
    /// ends.
    pub async fn shutdown(mut self) {
        self.end.send_replace(true);
        let ending = async {
            if let Err(cause) = (&mut self.server).await {
                tracing::error!("the host's server ended early: {cause}");
            }
            self.shared.webhooks.all_idle().await;
        };
        if timeout(self.grace, ending).await.is_err() {
            tracing::warn!("the host ended before everything under way did");
            self.server.abort();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end.send_replace(true);
    }
}
