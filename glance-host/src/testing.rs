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
//! These helpers panic where a test could only fail: that is how a test says so.
#![allow(clippy::panic)]

pub(crate) mod fault_host;
pub(crate) mod faults;
mod http;
mod page;
pub(crate) mod record;
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

use crate::host::Host;
use crate::install::{self, InstallError};
use crate::shared::Shared;
use crate::state::{Installed, MAX_PRIVATE_MESSAGES, PrivateMessage, Room, User};
use crate::viewer::{Command, Commands, Line, LineState, Sidebar, Viewer};

pub use fault_host::{CallStream, FaultHost, Recording};
pub use faults::{Fault, Injected};
pub use http::http_client;
pub use page::TestPage;
pub use record::{Exchange, Party, Purpose};
pub use replay::{Difference, Replay, ReplayError, Report, StandIn};
pub use room::TestRoom;

/// How long a test waits for a state before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

impl Host {
    /// Starts a host for a test: on a free port of this machine, in memory, without rooms.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start() -> Self {
        must(
            Self::builder().port(0).start().await,
            "cannot start the host",
        )
    }

    /// The room with this name, made where there is none.
    ///
    /// # Panics
    ///
    /// Where the database fails.
    pub async fn room(&self, name: &str) -> TestRoom {
        let room = must(self.open_room(name).await, "no room");
        TestRoom {
            shared: Arc::clone(&self.shared),
            room,
        }
    }

    /// Changes a user, made where there is none: `host.user("admin", |user| user.is_admin = true)`.
    ///
    /// # Panics
    ///
    /// Where the database fails.
    pub async fn user(&self, name: &str, change: impl FnOnce(&mut User)) -> User {
        let state = &self.shared.state;
        let mut user = must(state.get_or_create_user(name).await, "no user");
        change(&mut user);
        must(state.update_user(&user).await, "the user cannot be changed");
        user
    }

    /// What add-ons wrote to the person with this name, in no room, oldest first.
    ///
    /// # Panics
    ///
    /// Where the database fails.
    pub async fn private_messages(&self, user: &str) -> Vec<PrivateMessage> {
        let state = &self.shared.state;
        let user = must(state.get_or_create_user(user).await, "no user");
        let kept = state.private_messages(user.id, MAX_PRIVATE_MESSAGES);
        must(kept.await, "no messages")
    }

    /// Installs an in-process add-on for all rooms.
    ///
    /// # Panics
    ///
    /// Where it cannot be installed.
    pub async fn install_everywhere<S>(&self, add_on: AddOn<S>) -> TestAddOn
    where
        S: Clone + Send + Sync + 'static,
    {
        let add_on = TestAddOn::serve(&self.shared, add_on).await;
        must(
            add_on.install(&self.shared, None).await,
            "cannot install the add-on",
        )
    }
}

/// An add-on that runs in the test's process. It stops answering when it is dropped.
#[derive(Debug)]
pub struct TestAddOn {
    server: JoinHandle<()>,
    installations: Installations,
    pusher: Pusher,
    base_url: String,
    installed: Option<Installed>,
}

impl TestAddOn {
    async fn serve<S>(shared: &Shared, add_on: AddOn<S>) -> Self
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
        let ended = shared.ended();
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

    async fn install(
        mut self,
        shared: &Arc<Shared>,
        room: Option<&Room>,
    ) -> Result<Self, InstallError> {
        let url = format!("{}/", self.base_url);
        self.installed = Some(install::install(shared, &url, room.map(|room| room.id)).await?);
        Ok(self)
    }

    /// Where it answers; its descriptor stands at this address followed by `/`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Its installations, to push from a test as its own tasks would.
    pub fn installations(&self) -> &Installations {
        &self.installations
    }

    /// The pusher its handlers use. `flush` it where a test must see that nothing is on its way.
    pub fn pusher(&self) -> &Pusher {
        &self.pusher
    }

