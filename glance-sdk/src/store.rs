//! Stores of installations, which add-ons keep between two starts.
//!
//! ```
//! use glance_sdk::model::InstallationData;
//! use glance_sdk::store::{Endpoints, Installation, InstallationStore, MemoryStore};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = MemoryStore::default();
//! let data = InstallationData::new("id".into(), "secret".into(), "https://chat.example/v2/capabilities", 1.into());
//! let endpoints = Endpoints::new("https://chat.example/v2/oauth/token", "https://chat.example/v2/");
//! store.put(&Installation::new(data, endpoints)).await?;
//! assert!(store.get(&"id".into()).await?.is_some());
//! # Ok::<(), glance_sdk::Error>(()) }).unwrap();
//! ```

pub mod conformance;
mod encrypted;
mod keyring;
mod memory;
#[cfg(feature = "store-postgres")]
mod postgres;
mod sharing;
#[cfg(feature = "store-sqlite")]
mod sqlite;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

/// The attribute for implementations of [`InstallationStore`].
pub use async_trait::async_trait;
pub use encrypted::EncryptedStore;
pub use keyring::Keyring;
pub use memory::MemoryStore;
#[cfg(all(feature = "store-postgres", feature = "server"))]
pub(crate) use postgres::is_lost;
#[cfg(feature = "store-postgres")]
pub use postgres::{PostgresStore, PostgresStoreBuilder};
pub use sharing::{AccessToken, Claimed, RequestClaim};
#[cfg(feature = "store-sqlite")]
pub use sqlite::SqliteStore;

use crate::Result;
use crate::model::{GroupId, InstallationData, OauthId, RoomId, Secret};

/// The number of installations that [`InstallationStore::list`] reads at a time.
const PAGE: usize = 1000;

/// A stored installation.
///
/// ```
/// use glance_sdk::model::InstallationData;
/// use glance_sdk::store::{Endpoints, Installation};
///
/// let capabilities = "https://chat.example.com/v2/capabilities";
/// let data = InstallationData::new("id".into(), "secret".into(), capabilities, 1.into());
/// let token = "https://chat.example.com/v2/oauth/token";
/// let endpoints = Endpoints::new(token, "https://chat.example.com/v2/");
/// let installation = Installation::new(data, endpoints);
/// assert_eq!(installation.origin().as_deref(), Some("https://chat.example.com"));
/// assert_eq!(installation.room_id(), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Installation {
    /// The data that the host posted.
    pub data: InstallationData,
    /// The addresses of the host's APIs.
    pub endpoints: Endpoints,
}

impl Installation {
    /// Creates an installation on a host with these endpoints.
    pub fn new(data: InstallationData, endpoints: Endpoints) -> Self {
        Self { data, endpoints }
    }

    /// Returns the id of the installation.
    pub fn oauth_id(&self) -> &OauthId {
        &self.data.oauth_id
    }

    /// Returns the room of the installation, or `None` if the whole group has installed the add-on.
    pub fn room_id(&self) -> Option<RoomId> {
        self.data.room_id
    }

    /// Returns the origin of the host, as browsers write it, such as `https://chat.example.com`. It
    /// is the origin of the host's capabilities document, or `None` if that has no web address.
    pub fn origin(&self) -> Option<String> {
        origin(&self.data.capabilities_url)
    }

    /// Returns the URL of the host's JavaScript API, for the `<script src>` of a page.
    ///
    /// ```
    /// use glance_sdk::model::InstallationData;
    /// use glance_sdk::store::{Endpoints, Installation};
    ///
    /// let capabilities = "https://chat.example.com/v2/capabilities";
    /// let data = InstallationData::new("id".into(), "secret".into(), capabilities, 1.into());
    /// let token = "https://chat.example.com/v2/oauth/token";
    /// let endpoints = Endpoints::new(token, "https://chat.example.com/v2/");
    /// assert_eq!(
    ///     Installation::new(data, endpoints).script_url(),
    ///     "https://chat.example.com/atlassian-connect/all.js"
    /// );
    /// ```
    pub fn script_url(&self) -> String {
        let api = self.endpoints.api_url.trim_end_matches('/');
        let host = api.strip_suffix("/v2").unwrap_or(api);
        format!("{host}/atlassian-connect/all.js")
    }
}

