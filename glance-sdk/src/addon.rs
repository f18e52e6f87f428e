//! Declares an add-on and serves it.
//!
//! [`AddOn`] collects glances, pages and routes, writes the descriptor and handles the requests of
//! hosts:
//!
//! | request | handler |
//! |---|---|
//! | `GET /` | serves the descriptor, with absolute URLs below one base URL |
//! | `POST /installed` | adds an installation, after its host has issued a token for it |
//! | `DELETE /installed/{oauthId}` | removes an installation: an uninstall token proves the removal; without one the add-on asks the host |
//! | `POST /updated` | updates an installation: fetches the host's addresses again |
//! | `GET /glance/{key}`, `GET /glance/{key}/{id}` | answers the query of a glance or of an [instance](crate::client::Instance): signed, with CORS |
//! | `POST /webhook/{key}` | receives a webhook: signed |
//! | `/panel/{key}`, `/dialog/{key}`, `/page/{key}` | serves a web panel, a dialog, an external page: signed |
//! | `/configuration`, `/administration` | serves the pages on which people configure the add-on: signed |
//! | `GET /live-page.js` | with [`AddOn::live_pages`]: serves the script that updates open pages |
//!
//! With [`AddOn::installs_by_browser`], `GET /installed` and `GET /uninstalled` replace the first
//! `POST` and the `DELETE`. A person's browser opens them with the address of the installation
//! data, and the add-on redirects it back to the host.
//!
//! # Spans and metrics
//!
//! Each of these requests, except those for the descriptor and the script, has a `tracing` span of
//! level DEBUG. With the feature `metrics`, the add-on reports the following to the recorder of the
//! `metrics` crate; the [client](crate::client) has metrics of its own:
//!
//! | name | kind | value |
//! |---|---|---|
//! | `glance_requests_total` | counter | requests by `kind` (`query`, `webhook`, `page`, `install`, `update`, `remove`), `key` (of the glance or webhook, the path of the page, otherwise empty) and `status` (`2xx` to `5xx`) |
//! | `glance_request_seconds` | histogram | response time by `kind` |
//!
//! ```
//! use glance_sdk::prelude::*;
//!
//! #[glance(key = "hello", name = "Hello", icon = "/hello.svg", target = "hello-panel")]
//! async fn hello() -> GlanceData {
//!     GlanceData::new(label!("Hello <b>world</b>"))
//! }
//!
//! async fn panel(request: SignedRequest) -> String {
//!     format!("Hello, user {:?}", request.claims().user_id())
//! }
//!
//! let built = AddOn::new("com.example.hello", "Hello")
//!     .description("Says hello.")
//!     .glance::<hello>()
//!     .web_panel("hello-panel", "Hello", get(panel))
//!     .asset("/hello.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
//!     .build("https://hello.example.com")?;
//! let glance = built.descriptor().glance("hello").unwrap();
//! assert_eq!(glance.query_url.as_deref(), Some("https://hello.example.com/glance/hello"));
//! # Ok::<(), glance_sdk::Error>(())
//! ```

mod accept;
mod browser;
mod build;
mod check_urls;
mod declaration;
mod hooks;
mod install;
mod live;
mod missing;
mod observe;
mod page_tokens;
mod pages;
mod query;
mod removal;
mod serve;
mod unfinished;
mod webhook;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get};
use axum::{Extension, Router};

use removal::RemovalChecks;

pub use build::Built;
pub use live::LocalTime;
pub use pages::Page;
pub use serve::{Server, interrupted};

use declaration::Declaration;
use hooks::{Hooks, hook};

use crate::client::{CallHeaders, Client, host_origin};
use crate::egress::IpNet;
use crate::extract::{INSTANCE_PARAMETER, Slot};
use crate::glance::{Glance, GlanceHandler, query_path};
use crate::metadata::Test;
use crate::model::{self, Action, Authentication, Picture, Scope, Vendor};
use crate::store::{Installation, InstallationStore};
use crate::validate::is_extension_key;
use crate::webhook::{Webhook, WebhookHandler};

