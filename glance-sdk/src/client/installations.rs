//! Creates the clients of installations.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use reqwest::header::HeaderMap;

use super::Client;
use super::call_headers::CallHeaders;
use super::http::Http;
#[cfg(feature = "server")]
use super::keys::Keys;
use super::token::Tokens;
#[cfg(feature = "server")]
use crate::auth::SigningKey;
use crate::base_url::BaseUrl;
use crate::clock_cache::ClockCache;
use crate::egress::{ALLOW_NETWORKS, EgressPolicy, parse_networks, variable};
use crate::model::{Glance, OauthId};
use crate::store::{Installation, InstallationStore};
use crate::{Error, ErrorKind, Result};

/// The member of stored installation data that marks hosts that a policy has allowed. Earlier
/// versions, which had no policy, stored data without it. A stranger who posts the member gains
/// nothing, because with it the policy applies.
const CHECKED: &str = "glance_egress_checked";

/// The number of installations with a client in memory, at a few kilobytes each. Evicting a client
/// only costs a new token.
const MAX_CLIENTS: usize = 65_536;

/// All installations of the add-on, with a [`Client`] for each. Cloning is cheap; the clones share
/// the clients and their tokens.
///
/// The keys that verify requests are cached for half a minute, so an installation that another
/// process removed may still make requests that long. Unknown issuers are cached for five seconds.
///
/// ```
/// use glance_sdk::client::Installations;
/// use glance_sdk::model::Notification;
/// use glance_sdk::prelude::*;
///
/// /// The build server calls this handler, so no host signs the request.
/// async fn failed(installations: Installations) -> Result<(), Failure> {
///     for installation in installations.list().await? {
///         let client = installations.client(installation.oauth_id()).await?;
///         for room in client.rooms().all().await? {
///             client.room(room.id).notify(&Notification::text("The build is broken.")).await?;
///         }
///     }
///     Ok(())
/// }
///
/// let add_on = AddOn::new("com.example.builds", "Builds").route("/hooks/failed", post(failed));
/// # add_on.build("https://builds.example.com").unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Installations {
    shared: Arc<Shared>,
}

/// The limits on installations of hosts that the add-on does not name.
#[cfg(feature = "server")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) per_origin: u64,
    pub(crate) overall: u64,
}

#[cfg(feature = "server")]
impl Limits {
    /// Checks the limits. A known installation never exceeds them.
    async fn check(
        &self,
        store: &Arc<dyn InstallationStore>,
        data: &crate::model::InstallationData,
    ) -> Result<(), NotAdded> {
        if store.get(&data.oauth_id).await?.is_some() {
            return Ok(());
        }
        let origin = crate::store::origin(&data.capabilities_url).unwrap_or_default();
        for (of, limit) in [
            (Some(origin.as_str()), self.per_origin),
            (None, self.overall),
        ] {
            if store.count(of).await? >= limit {
                return Err(NotAdded::Full { limit });
            }
        }
        Ok(())
    }
}

/// The reason why an installation was not added.
#[cfg(feature = "server")]
#[derive(Debug)]
pub(crate) enum NotAdded {
    /// The number of installations has reached this limit.
    Full {
        limit: u64,
    },
    Failed(Error),
}

#[cfg(feature = "server")]
impl From<Error> for NotAdded {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn InstallationStore>,
    http: Http,
    clients: Mutex<ClockCache<OauthId, Client>>,
    base_url: Arc<OnceLock<BaseUrl>>,
    /// The runtime glances that the add-on answers, with absolute URLs; `None` in a process that
    /// does not serve the add-on.
    runtime_glances: Option<Arc<[Glance]>>,
    #[cfg(feature = "server")]
    keys: Keys,
    /// Held between counting the installations and storing one more, so that concurrent requests do
    /// not exceed the limits. Several processes may exceed them by one each.
    #[cfg(feature = "server")]
    adding: tokio::sync::Mutex<()>,
}