/// The addresses of a host's APIs, from its capabilities document.
///
/// ```
/// use glance_sdk::store::Endpoints;
///
/// let token = "https://chat.example.com/v2/oauth/token";
/// let endpoints = Endpoints::new(token, "https://chat.example.com/v2/");
/// assert_eq!(endpoints.api_url, "https://chat.example.com/v2/");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Endpoints {
    /// The token endpoint.
    pub token_url: String,
    /// The REST API, with a trailing slash.
    pub api_url: String,
}

impl Endpoints {
    /// Creates endpoints with these addresses.
    pub fn new(token_url: impl Into<String>, api_url: impl Into<String>) -> Self {
        Self {
            token_url: token_url.into(),
            api_url: api_url.into(),
        }
    }
}

/// The state of the questions to a host whether it still knows an installation, after a request to
/// remove it without proof. By default there was no request, and no question is due.
///
/// ```
/// use glance_sdk::store::RemovalCheck;
///
/// let asked_once = RemovalCheck::new(1, Some(1_000), Some(1_060));
/// assert_ne!(asked_once, RemovalCheck::default());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovalCheck {
    /// The number of questions since the last request to remove the installation.
    pub attempts: u32,
    /// The time of the last question, in seconds since 1970.
    pub asked_at: Option<i64>,
    /// The time of the next question, in seconds since 1970.
    pub due_at: Option<i64>,
}

impl RemovalCheck {
    /// Creates a check with these values.
    pub fn new(attempts: u32, asked_at: Option<i64>, due_at: Option<i64>) -> Self {
        Self {
            attempts,
            asked_at,
            due_at,
        }
    }
}

