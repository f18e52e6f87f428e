//! A running host.

mod builder;
mod error;
mod folder;
mod wrap;

use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use glance_sdk::model::OauthId;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::model::Delivery;
use crate::model::event::Event;
use crate::model::{Entry, Installed, NewRoom, Room, User};
use crate::net::inbound::tls::Certificate;
use crate::service::install;
use crate::service::install::InstallError;
use crate::service::messages::{Draft, PostError};
use crate::service::shared::Shared;
use crate::service::webhooks::RoomEvent;
use crate::storage::{Storage, StorageError};

pub use builder::Builder;
pub use error::Error;
pub(crate) use wrap::Wrap;

/// The port a host takes where nothing else is said.
pub const DEFAULT_PORT: u16 = 4400;

/// A running host. It ends when this is dropped.
#[derive(Debug)]
pub struct Host {
    pub(crate) shared: Arc<Shared>,
    pub(crate) certificate: Option<Arc<Certificate>>,
    pub(crate) end: watch::Sender<bool>,
    pub(crate) grace: Duration,
    pub(crate) server: JoinHandle<()>,
    /// Keeps other hosts from its data folder.
    pub(crate) _lock: Option<File>,
}

impl Host {
    /// A host that remembers nothing and listens at `127.0.0.1:4400`, to be changed.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where people and add-ons reach it, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.shared.info.base_url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.info.address
    }

    /// The address of a room's page.
    pub fn room_url(&self, room: &Room) -> String {
        format!("{}/rooms/{}", self.base_url(), room.id)
    }

    /// What it remembers.
    pub fn state(&self) -> &dyn Storage {
        &*self.shared.state
    }

    /// The room with this name, made where there is none and owned by the person at this machine, or
    /// by the first admin where people sign in.
    ///
    /// # Errors
    ///
    /// [`Error::NoAdmin`] where nobody has signed in yet, and [`Error::Storage`] where the database fails.
    pub async fn open_room(&self, name: &str) -> Result<Room, Error> {
        let state = &self.shared.state;
        let owner = self.steward().await?.id;
        let new = NewRoom {
            name: name.to_owned(),
            is_public: true,
            owner,
            topic: String::new(),
        };
        let Some(room) = state.create_room(&new).await? else {
            return Ok(state.get_or_create_room(name, owner).await?);
        };
        if let Some(owner) = state.user(owner).await? {
            self.emit(&room, RoomEvent::Created(owner)).await;
        }
        Ok(room)
    }

    /// Changes a room as it is by now: `host.change_room(&room, |room| room.is_public = false)`. Tells
    /// add-ons of a new topic, and that it was archived or brought back, as done by the person at
    /// this machine. Gives what became of it.
    ///
    /// # Errors
    ///
    /// [`Error::Room`] where the room's name or topic is not allowed, or it is archived or gone,
    /// [`Error::NoAdmin`] where nobody has signed in yet, and [`Error::Storage`] where the database fails.
    pub async fn change_room(
        &self,
        room: &Room,
        change: impl Fn(&mut Room),
    ) -> Result<Room, Error> {
        let by = self.steward().await?;
        Ok(self.shared.rooms.change(room.id, &by, change).await?)
    }

    /// Deletes a room with all that is in it, and tells its add-ons, as done by the person at this
    /// machine; says whether there was one.
    ///
    /// # Errors
    ///
    /// [`Error::NoAdmin`] where nobody has signed in yet, and [`Error::Storage`] where the database fails.
    pub async fn delete_room(&self, room: &Room) -> Result<bool, Error> {
        let by = self.steward().await?;
        Ok(self.shared.rooms.delete(room, &by).await?)
    }

    async fn steward(&self) -> Result<User, Error> {
        self.shared.steward().await?.ok_or(Error::NoAdmin)
    }

    /// Calls the webhooks that listen for an event. The host emits the events of what it does itself.
    pub async fn emit(&self, room: &Room, event: RoomEvent) {
        self.shared.webhooks.call(room.id, event).await;
    }

    /// The latest calls of webhooks for a room, oldest first.
    pub fn deliveries(&self, room: &Room) -> Vec<Arc<Delivery>> {
        self.shared.webhooks.deliveries(room.id)
    }

    /// Posts a message of a person to a room.
    ///
    /// # Errors
    ///
    /// Returns [`PostError`] if the room is archived, the text is empty or too long, or the database fails.
    pub async fn say(&self, room: &Room, user: &User, text: &str) -> Result<Entry, PostError> {
        let draft = Draft::from(text.to_owned());
        self.shared.messages.post(room, user, draft).await
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

    /// Queries the glances of an installation again for everyone who looks at them, as after a restart of
    /// its add-on with other code. Returns before the answers arrive.
    pub fn query_again(&self, installed: &Installed) {
        let event = Event::QueryAgain(installed.oauth_id.clone());
        self.shared.bus.publish(install::places(installed), event);
    }

    /// Removes an installation, whatever its add-on says to it; false where there was none.
    ///
    /// # Errors
    ///
    /// [`StorageError`] where the database fails.
    pub async fn uninstall(&self, oauth_id: &OauthId) -> Result<bool, StorageError> {
        self.shared.removals.uninstall(oauth_id).await
    }

    /// The address at which the person at this machine would open a panel now, signed; or the first
    /// admin where people sign in.
    ///
    /// # Errors
    ///
    /// [`Error::Panel`] where it cannot be opened, [`Error::NoAdmin`] where nobody has signed in yet, and
    /// [`Error::Storage`] where the database fails.
    pub async fn panel_url(
        &self,
        room: &Room,
        installed: &Installed,
        panel: &str,
    ) -> Result<String, Error> {
        let user = self.steward().await?;
        let panel = installed
            .descriptor
            .web_panel(panel)
            .ok_or_else(|| Error::Panel(format!("no panel {panel}")))?;
        let (url, authentication) = (&panel.url, panel.authentication());
        self.shared
            .addon_calls
            .page_url(installed, url, authentication, Some(room.id), &user)
            .map(String::from)
            .map_err(Error::Panel)
    }

    /// What it counts, in the text format of Prometheus.
    ///
    /// # Errors
    ///
    /// [`StorageError`] where the database fails.
    pub async fn metrics(&self) -> Result<String, StorageError> {
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
            Some(certificate) => Ok(certificate.reload()?),
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
