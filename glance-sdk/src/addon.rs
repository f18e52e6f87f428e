//! Puts an add-on together and serves it.
//!
//! [`AddOn`] collects glances, panels and routes, writes the descriptor and answers the host:
//!
//! | request | what it is |
//! |---|---|
//! | `GET /` | the descriptor, with absolute addresses made from one base URL |
//! | `POST /installed` | the installation, believed once the host gave a token for it |
//! | `DELETE /installed/{oauthId}` | the removal: believed with an uninstall token, else the host is asked |
//! | `POST /updated` | an update: the host's addresses are read anew |
//! | `GET /glance/{key}`, `GET /glance/{key}/{id}` | a glance's query, and that of an [instance](crate::client::Instance): signed, with CORS |
//! | `POST /webhook/{key}` | a webhook: signed |
//! | `/panel/{key}`, `/dialog/{key}`, `/page/{key}` | a web panel, a dialog, an external page: signed |
//! | `/configuration`, `/administration` | the pages to set the add-on up: signed |
//! | `GET /live-page.js` | with [`AddOn::live_pages`]: the script that keeps open pages up to date |
//!
//! With [`AddOn::installs_by_browser`] installations come another way: `GET /installed` and
//! `GET /uninstalled` take a person's browser, which brings the address of the installation data,
//! and send it back.
//!
//! # Spans and metrics
//!
//! Each of these requests, except for the descriptor and the script, has a `tracing` span of the level DEBUG.
//! With the feature `metrics`, a recorder of the `metrics` crate is told the following; the
//! [client](crate::client) has its own:
//!
//! | name | kind | what |
//! |---|---|---|
//! | `glance_requests_total` | counter | requests by `kind` (`query`, `webhook`, `page`, `install`, `update`, `remove`), `key` (of the glance or webhook, the path of the page, otherwise empty) and `status` (`2xx` to `5xx`) |
//! | `glance_request_seconds` | histogram | how long an answer took, by `kind` |
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

pub(crate) use removal::RemovalChecks;

pub use build::Built;
pub(crate) use live::LIVE_PAGE_SCRIPT;
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

/// An add-on: what it is called, what it shows, how it answers.
///
/// `S` is the state its handlers get with axum's [`State`](axum::extract::State).
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
    /// What allows a network, for messages.
    networks_setting: &'static str,
    call_headers: Option<CallHeaders>,
    #[cfg(feature = "replay-cache")]
    refuses_replays: bool,
    router: Router<S>,
    /// The paths of routes of the add-on's own.
    paths: Vec<String>,
    problems: Vec<String>,
}

