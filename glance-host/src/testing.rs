//! A host inside a test: the real handshake, tokens and HTTP, without network or Docker.
//!
//! ```
//! use glance_host::Host;
//! use glance_sdk::prelude::*;
//!
//! #[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
//! async fn incidents() -> GlanceData {
//!     GlanceData::new(label!("<b>{}</b> incidents", 4)).lozenge(Lozenge::Error, "OPEN")
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let host = Host::start().await;
//! let room = host.room("ops").await;
//! let _add_on = room.install(AddOn::new("com.example.incidents", "Incidents").glance::<incidents>()).await;
//!
//! let mut viewer = room.viewer("member").await;
//! let line = viewer.glance::<incidents>().await;
//! assert_eq!(line.label_text(), "4 incidents");
//! assert_eq!(line.lozenge(), Some(("error", "OPEN")));
//! # });
//! ```
//!
//! These helpers panic if a test can only fail.
#![allow(clippy::panic)]

pub(crate) mod fault_host;
pub(crate) mod faults;
mod http;
mod page;
mod record;
mod replay;
mod room;

use std::sync::Arc;
use std::time::Duration;

use glance_sdk::AddOn;
use glance_sdk::addon::Server;
use glance_sdk::client::{Installations, Pusher};
use glance_sdk::glance::Glance;
use glance_sdk::model::{OauthId, RoomId, UserId};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::http::state::AppState;
use crate::model::{Installed, MAX_PRIVATE_MESSAGES, PrivateMessage, Room, User};
use crate::program::host::Host;
use crate::service::install::InstallError;
use crate::service::viewer::{Command, Commands, Line, LineState, Sidebar, Viewer};

pub use crate::program::calls::{CallStream, Exchange, Party, Purpose};
pub use fault_host::{FaultHost, Recording};
pub use faults::{Fault, Injected};
pub use http::http_client;
pub use page::TestPage;
pub use replay::{Difference, Replay, ReplayError, Report, StandIn};
pub use room::TestRoom;

/// How long a test waits for a state before it fails.
pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

impl Host {
    /// Starts a host for a test: on a free loopback port, in memory, without rooms.
    ///
    /// ```
    /// use glance_host::Host;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let host = Host::start().await;
    /// let room = host.room("ops").await;
    /// assert!(host.room_url(&room.room).starts_with(host.base_url()));
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub async fn start() -> Self {
        must(
            Self::builder().port(0).start().await,
            "cannot start the host",
        )
    }

    /// Finds or creates the room with this name.
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn room(&self, name: &str) -> TestRoom {
        let room = must(self.open_room(name).await, "no room");
        TestRoom {
            app: self.app.clone(),
            room,
        }
    }

    /// Changes a user, who is created if necessary: `host.user("admin", |user| user.is_admin = true)`.
    ///
    /// ```
    /// use glance_host::Host;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let admin = host.user("ann", |user| user.is_admin = true).await;
    /// assert!(admin.is_admin);
    /// let viewer = room.viewer("ann").await;
    /// # let _ = viewer.sidebar();
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn user(&self, name: &str, change: impl FnOnce(&mut User)) -> User {
        let state = &self.app.storage;
        let mut user = must(state.get_or_create_user(name).await, "no user");
        change(&mut user);
        must(state.update_user(&user).await, "the user cannot be changed");
        user
    }

    /// Returns the private messages to the person with this name, oldest first.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::client::Method;
    /// use glance_sdk::model::Scope;
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let add_on = AddOn::new("com.example.builds", "Builds").scopes([Scope::SendMessage]);
    /// let add_on = host.install_everywhere(add_on).await;
    /// let id = host.user("ann", |_| ()).await.id.to_string();
    /// let body = serde_json::json!({ "message": "Your build is broken." });
    /// let client = add_on.client().await;
    /// client.request(Method::Post, ["user", &id, "message"]).body(&body).unwrap().send().await.unwrap();
    /// assert_eq!(host.private_messages("ann").await.len(), 1);
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn private_messages(&self, user: &str) -> Vec<PrivateMessage> {
        let state = &self.app.storage;
        let user = must(state.get_or_create_user(user).await, "no user");
        let kept = state.private_messages(user.id, MAX_PRIVATE_MESSAGES);
        must(kept.await, "no messages")
    }