/// A store of installations. Acknowledged changes must survive a crash.
///
/// The methods for data that processes share ([`access_token`](Self::access_token) and those after
/// it) have default implementations: they forward to the store in [`inner`](Self::inner), and share
/// nothing if there is no such store.
///
/// ```
/// use glance_sdk::store::{InstallationStore, MemoryStore};
/// # use glance_sdk::model::InstallationData;
/// # use glance_sdk::store::{Endpoints, Installation};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let data = InstallationData::new("id".into(), "secret".into(), "https://chat.example.com/v2/capabilities", 1.into());
/// # let installation = Installation::new(data, Endpoints::new("https://chat.example.com/v2/oauth/token", "https://chat.example.com/v2/"));
/// let store = MemoryStore::default();
/// store.put(&installation).await?;
/// assert_eq!(store.get(&"id".into()).await?, Some(installation));
/// assert_eq!(store.count(Some("https://chat.example.com")).await?, 1);
/// assert!(store.remove(&"id".into()).await?);
/// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
/// ```
#[async_trait]
pub trait InstallationStore: fmt::Debug + Send + Sync + 'static {
    /// Stores an installation, or replaces the one with the same id and secret.
    ///
    /// # Errors
    ///
    /// Returns [`Error::conflict`](crate::Error::conflict) and changes nothing if the id is stored
    /// with another secret: the installation request is not signed, and a stranger must not be able
    /// to replace a secret. Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store
    /// fails.
    async fn put(&self, installation: &Installation) -> Result<()>;

    /// Returns the installation with this id.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>>;

    /// Removes the installation with this id. Returns whether it existed.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn remove(&self, oauth_id: &OauthId) -> Result<bool>;

    /// Replaces the installation with the same id by one with a new secret, if the stored secret is
    /// `stored`. Returns whether it did. It serves to change the key that encrypts secrets;
    /// installation requests never cause it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn replace(&self, stored: &Secret, installation: &Installation) -> Result<bool>;

    /// Returns the first `limit` installations with an id after `after`, or from the start if
    /// `after` is `None`, ordered by the bytes of their ids. Fewer than `limit` are the last page.
    ///
    /// ```
    /// use glance_sdk::store::{InstallationStore, MemoryStore};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let store = MemoryStore::default();
    /// let mut after = None;
    /// loop {
    ///     let page = store.page(after.as_ref(), 1000).await?;
    ///     for installation in &page {
    ///         println!("{}", installation.oauth_id());
    ///     }
    ///     match page.last() {
    ///         Some(last) if page.len() == 1000 => after = Some(last.oauth_id().clone()),
    ///         _ => break,
    ///     }
    /// }
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn page(&self, after: Option<&OauthId>, limit: usize) -> Result<Vec<Installation>>;

    /// Returns the installations in this room, ordered by id.
    ///
    /// The result does not contain installations of the whole group, although they include the
    /// room: a room's number does not identify its group. [`in_group`](Self::in_group) returns
    /// them.
    ///
    /// ```
    /// use glance_sdk::model::RoomId;
    /// use glance_sdk::store::{Installation, InstallationStore, MemoryStore};
    /// # use glance_sdk::model::InstallationData;
    /// # use glance_sdk::store::Endpoints;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let mut data = InstallationData::new("id".into(), "secret".into(), "https://chat.example.com/v2/capabilities", 1.into());
    /// # data.room_id = Some(42.into());
    /// # let endpoints = Endpoints::new("https://chat.example.com/v2/oauth/token", "https://chat.example.com/v2/");
    /// # let store = MemoryStore::default();
    /// store.put(&Installation::new(data, endpoints)).await?;
    /// assert_eq!(store.in_room(RoomId::new(42)).await?.len(), 1);
    /// assert!(store.in_room(RoomId::new(43)).await?.is_empty());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn in_room(&self, room: RoomId) -> Result<Vec<Installation>>;

    /// Returns the installations of this group, ordered by id: those in its rooms, and those of the
    /// whole group (with `None` as their [`room_id`](Installation::room_id)).
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn in_group(&self, group: GroupId) -> Result<Vec<Installation>>;

    /// Counts the installations of hosts with this [origin](Installation::origin), or all if
    /// `origin` is `None`. Each new installation of an unknown host waits for the result.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn count(&self, origin: Option<&str>) -> Result<u64>;

    /// Returns the removal check of this installation, or `None` if the installation does not
    /// exist. A new installation has the default check, [`put`](Self::put) and
    /// [`replace`](Self::replace) do not change it, and removing the installation removes it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn removal_check(&self, oauth_id: &OauthId) -> Result<Option<RemovalCheck>>;

    /// Stores `new` as the removal check of this installation if the stored one equals `expected`,
    /// atomically. Returns whether it did. Thus only one of several processes makes a due check.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn set_removal_check(
        &self,
        oauth_id: &OauthId,
        expected: &RemovalCheck,
        new: &RemovalCheck,
    ) -> Result<bool>;

    /// Returns the first `limit` removal checks that are due by this time (in seconds since 1970),
    /// ordered by time and then by id.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn due_removal_checks(
        &self,
        until: i64,
        limit: usize,
    ) -> Result<Vec<(OauthId, RemovalCheck)>>;

    /// Returns all installations, ordered by id, in memory at once. If there may be very many, read
    /// them with [`page`](Self::page).
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn list(&self) -> Result<Vec<Installation>> {
        let mut all = Vec::new();
        loop {
            let after = all.last().map(Installation::oauth_id);
            let page = self.page(after, PAGE).await?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Returns the wrapped store, if there is one. The default implementations of the methods below
    /// forward to it, and so will the methods of later versions.
    fn inner(&self) -> Option<&dyn InstallationStore> {
        None
    }

    /// Returns the access token with this name that a process stored for the installation, whether
    /// or not it has expired; `None` if there is none. The processes of an add-on with a shared
    /// store thus use one token instead of requesting one each.
    ///
    /// The name has at most 64 characters and identifies the purpose of the token. Names are
    /// compared exactly.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn access_token(&self, oauth_id: &OauthId, name: &str) -> Result<Option<AccessToken>> {
        match self.inner() {
            Some(inner) => inner.access_token(oauth_id, name).await,
            None => Ok(None),
        }
    }

    /// Stores an access token of a stored installation, in place of the one with the same name.
    /// Returns whether it did. Also removes the installation's tokens whose
    /// [`renew_at`](AccessToken::renew_at) is not after `now` (in seconds since 1970), and those
    /// beyond [`MAX_PER_INSTALLATION`](AccessToken::MAX_PER_INSTALLATION). Removing the
    /// installation removes its tokens; [`put`](Self::put) and [`replace`](Self::replace) do not
    /// change them.
    ///
    /// ```
    /// use glance_sdk::store::{AccessToken, InstallationStore, MemoryStore};
    /// # use glance_sdk::model::InstallationData;
    /// # use glance_sdk::store::{Endpoints, Installation};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let data = InstallationData::new("id".into(), "secret".into(), "https://chat.example.com/v2/capabilities", 1.into());
    /// # let installation = Installation::new(data, Endpoints::new("https://chat.example.com/v2/oauth/token", "https://chat.example.com/v2/"));
    /// # let store = MemoryStore::default();
    /// # store.put(&installation).await?;
    /// let token = AccessToken::new("7f3a".into(), 4_540);
    /// assert!(store.put_access_token(&"id".into(), "send_notification", &token, 1_000).await?);
    /// assert_eq!(store.access_token(&"id".into(), "send_notification").await?, Some(token));
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn put_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        token: &AccessToken,
        now: i64,
    ) -> Result<bool> {
        match self.inner() {
            Some(inner) => inner.put_access_token(oauth_id, name, token, now).await,
            None => Ok(false),
        }
    }

    /// Removes the access token with this name if it equals `refused`, a token that the host no
    /// longer accepts. Returns whether it did: another process may have stored a new token since.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn remove_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        refused: &Secret,
    ) -> Result<bool> {
        match self.inner() {
            Some(inner) => inner.remove_access_token(oauth_id, name, refused).await,
            None => Ok(false),
        }
    }

    /// Records the use of a signed request, unless it was used before, atomically: of several
    /// processes that receive the same request, one gets [`Claimed::First`]. The store may remove
    /// expired requests, and removes those of a removed installation.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store fails.
    async fn claim_request(&self, claim: &RequestClaim) -> Result<Claimed> {
        match self.inner() {
            Some(inner) => inner.claim_request(claim).await,
            None => Ok(Claimed::NotShared),
        }
    }
}

