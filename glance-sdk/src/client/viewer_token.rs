//! Viewer tokens: what opens a room's sidebar on another site.

use serde::{Deserialize, Serialize};

use super::push::{Room, RoomUser};
use super::{Client, Method};
use crate::Result;
use crate::model::Secret;

/// Opens the sidebar of one room, for one person, for a few minutes.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct ViewerToken {
    /// The token, for the `token` of a `<glance-sidebar>`.
    pub token: Secret,
    /// For how many seconds it holds.
    pub expires_in: u64,
    /// The address of the sidebar, for the `src` of a `<glance-sidebar>`.
    pub sidebar_url: String,
}

#[derive(Serialize)]
struct Wanted<'a> {
    room_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
}

impl Room<'_> {
    /// A token for whoever looks at the page that shows this room's sidebar, as a guest without a
    /// name. It needs the scope `viewer_token`, and a glance-host.
    ///
    /// ```no_run
    /// use glance_sdk::client::Client;
    ///
    /// # async fn example(client: Client) -> glance_sdk::Result<()> {
    /// let viewer = client.room(42).viewer_token().await?;
    /// let (src, token) = (&viewer.sidebar_url, viewer.token.expose());
    /// let html = format!("<glance-sidebar src=\"{src}\" token=\"{token}\"></glance-sidebar>");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub async fn viewer_token(&self) -> Result<ViewerToken> {
        ask(self.client, &self.room, None).await
    }
}

impl RoomUser<'_> {
    /// A token for this person, whom the add-on vouches for: the sidebar shows what they would see
    /// in the room. It needs the scope `viewer_token`, an installation for all rooms, and a glance-host.
    ///
    /// ```no_run
    /// use glance_sdk::client::Client;
    ///
    /// # async fn example(client: Client) -> glance_sdk::Result<()> {
    /// let viewer = client.room(42).user(5).viewer_token().await?;
    /// println!("{} opens the sidebar for {} s", viewer.sidebar_url, viewer.expires_in);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub async fn viewer_token(&self) -> Result<ViewerToken> {
        ask(self.client, &self.room, Some(&self.user)).await
    }
}

async fn ask(client: &Client, room: &str, user: Option<&str>) -> Result<ViewerToken> {
    let wanted = Wanted {
        room_id: room,
        user_id: user,
    };
    let request = client.request(Method::Post, ["viewer-token"]);
    request.body(&wanted)?.read().await
}
