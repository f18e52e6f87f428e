//! A running host.

mod builder;
mod error;
pub(super) mod folder;
mod services;
mod wrap;

use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use glance_sdk::model::OauthId;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::http::state::AppState;
use crate::model::Delivery;
use crate::model::{Entry, Installed, NewRoom, Room, User};
use crate::net::inbound::tls::Certificate;
use crate::service::install::InstallError;
use crate::service::messages::{Draft, PostError};
use crate::service::webhooks::RoomEvent;
use crate::storage::{Storage, StorageError};

pub use builder::Builder;
pub use error::Error;
pub(crate) use wrap::Wrap;

/// The default port of a host.
pub const DEFAULT_PORT: u16 = 4400;

/// A running host. Dropping it stops the host.
#[derive(Debug)]
pub struct Host {
    pub(crate) app: AppState,
    pub(crate) certificate: Option<Arc<Certificate>>,
    pub(crate) end: watch::Sender<bool>,
    pub(crate) grace: Duration,
    pub(crate) server: JoinHandle<()>,
    /// Locks the data folder against other hosts.
    pub(crate) _lock: Option<File>,
}

impl Host {
    /// Returns a builder for a host in memory that listens at `127.0.0.1:4400`.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the URL at which people and add-ons reach the host, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.app.info.base_url
    }

    /// Returns the socket address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.app.info.address
    }

    /// Returns the URL of a room's page.
    pub fn room_url(&self, room: &Room) -> String {
        format!("{}/rooms/{}", self.base_url(), room.id)
    }

    /// Returns the host's storage.
    pub fn state(&self) -> &dyn Storage {
        &*self.app.storage
    }

    /// Finds or creates the room with this name. A new room belongs to the person at this machine, or to the first
    /// admin on a host with sign-in.
    ///
    /// # Errors
    ///
    /// Returns [`Error::NoAdmin`] if nobody has signed in yet, and [`Error::Storage`] if the database fails.
    pub async fn open_room(&self, name: &str) -> Result<Room, Error> {
        let state = &self.app.storage;
        let owner = self.default_owner().await?.id;
        let new = NewRoom {
            name: name.to_owned(),
            is_public: true,
            owner,
            topic: String::new(),
        };
        match self.app.rooms.create_unchecked(&new).await? {
            Some(room) => Ok(room),
            None => Ok(state.get_or_create_room(name, owner).await?),
        }
    }

    /// Changes the current state of a room: `host.change_room(&room, |room| room.is_public = false)`. Calls webhooks
    /// for a new topic, and when the room is archived or restored, in the name of the person at this machine. Returns
    /// the changed room.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Room`] if the room's name or topic is not allowed, or the room is archived or gone,
    /// [`Error::NoAdmin`] if nobody has signed in yet, and [`Error::Storage`] if the database fails.
    pub async fn change_room(
        &self,
        room: &Room,
        change: impl Fn(&mut Room),
    ) -> Result<Room, Error> {
        let by = self.default_owner().await?;
        Ok(self.app.rooms.change(room.id, &by, change).await?)
    }

    /// Deletes a room with all its content and tells its add-ons, in the name of the person at this machine. Returns
    /// false if there is no such room.
    ///
    /// # Errors
    ///
    /// Returns [`Error::NoAdmin`] if nobody has signed in yet, and [`Error::Storage`] if the database fails.
    pub async fn delete_room(&self, room: &Room) -> Result<bool, Error> {
        let by = self.default_owner().await?;
        Ok(self.app.rooms.delete(room, &by).await?)
    }

    async fn default_owner(&self) -> Result<User, Error> {
        self.app
            .accounts
            .default_owner()
            .await?
            .ok_or(Error::NoAdmin)
    }

    /// Calls the webhooks for an event. The host calls them itself for everything that it does.
    pub async fn emit(&self, room: &Room, event: RoomEvent) {
        self.app.webhooks.call(room.id, event).await;
    }

    /// Returns the latest webhook deliveries for a room, oldest first.
    pub fn deliveries(&self, room: &Room) -> Vec<Arc<Delivery>> {
        self.app.webhooks.deliveries(room.id)
    }

    /// Posts a message of a person to a room.
    ///
    /// # Errors
    ///
    /// Returns [`PostError`] if the room is archived, the text is empty or too long, or the database fails.
    pub async fn say(&self, room: &Room, user: &User, text: &str) -> Result<Entry, PostError> {
        let draft = Draft::from(text.to_owned());
        self.app.messages.post(room, user, draft).await
    }

    /// Installs the add-on with this descriptor URL in one room.
    ///
    /// # Errors
    ///
    /// Returns [`InstallError`] if the descriptor is invalid or the add-on refuses.
    pub async fn install(
        &self,
        room: &Room,
        descriptor_url: &str,
    ) -> Result<Installed, InstallError> {
        self.app
            .installer
            .install(descriptor_url, Some(room.id))
            .await
    }

    /// Installs the add-on with this descriptor URL for all rooms.
    ///
    /// # Errors
    ///
    /// Returns [`InstallError`] if the descriptor is invalid or the add-on refuses.
    pub async fn install_global(&self, descriptor_url: &str) -> Result<Installed, InstallError> {
        self.app.installer.install(descriptor_url, None).await
    }

    /// Reads an add-on's descriptor again, maybe from another URL, and updates the installation.
    ///
    /// # Errors
    ///
    /// Returns [`InstallError`] if the descriptor is invalid or belongs to another add-on.
    pub async fn update(
        &self,
        installed: &Installed,
        descriptor_url: &str,
    ) -> Result<Installed, InstallError> {
        self.app.installer.update(installed, descriptor_url).await
    }

    /// Queries the glances of an installation again for everyone who looks at them, for example after its add-on
    /// restarted with new code. Does not wait for the answers.
    pub fn query_again(&self, installed: &Installed) {
        self.app.installer.query_again(installed);
    }

    /// Removes an installation and tells its add-on, whatever that answers. Returns false if there is none.
    ///
    /// # Errors
    ///
    /// Returns [`StorageError`] if the database fails.
    pub async fn uninstall(&self, oauth_id: &OauthId) -> Result<bool, StorageError> {
        self.app.removals.uninstall(oauth_id).await
    }

    /// Returns the signed URL at which the person at this machine would open a panel now; on a host with sign-in, the
    /// first admin.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Panel`] if the panel cannot be opened, [`Error::NoAdmin`] if nobody has signed in yet, and
    /// [`Error::Storage`] if the database fails.
    pub async fn panel_url(
        &self,
        room: &Room,
        installed: &Installed,
        panel: &str,
    ) -> Result<String, Error> {
        let user = self.default_owner().await?;
        let panel = installed
            .descriptor
            .web_panel(panel)
            .ok_or_else(|| Error::Panel(format!("no panel {panel}")))?;
        let (url, authentication) = (&panel.url, panel.authentication());
        self.app
            .addon_calls
            .page_url(installed, url, authentication, Some(room.id), &user)
            .map(String::from)
            .map_err(|error| Error::Panel(error.to_string()))
    }

    /// Returns the host's metrics in the text format of Prometheus.
    ///
    /// # Errors
    ///
    /// Returns [`StorageError`] if the database fails.
    pub async fn metrics(&self) -> Result<String, StorageError> {
        self.app.metrics_reader.text().await
    }

    /// Reads the certificate and its key again, for new connections after a renewal. Does nothing on a host without
    /// HTTPS.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Certificate`] if they are invalid; the old ones stay in use.
    pub fn reload_certificate(&self) -> Result<(), Error> {
        match &self.certificate {
            Some(certificate) => Ok(certificate.reload()?),
            None => Ok(()),
        }
    }

    /// Shuts the host down: accepts no more requests, ends the event streams of pages, and waits for running requests
    /// and webhook calls, at most as long as [`Builder::grace`] says.
    pub async fn shutdown(mut self) {
        self.end.send_replace(true);
        let ending = async {
            if let Err(cause) = (&mut self.server).await {
                tracing::error!("the host's server ended early: {cause}");
            }
            self.app.webhooks.all_idle().await;
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
