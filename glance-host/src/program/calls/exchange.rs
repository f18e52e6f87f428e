//! A call between a host and an add-on.

use std::collections::BTreeMap;

use glance_sdk::model::OauthId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::content::token_parts::payload;

/// The caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Party {
    /// The host calls an add-on.
    Host,
    /// An add-on calls the host.
    AddOn,
}

/// The purpose of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Purpose {
    /// The host reads a descriptor.
    Descriptor,
    /// The host posts the installation data.
    Installation,
    /// The host posts an update.
    Update,
    /// The host tells of a removal.
    Removal,
    /// The host queries a glance.
    Query,
    /// The host calls a webhook.
    Webhook,
    /// The add-on reads the host's capabilities.
    Capabilities,
    /// The add-on requests a token.
    Token,
    /// The add-on uses the REST API.
    Api,
}

/// A call and its answer. Secrets, tokens and signed requests are replaced by placeholders.
///
/// ```
/// use glance_host::calls::Party;
///
/// # use glance_host::testing::FaultHost;
/// # use glance_sdk::AddOn;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = FaultHost::start().await;
/// # let room = host.room("ops").await;
/// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
/// # let client = add_on.client().await;
/// client.room(room.room.id).get().await.unwrap();
/// let call = host.call(|call| call.path().ends_with(&room.room.id.to_string())).await;
/// assert_eq!((call.from, call.status), (Party::AddOn, Some(200)));
/// assert_eq!(call.headers["authorization"], "Bearer {{token}}");
/// # });
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Exchange {
    /// The number, in the order in which calls began.
    pub n: u64,
    /// The time when it began, in milliseconds since the start of the host or the recording.
    pub at: u64,
    /// The caller.
    pub from: Party,
    /// The purpose.
    pub purpose: Purpose,
    /// The installation that made or received the call, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<OauthId>,
    /// The method, in upper case.
    pub method: String,
    /// For a call to the host, path and query; for a call to an add-on, the whole URL.
    pub url: String,
    /// The request headers that matter to the protocol, by lower-case name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The claims of the token, without values that differ each time.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub claims: Value,
    /// The request body: JSON if possible, else text; null if empty.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// The status of the response; `None` without a response.
    pub status: Option<u16>,
    /// The response headers that matter to the protocol, by lower-case name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answer_headers: BTreeMap<String, String>,
    /// The response body, in the same form as `body`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub answer: Value,
}

impl Exchange {
    /// Returns the path, without query and origin.
    pub fn path(&self) -> &str {
        let path = self.url.split('?').next().unwrap_or_default();
        match path.split_once("://") {
            Some((_, behind)) => behind.find('/').map_or("/", |at| &behind[at..]),
            None => path,
        }
    }
}

/// Returns a body as JSON if possible, else as text; null if empty.
pub(crate) fn readable(body: &[u8]) -> Value {
    match body.is_empty() {
        true => Value::Null,
        false => glance_sdk::json::from_slice(body)
            .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into()),
    }
}

/// Returns the claims of a token without its issuer, times and id.
pub(super) fn claims(token: &str) -> Value {
    let mut claims = payload(token);
    if let Some(claims) = claims.as_object_mut() {
        claims.retain(|name, _| !matches!(&**name, "iss" | "iat" | "exp" | "jti"));
    }
    claims
}
