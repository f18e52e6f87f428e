//! Pushes new glance data to a group, a room, a user, or a user in a room.

use std::fmt;
use std::pin::pin;

use serde::Serialize;
use serde_json::Value;
use tracing::{Instrument as _, Span};

use super::{Client, Instance, Method};
use crate::base_url::{complete, is_path};
use crate::glance::{Glance, PersonalGlance};
use crate::model::{GlanceData, RoomId, Status, UiUpdate, UserId};
use crate::{Error, ErrorKind, Result};

impl Client {
    /// Selects the whole group: a push here reaches every room.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// # use glance_host::Host;
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds").glance::<builds>()).await;
    /// # let (client, room_id) = (add_on.client().await, room.room.id);
    /// # let mut viewer = room.viewer("ann").await;
    /// # viewer.glance::<builds>().await;
    /// let data = GlanceData::new(label!("<b>0</b> broken builds"));
    /// client.group().push::<builds>(data).await?;
    /// # viewer.label("builds", "0 broken builds").await;
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn group(&self) -> Group<'_> {
        Group { client: self }
    }

    /// Selects a room by id.
    ///
    /// ```
    /// use glance_sdk::model::Notification;
    ///
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// client.room(room_id).notify(&Notification::text("Good morning")).await?;
    /// # assert_eq!(room.notification("morning").await.message, "Good morning");
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn room(&self, room: impl Into<RoomId>) -> Room<'_> {
        Room {
            client: self,
            room: room.into().to_string(),
        }
    }

    /// Selects a user by id: a push here reaches one person in every room.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// # use glance_host::Host;
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds").glance::<builds>()).await;
    /// # let (client, room_id) = (add_on.client().await, room.room.id);
    /// # let mut viewer = room.viewer("ann").await;
    /// # viewer.glance::<builds>().await;
    /// # let user_id = host.user("ann", |_| ()).await.id;
    /// let data = GlanceData::new(label!("<b>1</b> build of yours is broken"));
    /// client.user(user_id).push::<builds>(data).await?;
    /// # viewer.label("builds", "1 build of yours is broken").await;
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn user(&self, user: impl Into<UserId>) -> User<'_> {
        User {
            client: self,
            user: user.into().to_string(),
        }
    }
}

/// The whole group.
///
/// ```no_run
/// use glance_sdk::client::Client;
/// use glance_sdk::model::{Action, ActionLocation};
///
/// # async fn example(client: Client) -> glance_sdk::Result<()> {
/// let action = Action::new("deploy", "Deploy", ActionLocation::Input, "deploy-dialog");
/// client.group().actions().create(&action).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Group<'c> {
    pub(super) client: &'c Client,
}

/// One room.
///
/// ```
/// use glance_sdk::model::Notification;
///
/// # use glance_host::Host;
/// # use glance_sdk::AddOn;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = Host::start().await;
/// # let room = host.room("ops").await;
/// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
/// # let client = add_on.client().await;
/// # let room_id = room.room.id;
/// let details = client.room(room_id).get().await?;
/// if details.is_archived != Some(true) {
///     client.room(room_id).notify(&Notification::text("Good morning")).await?;
/// }
/// # assert_eq!(room.notification("morning").await.message, "Good morning");
/// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Room<'c> {
    pub(super) client: &'c Client,
    pub(super) room: String,
}

/// One person, in every room.
#[derive(Debug)]
pub struct User<'c> {
    pub(super) client: &'c Client,
    pub(super) user: String,
}

/// One person in one room.
#[derive(Debug)]
pub struct RoomUser<'c> {
    pub(super) client: &'c Client,
    pub(super) room: String,
    pub(super) user: String,
}

impl<'c> Room<'c> {
    /// Selects one person in this room.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// # use glance_host::Host;
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds").glance::<builds>()).await;
    /// # let (client, room_id) = (add_on.client().await, room.room.id);
    /// # let mut viewer = room.viewer("ann").await;
    /// # viewer.glance::<builds>().await;
    /// # let user_id = host.user("ann", |_| ()).await.id;
    /// let data = GlanceData::new(label!("You broke the build"));
    /// client.room(room_id).user(user_id).push::<builds>(data).await?;
    /// # viewer.label("builds", "You broke the build").await;
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn user(self, user: impl Into<UserId>) -> RoomUser<'c> {
        RoomUser {
            client: self.client,
            room: self.room,
            user: user.into().to_string(),
        }
    }
}