/// Shows what the add-on declares, not its state.
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
    /// An add-on that shows nothing yet. Its key names it among all add-ons, for example
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
    /// The state of the handlers that are added from here on.
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

    /// One sentence for the host's list of integrations.
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

    /// Who makes the add-on.
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

    /// A page about the add-on; a path that starts with `/` is one of the add-on's own.
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

    /// The picture beside its messages; a path that starts with `/` is one of the add-on's own.
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

    /// What its tokens allow, instead of `send_notification`, `view_group` and `view_room`, which
    /// pushes and notifications need.
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

    /// Where installations are kept. Without it [`serve`](Self::serve) keeps them in the SQLite
    /// file `<key>.sqlite`; [`listen`](Self::listen) and [`build`](Self::build), which tests use,
    /// in memory.
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

    /// Adds a glance: its descriptor entry and the answer to its query.
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

    /// Answers the query of a glance that is not in the descriptor: it is shown where the add-on
    /// creates it at run time, with
    /// [`Glances::create_registered`](crate::client::Extensions::create_registered), or many of the kind
    /// with [`create_instance`](crate::client::Extensions::create_instance).
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

    /// Says whether a route was added.
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

    /// Adds an entry to the menus of messages or of the input field. Its target is the key of a
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

    /// Adds a webhook: its descriptor entry and the answer to its calls, which the host signs.
    ///
    /// ```
    /// use glance_sdk::model::Notification;
    /// use glance_sdk::model::webhook::RoomMessage;
    /// use glance_sdk::prelude::*;
    ///
    /// #[webhook(event = RoomMessage, pattern = "^/ping")]
    /// async fn ping(_said: WebhookRequest<RoomMessage>) -> Notification {
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

    /// Runs when the add-on is installed, with a client of the new installation, while the host
    /// waits for the answer. Where it fails, the installation is undone and the host told so.
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

    /// Runs when a host that has the add-on installed introduces itself again, for example from a
    /// new address. Where it fails, the host is told so; the installation stays.
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

    /// Runs when the add-on was removed, with what was known of the installation: the place to
    /// forget what was kept for it. A failure goes to the log.
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

    /// Which hosts may install the add-on, by an address of each: scheme, name and port count.
    ///
    /// The call that installs is not signed, so without this any host may; the log warns of it. Of
    /// hosts that are not named here at most 100 installations are taken for each origin, and only
    /// while there are fewer than 10,000 in all.
    ///
    /// The hosts named here may be in a private network, and are called through the environment's proxy
    /// (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).
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

    /// Which private networks hosts may be in, for example `10.1.0.0/16`; none where nothing is said,
    /// because whoever installs the add-on chooses what it calls. [`serve`](Self::serve) and
    /// [`listen_from_env`](Self::listen_from_env) add those in the variable `ALLOW_NETWORKS`.
    ///
    /// A host that [`allow_hosts`](Self::allow_hosts) names may be in any network. The machine itself
    /// is called where the base URL is a loopback address, and link-local addresses never; see
    /// [`EgressPolicy`](crate::egress::EgressPolicy).
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

    /// Adds headers to each call of a host; [`Installations::with_call_headers`] has the details.
    ///
    /// [`Installations::with_call_headers`]: crate::client::Installations::with_call_headers
    #[must_use]
    pub fn call_headers(mut self, add: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Self {
        self.call_headers = Some(CallHeaders::new(add));
        self
    }

    /// Has the host send the browser of who installs, updates or removes the add-on here
    /// (`installedUrl`, `updatedUrl`, `uninstalledUrl`), instead of posting to it.
    ///
    /// The browser brings the address of the installation data, which can be fetched once, and
    /// goes on to the host's own page. Both addresses come from outside: with
    /// [`allow_hosts`](Self::allow_hosts) they must be those of such a host, without it the browser
    /// is sent nowhere but to the host that showed the data or the one that stands in it. Who
    /// removes must show the installation's own secret.
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

    /// Lets each signed request of a host change something once: a `POST`, `PUT`, `PATCH` or
    /// `DELETE` whose token (its `jti`, or all of it where it has none) came before is answered 401.
    ///
    /// Hosts keep their tokens for a while, so what changes nothing, such as a glance's query or
    /// the opening of a page, is never refused, and a page's scripts that ask with the host's own
    /// token are refused the second time: let them ask with a
    /// [`page_token`](crate::extract::SignedRequest::page_token), which this leaves alone. A host
    /// that sends the same webhook again, because the answer was lost, is refused too. Whoever got
    /// hold of a person's token can still open a page with it while it holds: what this keeps from
    /// happening twice is one request, such as a webhook.
    ///
    /// The [store](Self::store) remembers requests until their tokens end, 100,000 of each
    /// installation; what comes above that is refused until the first of them end. So a request that one
    /// process of the add-on received is refused by all, also after a restart. A store that shares none
    /// (see [`Claimed::NotShared`](crate::store::Claimed::NotShared)) leaves each process to remember
    /// what it received itself.
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

    /// Adds a route of the add-on's own, as in [`Router::route`]. Nothing checks who calls it; where a
    /// request brings a [page token](crate::extract::SignedRequest::page_token), its answer has the next.
    /// What stands in the table of [this module](self) is taken.
    ///
    /// ```
    /// use glance_sdk::extract::JsonBody;
    /// use glance_sdk::prelude::*;
    ///
    /// /// Takes what the build server posts.
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
    /// As axum does: where the path does not start with `/`, or the same one is added twice.
    #[must_use]
    pub fn route(mut self, path: &str, handlers: MethodRouter<S>) -> Self {
        let handlers = handlers
            .layer::<_, Infallible>(from_fn(page_tokens::renew))
            .layer(Extension(self.services.clone()));
        self.paths.push(path.to_owned());
        self.router = self.router.route(path, handlers);
        self
    }

    /// Adds a file that lies in the program, such as an icon.
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
    /// As [`route`](Self::route).
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

    /// Whether a route can be made for this key; what is wrong with it is reported at the end,
    /// with everything else.
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
        // What else is wrong with a key the descriptor's own check says.
        is_extension_key(key)
    }
}

fn webhook_path(key: &str) -> String {
    format!("/webhook/{key}")
}
