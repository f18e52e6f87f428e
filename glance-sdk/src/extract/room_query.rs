//! The query of a glance whose data everyone in a room sees.

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;

use super::GlanceQuery;
use crate::Result;
use crate::client::Client;
use crate::glance::RoomArgument;
use crate::model::{OauthId, RoomId};

/// The query of a glance with `audience = "room"`: its room and its installation, but no person.
///
/// Everyone in the room sees the data of such a glance, so its function cannot take a
/// [`GlanceQuery`], which names the person who enters the room. This extractor is a
/// [`RoomArgument`] and accepts the same requests.
///
/// ```
/// use glance_host::Host;
/// use glance_sdk::prelude::*;
///
/// #[glance(key = "builds", name = "Builds", icon = "https://ci.example.com/build.svg",
///          audience = "room")]
/// async fn builds(query: RoomQuery, State(broken): State<u32>) -> GlanceData {
///     GlanceData::new(label!("<b>{broken}</b> broken builds in room {}", query.room_id()))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let host = Host::start().await;
/// let room = host.room("ops").await;
/// let add_on = AddOn::new("com.example.ci", "CI").state(3).glance::<builds>();
/// let _add_on = room.install(add_on).await;
/// let line = room.viewer("ann").await.glance::<builds>().await;
/// assert_eq!(line.label_text(), format!("3 broken builds in room {}", room.room.id));
/// # });
/// ```
#[derive(Clone)]
pub struct RoomQuery {
    query: GlanceQuery,
}

impl RoomQuery {
    /// Returns the room in which the glance is shown.
    pub fn room_id(&self) -> RoomId {
        self.query.room_id()
    }

    /// Returns the installation that queries.
    pub fn oauth_id(&self) -> &OauthId {
        self.query.oauth_id()
    }

    /// Creates a client that acts for the installation.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// #[glance(key = "topic", name = "Topic", icon = "/topic.svg", audience = "room")]
    /// async fn topic(query: RoomQuery) -> Result<GlanceData, Failure> {
    ///     let room = query.client().await?.room(query.room_id()).get().await?;
    ///     Ok(GlanceData::new(label!("{}", room.topic.unwrap_or_default())))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Installations::client`](crate::client::Installations::client).
    pub async fn client(&self) -> Result<Client> {
        self.query.signed_request().client().await
    }
}

impl RoomArgument for RoomQuery {}

/// Contains the room and the installation. The claims of the request also name a person.
impl fmt::Debug for RoomQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomQuery")
            .field("room_id", &self.room_id())
            .field("oauth_id", self.oauth_id())
            .finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RoomQuery {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let query = GlanceQuery::from_request_parts(parts, state).await?;
        Ok(Self { query })
    }
}
