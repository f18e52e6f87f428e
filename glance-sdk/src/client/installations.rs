//! A client for any installation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[cfg(feature = "server")]
use super::keys::Keys;
use super::token::Tokens;
use super::{Client, http};
#[cfg(feature = "server")]
use crate::auth::SigningKey;
use crate::model::{Glance, OauthId};
use crate::store::{Installation, InstallationStore};
use crate::{Error, ErrorKind, Result};

/// All installations of the add-on, and a [`Client`] for each. Cloning is cheap and shares the
/// clients, hence their tokens.
///
/// The keys that verify requests are kept for half a minute: an installation that another process
/// removed from the store may have its say for so long.
#[derive(Debug, Clone)]
pub struct Installations {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn InstallationStore>,
    http: reqwest::Client,
    clients: Mutex<HashMap<OauthId, Client>>,
    /// What the add-on may create at run time, with absolute addresses.
    runtime_glances: Arc<[Glance]>,
    #[cfg(feature = "server")]
    keys: Keys,
}

impl Installations {
    /// The installations in this store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where TLS cannot be set up.
    pub fn new(store: Arc<dyn InstallationStore>) -> Result<Self> {
        Self::offering(store, Vec::new())
    }

    pub(crate) fn offering(
        store: Arc<dyn InstallationStore>,
        runtime_glances: Vec<Glance>,
    ) -> Result<Self> {
        Ok(Self {
            shared: Arc::new(Shared {
                store,
                http: http::client()?,
                clients: Mutex::default(),
                runtime_glances: runtime_glances.into(),
                #[cfg(feature = "server")]
                keys: Keys::default(),
            }),
        })
    }

    /// The client of this installation.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotInstalled`] where the store does not know it, [`ErrorKind::Storage`] where
    /// the store fails.
    pub async fn client(&self, oauth_id: &OauthId) -> Result<Client> {
        let known = self.clients().get(oauth_id).cloned();
        if let Some(client) = known.as_ref().filter(|client| !client.is_gone()) {
            return Ok(client.clone());
        }
        let installation = self.get(oauth_id).await?.ok_or_else(|| {
            self.clients().remove(oauth_id);
            Error::new(
                ErrorKind::NotInstalled,
                format!("no installation {oauth_id}"),
            )
        })?;
        let mut clients = self.clients();
        if let Some(gone) = known
            && clients.get(oauth_id).is_some_and(|now| now.is_gone())
        {
            if gone.is_of(&installation) {
                return Ok(gone);
            }
            // Another process installed it anew.
            clients.remove(oauth_id);
        }
        let client = || self.make_client(installation, Tokens::default());
        Ok(clients
            .entry(oauth_id.clone())
            .or_insert_with(client)
            .clone())
    }

    /// The installations that their hosts lately refused, as a host does that removed the add-on
    /// without telling it; [`Client::is_gone`] says it of one. They stay in the store, for a host
    /// that answers wrongly for once must not cost the add-on its data: who is sure calls
    /// [`remove`](Self::remove). A new installation clears the mark, and so does a token.
    ///
    /// It knows what this process tried since it began.
    pub fn gone(&self) -> Vec<OauthId> {
        let mut gone: Vec<_> = self
            .clients()
            .iter()
            .filter(|(_, client)| client.is_gone())
            .map(|(oauth_id, _)| oauth_id.clone())
            .collect();
        gone.sort();
        gone
    }

    pub(super) fn is_gone(&self, oauth_id: &OauthId) -> bool {
        self.clients().get(oauth_id).is_some_and(Client::is_gone)
    }

    /// The installation with this id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] where the store fails.
    pub async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>> {
        self.shared.store.get(oauth_id).await
    }

    /// All installations.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] where the store fails.
    pub async fn list(&self) -> Result<Vec<Installation>> {
        self.shared.store.list().await
    }

    /// What the host shows at this address, once, of an installation.
    #[cfg(feature = "server")]
    pub(crate) async fn installable(
        &self,
        url: reqwest::Url,
    ) -> Result<crate::model::InstallationData> {
        super::handshake::installable(&self.shared.http, url).await
    }

    #[cfg(feature = "server")]
    pub(crate) async fn add(&self, data: crate::model::InstallationData) -> Result<OauthId> {
        let http = &self.shared.http;
        let (installation, token) = super::handshake::introduce(http, data).await?;
        self.shared.store.put(&installation).await?;
        let oauth_id = installation.oauth_id().clone();
        self.forget(&oauth_id);
        let client = self.make_client(installation, token.into());
        self.clients().insert(oauth_id.clone(), client);
        Ok(oauth_id)
    }

    /// Forgets an installation; says whether there was one. The host is not told, and hooks do
    /// not run.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] where the store fails.
    pub async fn remove(&self, oauth_id: &OauthId) -> Result<bool> {
        let removed = self.shared.store.remove(oauth_id).await?;
        self.forget(oauth_id);
        Ok(removed)
    }

    /// The key that verifies this installation's requests, kept from an earlier request.
    #[cfg(feature = "server")]
    pub(crate) fn known_key(&self, oauth_id: &OauthId) -> Option<Arc<SigningKey>> {
        self.shared.keys.get(oauth_id)
    }

    /// The key that verifies this installation's requests, from the store; `None` where that does
    /// not know the installation.
    #[cfg(feature = "server")]
    pub(crate) async fn signing_key(&self, oauth_id: &OauthId) -> Result<Option<Arc<SigningKey>>> {
        let keys = &self.shared.keys;
        let reading = keys.reading();
        let Some(installation) = self.get(oauth_id).await? else {
            return Ok(None);
        };
        let key = Arc::new(SigningKey::new(&installation.data.oauth_secret));
        keys.keep(oauth_id, &key, reading);
        Ok(Some(key))
    }

    fn forget(&self, oauth_id: &OauthId) {
        self.clients().remove(oauth_id);
        #[cfg(feature = "server")]
        self.shared.keys.forget(oauth_id);
    }

    fn make_client(&self, installation: Installation, tokens: Tokens) -> Client {
        let Shared {
            http,
            runtime_glances,
            ..
        } = &*self.shared;
        Client::new(
            http.clone(),
            installation,
            tokens,
            Arc::clone(runtime_glances),
        )
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<OauthId, Client>> {
        self.shared
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
