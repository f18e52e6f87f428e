//! Builds and starts a host.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use glance_sdk::egress::{EgressPolicy, Proxies};
use glance_sdk::serve::{self, HttpServer};
use ipnet::IpNet;
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::services::{self, Parts};
use super::{DEFAULT_PORT, Error, Host, Wrap, folder};
use crate::http::health;
use crate::http::state::AppState;
use crate::http::{admin, api, web};
use crate::model::User;
use crate::model::clock::Clock;
use crate::model::host_info::HostInfo;
use crate::model::shutdown::Shutdown;
use crate::net::inbound::tls;
use crate::net::inbound::tls::{Certificate, Tls};
use crate::net::outbound::{HttpTransport, Outbound, Transport};
use crate::service::embed::Embed;
use crate::service::retention::Retention;
use crate::service::sign_in::accounts::check_first_room;
#[cfg(feature = "openid")]
use crate::service::sign_in::openid::Provider;
use crate::service::sign_in::{SignIn, SignInMethod, SignInState};
use crate::storage::{SqliteState, Storage, StorageError};

/// The longest name of a group, in characters.
const MAX_GROUP: usize = 100;

/// The settings of a host that is to be started. [`Host::builder`] creates one.
#[derive(Debug, Clone)]
pub struct Builder {
    ip: IpAddr,
    port: u16,
    data: Option<PathBuf>,
    group: Option<String>,
    product: String,
    first_room: Option<String>,
    token_life: Duration,
    requests: u32,
    messages: u32,
    keep_messages: Option<Duration>,
    pub(crate) clock: Clock,
    embed: Embed,
    pub(crate) tls: Option<tls::Files>,
    grace: Duration,
    networks: Option<Vec<IpNet>>,
    proxies: Proxies,
    sign_in: SignIn,
    public_url: Option<String>,
    /// Present if calls are recorded, or a test injects faults.
    pub(crate) wrap: Option<Arc<dyn Wrap>>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            ip: Ipv4Addr::LOCALHOST.into(),
            port: DEFAULT_PORT,
            data: None,
            group: None,
            product: "HipChat".to_owned(),
            first_room: None,
            token_life: Duration::from_secs(8 * 60 * 60),
            requests: 500,
            messages: 30,
            keep_messages: None,
            clock: Clock::default(),
            embed: Embed::default(),
            networks: None,
            proxies: Proxies::none(),
            tls: None,
            grace: Duration::from_secs(10),
            sign_in: SignIn::Local,
            public_url: None,
            wrap: None,
        }
    }
}

impl Builder {
    /// Sets the port; 0 chooses a free one. The default is [`DEFAULT_PORT`].
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the IP address to listen on; the default is `127.0.0.1`. Without [`sign_in`](Self::sign_in) it must be a
    /// loopback address.
    #[must_use]
    pub fn ip(mut self, ip: IpAddr) -> Self {
        self.ip = ip;
        self
    }

    /// Sets the folder of the database, which is created if necessary. One host may use it at a time. Without a
    /// folder the data is in memory only.
    #[must_use]
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// Sets the name of the group, 1 to 100 characters. Without it the group keeps its name.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Sets the product name in the capabilities document; the default is `HipChat`, which some old add-ons check.
    /// People do not see it.
    ///
    /// ```
    /// use glance_host::Host;
    ///
    /// let builder = Host::builder().product("Glance");
    /// ```
    #[must_use]
    pub fn product(mut self, name: impl Into<String>) -> Self {
        self.product = name.into();
        self
    }

    /// Sets the name of a public room, 1 to 50 characters, which is created on a host without rooms: at the start, or
    /// when the first admin signs in, who owns it.
    #[must_use]
    pub fn first_room(mut self, name: impl Into<String>) -> Self {
        self.first_room = Some(name.into());
        self
    }

    /// Sets the lifetime of access tokens; the default is 8 hours.
    #[must_use]
    pub fn token_life(mut self, life: Duration) -> Self {
        self.token_life = life;
        self
    }

    /// Sets the number of requests that an installation may send in 5 minutes; the default is 500.
    #[must_use]
    pub fn rate_limit(mut self, requests: u32) -> Self {
        self.requests = requests;
        self
    }

    /// Sets the number of messages that an installation may post to a room in a minute; the default is 30.
    #[must_use]
    pub fn message_limit(mut self, messages: u32) -> Self {
        self.messages = messages;
        self
    }

    /// Sets how long messages are kept; the default is for ever. A background task deletes older ones within an hour,
    /// in small steps.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use glance_host::Host;
    ///
    /// let builder = Host::builder().keep_messages(Duration::from_secs(365 * 24 * 60 * 60));
    /// ```
    #[must_use]
    pub fn keep_messages(mut self, kept: Duration) -> Self {
        self.keep_messages = Some(kept);
        self
    }

