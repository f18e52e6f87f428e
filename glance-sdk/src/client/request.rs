//! A call that this crate has no method for.

use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Client;
use crate::{Error, ErrorKind, Result};

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Reads.
    Get,
    /// Does something; it is not sent again where the host may have seen it.
    Post,
    /// Says what should be.
    Put,
    /// Removes.
    Delete,
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
    /// A call of the REST API that this crate has no method for: with the same tokens, limits and
    /// retries as all others. The path is given by its segments, which may hold anything but
    /// nothing, `.` and `..`.
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

/// A call that is being put together; [`Client::request`] begins one.
#[derive(Debug)]
#[must_use = "nothing is sent before `send` or `read`"]
pub struct Request<'c> {
    client: &'c Client,
    method: Method,
    url: Result<Url>,
    body: Option<Value>,
}

impl Request<'_> {
    /// Adds a parameter to the query.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if let Ok(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, value);
        }
        self
    }

    /// Sets the body, sent as JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] where it cannot be written as JSON.
    pub fn body(mut self, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_value(body).map_err(|cause| {
            Error::new(ErrorKind::Invalid, "the body of a call is no JSON").with_source(cause)
        })?;
        self.body = Some(body);
        Ok(self)
    }

    /// Makes the call and passes over the answer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] where the path is none, then those of any call.
    pub async fn send(self) -> Result<()> {
        self.client
            .call::<serde::de::IgnoredAny>(self.method, &self.url?, self.body.as_ref())
            .await
            .map(drop)
    }

    /// Makes the call and reads the answer.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`ErrorKind::BadAnswer`] where the answer is empty or is not
    /// what `T` can be read from.
    pub async fn read<T: DeserializeOwned>(self) -> Result<T> {
        let url = self.url?;
        self.client
            .call(self.method, &url, self.body.as_ref())
            .await?
            .ok_or_else(|| super::nothing(&url))
    }
}
