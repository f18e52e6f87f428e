//! A room of a host in a test.
#![allow(clippy::panic)]

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use glance_sdk::AddOn;
use glance_sdk::model::Notification;

use super::{TestAddOn, TestViewer, WAIT_TIMEOUT, must};
use crate::http::state::AppState;
use crate::model::Delivery;
use crate::model::{Content, Entry, Installed, Room, User};
use crate::service::install::InstallError;
use crate::service::messages::Draft;
use crate::service::webhooks::RoomEvent;

/// A room of a host in a test.
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
/// room.says("ann", "Good morning").await;
/// let viewer = room.viewer("bob").await;
/// # let _ = viewer.sidebar();
/// assert_eq!(room.timeline().await.len(), 1);
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct TestRoom {
    pub(super) app: AppState,
    /// The room.
    pub room: Room,
}

impl TestRoom {
    /// Changes the room in the name of its owner: `room.change(|room| room.is_public = false)`. Calls webhooks for a
    /// new topic, and when the room is archived or restored.
    ///
    /// ```
    /// use glance_host::Host;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let mut room = room;
    /// room.change(|room| room.topic = "Release day".to_owned()).await;
    /// assert_eq!(room.room.topic, "Release day");
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if another room has the name, the room is archived, or the database fails.
    pub async fn change(&mut self, change: impl Fn(&mut Room)) {
        let by = self.owner().await;
        let changed = self.app.rooms.change(self.room.id, &by, change).await;
        self.room = must(changed, "the room cannot be changed");
    }

    /// Deletes the room with all its content in the name of its owner, and notifies its add-ons.
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn delete(self) {
        let by = self.owner().await;
        let deleted = self.app.rooms.delete(&self.room, &by).await;
        must(deleted, "the room cannot be deleted");
    }

    async fn owner(&self) -> User {
        let owner = must(self.app.storage.user(self.room.owner).await, "no owner");
        match owner {
            Some(owner) => owner,
            None => panic!("the room {} has no owner", self.room.name),
        }
    }

    /// Installs an in-process add-on in this room, with the real handshake.
    ///
    /// # Panics
    ///
    /// Panics if it cannot be installed; [`try_install`](Self::try_install) returns the error.
    pub async fn install<S>(&self, add_on: AddOn<S>) -> TestAddOn
    where
        S: Clone + Send + Sync + 'static,
    {
        must(self.try_install(add_on).await, "cannot install the add-on")
    }