    /// Sets the other sites that may show a room's sidebar; the default is none.
    #[must_use]
    pub fn embed(mut self, embed: Embed) -> Self {
        self.embed = embed;
        self
    }

    /// Sets the clock for tokens and limits; the default is the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the networks in which the host may call add-ons besides the Internet, for example `10.1.0.0/16`. By
    /// default a host that people reach at a loopback address may call this machine, and any other host the Internet
    /// only. Link-local addresses are never called; see [`EgressPolicy`]. The policy ignores ports.
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

    /// Sets the proxies for calls to add-ons and to the OpenID Connect provider; the default is none, whatever the
    /// environment says. A proxy resolves names itself, so it decides which networks the names of add-ons may lead
    /// to; literal addresses are checked as always. This machine is never called through a proxy.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::egress::Proxies;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let proxies = Proxies::new("http://proxy.example.com:3128", &["10.0.0.0/8"])?;
    /// let builder = Host::builder().proxies(proxies);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Serves HTTPS only, with the certificate and the private key in these PEM files. The certificate file contains
    /// the chain, the host's own certificate first; the key has no passphrase.
    #[must_use]
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.tls = Some(tls::Files {
            certificate: certificate.into(),
            key: key.into(),
        });
        self
    }

    /// Sets how long [`Host::shutdown`] waits for running requests and calls; the default is 10 seconds.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets how people sign in. By default nobody does, and the host serves this machine only.
    #[must_use]
    pub fn sign_in(mut self, sign_in: SignIn) -> Self {
        self.sign_in = sign_in;
        self
    }

    /// Sets the URL at which people and add-ons reach the host, if that is not where it listens: behind a reverse
    /// proxy, for example `https://chat.example.com`. It has no path.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Starts the host. It answers requests once this returns.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] if the address, the data folder or the certificate cannot be used, or people could not sign
    /// in.
    pub async fn start(self) -> Result<Host, Error> {
        let opened = self.open().await?;
        let ended = opened.app.shutdown.begun();
        let router = opened.router;
        let server = HttpServer::new(opened.listener).limits(opened.app.inbound.clone());
        let server = match &opened.certificate {
            Some(certificate) => {
                let tls = Tls::new(Arc::clone(certificate));
                let tls =
                    tls.map_err(|cause| Error::Http(format!("TLS cannot be used here: {cause}")))?;
                let server = server.handshake(tls);
                tokio::spawn(server.strict_transport_security().run(router, ended))
            }
            None => tokio::spawn(server.run(router, ended)),
        };
        Ok(Host {
            app: opened.app,
            certificate: opened.certificate,
            end: opened.end,
            grace: opened.grace,
            server,
            _lock: opened.lock,
        })
    }

    /// Creates everything of a host but its server.
    pub(crate) async fn open(self) -> Result<Opened, Error> {
        let (certificate, public) = self.check()?;
        let (lock, storage) = self.open_storage()?;
        if let Some(name) = &self.group {
            storage.rename_group(name).await?;
        }
        let group = storage.group().await?;

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
        let method = self.sign_in_method(&*storage, &base_url).await?;
        let key = storage.signing_key().await?;
        let sign_in = Arc::new(SignInState::new(method, &key));

        let (end, shutdown) = Shutdown::channel();
        let policy = EgressPolicy::internet().setting("allow_networks");
        let policy = match self.networks {
            Some(networks) => policy.allow_networks(networks),
            None => policy.allow_loopback_for(&base_url),
        };
        let transport = HttpTransport::new(&policy, &self.proxies);
        let transport = transport.map_err(|cause| Error::Http(format!("{cause:#}")))?;
        let mut transport: Arc<dyn Transport> = Arc::new(transport);
        if let Some(wrap) = &self.wrap {
            transport = wrap.transport(transport);
        }
        let inbound = match self.sign_in {
            SignIn::Proxy(proxy) => serve::Limits::default().proxies(move |ip| proxy.is_peer(ip)),
            _ => serve::Limits::default(),
        };
        let info = Arc::new(HostInfo {
            origins: vec![base_url.clone(), own, localhost],
            base_url,
            address,
            group,
            product: self.product,
        });
        let app = services::assemble(Parts {
            storage,
            outbound: Outbound::new(transport),
            info,
            sign_in,
            signing_key: key,
            inbound,
            clock: self.clock,
            shutdown,
            embed: self.embed,
            requests: self.requests,
            messages: self.messages,
            token_life: self.token_life,
            first_room: self.first_room,
        })
        .await?;
        app.accounts.open_first_room().await?;
        Retention {
            storage: Arc::clone(&app.storage),
            clock: app.clock.clone(),
            shutdown: app.shutdown.clone(),
            max_age: self.keep_messages,
        }
        .start();
        app.webhooks.start().await?;
        app.removals.leave_unfinished().await?;
        app.removals.start();
        let api = api::router(&app);
        let mut router = Router::new()
            .nest_service("/v2", api.clone())
            // Old add-ons append a path with a slash to an address that ends in one.
            .nest_service("//v2", api)
            .nest_service("/admin/v1", admin::router(&app))
            .route("/healthz", get(health::alive))
            .route("/readyz", get(health::ready))
            .merge(web::router(&app))
            .with_state(app.clone());
        if let Some(wrap) = &self.wrap {
            router = wrap.router(router);
        }
        Ok(Opened {
            app,
            router,
            listener,
            certificate,
            end,
            grace: self.grace,
            lock,
        })
    }

    /// Checks the settings that can be checked before anything is opened.
    pub(crate) fn check(&self) -> Result<(Option<Arc<Certificate>>, Option<String>), Error> {
        let is_local = matches!(self.sign_in, SignIn::Local);
        if is_local && !self.ip.is_loopback() {
            return Err(Error::NotLoopback(self.ip));
        }
        let public = self.public_url.as_deref().map(origin).transpose()?;
        if let (Some(url), true) = (&public, is_local) {
            return Err(Error::NobodySignsIn { url: url.clone() });
        }
        if public.is_none() && self.ip.is_unspecified() {
            return Err(Error::PublicUrl {
                url: SocketAddr::new(self.ip, self.port).to_string(),
                why: "it stands for every address of this machine; say by which one people reach the host",
            });
        }
        if let Some(name) = &self.group {
            check_group(name)?;
        }
        if let Some(name) = &self.first_room {
            check_first_room(name)?;
        }
        if let Some(folder) = &self.data {
            folder::check(folder)?;
        }
        let certificate = self.tls.clone().map(Certificate::read).transpose()?;
        Ok((certificate, public))
    }

    async fn sign_in_method(
        &self,
        storage: &dyn Storage,
        #[cfg_attr(not(feature = "openid"), expect(unused_variables))] base_url: &str,
    ) -> Result<SignInMethod, Error> {
        Ok(match &self.sign_in {
            SignIn::Local => SignInMethod::Local(first_user(storage).await?.id),
            SignIn::Name => SignInMethod::Name,
            SignIn::Proxy(proxy) => SignInMethod::Proxy(proxy.clone()),
            #[cfg(feature = "openid")]
            SignIn::OpenId(settings) => {
                let clock = self.clock.clone();
                let provider = Provider::discover(settings, &self.proxies, base_url, clock).await;
                SignInMethod::OpenId(Box::new(
                    provider.map_err(|error| Error::SignIn(error.into()))?,
                ))
            }
        })
    }

    fn open_storage(&self) -> Result<(Option<File>, Arc<dyn Storage>), Error> {
        let Some(folder) = &self.data else {
            return Ok((None, Arc::new(SqliteState::in_memory()?)));
        };
        let lock = folder::take(folder)?;
        let state = SqliteState::open(&folder.join(folder::DATABASE))?;
        Ok((Some(lock), Arc::new(state)))
    }
}

