//! Builds requests and hands them to a [`Transport`].

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use glance_sdk::egress::Redirects;
use percent_encoding::percent_decode_str;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;

use super::{Answer, AnswerLimits, NoAnswer, OutboundRequest, Transport};

/// The client for all requests of the host. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Outbound(Arc<dyn Transport>);

/// A request that is being built.
#[must_use = "a call does nothing until it is sent"]
pub(crate) struct Call {
    transport: Arc<dyn Transport>,
    request: Result<OutboundRequest, NoAnswer>,
}

impl Outbound {
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        Self(transport)
    }

    /// Creates a request. A user name and password in the URL become its header `Authorization`.
    pub(crate) fn request(&self, method: Method, url: Url, redirects: Redirects) -> Call {
        let mut request = OutboundRequest {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            redirects,
        };
        let credentials = take_credentials(&mut request.url);
        request
            .headers
            .extend(credentials.map(|value| (AUTHORIZATION, value)));
        Call {
            transport: Arc::clone(&self.0),
            request: Ok(request),
        }
    }
}

impl Call {
    pub(crate) fn header(self, name: HeaderName, value: impl AsRef<str>) -> Self {
        self.change(|request| {
            let value = HeaderValue::from_str(value.as_ref()).map_err(unusable)?;
            request.headers.append(name, value);
            Ok(())
        })
    }

    pub(crate) fn json(self, body: &impl Serialize) -> Self {
        self.change(|request| {
            request.body = Some(serde_json::to_vec(body).map_err(unusable)?);
            let json = HeaderValue::from_static("application/json");
            request.headers.entry(CONTENT_TYPE).or_insert(json);
            Ok(())
        })
    }

    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.change(|request| {
            request.body = Some(body.into());
            Ok(())
        })
    }

    fn change(mut self, change: impl FnOnce(&mut OutboundRequest) -> Result<(), NoAnswer>) -> Self {
        self.request = self.request.and_then(|mut request| {
            change(&mut request)?;
            Ok(request)
        });
        self
    }

    /// Sends the request and reads the answer: at most `max_bytes`, within `timeout`.
    pub(crate) async fn send(
        self,
        timeout: Duration,
        max_bytes: usize,
    ) -> Result<Answer, NoAnswer> {
        let limits = AnswerLimits { timeout, max_bytes };
        self.transport.send(self.request?, limits).await
    }
}

fn unusable(cause: impl std::error::Error) -> NoAnswer {
    NoAnswer::Unreachable(format!("cannot be called ({cause})"))
}

/// Removes the user name and password from a URL. Returns them as the value of an `Authorization` header.
fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text| percent_decode_str(text).decode_utf8().ok();
    let name = decoded(url.username())?;
    let password = url
        .password()
        .and_then(decoded)
        .unwrap_or(Cow::Borrowed(""));
    let value = BASE64_STANDARD.encode(format!("{name}:{password}"));
    let mut value = HeaderValue::try_from(format!("Basic {value}")).ok()?;
    value.set_sensitive(true);
    // These fail only for a URL without a host, which cannot have credentials.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_an_address_become_a_header() {
        for (url, expected) in [
            ("http://a.example/x", None),
            ("http://me:pw@a.example/x", Some("Basic bWU6cHc=")),
            ("http://me@a.example/x", Some("Basic bWU6")),
            ("http://:pw@a.example/x", Some("Basic OnB3")),
            ("http://m%65:p%77@a.example/x", Some("Basic bWU6cHc=")),
        ] {
            let mut parsed = Url::parse(url).unwrap();
            let header = take_credentials(&mut parsed);
            let header = header.as_ref().map(|value| value.to_str().unwrap());
            assert_eq!(header, expected, "{url}");
            assert_eq!(parsed.as_str(), "http://a.example/x");
        }
    }
}