    /// Installs an in-process add-on for all rooms.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let _add_on = host.install_everywhere(add_on).await;
    /// for room in ["ops", "dev"] {
    ///     let line = host.room(room).await.viewer("ann").await.glance::<builds>().await;
    ///     assert_eq!(line.label_text(), "2 broken builds");
    /// }
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if it cannot be installed.
    pub async fn install_everywhere<S>(&self, add_on: AddOn<S>) -> TestAddOn
    where
        S: Clone + Send + Sync + 'static,
    {
        let add_on = TestAddOn::serve(&self.app, add_on).await;
        must(
            add_on.install(&self.app, None).await,
            "cannot install the add-on",
        )
    }
}

/// An add-on that runs in the test's process. Dropping it stops it.
///
/// ```
/// use glance_host::Host;
/// use glance_sdk::prelude::*;
///
/// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
/// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = Host::start().await;
/// # let room = host.room("ops").await;
/// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
/// let add_on = room.install(add_on).await;
/// let mut viewer = room.viewer("ann").await;
/// viewer.glance::<builds>().await;
///
/// let client = add_on.client().await;
/// let data = GlanceData::new(label!("<b>3</b> broken builds"));
/// client.room(room.room.id).push::<builds>(data).await.unwrap();
/// viewer.label("builds", "3 broken builds").await;
/// # });
/// ```
#[derive(Debug)]
pub struct TestAddOn {
    server: JoinHandle<()>,
    installations: Installations,
    pusher: Pusher,
    base_url: String,
    installed: Option<Installed>,
}

impl AsRef<Installed> for TestAddOn {
    fn as_ref(&self) -> &Installed {
        self.installed()
    }
}

impl TestAddOn {
    async fn serve<S>(app: &AppState, add_on: AddOn<S>) -> Self
    where
        S: Clone + Send + Sync + 'static,
    {
        let server: Server = must(
            add_on.listen("127.0.0.1", 0, None).await,
            "cannot serve the add-on",
        );
        let base_url = server.base_url().to_owned();
        let installations = server.add_on().installations().clone();
        let pusher = server.add_on().pusher().clone();
        let ended = app.shutdown.begun();
        let server = tokio::spawn(async move {
            if let Err(cause) = server.run(ended).await {
                tracing::error!("an add-on's server failed: {cause:#}");
            }
        });
        Self {
            server,
            installations,
            pusher,
            base_url,
            installed: None,
        }
    }

    async fn install(mut self, app: &AppState, room: Option<&Room>) -> Result<Self, InstallError> {
        let url = format!("{}/", self.base_url);
        self.installed = Some(
            app.installer
                .install(&url, room.map(|room| room.id))
                .await?,
        );
        Ok(self)
    }

    /// Returns the URL at which it answers; its descriptor is at this URL followed by `/`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns its installations, to push from a test like its own background tasks.
    pub fn installations(&self) -> &Installations {
        &self.installations
    }

    /// Returns the pusher that its handlers use. Call `flush` on it when a test needs all pushes to have arrived.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let add_on = room.install(add_on).await;
    /// let data = GlanceData::new(label!("<b>3</b> broken builds"));
    /// add_on.pusher().push::<builds>(add_on.oauth_id(), To::Group, data).unwrap();
    /// add_on.pusher().flush().await;
    /// assert_eq!(add_on.pusher().pushed().sent, 1);
    /// # });
    /// ```
    pub fn pusher(&self) -> &Pusher {
        &self.pusher
    }

    /// Returns the installation as the host stores it, including the secret.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let add_on = room.install(add_on).await;
    /// assert_eq!(add_on.installed().descriptor.key, "com.example.builds");
    /// assert_eq!(add_on.installed().room_id, Some(room.room.id));
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Never panics: an add-on that is not installed is not returned to tests.
    pub fn installed(&self) -> &Installed {
        match &self.installed {
            Some(installed) => installed,
            None => panic!("the add-on is not installed"),
        }
    }