/// An add-on: its descriptor, its handlers and its settings.
///
/// `S` is the state that its handlers extract with axum's [`State`](axum::extract::State).
///
/// ```
/// use glance_sdk::prelude::*;
///
/// #[derive(Clone)]
/// struct Farm { broken: u32 }
///
/// #[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
/// async fn builds(State(farm): State<Farm>) -> GlanceData {
///     GlanceData::new(label!("<b>{}</b> broken builds", farm.broken))
/// }
///
/// let built = AddOn::new("com.example.builds", "Builds")
///     .state(Farm { broken: 2 })
///     .glance::<builds>()
///     .asset("/builds.svg", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>")
///     .build("https://builds.example.com")?;
/// assert_eq!(built.descriptor().key, "com.example.builds");
/// assert!(built.descriptor().glance("builds").is_some());
/// # Ok::<(), glance_sdk::Error>(())
/// ```
pub struct AddOn<S = ()> {
    key: String,
    name: String,
    description: Option<String>,
    vendor: Option<Vendor>,
    homepage: Option<String>,
    avatar: Option<Picture>,
    scopes: Vec<Scope>,
    declaration: Declaration,
    state: S,
    services: Slot,
    store: Option<Arc<dyn InstallationStore>>,
    glances: Vec<(model::Glance, Option<Test>)>,
    webhooks: Vec<model::Webhook>,
    pages: Vec<Page>,
    actions: Vec<Action>,
    runtime_glances: Vec<(model::Glance, Option<Test>)>,
    hooks: Hooks,
    networks: Vec<IpNet>,
    /// The name of the setting that allows networks, for messages.
    networks_setting: &'static str,
    call_headers: Option<CallHeaders>,
    #[cfg(feature = "replay-cache")]
    refuses_replays: bool,
    router: Router<S>,
    /// The paths of the routes that the add-on's author adds.
    paths: Vec<String>,
    problems: Vec<String>,
}

/// Shows the add-on's declarations, but not its state.
impl<S> fmt::Debug for AddOn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = |glances: &[(model::Glance, Option<Test>)]| -> Vec<String> {
            glances
                .iter()
                .map(|(glance, _)| glance.key.clone())
                .collect()
        };
        f.debug_struct("AddOn")
            .field("key", &self.key)
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .field("glances", &keys(&self.glances))
            .field("runtime_glances", &keys(&self.runtime_glances))
            .field("webhooks", &self.webhooks.len())
            .field("pages", &self.pages.len())
            .field("actions", &self.actions.len())
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

impl AddOn {
    /// Creates an add-on without glances. The key identifies it among all add-ons, for example
    /// `com.example.incidents`.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// let built = AddOn::new("com.example.hello", "Hello").build("https://hello.example.com").unwrap();
    /// assert_eq!(built.descriptor().name, "Hello");
    /// ```
    pub fn new(key: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            name: name.into(),
            description: None,
            vendor: None,
            homepage: None,
            avatar: None,
            scopes: vec![Scope::SendNotification, Scope::ViewGroup, Scope::ViewRoom],
            declaration: Declaration::default(),
            state: (),
            services: Slot::default(),
            store: None,
            glances: Vec::new(),
            webhooks: Vec::new(),
            pages: Vec::new(),
            actions: Vec::new(),
            runtime_glances: Vec::new(),
            hooks: Hooks::default(),
            networks: Vec::new(),
            networks_setting: "AddOn::allow_networks",
            call_headers: None,
            #[cfg(feature = "replay-cache")]
            refuses_replays: false,
            router: Router::new(),
            paths: Vec::new(),
            problems: Vec::new(),
        }
    }
}