    /// The installation as the host keeps it, its secret included.
    ///
    /// # Panics
    ///
    /// Never: an add-on that is not installed is not handed out.
    pub fn installed(&self) -> &Installed {
        match &self.installed {
            Some(installed) => installed,
            None => panic!("the add-on is not installed"),
        }
    }

    /// Names its installation.
    pub fn oauth_id(&self) -> &OauthId {
        &self.installed().oauth_id
    }

    /// A client of its installation.
    ///
    /// # Panics
    ///
    /// Where the add-on no longer knows its installation.
    pub async fn client(&self) -> glance_sdk::client::Client {
        must(
            self.installations.client(self.oauth_id()).await,
            "not installed",
        )
    }

    /// Stops it: who calls it from here on is refused the connection.
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
#[derive(Debug)]
pub struct TestViewer {
    shared: Arc<Shared>,
    room: RoomId,
    user: UserId,
    sidebar: watch::Receiver<Sidebar>,
    commands: Commands,
}

impl TestViewer {
    fn watch(shared: Arc<Shared>, room: RoomId, user: UserId, mut viewer: Viewer) -> Self {
        let (sender, sidebar) = watch::channel(viewer.sidebar());
        let commands = viewer.commands();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = sender.closed() => return,
                    goes_on = viewer.happens() => if !goes_on { return },
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
            shared,
            room,
            user,
            sidebar,
            commands,
        }
    }

    /// What is shown now.
    pub fn sidebar(&self) -> Sidebar {
        self.sidebar.borrow().clone()
    }

    /// The line of the glance `G`, once it shows data.
    ///
    /// # Panics
    ///
    /// Where it does not come to that within 20 seconds; the message says what is shown instead.
    pub async fn glance<G: Glance>(&mut self) -> Arc<Line> {
        let sidebar = self
            .wait_for(|sidebar| {
                sidebar
                    .line(G::KEY)
                    .is_some_and(|line| matches!(line.state, LineState::Ready { .. }))
            })
            .await;
        match sidebar.line(G::KEY) {
            Some(line) => Arc::clone(line),
            None => panic!("{} does not show", G::KEY),
        }
    }

    /// What is shown once the line of the glance with this key has a label of this text.
    ///
    /// # Panics
    ///
    /// Where it does not come to that within 20 seconds; the message says what is shown instead.
    pub async fn label(&mut self, key: &str, text: &str) -> Sidebar {
        self.wait_for(|sidebar| {
            sidebar
                .line(key)
                .is_some_and(|line| line.label_text() == text)
        })
        .await
    }

    /// What is shown once no glance waits for its data.
    ///
    /// # Panics
    ///
    /// Where it does not come to that within 20 seconds.
    pub async fn settled(&mut self) -> Sidebar {
        self.wait_for(|sidebar| sidebar.loading == 0).await
    }

    /// What is shown once it is as wanted.
    ///
    /// # Panics
    ///
    /// Where it does not come to that within 20 seconds; the message says what is shown instead.
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
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Some(sidebar)) => sidebar,
            Ok(None) => panic!("the host or the room was gone while a test waited"),
            Err(_) => panic!(
                "it did not come to what the test waits for; shown is {:#?}",
                self.sidebar()
            ),
        }
    }

    /// Completes once the room is gone, or the host.
    ///
    /// # Panics
    ///
    /// Where neither happens within 20 seconds.
    pub async fn ended(&mut self) {
        let ending = async { while self.sidebar.changed().await.is_ok() {} };
        if tokio::time::timeout(PATIENCE, ending).await.is_err() {
            panic!("the viewer still looks; shown is {:#?}", self.sidebar());
        }
    }

    /// Why the glance with this key shows or does not, in one sentence, as the inspector says it:
    /// "hidden: `broken` is 0, needs \> 0".
    ///
    /// # Panics
    ///
    /// Where there is no such glance in the room, or the host is gone.
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

    /// Asks for a glance's data again, as "Try again" does.
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