    /// Returns the id of its installation.
    pub fn oauth_id(&self) -> &OauthId {
        &self.installed().oauth_id
    }

    /// Returns a client of its installation.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::model::Notification;
    /// use glance_sdk::prelude::*;
    ///
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let add_on = room.install(add_on).await;
    /// let notification = Notification::text("Build 7 is broken.");
    /// add_on.client().await.room(room.room.id).notify(&notification).await.unwrap();
    /// assert_eq!(room.notification("Build 7").await.message, "Build 7 is broken.");
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the add-on no longer knows its installation.
    pub async fn client(&self) -> glance_sdk::client::Client {
        must(
            self.installations.client(self.oauth_id()).await,
            "not installed",
        )
    }

    /// Stops it: later connections are refused.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let add_on = room.install(add_on).await;
    /// add_on.stop().await;
    /// let sidebar = room.viewer("ann").await.settled().await;
    /// assert!(sidebar.line("builds").unwrap().is_failed());
    /// # });
    /// ```
    pub async fn stop(mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }
}

impl Drop for TestAddOn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A connected person in a test.
///
/// ```
/// use glance_host::Host;
/// use glance_sdk::prelude::*;
///
/// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
/// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = Host::start().await;
/// # let room = host.room("ops").await;
/// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
/// let _add_on = room.install(add_on).await;
/// let mut viewer = room.viewer("ann").await;
/// assert_eq!(viewer.glance::<builds>().await.label_text(), "2 broken builds");
/// assert_eq!(viewer.sidebar().lines.len(), 1);
/// # });
/// ```
#[derive(Debug)]
pub struct TestViewer {
    app: AppState,
    room: RoomId,
    user: UserId,
    sidebar: watch::Receiver<Sidebar>,
    commands: Commands,
}

