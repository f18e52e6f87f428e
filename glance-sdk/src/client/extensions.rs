//! Creates, reads and removes glances, actions and webhooks at run time, for one room or for the
//! whole group.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::list::List;
use super::push::{Group, Room};
use super::{Client, Instance, Method};
use crate::base_url::{BaseUrl, complete};
use crate::model::{Action, Glance, Webhook};
use crate::{Error, ErrorKind, Result};

/// The status of a host whose limit is reached, or that has the key in another place.
const CONFLICT: u16 = 409;

/// A kind of extension that can be created at run time: [`Glance`], [`Action`] or [`Webhook`].
pub trait Extension: Serialize + DeserializeOwned + Clone + sealed::Sealed {
    #[doc(hidden)]
    const KIND: &'static str;
    /// Whether a room and the group cannot both have the same key.
    #[doc(hidden)]
    const KEYS_CLASH: bool = false;
    #[doc(hidden)]
    fn key(&self) -> &str;
    /// Makes the URLs in it absolute.
    #[doc(hidden)]
    fn complete(&mut self, base_url: Option<&BaseUrl>) -> Result<()>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Glance {}
    impl Sealed for super::Action {}
    impl Sealed for super::Webhook {}
}

impl Extension for Glance {
    const KIND: &'static str = "glance";
    const KEYS_CLASH: bool = true;
    fn key(&self) -> &str {
        &self.key
    }
    fn complete(&mut self, base_url: Option<&BaseUrl>) -> Result<()> {
        complete(base_url, self)
    }
}

impl Extension for Action {
    const KIND: &'static str = "action";
    fn key(&self) -> &str {
        &self.key
    }
    fn complete(&mut self, base_url: Option<&BaseUrl>) -> Result<()> {
        complete(base_url, self)
    }
}

impl Extension for Webhook {
    const KIND: &'static str = "webhook";
    fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }
    fn complete(&mut self, base_url: Option<&BaseUrl>) -> Result<()> {
        complete(base_url, self)
    }
}

impl<'c> Room<'c> {
    /// Accesses the glances created at run time in this room; at most 10.
    ///
    /// ```
    /// use glance_sdk::model::{Glance, Icon};
    ///
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// let icon = Icon::new("https://ci.example.com/deploy.svg");
    /// client.room(room_id).glances().create(&Glance::new("deploy-7", "Deployment 7", icon)).await?;
    /// # assert!(client.room(room_id).glances().get("deploy-7").await.is_ok());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn glances(self) -> Extensions<'c, Glance> {
        self.extensions()
    }

    /// Accesses the actions created at run time in this room; at most 10.
    ///
    /// ```
    /// use glance_sdk::model::{Action, ActionLocation};
    ///
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// let action = Action::new("deploy", "Deploy", ActionLocation::Input, "deploy-dialog");
    /// client.room(room_id).actions().create(&action).await?;
    /// client.room(room_id).actions().remove("deploy").await?;
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn actions(self) -> Extensions<'c, Action> {
        self.extensions()
    }

    /// Accesses the webhooks created at run time in this room; at most 10. Requires the scope
    /// `admin_room`.
    ///
    /// ```no_run
    /// use glance_sdk::client::Client;
    /// use glance_sdk::model::{Event, Webhook};
    ///
    /// # async fn example(client: Client) -> glance_sdk::Result<()> {
    /// let webhook = Webhook::new(Event::RoomTopicChange, "/webhook/topic").key("topic").signed();
    /// client.room(42).webhooks().create(&webhook).await?;
    /// # Ok(()) }
    /// ```
    pub fn webhooks(self) -> Extensions<'c, Webhook> {
        self.extensions()
    }

    fn extensions<T: Extension>(self) -> Extensions<'c, T> {
        Extensions::new(self.client, Some(self.room))
    }
}

impl<'c> Group<'c> {
    /// Accesses the global glances, which are created at run time and shown in all rooms; at most
    /// 10.
    pub fn glances(self) -> Extensions<'c, Glance> {
        Extensions::new(self.client, None)
    }

    /// Accesses the global actions, which are created at run time and offered in all rooms; at most
    /// 10.
    pub fn actions(self) -> Extensions<'c, Action> {
        Extensions::new(self.client, None)
    }
}