macro_rules! pushes {
    ($($scope:ident<$glance:ident>: $call:literal, $to:literal, |$this:ident| $room:expr, $path:expr;)*) => { $(
        impl $scope<'_> {
            /// Pushes new data of the glance `G` to every connected person here. It replaces the
            /// previous data completely, including the metadata. A host does not store it: people
            /// who connect later get the result of the query.
            ///
            /// ```no_run
            /// use glance_sdk::client::Client;
            /// use glance_sdk::prelude::*;
            ///
            /// # #[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
            /// # async fn builds() -> GlanceData { GlanceData::new(label!("x")) }
            /// # async fn example(client: Client) -> glance_sdk::Result<()> {
            /// let data = GlanceData::new(label!("<b>0</b> broken builds"));
            #[doc = concat!($call, ".push::<builds>(data).await?;")]
            /// # Ok(()) }
            /// ```
            ///
            /// # Errors
            ///
            /// Returns an error of [`ErrorKind`](crate::ErrorKind) `Unreachable` if the host does not
            /// respond, `Unauthorized` if it no longer knows the installation, `NotFound` if it does
            /// not have this room, user or glance, and `Refused` if it refuses the data.
            pub async fn push<G: $glance>(&self, data: GlanceData<G::Metadata>) -> Result<()> {
                self.update(&UiUpdate::one(G::KEY, data)).await
            }

            /// Pushes new data of an instance of the runtime glance `G`.
            ///
            /// # Errors
            ///
            /// Returns the errors of [`push`](Self::push).
            pub async fn push_instance<G: $glance>(
                &self,
                instance: &Instance<G>,
                data: GlanceData<G::Metadata>,
            ) -> Result<()> {
                self.update(&UiUpdate::one(instance.key(), data)).await
            }

            /// Pushes new data of several glances, or of glances created at run time.
            ///
            /// ```no_run
            /// use glance_sdk::client::Client;
            /// use glance_sdk::model::UiUpdate;
            /// use glance_sdk::prelude::*;
            ///
            /// # async fn example(client: Client) -> glance_sdk::Result<()> {
            /// let data: GlanceData = GlanceData::new(label!("Deployment 7 is <b>done</b>"));
            #[doc = concat!($call, ".update(&UiUpdate::one(\"deploy-7\", data)).await?;")]
            /// # Ok(()) }
            /// ```
            ///
            /// # Errors
            ///
            /// Those of [`push`](Self::push).
            pub async fn update<M: Serialize>(&self, update: &UiUpdate<M>) -> Result<()> {
                let $this = self;
                self.client.send_update($to, $room, &$path, update).await
            }
        }
    )* };
}

impl Client {
    async fn send_update<M: Serialize>(
        &self,
        to: &'static str,
        room: Option<&str>,
        path: &[&str],
        update: &UiUpdate<M>,
    ) -> Result<()> {
        let keys = update.glance.iter().map(|glance| glance.key.as_str());
        let span = self.push_span(to, room, keys);
        let push = pin!(async {
            match self.completed_update(update)? {
                Some(update) => self.send(Method::Post, path, Some(&update)).await,
                None => self.send(Method::Post, path, Some(update)).await,
            }
        });
        push.instrument(span).await
    }

    /// Creates the span of a push of these glances.
    pub(super) fn push_span<'k>(
        &self,
        to: &'static str,
        room: Option<&str>,
        keys: impl Iterator<Item = &'k str> + Clone,
    ) -> Span {
        tracing::debug_span!(
            "glance.push",
            glance.keys = %Keys(keys),
            glance.to = to,
            glance.room = room,
            glance.oauth_id = self.installation().oauth_id().as_str(),
        )
    }

    /// Serializes the update with absolute URLs if the URL of one of its icons is not absolute.
    fn completed_update<M: Serialize>(&self, update: &UiUpdate<M>) -> Result<Option<Value>> {
        let has_path = update
            .glance
            .iter()
            .any(|glance| match &glance.content.status {
                Some(Status::Icon(icon)) => {
                    is_path(&icon.url) || icon.url_2x.as_deref().is_some_and(is_path)
                }
                Some(Status::Other(_)) => true,
                Some(Status::Lozenge(_)) | None => false,
            });
        if !has_path {
            return Ok(None);
        }
        let mut update = serde_json::to_value(update).map_err(|cause| {
            Error::new(ErrorKind::Invalid, "cannot serialize the glance data").with_source(cause)
        })?;
        if let Some(glances) = update.get_mut("glance").and_then(Value::as_array_mut) {
            for content in glances
                .iter_mut()
                .filter_map(|glance| glance.get_mut("content"))
            {
                complete(self.base_url(), content)?;
            }
        }
        Ok(Some(update))
    }
}

/// Displays the keys of glances, separated by commas, and only if a subscriber records the span.
struct Keys<I>(I);

impl<'k, I: Iterator<Item = &'k str> + Clone> fmt::Display for Keys<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.clone().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{key}")?;
        }
        Ok(())
    }
}

pushes! {
    Group<Glance>: "client.group()", "group", |_this| None, ["addon", "ui"];
    Room<Glance>: "client.room(42)", "room", |this| Some(&this.room), ["addon", "ui", "room", &this.room];
    User<PersonalGlance>: "client.user(5)", "user", |this| None, ["addon", "ui", "user", &this.user];
    RoomUser<PersonalGlance>: "client.room(42).user(5)", "room_user",
        |this| Some(&this.room), ["addon", "ui", "room", &this.room, "user", &this.user];
}
