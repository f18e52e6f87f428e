//! A running host.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::routing::get;
use axum::serve::{IncomingStream, Listener};
use glance_sdk::model::OauthId;
use ipnet::IpNet;
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::attendance::Attendance;
use crate::clock::Clock;
use crate::embed::Embed;
use crate::first_room::FirstRoom;
use crate::hub::LocalHub;
use crate::install::visit::Visits;
use crate::install::{self, InstallError};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::peer::Peer;
use crate::presence::Presence;
use crate::reach::Reach;
use crate::rehearsal::Stage;
use crate::shared::Shared;
use crate::sign_in::{Entrance, SignIn, Way};
use crate::state::{
    Entry, Installed, Message, NewRoom, Room, SqliteState, State, StateError, User,
};
use crate::tcp::Prompt;
use crate::tls::{self, Certificate, TlsListener};
use crate::turns::Turns;
use crate::viewer::Lineups;
use crate::webhooks::{self, Delivery, Happening, Webhooks};
use crate::{api, health, icons, outgoing, rooms, web, write};

/// The port a host takes where nothing else is said.
pub const DEFAULT_PORT: u16 = 4400;

/// Why nothing can be done in an admin's name.
const NOBODY: &str = "nobody administers this host yet: sign in first";

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
    /// The address is not one of this machine only, and people do not sign in.
    NotLoopback(IpAddr),
    /// The host cannot have this address for people and add-ons.
    PublicUrl {
        /// The address.
        url: String,
        /// Why not.
        why: &'static str,
    },
    /// People could not sign in.
    SignIn(String),
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
                "without sign-in a host listens on this machine only: use 127.0.0.1 instead of {ip}, or choose how people sign in"
            ),
            Self::PublicUrl { url, why } => {
                write!(f, "{url} cannot be the host's public URL: {why}")
            }
            Self::SignIn(why) => f.write_str(why),
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
    group: Option<String>,
    first_room: Option<String>,
    token_life: Duration,
    requests: u32,
    messages: u32,
    pub(crate) clock: Clock,
    embed: Embed,
    pub(crate) tls: Option<tls::Files>,
    grace: Duration,
    networks: Option<Vec<IpNet>>,
    sign_in: SignIn,
    public_url: Option<String>,
}

impl Builder {
    /// The port, 0 for any; [`DEFAULT_PORT`] where nothing is said.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The address to listen at, `127.0.0.1` where nothing is said. Without
    /// [`sign_in`](Self::sign_in) it must be one of this machine only.
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