impl TestViewer {
    fn watch(app: AppState, room: RoomId, user: UserId, mut viewer: Viewer) -> Self {
        let (sender, sidebar) = watch::channel(viewer.sidebar());
        let commands = viewer.commands();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = sender.closed() => return,
                    goes_on = viewer.next_input() => if !goes_on { return },
                }
                while viewer.change().is_some() {}
                let now = viewer.sidebar();
                sender.send_if_modified(|shown| {
                    let changed = *shown != now;
                    *shown = now;
                    changed
                });
            }
        });
        Self {
            app,
            room,
            user,
            sidebar,
            commands,
        }
    }

    /// Returns the sidebar as the person sees it now.
    pub fn sidebar(&self) -> Sidebar {
        self.sidebar.borrow().clone()
    }

    /// Waits until the glance `G` shows data. Returns its line.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let _add_on = room.install(add_on).await;
    /// let line = room.viewer("ann").await.glance::<builds>().await;
    /// assert_eq!(line.label_text(), "2 broken builds");
    /// assert_eq!(line.lozenge(), None);
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if that takes longer than 20 seconds; the message contains the sidebar.
    pub async fn glance<G: Glance>(&mut self) -> Arc<Line> {
        let sidebar = self
            .wait_for(|sidebar| {
                let line = sidebar.line(G::KEY);
                line.is_some_and(|line| matches!(line.state, LineState::Ready { .. }))
                    && !sidebar.is_loading(G::KEY)
            })
            .await;
        match sidebar.line(G::KEY) {
            Some(line) => Arc::clone(line),
            None => panic!("{} does not show", G::KEY),
        }
    }

    /// Waits until the line of the glance with this key has this label text. Returns the sidebar.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let add_on = room.install(add_on).await;
    /// let mut viewer = room.viewer("ann").await;
    /// viewer.label("builds", "2 broken builds").await;
    ///
    /// let data = GlanceData::new(label!("All builds are <b>green</b>"));
    /// add_on.pusher().push::<builds>(add_on.oauth_id(), To::Group, data).unwrap();
    /// viewer.label("builds", "All builds are green").await;
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if that takes longer than 20 seconds; the message contains the sidebar.
    pub async fn label(&mut self, key: &str, text: &str) -> Sidebar {
        self.wait_for(|sidebar| {
            sidebar
                .line(key)
                .is_some_and(|line| line.label_text() == text)
        })
        .await
    }

    /// Waits until no glance waits for its data. Returns the sidebar.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// #[derive(Serialize, GlanceMetadata)]
    /// struct Builds { broken: u32 }
    ///
    /// #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg", when(broken > 0))]
    /// async fn builds() -> GlanceData<Builds> {
    ///     GlanceData::new(label!("<b>0</b> broken builds")).metadata(Builds { broken: 0 })
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let _add_on = room.install(add_on).await;
    /// let sidebar = room.viewer("ann").await.settled().await;
    /// assert!(sidebar.lines.is_empty(), "nothing is broken, so the glance is hidden");
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if that takes longer than 20 seconds.
    pub async fn settled(&mut self) -> Sidebar {
        self.wait_for(|sidebar| sidebar.loading == 0).await
    }

    /// Waits until the sidebar satisfies a condition. Returns the sidebar.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let mut viewer = room.viewer("ann").await;
    /// let _add_on = room.install(add_on).await;
    /// let sidebar = viewer.wait_for(|sidebar| sidebar.lines.len() == 1 && sidebar.loading == 0).await;
    /// assert_eq!(sidebar.lines[0].add_on, "Builds");
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if that takes longer than 20 seconds; the message contains the sidebar.
    pub async fn wait_for(&mut self, wanted: impl Fn(&Sidebar) -> bool) -> Sidebar {
        let waiting = async {
            loop {
                let sidebar = self.sidebar.borrow_and_update().clone();
                if wanted(&sidebar) {
                    return Some(sidebar);
                }
                self.sidebar.changed().await.ok()?;
            }
        };
        match tokio::time::timeout(WAIT_TIMEOUT, waiting).await {
            Ok(Some(sidebar)) => sidebar,
            Ok(None) => panic!("the host or the room was gone while a test waited"),
            Err(_) => panic!(
                "it did not come to what the test waits for; shown is {:#?}",
                self.sidebar()
            ),
        }
    }

    /// Completes when the room or the host is gone.
    ///
    /// ```
    /// use glance_host::Host;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let mut viewer = room.viewer("ann").await;
    /// room.delete().await;
    /// viewer.ended().await;
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if neither happens within 20 seconds.
    pub async fn ended(&mut self) {
        let ending = async { while self.sidebar.changed().await.is_ok() {} };
        if tokio::time::timeout(WAIT_TIMEOUT, ending).await.is_err() {
            panic!("the viewer still looks; shown is {:#?}", self.sidebar());
        }
    }

    /// Explains in one sentence why the glance with this key shows or hides, like the inspector: "hidden: `broken` is
    /// 0, needs \> 0".
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// #[derive(Serialize, GlanceMetadata)]
    /// struct Builds { broken: u32 }
    ///
    /// #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg", when(broken > 0))]
    /// async fn builds() -> GlanceData<Builds> {
    ///     GlanceData::new(label!("<b>0</b> broken builds")).metadata(Builds { broken: 0 })
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let _add_on = room.install(add_on).await;
    /// let mut viewer = room.viewer("ann").await;
    /// viewer.settled().await;
    /// assert_eq!(viewer.explain("builds").await, "hidden: `broken` is 0, needs > 0");
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the room has no such glance, or the host is gone.
    pub async fn explain(&self, key: &str) -> String {
        let (to, explained) = oneshot::channel();
        let command = Command::Explain(key.to_owned(), to);
        let _ = self.commands.send(Box::new(command)).await;
        match explained.await {
            Ok(Ok(why)) => why,
            Ok(Err(keys)) => panic!("the room has no glance {key}; it has {keys:?}"),
            Err(_) => panic!("the host or the room was gone while a test asked for {key}"),
        }
    }

    /// Queries a glance again, like "Try again" on the page.
    pub fn retry(&self, line: &Line) {
        let command = Command::Retry(line.id.clone());
        let _ = self.commands.try_send(Box::new(command));
    }
}

pub(crate) fn must<T, E: std::fmt::Display>(result: Result<T, E>, otherwise: &str) -> T {
    match result {
        Ok(value) => value,
        Err(cause) => panic!("{otherwise}: {cause:#}"),
    }
}
