//! What host and add-ons say to each other, in a form that may be kept: no secret and no token is
//! in it.

mod names;
mod recorder;
mod secrets;

use std::collections::BTreeMap;

use glance_sdk::model::OauthId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use names::Names;
pub(crate) use recorder::{FORMAT, Recorder};
pub(crate) use secrets::Secrets;

use crate::content::token_parts::payload;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Party {
    /// The host calls an add-on.
    Host,
    /// An add-on calls the host.
    AddOn,
}

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Purpose {
    /// The host reads a descriptor.
    Descriptor,
    /// The host introduces itself.
    Installation,
    /// The host tells of an update.
    Update,
    /// The host tells of a removal.
    Removal,
    /// The host asks for a glance's data.
    Query,
    /// The host tells what happened.
    Webhook,
    /// The add-on reads what the host is capable of.
    Capabilities,
    /// The add-on asks for a token.
    Token,
    /// The add-on uses the REST API.
    Api,
}

/// A call and its answer. Secrets, tokens and signed requests are replaced by placeholders.
///
/// ```
/// use glance_host::testing::Party;
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
    /// Its number, by the order in which calls began.
    pub n: u64,
    /// When it began, in milliseconds since the host started, or the recording.
    pub at: u64,
    /// Who called.
    pub from: Party,
    /// What for.
    pub purpose: Purpose,
    /// Whose call it is, or for whom, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<OauthId>,
    /// The method, in upper case.
    pub method: String,
    /// The path and the query of a call of the host's API; the whole address of a call of an
    /// add-on.
    pub url: String,
    /// What the request's headers say, of those that matter to the protocol, by lower-case name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// What was signed, but for what is another thing each time.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub claims: Value,
    /// What was sent: JSON where it is, else text; null for nothing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// The answer's status; none where no answer came.
    pub status: Option<u16>,
    /// What the answer's headers say, of those that matter to the protocol, by lower-case name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answer_headers: BTreeMap<String, String>,
    /// What was answered, as `body` has it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub answer: Value,
}

impl Exchange {
    /// The path, without a query and without an address before it.
    pub fn path(&self) -> &str {
        let path = self.url.split('?').next().unwrap_or_default();
        match path.split_once("://") {
            Some((_, behind)) => behind.find('/').map_or("/", |at| &behind[at..]),
            None => path,
        }
    }
}

/// JSON where it is, else text; null for nothing.
pub(crate) fn readable(body: &[u8]) -> Value {
    match body.is_empty() {
        true => Value::Null,
        false => glance_sdk::json::from_slice(body)
            .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into()),
    }
}

/// What a token says, but for its issuer, times and number.
pub(crate) fn claims(token: &str) -> Value {
    let mut claims = payload(token);
    if let Some(claims) = claims.as_object_mut() {
        claims.retain(|name, _| !matches!(&**name, "iss" | "iat" | "exp" | "jti"));
    }
    claims
}