    /// The name of its group; where nothing is said, it keeps the one it has.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// The name of a public room that is made where there is none: at the start, or when the first
    /// admin signs in, who owns it. 1 to 50 characters.
    #[must_use]
    pub fn first_room(mut self, name: impl Into<String>) -> Self {
        self.first_room = Some(name.into());
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

    /// Which networks it calls for add-ons besides the Internet, for example `10.1.0.0/16`. Where
    /// nothing is said, a host that people reach on its own machine calls that machine, and another
    /// no more than the Internet. Ports are not looked at: whoever may be called, may be called at
    /// any.
    ///
    /// ```
    /// use glance_host::Host;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let builder = Host::builder().allow_networks(["10.1.0.0/16".parse()?, "fd00::/8".parse()?]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn allow_networks(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.networks = Some(networks.into_iter().collect());
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

    /// How people sign in; nobody does where nothing is said, and the host is for this machine only.
    #[must_use]
    pub fn sign_in(mut self, sign_in: SignIn) -> Self {
        self.sign_in = sign_in;
        self
    }

    /// Where people and add-ons reach the host, if that is not where it listens: behind a reverse
    /// proxy, for example `https://chat.example.com`. It has no path.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Starts the host. It answers once this returns.
    ///
    /// # Errors
    ///
    /// [`Error`] where the address, the data folder or the certificate cannot be used, or people could
    /// not sign in.
    pub async fn start(self) -> Result<Host, Error> {
        let opened = self.open(None).await?;
        let ended = opened.shared.ended();
        let router = opened.router;
        let listener = Prompt(opened.listener);
        let server = match &opened.certificate {
            Some(certificate) => {
                let listener = TlsListener::new(listener, Arc::clone(certificate))?;
                serve(listener, router, ended)
            }
            None => serve(listener, router, ended),
        };
        Ok(Host {
            shared: opened.shared,
            certificate: opened.certificate,
            end: opened.end,
            grace: opened.grace,
            server,
        })
    }

    /// All of a host but its server.
    pub(crate) async fn open(self, stage: Option<Arc<Stage>>) -> Result<Opened, Error> {
        let (certificate, public) = self.check()?;
        let state = self.open_state()?;
        if let Some(name) = &self.group {
            state.name_group(name).await?;
        }
        let group = state.group().await?;

        let address = SocketAddr::new(self.ip, self.port);
        let listen = |cause| Error::Listen { address, cause };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;

        let scheme = match certificate {
            Some(_) => "https",
            None => "http",
        };
        let own = format!("{scheme}://{address}");
        let base_url = public.unwrap_or_else(|| own.clone());
        let localhost = format!("{scheme}://localhost:{}", address.port());
        let way = self.way(&state).await?;
        let entrance = Entrance::new(way, &state.signing_key().await?);

        let (end, ending) = watch::channel(false);
        let reach = match self.networks {
            Some(networks) => Reach::new(networks),
            None => Reach::standard(&base_url),
        };
        let shared = Arc::new(Shared {
            origins: vec![base_url.clone(), own, localhost],
            base_url,
            address,
            group,
            entrance,
            first_room: FirstRoom::new(self.first_room),
            token_life: self.token_life,
            limits: Limits::new(self.clock.clone(), self.requests, self.messages),
            clock: self.clock,
            embed: self.embed,
            attendance: Attendance::default(),
            state: Arc::new(state),
            hub: Arc::new(LocalHub::default()),
            lineups: Lineups::default(),
            http: outgoing::Client::following(&reach).map_err(Error::Http)?,
            posting: outgoing::Client::staying(&reach).map_err(Error::Http)?,
            webhooks: Webhooks::default(),
            presence: Presence::default(),
            icons: icons::Cache::default(),
            turns: Turns::default(),
            visits: Visits::default(),
            metrics: Metrics::default(),
            stage,
            ending,
        });
        shared.first_room.open(&shared).await?;
        let router = Router::new()
            .nest_service("/v2", api::router(&shared))
            .route("/healthz", get(health::check))
            .merge(web::router(&shared))
            .with_state(Arc::clone(&shared));
        Ok(Opened {
            shared,
            router,
            listener,
            certificate,
            end,
            grace: self.grace,
        })
    }

    /// What can be known to be wrong before anything is opened.
    pub(crate) fn check(&self) -> Result<(Option<Arc<Certificate>>, Option<String>), Error> {
        let is_local = matches!(self.sign_in, SignIn::Local);
        if is_local && !self.ip.is_loopback() {
            return Err(Error::NotLoopback(self.ip));
        }
        let public = self.public_url.as_deref().map(origin).transpose()?;
        if let (Some(url), true) = (&public, is_local) {
            return Err(Error::PublicUrl {
                url: url.clone(),
                why: "nobody signs in, and whoever reached it would be the person at this machine",
            });
        }
        if public.is_none() && self.ip.is_unspecified() {
            return Err(Error::PublicUrl {
                url: SocketAddr::new(self.ip, self.port).to_string(),
                why: "it stands for every address of this machine; say by which one people reach the host",
            });
        }
        let certificate = self.tls.clone().map(Certificate::read).transpose()?;
        Ok((certificate, public))
    }

    async fn way(&self, state: &SqliteState) -> Result<Way, Error> {
        Ok(match &self.sign_in {
            SignIn::Local => Way::Local(first_user(state).await?.id),
            SignIn::Name => Way::Name,
            SignIn::Proxy(proxy) => Way::Proxy(proxy.clone()),
            #[cfg(feature = "openid")]
            SignIn::OpenId(settings) => {
                let found = crate::sign_in::openid::Provider::discover(settings).await;
                Way::OpenId(Box::new(found.map_err(Error::SignIn)?))
            }
        })
    }

    fn open_state(&self) -> Result<SqliteState, Error> {
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
    Peer: for<'a> Connected<IncomingStream<'a, L>>,
{
    let router = router.into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move {
        if let Err(cause) = axum::serve(listener, router)
            .with_graceful_shutdown(ended)
            .await
        {
            tracing::error!("the host's server failed: {cause}");
        }
    })
}

/// An address without a path, as browsers write it.
fn origin(url: &str) -> Result<String, Error> {
    let wrong = |why| Error::PublicUrl {
        url: url.to_owned(),
        why,
    };
    let parsed = Url::parse(url).map_err(|_| wrong("it is no address"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong("it must begin with https:// or http://"));
    }
    let is_bare = parsed.path() == "/" && parsed.query().is_none() && parsed.fragment().is_none();
    match is_bare && parsed.username().is_empty() && parsed.password().is_none() {
        true => Ok(parsed.origin().ascii_serialization()),
        false => Err(wrong("it must end behind the host and port")),
    }
}

/// The person at this machine: whoever administered the host before, or somebody new.
async fn first_user(state: &SqliteState) -> Result<User, StateError> {
    let known = state.users().await?;
    if let Some(admin) = known.into_iter().find(|user| user.is_admin) {
        return Ok(admin);
    }
    let mut user = state.user_named("You").await?;
    user.is_admin = true;
    user.is_removed = false;
    state.update_user(&user).await?;
    Ok(user)
}

/// All of a host but its server.
pub(crate) struct Opened {
    pub(crate) shared: Arc<Shared>,
    pub(crate) router: Router,
    pub(crate) listener: TcpListener,
    pub(crate) certificate: Option<Arc<Certificate>>,
    pub(crate) end: watch::Sender<bool>,
    pub(crate) grace: Duration,
}

/// A running host. It ends when this is dropped.
#[derive(Debug)]
pub struct Host {
    pub(crate) shared: Arc<Shared>,
    pub(crate) certificate: Option<Arc<Certificate>>,
    pub(crate) end: watch::Sender<bool>,
    pub(crate) grace: Duration,
    pub(crate) server: JoinHandle<()>,
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

    /// Stops answering, at once.
    pub(crate) async fn stop_serving(&mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }

    /// Answers again.
    pub(crate) fn serve_by(&mut self, server: JoinHandle<()>) {
        self.server = server;
    }

    /// A host that remembers nothing and listens at `127.0.0.1:4400`, to be changed.
    pub fn builder() -> Builder {
        Builder {
            ip: Ipv4Addr::LOCALHOST.into(),
            port: DEFAULT_PORT,
            data: None,
            group: None,
            first_room: None,
            token_life: Duration::from_secs(8 * 60 * 60),
            requests: 500,
            messages: 30,
            clock: Clock::default(),
            embed: Embed::default(),
            networks: None,
            tls: None,
            grace: Duration::from_secs(10),
            sign_in: SignIn::Local,
            public_url: None,
        }
    }

    /// Where people and add-ons reach it, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The address of a room's page.
    pub fn room_url(&self, room: &Room) -> String {
        format!("{}/rooms/{}", self.base_url(), room.id)
    }

    /// What it remembers.
    pub fn state(&self) -> &dyn State {
        &*self.shared.state
    }

    /// The room with this name, made where there is none and owned by the person at this machine, or
    /// by the first admin where people sign in.
    ///
    /// # Errors
    ///
    /// [`StateError`] where the database fails, or nobody has signed in yet.
    pub async fn open_room(&self, name: &str) -> Result<Room, StateError> {
        let state = &self.shared.state;
        let owner = self.shared.steward().await?;
        let owner = owner.ok_or_else(|| StateError(NOBODY.to_owned()))?.id;
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
        let by = self.steward().await?;
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
        let by = self.steward().await?;
        let deleted = rooms::delete(&self.shared, room, &by).await;
        deleted.map_err(|cause| cause.to_string())
    }

    async fn steward(&self) -> Result<User, String> {
        let user = self.shared.steward().await;
        let user = user.map_err(|cause| cause.to_string())?;
        user.ok_or_else(|| NOBODY.to_owned())
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

    /// The address at which the person at this machine would open a panel now, signed; or the first
    /// admin where people sign in.
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
        let user = self.steward().await?;
        let panel = installed
            .descriptor
            .web_panel(panel)
            .ok_or_else(|| format!("no panel {panel}"))?;
        let (url, authentication) = (&panel.url, panel.authentication());
        outgoing::page_url(
            &self.shared,
            installed,
            url,
            authentication,
            Some(room.id),
            &user,
        )
        .map(String::from)
    }

    /// What it counts, in the text format of Prometheus.
    ///
    /// # Errors
    ///
    /// [`StateError`] where the database fails.
    pub async fn metrics(&self) -> Result<String, StateError> {
        self.shared.metrics_text().await
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