#[async_trait]
impl<S: InstallationStore + ?Sized> InstallationStore for Arc<S> {
    async fn put(&self, installation: &Installation) -> Result<()> {
        (**self).put(installation).await
    }

    async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>> {
        (**self).get(oauth_id).await
    }

    async fn remove(&self, oauth_id: &OauthId) -> Result<bool> {
        (**self).remove(oauth_id).await
    }

    async fn replace(&self, stored: &Secret, installation: &Installation) -> Result<bool> {
        (**self).replace(stored, installation).await
    }

    async fn page(&self, after: Option<&OauthId>, limit: usize) -> Result<Vec<Installation>> {
        (**self).page(after, limit).await
    }

    async fn in_room(&self, room: RoomId) -> Result<Vec<Installation>> {
        (**self).in_room(room).await
    }

    async fn in_group(&self, group: GroupId) -> Result<Vec<Installation>> {
        (**self).in_group(group).await
    }

    async fn count(&self, origin: Option<&str>) -> Result<u64> {
        (**self).count(origin).await
    }

    async fn removal_check(&self, oauth_id: &OauthId) -> Result<Option<RemovalCheck>> {
        (**self).removal_check(oauth_id).await
    }

    async fn set_removal_check(
        &self,
        oauth_id: &OauthId,
        expected: &RemovalCheck,
        new: &RemovalCheck,
    ) -> Result<bool> {
        (**self).set_removal_check(oauth_id, expected, new).await
    }

    async fn due_removal_checks(
        &self,
        until: i64,
        limit: usize,
    ) -> Result<Vec<(OauthId, RemovalCheck)>> {
        (**self).due_removal_checks(until, limit).await
    }

    async fn list(&self) -> Result<Vec<Installation>> {
        (**self).list().await
    }

    fn inner(&self) -> Option<&dyn InstallationStore> {
        (**self).inner()
    }

    async fn access_token(&self, oauth_id: &OauthId, name: &str) -> Result<Option<AccessToken>> {
        (**self).access_token(oauth_id, name).await
    }

    async fn put_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        token: &AccessToken,
        now: i64,
    ) -> Result<bool> {
        (**self).put_access_token(oauth_id, name, token, now).await
    }

    async fn remove_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        refused: &Secret,
    ) -> Result<bool> {
        (**self).remove_access_token(oauth_id, name, refused).await
    }

    async fn claim_request(&self, claim: &RequestClaim) -> Result<Claimed> {
        (**self).claim_request(claim).await
    }
}

/// Returns scheme, host and port of a web address, as browsers write them.
pub(crate) fn origin(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https");
    is_web.then(|| url.origin().ascii_serialization())
}
