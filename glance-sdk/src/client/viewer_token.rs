//! Viewer tokens, with which another site embeds a room's sidebar.

use serde::{Deserialize, Serialize};

use super::push::{Room, RoomUser};
use super::{Client, Method};
use crate::Result;
use crate::model::Secret;

/// A token that opens the sidebar of one room for one person, for a few minutes.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct ViewerToken {
    /// The token, for the `token` of a `<glance-sidebar>`.
    pub token: Secret,
    /// The lifetime of the token, in seconds.
    pub expires_in: u64,
    /// The URL of the sidebar, for the `src` of a `<glance-sidebar>`.
    pub sidebar_url: String,
}

#[derive(Serialize)]
struct ViewerTokenForm<'a> {
    room_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
}

impl Room<'_> {
    /// Requests a token for anonymous viewers of this room's sidebar, as guests without a name.
    /// Requires the scope `viewer_token`, and a glance-host.
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
    /// Returns the errors of [`push`](Self::push).
    pub async fn viewer_token(&self) -> Result<ViewerToken> {
        request_token(self.client, &self.room, None).await
    }
}

impl RoomUser<'_> {
    /// Requests a token for this person, for whom the add-on vouches: the sidebar shows the
    /// person's own view of the room. Requires the scope `viewer_token`, an installation for all
    /// rooms, and a glance-host.
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
    /// Returns the errors of [`push`](Self::push).
    pub async fn viewer_token(&self) -> Result<ViewerToken> {
        request_token(self.client, &self.room, Some(&self.user)).await
    }
}

async fn request_token(client: &Client, room: &str, user: Option<&str>) -> Result<ViewerToken> {
    let form = ViewerTokenForm {
        room_id: room,
        user_id: user,
    };
    let request = client.request(Method::Post, ["viewer-token"]);
    request.body(&form)?.read().await
}