/// The glances, actions or webhooks created at run time in one place.
///
/// ```no_run
/// use glance_sdk::client::Client;
/// use glance_sdk::model::{Event, Webhook};
///
/// # async fn example(client: Client) -> glance_sdk::Result<()> {
/// let webhook = Webhook::new(Event::RoomMessage, "https://add-on.example.com/said").key("said");
/// client.room(42).webhooks().create(&webhook).await?;
/// for webhook in client.room(42).webhooks().list().all().await? {
///     println!("{} goes to {}", webhook.event, webhook.url);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Extensions<'c, T> {
    pub(super) client: &'c Client,
    pub(super) room: Option<String>,
    kind: PhantomData<fn() -> T>,
}

impl<'c, T: Extension> Extensions<'c, T> {
    pub(super) fn new(client: &'c Client, room: Option<String>) -> Self {
        Self {
            client,
            room,
            kind: PhantomData,
        }
    }

    /// Creates this extension, or replaces the one with the same key. Its URLs may be paths of the
    /// add-on.
    ///
    /// ```
    /// use glance_sdk::model::{Glance, Icon};
    ///
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// let glances = client.room(room_id).glances();
    /// let glance = Glance::new("deploy-7", "Deployment 7", Icon::new("/deploy.svg"));
    /// glances.create(&glance).await?;
    /// glances.create(&glance.weight(10)).await?;
    /// assert_eq!(glances.get("deploy-7").await?.weight, Some(10));
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Invalid`] if the extension has no key.
    ///
    /// A host accepts 10 extensions per room and 10 global ones. It refuses keys that the
    /// descriptor declares, and a global glance with the key of a room's glance. The 11th extension
    /// fails with [`ErrorKind::Quota`], and a key that another place uses with
    /// [`ErrorKind::KeyTaken`], whichever process created the others. If this client created them,
    /// it sends nothing, and the message names them. All other refusals of the host are
    /// [`ErrorKind::Refused`].
    pub async fn create(&self, new: &T) -> Result<()> {
        if new.key().is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("a {} created at run time needs a key", T::KIND),
            ));
        }
        let mut new = new.clone();
        new.complete(self.client.base_url())?;
        let created = &self.client.shared.created;
        self.guard(created, new.key()).await?;
        let sent = self
            .client
            .send(Method::Put, &self.at(new.key()), Some(&new))
            .await;
        if let Err(error) = sent {
            return Err(self.explain_conflict(error, new.key()).await);
        }
        created.note(T::KIND, &self.room, new.key());
        Ok(())
    }

    /// Sets the kind of a conflict if the host does not give the reason: hosts other than this
    /// project's only respond with 409.
    async fn explain_conflict(&self, error: Error, key: &str) -> Error {
        if error.kind() != ErrorKind::Refused || error.status() != Some(CONFLICT) {
            return error;
        }
        let is_elsewhere = T::KEYS_CLASH
            && self.room.is_some()
            && Self::new(self.client, None).get(key).await.is_ok();
        error.with_kind(match is_elsewhere {
            true => ErrorKind::KeyTaken,
            false => ErrorKind::Quota,
        })
    }

    /// Reads the extension with this key.
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
    /// let error = client.room(room_id).glances().get("deploy-7").await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotFound);
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NotFound`] if it does not exist.
    pub async fn get(&self, key: &str) -> Result<T> {
        self.client.read(&self.at(key)).await
    }

    /// Removes the extension with this key.
    ///
    /// ```
    /// use glance_sdk::model::{Glance, Icon};
    ///
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// let glances = client.room(room_id).glances();
    /// # glances.create(&Glance::new("deploy-7", "Deployment 7", Icon::new("/deploy.svg"))).await?;
    /// glances.remove("deploy-7").await?;
    /// assert!(glances.get("deploy-7").await.is_err());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NotFound`] if it does not exist, and [`ErrorKind::Refused`] if the
    /// descriptor declares it.
    pub async fn remove(&self, key: &str) -> Result<()> {
        let removed = self
            .client
            .send(Method::Delete, &self.at(key), None::<&()>)
            .await;
        let is_there = |error: &Error| error.kind() != ErrorKind::NotFound;
        if !removed.as_ref().is_err_and(is_there) {
            let created = &self.client.shared.created;
            created.forget(T::KIND, &self.room, key);
        }
        removed
    }

    fn at<'k>(&'k self, key: &'k str) -> Vec<&'k str> {
        let room = self.room.iter().flat_map(|room| ["room", room]);
        room.chain(["extension", T::KIND, key]).collect()
    }
}