impl Installations {
    /// Opens the installations in this store, in a process that does not serve the add-on, such as
    /// a worker. With the same environment, the process may call the same hosts as the server,
    /// which reads these variables in [`listen_from_env`].
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `ALLOW_NETWORKS` | private networks in which hosts may be, separated by commas, such as `10.1.0.0/16` | none |
    /// | `BASE_URL` | the URL at which hosts reach the add-on, as in [`with_base_url`](Self::with_base_url); if it is a loopback address, hosts may be on this machine | none |
    ///
    /// Pass the hosts of the server's `AddOn::allow_hosts` to [`allow_hosts`](Self::allow_hosts).
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use glance_sdk::client::Installations;
    /// use glance_sdk::store::SqliteStore;
    ///
    /// # fn example() -> glance_sdk::Result<()> {
    /// let store = Arc::new(SqliteStore::open("com.example.builds.sqlite")?);
    /// let installations =
    ///     Installations::from_env(store)?.allow_hosts(["https://chat.example.com"])?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if a variable is invalid, or if TLS cannot be set up.
    ///
    #[cfg_attr(
        feature = "server",
        doc = "[`listen_from_env`]: crate::AddOn::listen_from_env"
    )]
    #[cfg_attr(
        not(feature = "server"),
        doc = "[`listen_from_env`]: https://docs.rs/glance-sdk/latest/glance_sdk/addon/struct.AddOn.html"
    )]
    pub fn from_env(store: Arc<dyn InstallationStore>) -> Result<Self> {
        Self::from_variables(store, variable)
    }

    fn from_variables(
        store: Arc<dyn InstallationStore>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let networks = parse_networks(&variable(ALLOW_NETWORKS).unwrap_or_default())?;
        let policy = EgressPolicy::internet()
            .setting(ALLOW_NETWORKS)
            .allow_networks(networks);
        let Some(base_url) = variable("BASE_URL") else {
            return Self::with_policy(store, policy);
        };
        let base_url = BaseUrl::new(&base_url)?;
        let policy = policy.allow_loopback_for(base_url.as_str());
        Ok(Self::with_policy(store, policy)?.with_base_url(base_url))
    }

    /// Opens the installations in this store and calls their hosts on the Internet only. If the
    /// add-on allows other networks, use [`from_env`](Self::from_env), or
    /// [`with_policy`](Self::with_policy) with the same policy.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use glance_sdk::client::Installations;
    /// use glance_sdk::store::MemoryStore;
    ///
    /// let installations = Installations::new(Arc::new(MemoryStore::default()))?;
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if TLS cannot be set up.
    pub fn new(store: Arc<dyn InstallationStore>) -> Result<Self> {
        Self::with_policy(store, EgressPolicy::internet())
    }

    /// Opens the installations in this store and calls their hosts where the policy allows it.
    /// Hosts of installations that were stored before policies existed may be anywhere; see
    /// [`refused`](Self::refused).
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use glance_sdk::client::Installations;
    /// use glance_sdk::egress::EgressPolicy;
    /// use glance_sdk::store::MemoryStore;
    ///
    /// let policy = EgressPolicy::internet().allow_networks(["10.1.0.0/16".parse()?]);
    /// let installations = Installations::with_policy(Arc::new(MemoryStore::default()), policy)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if TLS cannot be set up.
    pub fn with_policy(store: Arc<dyn InstallationStore>, policy: EgressPolicy) -> Result<Self> {
        Self::offering(store, None, policy)
    }

    pub(crate) fn offering(
        store: Arc<dyn InstallationStore>,
        runtime_glances: Option<Vec<Glance>>,
        policy: EgressPolicy,
    ) -> Result<Self> {
        Ok(Self {
            shared: Arc::new(Shared {
                store,
                http: Http::new(policy)?,
                clients: Mutex::new(ClockCache::new(MAX_CLIENTS)),
                base_url: Arc::default(),
                runtime_glances: runtime_glances.map(Into::into),
                #[cfg(feature = "server")]
                keys: Keys::default(),
                #[cfg(feature = "server")]
                adding: tokio::sync::Mutex::default(),
            }),
        })
    }

    /// Allows hosts in any network and calls them through the environment's proxy (`HTTP_PROXY`,
    /// `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`). Only scheme, host name and port of each URL count.
    /// Pass the hosts that the add-on passes to `AddOn::allow_hosts`. Only the first call counts,
    /// for all clones; the installations of an
    /// [`AddOn`](https://docs.rs/glance-sdk/latest/glance_sdk/addon/struct.AddOn.html) use the
    /// add-on's own hosts.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use glance_sdk::client::Installations;
    /// use glance_sdk::store::MemoryStore;
    ///
    /// let installations = Installations::new(Arc::new(MemoryStore::default()))?;
    /// assert!(installations.clone().allow_hosts(["chat.example.com"]).is_err());
    /// let installations = installations.allow_hosts(["https://chat.example.com"])?;
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if a value is not the URL of a host, or if TLS cannot
    /// be set up.
    pub fn allow_hosts<U: AsRef<str>>(self, urls: impl IntoIterator<Item = U>) -> Result<Self> {
        let hosts = urls.into_iter().map(|url| {
            host_origin(url.as_ref()).map_err(|what| Error::new(ErrorKind::Configuration, what))
        });
        self.with_hosts(hosts.collect::<Result<_>>()?)
    }

    pub(crate) fn with_hosts(self, origins: Vec<String>) -> Result<Self> {
        self.shared.http.list(origins)?;
        Ok(self)
    }

    /// Sets the base URL of the add-on, in a process that does not serve it. It completes the
    /// add-on's paths in pushes and notifications, and runtime glances need it. Only the first call
    /// counts, for all clones; [`AddOn::build`](crate::AddOn::build) sets its own.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use glance_sdk::client::Installations;
    /// use glance_sdk::store::SqliteStore;
    ///
    /// # fn example() -> glance_sdk::Result<()> {
    /// let store = Arc::new(SqliteStore::open("com.example.builds.sqlite")?);
    /// let installations =
    ///     Installations::new(store)?.with_base_url("https://builds.example.com".parse()?);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_base_url(self, base_url: BaseUrl) -> Self {
        let _ = self.shared.base_url.set(base_url);
        self
    }

    /// Adds headers to each call to a host, for example the `traceparent` of the current span, as
    /// in the manual's page on OpenTelemetry. The function receives an empty map; the client adds
    /// its headers unless the call has a header of the same name. The function runs in the span of
    /// the call, at each attempt, so it must be fast and not block. Only the first call counts, for
    /// all clones; the process that serves the add-on uses
    /// [`AddOn::call_headers`](crate::AddOn::call_headers).
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use glance_sdk::client::Installations;
    /// use glance_sdk::store::SqliteStore;
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Arc::new(SqliteStore::open("com.example.builds.sqlite")?);
    /// let environment = std::env::var("ENVIRONMENT")?.parse::<reqwest::header::HeaderValue>()?;
    /// let installations = Installations::new(store)?.with_call_headers(move |headers| {
    ///     headers.insert("x-environment", environment.clone());
    /// });
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_call_headers(self, add: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Self {
        self.with_headers(CallHeaders::new(add))
    }

    pub(crate) fn with_headers(self, headers: CallHeaders) -> Self {
        self.shared.http.add_headers(headers);
        self
    }

    /// Returns the base URL of the add-on, if this process knows it.
    pub fn base_url(&self) -> Option<&BaseUrl> {
        self.shared.base_url.get()
    }

    /// Returns the client of this installation.
    ///
    /// ```
    /// use glance_sdk::ErrorKind;
    ///
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// let installations = add_on.installations();
    /// let client = installations.client(add_on.oauth_id()).await?;
    /// assert_eq!(client.installation().room_id(), Some(room_id));
    ///
    /// let error = installations.client(&"nobody".into()).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotInstalled);
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NotInstalled`] if the store does not contain it, and
    /// [`ErrorKind::Storage`] if the store fails.
    pub async fn client(&self, oauth_id: &OauthId) -> Result<Client> {
        let known = self.clients().get(oauth_id).cloned();
        if let Some(client) = known.as_ref().filter(|client| !client.is_gone()) {
            return Ok(client.clone());
        }
        let installation = self.get(oauth_id).await?.ok_or_else(|| {
            self.clients().remove(oauth_id);
            Error::new(
                ErrorKind::NotInstalled,
                format!("installation {oauth_id} not found"),
            )
        })?;
        let mut clients = self.clients();
        if let Some(gone) = known
            && clients.get(oauth_id).is_some_and(Client::is_gone)
        {
            if gone.is_of(&installation) {
                return Ok(gone);
            }
            // Another process installed the add-on again.
            clients.remove(oauth_id);
        }
        if let Some(client) = clients.get(oauth_id) {
            return Ok(client.clone());
        }
        let tokens = Tokens::shared_by(Arc::clone(&self.shared.store));
        let client = self.make_client(installation, tokens);
        clients.insert(oauth_id.clone(), client.clone());
        Ok(client)
    }

    /// Returns the installations whose hosts recently refused their secret, as hosts do after a
    /// removal without notice; see [`Client::is_gone`]. They stay in the store, because one wrong
    /// response of a host must not cost the add-on its data. To remove one, call
    /// [`remove`](Self::remove). A new installation or a new token clears the mark.
    ///
    /// The result covers the calls of this process since its start, for the last 65,536
    /// installations.
    ///
    /// ```no_run
    /// use glance_sdk::client::Installations;
    ///
    /// # async fn example(installations: Installations) -> glance_sdk::Result<()> {
    /// for oauth_id in installations.gone() {
    ///     println!("the host of {oauth_id} probably removed the add-on");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn gone(&self) -> Vec<OauthId> {
        let mut gone: Vec<_> = self
            .clients()
            .iter()
            .filter(|(_, client)| client.is_gone())
            .map(|(oauth_id, _)| oauth_id.clone())
            .collect();
        gone.sort();
        gone
    }

    pub(super) fn is_gone(&self, oauth_id: &OauthId) -> bool {
        self.clients().get(oauth_id).is_some_and(Client::is_gone)
    }

    /// Returns the installation with this id.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// let installations = add_on.installations();
    /// let installation = installations.get(add_on.oauth_id()).await?.unwrap();
    /// assert_eq!(installation.room_id(), Some(room_id));
    /// assert_eq!(installations.get(&"nobody".into()).await?, None);
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`] if the store fails.
    pub async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>> {
        self.shared.store.get(oauth_id).await
    }

    /// Returns all installations.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let installations = add_on.installations().list().await?;
    /// assert_eq!(installations.len(), 1);
    /// assert_eq!(installations[0].oauth_id(), add_on.oauth_id());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`] if the store fails.
    pub async fn list(&self) -> Result<Vec<Installation>> {
        self.shared.store.list().await
    }

    /// Fetches installation data from the URL at which the host serves it once.
    #[cfg(feature = "server")]
    pub(crate) async fn installable(
        &self,
        url: reqwest::Url,
    ) -> Result<crate::model::InstallationData> {
        super::handshake::installable(&self.shared.http, url).await
    }

    /// Adds an installation, or replaces the one with the same id and secret, after its host has
    /// issued a token for it. With `limits`, adds a new installation only within them.
    #[cfg(feature = "server")]
    pub(crate) async fn add(
        &self,
        data: crate::model::InstallationData,
        limits: Option<&Limits>,
    ) -> Result<OauthId, NotAdded> {
        let store = &self.shared.store;
        // Checked before calling the host, and again before storing: meanwhile another may be
        // added.
        if let Some(limits) = limits {
            limits.check(store, &data).await?;
        }
        let (installation, token) = self.introduce(data).await?;
        let turn = match limits {
            Some(limits) => {
                let turn = self.shared.adding.lock().await;
                limits.check(store, &installation.data).await?;
                Some(turn)
            }
            None => None,
        };
        store.put(&installation).await?;
        drop(turn);
        let oauth_id = installation.oauth_id().clone();
        self.forget(&oauth_id);
        let tokens = Tokens::shared_by(Arc::clone(store));
        let tokens = tokens.with(token, &installation).await;
        let client = self.make_client(installation, tokens);
        self.clients().insert(oauth_id.clone(), client);
        Ok(oauth_id)
    }

    /// Fetches the endpoints of an installation and requests its first token, if the policy allows
    /// its host. Installations that were stored before policies existed stay allowed.
    #[cfg(feature = "server")]
    async fn introduce(
        &self,
        data: crate::model::InstallationData,
    ) -> Result<(Installation, super::token::Token)> {
        let http = &self.shared.http;
        let introduced = super::handshake::introduce(http, data.clone()).await;
        match introduced {
            Ok((mut installation, token)) => {
                let extra = &mut installation.data.extra;
                extra.insert(CHECKED.to_owned(), true.into());
                Ok((installation, token))
            }
            Err(error) if error.kind() == ErrorKind::EgressRefused => {
                let stored = self.get(&data.oauth_id).await?;
                match stored.is_some_and(|stored| is_same_host(&stored, &data)) {
                    true => super::handshake::introduce(&http.stored(true), data).await,
                    false => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the installations that the policy would refuse if they were new, because their hosts
    /// are in networks that it does not allow, each with the reason. Those that were stored before
    /// policies existed still work; to allow them explicitly, add their network to `ALLOW_NETWORKS`
    /// or their host to [`allow_hosts`](Self::allow_hosts) and `AddOn::allow_hosts`.
    ///
    /// ```no_run
    /// use glance_sdk::client::Installations;
    ///
    /// # async fn example(installations: Installations) -> glance_sdk::Result<()> {
    /// for (oauth_id, why) in installations.refused().await? {
    ///     println!("{oauth_id}: its host {why}");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`] if the store fails.
    pub async fn refused(&self) -> Result<Vec<(OauthId, String)>> {
        let mut by_origin = HashMap::new();
        let mut refused = Vec::new();
        for installation in self.list().await? {
            let Ok(url) = reqwest::Url::parse(&installation.endpoints.api_url) else {
                continue;
            };
            let origin = url.origin().ascii_serialization();
            let why = match by_origin.get(&origin) {
                Some(known) => Option::clone(known),
                None => {
                    let why = self.shared.http.refuses(&url).await;
                    by_origin.insert(origin, why.clone());
                    why
                }
            };
            if let Some(why) = why {
                refused.push((installation.oauth_id().clone(), format!("{url} {why}")));
            }
        }
        Ok(refused)
    }

    /// Removes an installation from the store. Returns whether it existed. Does not notify the host
    /// and does not run hooks.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let installations = add_on.installations();
    /// assert!(installations.remove(add_on.oauth_id()).await?);
    /// assert!(!installations.remove(add_on.oauth_id()).await?);
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`] if the store fails.
    pub async fn remove(&self, oauth_id: &OauthId) -> Result<bool> {
        let removed = self.shared.store.remove(oauth_id).await?;
        self.forget(oauth_id);
        Ok(removed)
    }

    /// Asks the host whether it still accepts the installation's secret. Returns `false` only if it
    /// certainly does not. Does not change the token cache.
    ///
    /// # Errors
    ///
    /// Returns every error of the token request, except a refusal of the secret.
    #[cfg(feature = "server")]
    pub(crate) async fn is_known_to_host(&self, installation: &Installation) -> Result<bool> {
        let is_stored = !installation.data.extra.contains_key(CHECKED);
        super::token::is_taken(&self.shared.http.stored(is_stored), installation).await
    }

    /// Returns the store.
    #[cfg(feature = "server")]
    pub(crate) fn store(&self) -> &dyn InstallationStore {
        &*self.shared.store
    }

    /// Returns the cached key that verifies this installation's requests.
    #[cfg(feature = "server")]
    pub(crate) fn known_key(&self, oauth_id: &OauthId) -> Option<Arc<SigningKey>> {
        self.shared.keys.get(oauth_id)
    }

    /// Returns the key that verifies this installation's requests, read from the store now or less
    /// than five seconds ago; `None` if the store does not contain the installation. Used for
    /// tokens that do not verify with the [known key](Self::known_key).
    #[cfg(feature = "server")]
    pub(crate) async fn stored_key(&self, oauth_id: &OauthId) -> Result<Option<Arc<SigningKey>>> {
        let keys = &self.shared.keys;
        if let Some(checked) = keys.checked(oauth_id) {
            return Ok(checked);
        }
        // No store contains such an id, so no cache needs it.
        if oauth_id.check().is_err() {
            return Ok(None);
        }
        let reading = keys.reading();
        let installation = self.get(oauth_id).await?;
        let key = installation.map(|one| Arc::new(SigningKey::new(&one.data.oauth_secret)));
        keys.keep(oauth_id, key.as_ref(), reading);
        Ok(key)
    }

    fn forget(&self, oauth_id: &OauthId) {
        self.clients().remove(oauth_id);
        #[cfg(feature = "server")]
        self.shared.keys.forget(oauth_id);
    }

    fn make_client(&self, installation: Installation, tokens: Tokens) -> Client {
        let Shared {
            http,
            base_url,
            runtime_glances,
            ..
        } = &*self.shared;
        let is_stored = !installation.data.extra.contains_key(CHECKED);
        Client::new(
            http.stored(is_stored),
            installation,
            tokens,
            Arc::clone(base_url),
            runtime_glances.clone(),
        )
    }

    fn clients(&self) -> MutexGuard<'_, ClockCache<OauthId, Client>> {
        self.shared
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the origin of a host's URL. The error describes what is wrong with the URL.
pub(crate) fn host_origin(url: &str) -> Result<String, String> {
    let wrong =
        || format!("{url:?} is not the URL of a host; write it as https://chat.example.com");
    crate::store::origin(url).ok_or_else(wrong)
}

/// Returns whether installation data matches a stored installation from before policies existed, at
/// the same address: then its sender knows the secret.
#[cfg(feature = "server")]
fn is_same_host(stored: &Installation, data: &crate::model::InstallationData) -> bool {
    !stored.data.extra.contains_key(CHECKED)
        && stored.data.capabilities_url == data.capabilities_url
        && stored.data.oauth_secret == data.oauth_secret
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Endpoints, MemoryStore};

    /// Returns the reasons for which a process with these variables and listed hosts refuses a
    /// host.
    async fn refused(variables: &[(&str, &str)], hosts: &[&str], address: &str) -> Vec<String> {
        let store = Arc::new(MemoryStore::default());
        let data = crate::model::InstallationData::new(
            "id".into(),
            "secret".into(),
            format!("{address}/v2/capabilities"),
            1.into(),
        );
        let endpoints = Endpoints::new(
            format!("{address}/v2/oauth/token"),
            format!("{address}/v2/"),
        );
        store
            .put(&Installation::new(data, endpoints))
            .await
            .unwrap();
        let variable = |name: &str| {
            let found = variables.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let installations = Installations::from_variables(store, variable).unwrap();
        let installations = installations.allow_hosts(hosts).unwrap();
        let refused = installations.refused().await.unwrap();
        refused.into_iter().map(|(_, why)| why).collect()
    }

    #[tokio::test]
    async fn from_env_reads_allowed_networks() {
        let host = "http://10.1.2.3:8000";
        let why = refused(&[], &[], host).await;
        assert!(
            why[0].ends_with("name the network in `ALLOW_NETWORKS`"),
            "{why:?}"
        );
        let none: [&str; 0] = [];
        assert_eq!(
            refused(&[("ALLOW_NETWORKS", "fd00::/8, 10.1.0.0/16")], &[], host).await,
            none
        );
        assert_eq!(refused(&[], &[host], host).await, none);
        let other_port = "http://10.1.2.3:8001";
        assert_eq!(refused(&[], &[host], other_port).await.len(), 1);

        let here = "http://127.0.0.1:8000";
        assert_eq!(
            refused(&[("BASE_URL", "http://localhost:8080")], &[], here).await,
            none
        );
        let public = [("BASE_URL", "https://add-on.example.com")];
        assert_eq!(refused(&public, &[], here).await.len(), 1);
    }

    #[test]
    fn from_env_names_invalid_variable() {
        for (name, value) in [("ALLOW_NETWORKS", "10.1.0"), ("BASE_URL", "add-on")] {
            let variable = |requested: &str| (requested == name).then(|| value.to_owned());
            let store = Arc::new(MemoryStore::default());
            let error = Installations::from_variables(store, variable).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains(value), "{error}");
        }
    }

    #[test]
    fn from_env_base_url_completes_paths() {
        let variable =
            |name: &str| (name == "BASE_URL").then(|| "https://builds.example.com/".to_owned());
        let store = Arc::new(MemoryStore::default());
        let installations = Installations::from_variables(store, variable).unwrap();
        let base_url = installations.base_url().unwrap();
        assert_eq!(base_url.as_str(), "https://builds.example.com");
    }
}