    /// Installs an in-process add-on in this room, with the real handshake.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_host::InstallError;
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let add_on = AddOn::new("com.example.ci", "CI")
    ///     .on_install(|_state, _client| async { Err("this room has no builds") });
    /// let error = room.try_install(add_on).await.unwrap_err();
    /// println!("{error}");
    /// # let _: InstallError = error;
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`InstallError`] if the host or the add-on refuses.
    ///
    /// # Panics
    ///
    /// Panics if the add-on cannot be built.
    pub async fn try_install<S>(&self, add_on: AddOn<S>) -> Result<TestAddOn, InstallError>
    where
        S: Clone + Send + Sync + 'static,
    {
        let add_on = TestAddOn::serve(&self.app, add_on).await;
        add_on.install(&self.app, Some(&self.room)).await
    }

    /// Installs the add-on with this descriptor URL in this room.
    ///
    /// # Errors
    ///
    /// Returns [`InstallError`] if the host or the add-on refuses.
    pub async fn install_url(&self, descriptor_url: &str) -> Result<Installed, InstallError> {
        self.app
            .installer
            .install(descriptor_url, Some(self.room.id))
            .await
    }

    /// Connects the person with this name, who is created if necessary.
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
    /// let (mut ann, mut bob) = (room.viewer("ann").await, room.viewer("bob").await);
    /// assert_eq!(ann.glance::<builds>().await.label_text(), bob.glance::<builds>().await.label_text());
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn viewer(&self, user: &str) -> TestViewer {
        let user = must(self.app.storage.get_or_create_user(user).await, "no user");
        let (app, pulse) = (self.app.clone(), stream::pending().boxed());
        let viewer = app
            .viewers
            .connect(self.room.id, user.id, true, None, pulse)
            .await;
        let Some(viewer) = must(viewer, "cannot connect") else {
            panic!("room {} is gone", self.room.name);
        };
        TestViewer::watch(self.app.clone(), self.room.id, user.id, viewer)
    }

    /// Posts a message of the person with this name, who is created if necessary.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::model::Notification;
    /// use glance_sdk::model::webhook::RoomMessage;
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// #[webhook(event = RoomMessage, pattern = "^/ping$")]
    /// async fn ping(_said: WebhookRequest<RoomMessage>) -> Notification {
    ///     Notification::text("pong")
    /// }
    ///
    /// let _add_on = room.install(AddOn::new("com.example.ping", "Ping").webhook::<ping>()).await;
    /// room.says("ann", "/ping").await;
    /// assert_eq!(room.notification("pong").await.message, "pong");
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn says(&self, user: &str, text: &str) -> Entry {
        let state = &self.app.storage;
        let user = must(state.get_or_create_user(user).await, "no user");
        let draft = Draft::from(text.to_owned());
        let posted = self.app.messages.post(&self.room, &user, draft).await;
        must(posted, "the message cannot be posted")
    }

    /// Returns the entries of the room so far, oldest first.
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn timeline(&self) -> Vec<Entry> {
        let timeline = self.app.storage.timeline(self.room.id, u32::MAX).await;
        must(timeline, "no timeline")
    }

    /// Calls the webhooks for an event. The host calls them itself for everything that it does.
    pub async fn emit(&self, event: RoomEvent) {
        self.app.webhooks.call(self.room.id, event).await;
    }

    /// Returns the latest webhook deliveries for this room, oldest first.
    pub fn deliveries(&self) -> Vec<Arc<Delivery>> {
        self.app.webhooks.deliveries(self.room.id)
    }

    /// Waits for the first webhook delivery that satisfies a condition.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_host::model::Outcome;
    /// use glance_sdk::model::webhook::RoomMessage;
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// #[webhook(event = RoomMessage)]
    /// async fn heard(_said: WebhookRequest<RoomMessage>) -> Result<(), Failure> {
    ///     Err("the disk is full".into())
    /// }
    ///
    /// let _add_on = room.install(AddOn::new("com.example.ears", "Ears").webhook::<heard>()).await;
    /// room.says("ann", "Good morning").await;
    /// let delivery = room.delivery(|delivery| delivery.attempts > 0).await;
    /// assert!(matches!(delivery.outcome, Outcome::Answered { status: 500, .. }));
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if there is none within 20 seconds; the message lists the deliveries.
    pub async fn delivery(&self, wanted: impl Fn(&Delivery) -> bool) -> Arc<Delivery> {
        let mut added = self.app.webhooks.watch_deliveries();
        let waiting = async {
            loop {
                added.borrow_and_update();
                if let Some(found) = self.deliveries().into_iter().find(|one| wanted(one)) {
                    return found;
                }
                let _ = added.changed().await;
            }
        };
        match tokio::time::timeout(WAIT_TIMEOUT, waiting).await {
            Ok(delivery) => delivery,
            Err(_) => panic!(
                "no call of a webhook is as wanted; there are {:#?}",
                self.deliveries()
            ),
        }
    }

    /// Returns the notifications of add-ons in the room so far, oldest first.
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn notifications(&self) -> Vec<Notification> {
        let timeline = self.timeline().await.into_iter();
        timeline
            .filter_map(|entry| match entry.content {
                Content::Notification(notification) => Some(*notification),
                Content::Message(_) => None,
            })
            .collect()
    }

    /// Waits for the first notification whose message contains this text.
    ///
    /// # Panics
    ///
    /// Panics if there is none within 20 seconds; the message lists the notifications.
    pub async fn notification(&self, words: &str) -> Notification {
        let waiting = async {
            // Subscribe before reading, so that no event in between is missed.
            let mut events = self.app.bus.subscribe(self.room.id);
            loop {
                let found = self
                    .notifications()
                    .await
                    .into_iter()
                    .find(|notification| notification.message.contains(words));
                if let Some(notification) = found {
                    return notification;
                }
                // Whatever happened, or was missed: read again.
                let _ = events.recv().await;
            }
        };
        match tokio::time::timeout(WAIT_TIMEOUT, waiting).await {
            Ok(notification) => notification,
            Err(_) => panic!(
                "no notification says {words:?}; there are {:#?}",
                self.notifications().await
            ),
        }
    }
}
