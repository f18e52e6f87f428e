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
//! room.install(AddOn::new("com.example.incidents", "Incidents").glance::<incidents>()).await;
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

use std::sync::Arc;
use std::time::Duration;

use glance_sdk::AddOn;
use glance_sdk::addon::Server;
use glance_sdk::client::{Installations, Pusher};
use glance_sdk::glance::Glance;
use glance_sdk::model::{Notification, OauthId};
use tokio::task::JoinHandle;

use crate::host::Host;
use crate::install::{self, InstallError};
use crate::shared::Shared;
use crate::state::{Content, Entry, Installed, Message, Room, User};
use crate::viewer::{Line, LineState, Sidebar, Viewer};
use crate::webhooks::{self, Delivery, Happening};
use crate::write;

/// How long a test waits for a state before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

impl Host {
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
        let mut user = must(state.user_named(name).await, "no user");
        change(&mut user);
        must(state.update_user(&user).await, "the user cannot be changed");
        user
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

/// A room of a host in a test.
#[derive(Debug, Clone)]
pub struct TestRoom {
    shared: Arc<Shared>,
    /// The room.
    pub room: Room,
}

impl TestRoom {
    /// Changes the room: `room.change(|room| room.is_public = false)`.
    ///
    /// # Panics
    ///
    /// Where the database fails.
    pub async fn change(&mut self, change: impl FnOnce(&mut Room)) {
        change(&mut self.room);
        must(
            self.shared.state.update_room(&self.room).await,
            "the room cannot be changed",
        );
    }

    /// Installs an in-process add-on in this room, with the real handshake.
    ///
    /// # Panics
    ///
    /// Where it cannot be installed; [`try_install`](Self::try_install) says why.
    pub async fn install<S>(&self, add_on: AddOn<S>) -> TestAddOn
    where
        S: Clone + Send + Sync + 'static,
    {
        must(self.try_install(add_on).await, "cannot install the add-on")
    }

    /// Installs an in-process add-on in this room, with the real handshake.
    ///
    /// # Errors
    ///
    /// [`InstallError`] where the host or the add-on refuses.
    ///
    /// # Panics
    ///
    /// Where the add-on is put together wrongly.
    pub async fn try_install<S>(&self, add_on: AddOn<S>) -> Result<TestAddOn, InstallError>
    where
        S: Clone + Send + Sync + 'static,
    {
        let add_on = TestAddOn::serve(&self.shared, add_on).await;
        add_on.install(&self.shared, Some(&self.room)).await
    }

    /// Installs the add-on whose descriptor stands at this address, in this room.
    ///
    /// # Errors
    ///
    /// [`InstallError`] where the host or the add-on refuses.
    pub async fn install_url(&self, descriptor_url: &str) -> Result<Installed, InstallError> {
        install::install(&self.shared, descriptor_url, Some(self.room.id)).await
    }

    /// Connects the person with this name, made where there is none.
    ///
    /// # Panics
    ///
    /// Where the database fails.
    pub async fn viewer(&self, user: &str) -> TestViewer {
        let user = must(self.shared.state.user_named(user).await, "no user");
        let viewer = Viewer::connect(Arc::clone(&self.shared), self.room.id, user.id).await;
        let Some(viewer) = must(viewer, "cannot connect") else {
            panic!("room {} is gone", self.room.name);
        };
        TestViewer { viewer }
    }

    /// Writes what the person with this name says; they are made where there is none.
    ///
    /// # Panics
    ///
    /// Where the database fails.
    pub async fn says(&self, user: &str, text: &str) -> Entry {
        let state = &self.shared.state;
        let user = must(state.user_named(user).await, "no user");
        let users = must(state.users().await, "no users");
        let entry = Entry::said(self.room.id, &user, Message::new(text, &users));
        must(
            write::entry(&self.shared, entry).await,
            "the message cannot be written",
        )
    }

    /// What was written into the room so far, oldest first.
    ///
    /// # Panics
    ///
    /// Where the database fails.
    pub async fn timeline(&self) -> Vec<Entry> {
        let timeline = self.shared.state.timeline(self.room.id, u32::MAX).await;
        must(timeline, "no timeline")
    }

    /// Calls the webhooks that listen for this, where the host does not do it itself.
    pub async fn happens(&self, happening: Happening) {
        webhooks::tell(&self.shared, self.room.id, happening).await;
    }

    /// The latest calls of webhooks for this room, oldest first.
    pub fn deliveries(&self) -> Vec<Arc<Delivery>> {
        self.shared.webhooks.records.of(self.room.id)
    }

    /// The first call of a webhook that is as wanted, once there is one.
    ///
    /// # Panics
    ///
    /// Where none comes within 20 seconds; the message says what came instead.
    pub async fn delivery(&self, wanted: impl Fn(&Delivery) -> bool) -> Arc<Delivery> {
        let mut added = self.shared.webhooks.records.watch();
        let waiting = async {
            loop {
                added.borrow_and_update();
                if let Some(found) = self.deliveries().into_iter().find(|one| wanted(one)) {
                    return found;
                }
                let _ = added.changed().await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(delivery) => delivery,
            Err(_) => panic!(
                "no call of a webhook is as wanted; there are {:#?}",
                self.deliveries()
            ),
        }
    }

    /// What add-ons wrote into the room so far, oldest first.
    ///
    /// # Panics
    ///
    /// Where the database fails.
    pub async fn notifications(&self) -> Vec<Notification> {
        let timeline = self.timeline().await.into_iter();
        timeline
            .filter_map(|entry| match entry.content {
                Content::Notification(notification) => Some(*notification),
                Content::Message(_) => None,
            })
            .collect()
    }

    /// The first notification with these words in its message, once there is one.
    ///
    /// # Panics
    ///
    /// Where none comes within 20 seconds; the message says what came instead.
    pub async fn notification(&self, words: &str) -> Notification {
        let waiting = async {
            // First listen, then look: nothing that comes in between is missed.
            let mut events = self.shared.hub.subscribe(self.room.id);
            loop {
                let found = self
                    .notifications()
                    .await
                    .into_iter()
                    .find(|notification| notification.message.contains(words));
                if let Some(notification) = found {
                    return notification;
                }
                // Whatever happened, or was missed: look again.
                let _ = events.recv().await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(notification) => notification,
            Err(_) => panic!(
                "no notification says {words:?}; there are {:#?}",
                self.notifications().await
            ),
        }
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
                tracing::error!("an add-on's server failed: {cause}");
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

    async fn install(mut self, shared: &Shared, room: Option<&Room>) -> Result<Self, InstallError> {
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
    viewer: Viewer,
}

impl TestViewer {
    /// What is shown now.
    pub fn sidebar(&self) -> Sidebar {
        self.viewer.sidebar()
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
                let sidebar = self.viewer.look();
                if wanted(&sidebar) {
                    return Some(sidebar);
                }
                if !self.viewer.changed().await {
                    return None;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Some(sidebar)) => sidebar,
            Ok(None) => panic!("the host ended while a test waited"),
            Err(_) => panic!(
                "it did not come to what the test waits for; shown is {:#?}",
                self.sidebar()
            ),
        }
    }

    /// Asks for a glance's data again, as "Try again" does.
    pub fn retry(&self, line: &Line) {
        self.viewer.retry(&line.id);
    }
}

fn must<T, E: std::fmt::Display>(result: Result<T, E>, otherwise: &str) -> T {
    match result {
        Ok(value) => value,
        Err(cause) => panic!("{otherwise}: {cause}"),
    }
}