impl Extensions<'_, Glance> {
    /// Creates the glance `G`, or replaces the one with the same key. The add-on answers its query
    /// if [`AddOn::runtime_glance`](crate::AddOn::runtime_glance) registered it. The glance's URLs
    /// contain the current base URL of the add-on; if the base URL may change, create the glance
    /// again in [`AddOn::on_update`](crate::AddOn::on_update).
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::prelude::*;
    ///
    /// #[glance(key = "sprint", name = "Sprint", icon = "/sprint.svg")]
    /// async fn sprint() -> GlanceData {
    ///     GlanceData::new(label!("<b>3</b> days left"))
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let add_on = AddOn::new("com.example.sprint", "Sprint").runtime_glance::<sprint>();
    /// let add_on = room.install(add_on).await;
    /// add_on.client().await.room(room.room.id).glances().create_registered::<sprint>().await?;
    /// let line = room.viewer("ann").await.glance::<sprint>().await;
    /// assert_eq!(line.label_text(), "3 days left");
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if the glance is not registered, or if this process
    /// neither serves the add-on nor knows its [base
    /// URL](crate::client::Installations::with_base_url); otherwise the errors of
    /// [`create`](Self::create).
    pub async fn create_registered<G: crate::glance::Glance>(&self) -> Result<()> {
        self.create(&self.registered::<G>()?).await
    }

    /// Creates this instance of the glance `G`, or replaces the one with the same id, like
    /// [`create_registered`](Self::create_registered).
    ///
    /// ```no_run
    /// use glance_sdk::client::{Client, Instance};
    /// # use glance_sdk::extract::InstanceId;
    /// use glance_sdk::prelude::*;
    ///
    /// # #[glance(key = "ticket", name = "Ticket", icon = "/ticket.svg")]
    /// # async fn ticket(InstanceId(id): InstanceId) -> GlanceData { GlanceData::new(label!("{id}")) }
    /// # async fn example(client: Client) -> glance_sdk::Result<()> {
    /// for number in [17, 23] {
    ///     let instance = Instance::<ticket>::new(number)?.name(format!("Ticket {number}"));
    ///     client.room(42).glances().create_instance(&instance).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`create_registered`](Self::create_registered).
    pub async fn create_instance<G: crate::glance::Glance>(
        &self,
        instance: &Instance<G>,
    ) -> Result<()> {
        let kind = self.registered::<G>()?;
        self.create(&instance.descriptor(kind)).await
    }

    /// Returns the descriptor entry of a runtime glance. A process that does not serve the add-on
    /// builds it without checking that the serving process has registered the glance.
    fn registered<G: crate::glance::Glance>(&self) -> Result<Glance> {
        let shared = &self.client.shared;
        let missing = |what: String| Err(Error::new(ErrorKind::Configuration, what));
        match &shared.runtime_glances {
            Some(registered) => match registered.iter().find(|glance| glance.key == G::KEY) {
                Some(glance) => Ok(glance.clone()),
                None => missing(format!(
                    "the glance {} is not registered; add it with AddOn::runtime_glance",
                    G::KEY
                )),
            },
            None if shared.base_url.get().is_some() => {
                crate::glance::entry(G::descriptor(), G::when()).or_else(missing)
            }
            None => missing(format!(
                "this process does not know the base URL at which the add-on answers the glance {}; set it \
                 with Installations::with_base_url",
                G::KEY
            )),
        }
    }
}

impl Extensions<'_, Webhook> {
    /// Lists all webhooks of the room that the add-on may see. The host's number of each webhook is
    /// in its `extra`, as `id`.
    ///
    /// ```no_run
    /// use glance_sdk::client::Client;
    ///
    /// # async fn example(client: Client) -> glance_sdk::Result<()> {
    /// for webhook in client.room(42).webhooks().list().all().await? {
    ///     println!("{:?}: {} goes to {}", webhook.extra.get("id"), webhook.event, webhook.url);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self) -> List<Webhook> {
        let room = self.room.iter().flat_map(|room| ["room", room]);
        List::new(self.client, room.chain(["webhook"]))
    }
}