/// Checks the group's name, which pages show on one line.
fn check_group(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if !(1..=MAX_GROUP).contains(&length) {
        return Err(Error::Group(format!(
            "has {length} characters; give 1 to {MAX_GROUP}"
        )));
    }
    match name.chars().any(char::is_control) {
        true => Err(Error::Group("has control characters".to_owned())),
        false => Ok(()),
    }
}

/// Returns the origin of a URL without a path, as browsers write it.
fn origin(url: &str) -> Result<String, Error> {
    let wrong = |why| Error::PublicUrl {
        url: url.to_owned(),
        why,
    };
    let parsed = Url::parse(url)
        .map_err(|_| wrong("it is no address; give one like https://chat.example.com"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong("it must begin with https:// or http://"));
    }
    let is_bare = parsed.path() == "/" && parsed.query().is_none() && parsed.fragment().is_none();
    match is_bare && parsed.username().is_empty() && parsed.password().is_none() {
        true => Ok(parsed.origin().ascii_serialization()),
        false => Err(wrong("it must end behind the host and port")),
    }
}

/// Returns the person at this machine: the admin of the host, or a new one.
async fn first_user(storage: &dyn Storage) -> Result<User, StorageError> {
    if let Some(admin) = storage.first_admin().await? {
        return Ok(admin);
    }
    let mut user = storage.get_or_create_user("You").await?;
    user.is_admin = true;
    user.is_removed = false;
    storage.update_user(&user).await?;
    Ok(user)
}

/// A host without its server.
pub(crate) struct Opened {
    pub(crate) app: AppState,
    pub(crate) router: Router,
    pub(crate) listener: TcpListener,
    pub(crate) certificate: Option<Arc<Certificate>>,
    pub(crate) end: watch::Sender<bool>,
    pub(crate) grace: Duration,
    pub(crate) lock: Option<File>,
}
