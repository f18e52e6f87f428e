//! Calls without a method of their own.

use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Client;
use crate::{Error, ErrorKind, Result};

/// The HTTP method of a call.
///
/// ```
/// use glance_sdk::client::Method;
/// use serde_json::Value;
///
/// # use glance_host::Host;
/// # use glance_sdk::AddOn;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = Host::start().await;
/// # let room = host.room("ops").await;
/// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
/// # let client = add_on.client().await;
/// let room: Value = client.request(Method::Get, ["room", "ops"]).read().await?;
/// assert_eq!(room["name"], "ops");
/// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Reads a resource.
    Get,
    /// Performs an action; the client does not retry it if the host may have received it.
    Post,
    /// Creates or replaces a resource.
    Put,
    /// Removes a resource.
    Delete,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Delete => Self::DELETE,
        }
    }
}

impl Client {
    /// Builds a call of the REST API for which this crate has no method, with the same tokens,
    /// limits and retries as all other calls. The segments of the path may contain any text, except
    /// for the empty string, `.` and `..`.
    ///
    /// ```no_run
    /// use glance_sdk::client::{Client, Method};
    /// use serde_json::{Value, json};
    ///
    /// # async fn example(client: Client) -> glance_sdk::Result<()> {
    /// let topic = json!({ "topic": "All is well" });
    /// client.request(Method::Put, ["room", "42", "topic"]).body(&topic)?.send().await?;
    ///
    /// let history: Value = client
    ///     .request(Method::Get, ["room", "42", "history"])
    ///     .query("max-results", "10")
    ///     .read()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn request<'p>(
        &self,
        method: Method,
        path: impl IntoIterator<Item = &'p str>,
    ) -> Request<'_> {
        let path: Vec<_> = path.into_iter().collect();
        Request {
            client: self,
            method,
            url: self.url(&path),
            body: None,
        }
    }
}

/// A call under construction, created by [`Client::request`].
///
/// ```
/// use glance_sdk::client::Method;
/// use serde_json::Value;
///
/// # use glance_host::Host;
/// # use glance_sdk::AddOn;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = Host::start().await;
/// # let room = host.room("ops").await;
/// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
/// # let client = add_on.client().await;
/// let rooms: Value = client.request(Method::Get, ["room"]).query("max-results", "1").read().await?;
/// assert_eq!(rooms["items"][0]["name"], "ops");
/// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `send` or `read`"]
pub struct Request<'c> {
    client: &'c Client,
    method: Method,
    url: Result<Url>,
    body: Option<Value>,
}

impl Request<'_> {
    /// Adds a query parameter.
    ///
    /// ```
    /// use glance_sdk::client::Method;
    /// use serde_json::Value;
    ///
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = host.install_everywhere(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # host.room("dev").await;
    /// let rooms: Value = client.request(Method::Get, ["room"]).query("max-results", "1").read().await?;
    /// assert_eq!(rooms["items"].as_array().unwrap().len(), 1);
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if let Ok(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, value);
        }
        self
    }

    /// Sets the body, which is sent as JSON.
    ///
    /// ```
    /// use glance_sdk::client::Method;
    ///
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// let id = room_id.to_string();
    /// let notification = serde_json::json!({ "message": "Good morning", "message_format": "text" });
    /// let request = client.request(Method::Post, ["room", &id, "notification"]);
    /// request.body(&notification)?.send().await?;
    /// # assert_eq!(room.notification("morning").await.message, "Good morning");
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Invalid`] if the body cannot be serialized.
    pub fn body(mut self, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_value(body).map_err(|cause| {
            Error::new(ErrorKind::Invalid, "cannot serialize the body of the call")
                .with_source(cause)
        })?;
        self.body = Some(body);
        Ok(self)
    }

    /// Makes the call and ignores the body of the response.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Invalid`] if the path is invalid, then the errors of any call.
    pub async fn send(self) -> Result<()> {
        self.client
            .call::<serde::de::IgnoredAny>(self.method, &self.url?, self.body.as_ref())
            .await
            .map(drop)
    }

    /// Makes the call and parses the response.
    ///
    /// ```
    /// use glance_sdk::client::Method;
    ///
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// #[derive(serde::Deserialize)]
    /// struct Capabilities {
    ///     name: String,
    /// }
    ///
    /// let read: Capabilities = client.request(Method::Get, ["capabilities"]).read().await?;
    /// println!("The host is {}", read.name);
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`send`](Self::send), and [`ErrorKind::BadAnswer`] if the response is
    /// empty or does not match `T`.
    pub async fn read<T: DeserializeOwned>(self) -> Result<T> {
        let url = self.url?;
        self.client
            .call(self.method, &url, self.body.as_ref())
            .await?
            .ok_or_else(|| super::empty_response(&url))
    }
}