impl<S: Clone + Send + Sync + 'static> AddOn<S> {
    /// Sets the state of the handlers that the following calls add.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// async fn panel(State(team): State<&'static str>) -> String {
    ///     format!("The builds of {team}")
    /// }
    ///
    /// let add_on = AddOn::new("com.example.builds", "Builds")
    ///     .state("ops")
    ///     .web_panel("builds", "Builds", get(panel));
    /// # add_on.build("https://builds.example.com").unwrap();
    /// ```
    pub fn state<T: Clone + Send + Sync + 'static>(self, state: T) -> AddOn<T> {
        AddOn {
            key: self.key,
            name: self.name,
            description: self.description,
            vendor: self.vendor,
            homepage: self.homepage,
            avatar: self.avatar,
            scopes: self.scopes,
            declaration: self.declaration,
            state,
            services: self.services,
            store: self.store,
            glances: self.glances,
            webhooks: self.webhooks,
            pages: self.pages,
            actions: self.actions,
            runtime_glances: self.runtime_glances,
            hooks: self.hooks,
            networks: self.networks,
            networks_setting: self.networks_setting,
            call_headers: self.call_headers,
            #[cfg(feature = "replay-cache")]
            refuses_replays: self.refuses_replays,
            router: self.router.with_state(self.state),
            paths: self.paths,
            problems: self.problems,
        }
    }

    /// Sets the sentence that describes the add-on in the host's list of integrations.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// let built = AddOn::new("com.example.builds", "Builds")
    ///     .description("Shows how many builds are broken.")
    ///     .build("https://builds.example.com")?;
    /// assert_eq!(
    ///     built.descriptor().description.as_deref(),
    ///     Some("Shows how many builds are broken.")
    /// );
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the vendor of the add-on.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// let built = AddOn::new("com.example.builds", "Builds")
    ///     .vendor("Example", "https://example.com")
    ///     .build("https://builds.example.com")?;
    /// assert_eq!(built.descriptor().vendor.as_ref().unwrap().name, "Example");
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn vendor(mut self, name: impl Into<String>, url: impl Into<String>) -> Self {
        self.vendor = Some(Vendor::new(name, url));
        self
    }

    /// Sets the URL of a page about the add-on. A path that starts with `/` is relative to the base
    /// URL.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// let built = AddOn::new("com.example.builds", "Builds")
    ///     .homepage("/about")
    ///     .route("/about", get(|| async { "Shows how many builds are broken." }))
    ///     .build("https://builds.example.com")?;
    /// let links = built.descriptor().links.as_ref().unwrap();
    /// assert_eq!(links.homepage.as_deref(), Some("https://builds.example.com/about"));
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn homepage(mut self, url: impl Into<String>) -> Self {
        self.homepage = Some(url.into());
        self
    }

    /// Sets the picture beside the add-on's messages. A path that starts with `/` is relative to
    /// the base URL.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// let built = AddOn::new("com.example.builds", "Builds")
    ///     .avatar("/face.svg")
    ///     .asset("/face.svg", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    ///     .build("https://builds.example.com")?;
    /// let consumer = built.descriptor().capabilities.hipchat_api_consumer.as_ref().unwrap();
    /// let avatar = consumer.avatar.as_ref().unwrap();
    /// assert_eq!(avatar.url(), Some("https://builds.example.com/face.svg"));
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn avatar(mut self, picture: impl Into<Picture>) -> Self {
        self.avatar = Some(picture.into());
        self
    }

    /// Sets the scopes of the add-on's tokens. The default is `send_notification`, `view_group` and
    /// `view_room`, which pushes and notifications need.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    /// use glance_sdk::model::Scope;
    ///
    /// let built = AddOn::new("com.example.builds", "Builds")
    ///     .scopes([Scope::SendNotification, Scope::ViewRoom, Scope::AdminRoom])
    ///     .build("https://builds.example.com")?;
    /// let consumer = built.descriptor().capabilities.hipchat_api_consumer.as_ref().unwrap();
    /// assert!(consumer.scopes.contains(&Scope::AdminRoom));
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        self.scopes = scopes.into_iter().collect();
        self
    }

    /// Sets the store of installations. By default [`serve`](Self::serve) uses the SQLite file
    /// `<key>.sqlite`, while [`listen`](Self::listen) and [`build`](Self::build), which tests use,
    /// keep installations in memory.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    /// use glance_sdk::store::{EncryptedStore, Keyring, MemoryStore};
    ///
    /// # let keys = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    /// let keyring: Keyring = keys.parse()?;
    /// let store = EncryptedStore::new(MemoryStore::default(), keyring);
    /// let add_on = AddOn::new("com.example.builds", "Builds").store(store);
    /// # add_on.build("https://builds.example.com")?;
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn store(mut self, store: impl InstallationStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Adds a glance: its descriptor entry and the handler of its query.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// #[glance(key = "hello", name = "Hello", icon = "https://example.com/hello.svg")]
    /// async fn hello() -> GlanceData {
    ///     GlanceData::new(label!("Hello <b>world</b>"))
    /// }
    ///
    /// let built = AddOn::new("com.example.hello", "Hello")
    ///     .glance::<hello>()
    ///     .build("https://hello.example.com")?;
    /// let glance = built.descriptor().glance("hello").unwrap();
    /// assert_eq!(glance.query_url.as_deref(), Some("https://hello.example.com/glance/hello"));
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn glance<G: GlanceHandler<S>>(mut self) -> Self {
        self.answer::<G>();
        self.glances.push((<G as Glance>::descriptor(), G::when()));
        self
    }

    /// Adds the handler of a glance that is not in the descriptor. The add-on creates such a glance
    /// at run time, with
    /// [`Glances::create_registered`](crate::client::Extensions::create_registered), or several
    /// instances of it with [`create_instance`](crate::client::Extensions::create_instance).
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// #[glance(key = "sprint", name = "Sprint", icon = "https://example.com/sprint.svg")]
    /// async fn sprint() -> GlanceData {
    ///     GlanceData::new(label!("<b>3</b> days left"))
    /// }
    ///
    /// async fn choose(request: SignedRequest) -> glance_sdk::Result<()> {
    ///     if let Some(room) = request.room_id() {
    ///         let client = request.client().await?;
    ///         client.room(room).glances().create_registered::<sprint>().await?;
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let built = AddOn::new("com.example.sprint", "Sprint")
    ///     .runtime_glance::<sprint>()
    ///     .web_panel("sprint-panel", "Sprint", post(choose))
    ///     .build("https://sprint.example.com")?;
    /// assert!(built.descriptor().glance("sprint").is_none());
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn runtime_glance<G: GlanceHandler<S>>(mut self) -> Self {
        if self.answer::<G>() {
            let path = format!("{}/{{{INSTANCE_PARAMETER}}}", query_path(G::KEY));
            let route = query::route::<G, S>(&self.services);
            self.router = self.router.route(&path, route);
        }
        let entry = (<G as Glance>::descriptor(), G::when());
        self.runtime_glances.push(entry);
        self
    }

    /// Adds the route of a glance's query. Returns whether the key is new.
    fn answer<G: GlanceHandler<S>>(&mut self) -> bool {
        if self.is_new_key("glance", G::KEY, |add_on| {
            let glances = add_on.glances.iter().chain(&add_on.runtime_glances);
            glances.map(|(glance, _)| glance.key.as_str()).collect()
        }) {
            let router = std::mem::take(&mut self.router);
            self.router = router.route(&query_path(G::KEY), query::route::<G, S>(&self.services));
            return true;
        }
        false
    }

    /// Adds an action to the menus of messages or of the input field. Its target is the key of a
    /// web panel, dialog or external page of this add-on.
    ///
    /// ```
    /// use glance_sdk::model::{Action, ActionLocation};
    /// use glance_sdk::prelude::*;
    ///
    /// let built = AddOn::new("com.example.reminder", "Reminder")
    ///     .dialog("remind", "Remind me", get(|| async { "When?" }))
    ///     .action(Action::new("remind-me", "Remind me", ActionLocation::Message, "remind"))
    ///     .build("https://reminder.example.com")?;
    /// assert_eq!(built.descriptor().capabilities.actions()[0].target.key(), Some("remind"));
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Adds a webhook: its descriptor entry and the handler of its calls, which the host signs.
    ///
    /// ```
    /// use glance_sdk::model::Notification;
    /// use glance_sdk::model::webhook::RoomMessage;
    /// use glance_sdk::prelude::*;
    ///
    /// #[webhook(event = RoomMessage, pattern = "^/ping")]
    /// async fn ping(_request: WebhookRequest<RoomMessage>) -> Notification {
    ///     Notification::text("pong")
    /// }
    ///
    /// let built = AddOn::new("com.example.ping", "Ping")
    ///     .webhook::<ping>()
    ///     .build("https://ping.example.com")?;
    /// let webhook = &built.descriptor().capabilities.webhooks()[0];
    /// assert_eq!(webhook.url, "https://ping.example.com/webhook/ping");
    /// assert_eq!(webhook.pattern.as_deref(), Some("^/ping"));
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn webhook<H: WebhookHandler<S>>(mut self) -> Self {
        let mut entry = <H as Webhook>::descriptor();
        if self.is_new_key("webhook", H::KEY, |add_on| {
            let keys = add_on.webhooks.iter();
            keys.filter_map(|webhook| webhook.key.as_deref()).collect()
        }) {
            let route = webhook::route::<H, S>(&self.services);
            self.router = self.router.route(&webhook_path(H::KEY), route);
        }
        entry.url = webhook_path(H::KEY);
        entry.authentication = Some(Authentication::Jwt);
        self.webhooks.push(entry);
        self
    }

    /// Runs `run` with a client of a new installation, while the host waits for the response. If
    /// `run` fails, the add-on removes the installation again and responds with an error.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::AddOn;
    /// use glance_sdk::client::Client;
    /// use glance_sdk::model::Notification;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let add_on = AddOn::new("com.example.builds", "Builds").on_install(|_state, client: Client| async move {
    ///     match client.installation().room_id() {
    ///         Some(room) => client.room(room).notify(&Notification::text("I watch your builds.")).await,
    ///         None => Ok(()),
    ///     }
    /// });
    ///
    /// let host = Host::start().await;
    /// let room = host.room("ops").await;
    /// let _add_on = room.install(add_on).await;
    /// assert_eq!(room.notification("watch").await.message, "I watch your builds.");
    /// # });
    /// ```
    #[must_use]
    pub fn on_install<F, Fut, E>(mut self, run: F) -> Self
    where
        F: Fn(S, Client) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display,
    {
        self.hooks.on_install = Some(hook(self.state.clone(), run));
        self
    }

    /// Runs `run` when a host updates its installation, for example because the host has a new
    /// address. If `run` fails, the add-on responds with an error, but keeps the installation.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    /// use glance_sdk::client::Client;
    ///
    /// let add_on = AddOn::new("com.example.builds", "Builds").on_update(|_state, client: Client| async move {
    ///     println!("the host is now at {}", client.installation().endpoints.api_url);
    ///     Ok::<(), glance_sdk::Error>(())
    /// });
    /// # add_on.build("https://builds.example.com").unwrap();
    /// ```
    #[must_use]
    pub fn on_update<F, Fut, E>(mut self, run: F) -> Self
    where
        F: Fn(S, Client) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display,
    {
        self.hooks.on_update = Some(hook(self.state.clone(), run));
        self
    }

    /// Runs `run` with the stored installation after its removal. Use it to delete data that your
    /// add-on stores for the installation. The add-on logs an error of `run`.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use std::sync::{Arc, Mutex};
    ///
    /// use glance_sdk::AddOn;
    /// use glance_sdk::model::OauthId;
    /// use glance_sdk::store::Installation;
    ///
    /// #[derive(Clone, Default)]
    /// struct Settings(Arc<Mutex<HashMap<OauthId, String>>>);
    ///
    /// let add_on = AddOn::new("com.example.builds", "Builds")
    ///     .state(Settings::default())
    ///     .on_uninstall(|Settings(all), gone: Installation| async move {
    ///         all.lock().map_err(|cause| cause.to_string())?.remove(gone.oauth_id());
    ///         Ok::<(), String>(())
    ///     });
    /// # add_on.build("https://builds.example.com").unwrap();
    /// ```
    #[must_use]
    pub fn on_uninstall<F, Fut, E>(mut self, run: F) -> Self
    where
        F: Fn(S, Installation) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display,
    {
        self.hooks.on_uninstall = Some(hook(self.state.clone(), run));
        self
    }

    /// Sets the hosts that may install the add-on. Only scheme, host name and port of each URL
    /// count.
    ///
    /// The installation request is not signed, so without this setting every host may install the
    /// add-on, and the log warns of it. Hosts without a name here may have at most 100
    /// installations per origin and 10,000 in all.
    ///
    /// The add-on may call the hosts named here in private networks, and it calls them through the
    /// environment's proxy (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// let add_on = AddOn::new("com.example.builds", "Builds").allow_hosts(["https://chat.example.com"]);
    /// assert!(add_on.build("https://builds.example.com").is_ok());
    ///
    /// let wrong = AddOn::new("com.example.builds", "Builds").allow_hosts(["chat.example.com"]);
    /// assert!(wrong.build("https://builds.example.com").is_err());
    /// ```
    #[must_use]
    pub fn allow_hosts<U: AsRef<str>>(mut self, urls: impl IntoIterator<Item = U>) -> Self {
        for url in urls {
            match host_origin(url.as_ref()) {
                Ok(origin) => self.hooks.hosts.push(origin),
                Err(problem) => self.problems.push(problem),
            }
        }
        self
    }

    /// Sets the private networks in which the add-on may call hosts, for example `10.1.0.0/16`. The
    /// default is none, because anybody who installs the add-on chooses the addresses that it
    /// calls. [`serve`](Self::serve) and [`listen_from_env`](Self::listen_from_env) add the
    /// networks in the variable `ALLOW_NETWORKS`.
    ///
    /// A host in [`allow_hosts`](Self::allow_hosts) may be in any network. The add-on calls its own
    /// machine only if the base URL is a loopback address, and it never calls link-local addresses;
    /// see [`EgressPolicy`](crate::egress::EgressPolicy).
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let add_on = AddOn::new("com.example.builds", "Builds")
    ///     .allow_networks(["10.1.0.0/16".parse()?, "fd00::/8".parse()?]);
    /// # add_on.build("https://builds.example.com")?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn allow_networks(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.networks.extend(networks);
        self
    }

    /// Adds headers to each call to a host; see [`Installations::with_call_headers`].
    ///
    /// [`Installations::with_call_headers`]: crate::client::Installations::with_call_headers
    #[must_use]
    pub fn call_headers(mut self, add: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Self {
        self.call_headers = Some(CallHeaders::new(add));
        self
    }

    /// Makes hosts install, update and remove the add-on through a person's browser
    /// (`installedUrl`, `updatedUrl`, `uninstalledUrl`) instead of a `POST`.
    ///
    /// The browser brings the address of the installation data, which the host serves only once,
    /// and then returns to a page of the host. Both addresses are untrusted input: with
    /// [`allow_hosts`](Self::allow_hosts) they must belong to a host in that list. Without it, the
    /// add-on redirects the browser only to the host that served the data or to the host that the
    /// data names. A removal must show the secret of the installation.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// let built = AddOn::new("com.example.builds", "Builds")
    ///     .installs_by_browser()
    ///     .build("https://builds.example.com")?;
    /// let installable = built.descriptor().capabilities.installable.as_ref().unwrap();
    /// assert_eq!(installable.installed_url.as_deref(), Some("https://builds.example.com/installed"));
    /// assert_eq!(installable.callback_url, None);
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn installs_by_browser(mut self) -> Self {
        self.hooks.by_browser = true;
        self
    }

    /// Refuses replayed requests: each signed request of a host may change something only once. A
    /// `POST`, `PUT`, `PATCH` or `DELETE` with a token that was used before (the same `jti`, or the
    /// same token if it has none) gets the response 401.
    ///
    /// Hosts reuse their tokens for a while. Requests that change nothing, such as the query of a
    /// glance or the opening of a page, are therefore never refused. The scripts of a page cannot
    /// reuse the host's token for a second change: let them send a
    /// [`page_token`](crate::extract::SignedRequest::page_token), which is exempt. The add-on also
    /// refuses a webhook that a host repeats because it did not receive the response. Somebody who
    /// steals a person's token can still open a page with it until it expires; this setting
    /// protects single requests, such as webhooks.
    ///
    /// The [store](Self::store) remembers used requests until their tokens expire, up to 100,000
    /// per installation, and refuses further requests until the first tokens expire. All processes
    /// of the add-on thus refuse a request that one of them received, also after a restart. With a
    /// store that does not share used requests (see
    /// [`Claimed::NotShared`](crate::store::Claimed::NotShared)), each process remembers only its
    /// own.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// let add_on = AddOn::new("com.example.payments", "Payments").refuse_replays();
    /// # add_on.build("https://payments.example.com").unwrap();
    /// ```
    #[cfg(feature = "replay-cache")]
    #[must_use]
    pub fn refuse_replays(mut self) -> Self {
        self.refuses_replays = true;
        self
    }

    /// Adds a route, like [`Router::route`]. The add-on does not check the caller. If a request
    /// contains a [page token](crate::extract::SignedRequest::page_token), the response contains a
    /// new one. The paths in the table of [this module](self) are reserved.
    ///
    /// ```
    /// use glance_sdk::extract::JsonBody;
    /// use glance_sdk::prelude::*;
    ///
    /// /// Receives the build server's report.
    /// async fn built(JsonBody(build): JsonBody<serde_json::Value>) {
    ///     println!("{build}");
    /// }
    ///
    /// let add_on = AddOn::new("com.example.builds", "Builds").route("/hooks/builds", post(built));
    /// # add_on.build("https://builds.example.com").unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// Panics like axum if the path does not start with `/`, or if the add-on already has this
    /// route.
    #[must_use]
    pub fn route(mut self, path: &str, handlers: MethodRouter<S>) -> Self {
        let handlers = handlers
            .layer::<_, Infallible>(from_fn(page_tokens::renew))
            .layer(Extension(self.services.clone()));
        self.paths.push(path.to_owned());
        self.router = self.router.route(path, handlers);
        self
    }

    /// Adds a static file that is compiled into the program, such as an icon.
    ///
    /// ```
    /// use glance_sdk::AddOn;
    ///
    /// const ICON: &str = "<svg xmlns='http://www.w3.org/2000/svg'/>";
    ///
    /// let add_on = AddOn::new("com.example.builds", "Builds")
    ///     .asset("/builds.svg", "image/svg+xml", ICON)
    ///     .asset("/panel.js", "text/javascript", "HipChat.sidebar.closeView();");
    /// # add_on.build("https://builds.example.com").unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// Panics like [`route`](Self::route).
    #[must_use]
    pub fn asset(
        self,
        path: &str,
        content_type: &'static str,
        bytes: &'static (impl AsRef<[u8]> + ?Sized),
    ) -> Self {
        let bytes: &'static [u8] = bytes.as_ref();
        let headers = [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "public, max-age=3600"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        self.route(path, get(move || async move { (headers, bytes) }))
    }

    /// Returns whether a route can be added for this key. A problem with the key is reported by
    /// `build`, together with all others.
    fn is_new_key(
        &mut self,
        what: &str,
        key: &str,
        others: impl FnOnce(&Self) -> Vec<&str>,
    ) -> bool {
        if others(self).contains(&key) {
            self.problems.push(format!(
                "two {what}s have the key `{key}`; give one another key"
            ));
            return false;
        }
        // The check of the descriptor reports all other problems with a key.
        is_extension_key(key)
    }
}

fn webhook_path(key: &str) -> String {
    format!("/webhook/{key}")
}
