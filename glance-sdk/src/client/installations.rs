//! A client for any installation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Client, http};
use crate::model::OauthId;
use crate::store::{Installation, InstallationStore};
use crate::{Error, ErrorKind, Result};

/// All installations of the add-on, and a [`Client`] for each. Cloning is cheap and shares the
/// clients, hence their tokens.
#[derive(Debug, Clone)]
pub struct Installations {
    store: Arc<dyn InstallationStore>,
    http: reqwest::Client,
    clients: Arc<Mutex<HashMap<OauthId, Client>>>,
}

impl Installations {
    /// The installations in this store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where TLS cannot be set up.
    pub fn new(store: Arc<dyn InstallationStore>) -> Result<Self> {
        Ok(Self {
            store,
            http: http::client()?,
            clients: Arc::default(),
        })
    }

    /// The client of this installation.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotInstalled`] where the store does not know it, [`ErrorKind::Storage`] where
    /// the store fails.
    pub async fn client(&self, oauth_id: &OauthId) -> Result<Client> {
        if let Some(client) = self.clients().get(oauth_id) {
            return Ok(client.clone());
        }
        let installation = self.get(oauth_id).await?.ok_or_else(|| {
            Error::new(
                ErrorKind::NotInstalled,
                format!("no installation {oauth_id}"),
            )
        })?;
        let client = Client::new(self.http.clone(), installation);
        Ok(self
            .clients()
            .entry(oauth_id.clone())
            .or_insert(client)
            .clone())
    }

    /// The installation with this id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] where the store fails.
    pub async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>> {
        self.store.get(oauth_id).await
    }

    /// All installations.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] where the store fails.
    pub async fn list(&self) -> Result<Vec<Installation>> {
        self.store.list().await
    }

    #[cfg(feature = "server")]
    pub(crate) async fn add(&self, data: crate::model::InstallationData) -> Result<OauthId> {
        let installation = super::introduce(&self.http, data).await?;
        self.store.put(&installation).await?;
        self.clients().remove(installation.oauth_id());
        Ok(installation.oauth_id().clone())
    }

    #[cfg(feature = "server")]
    pub(crate) async fn remove(&self, oauth_id: &OauthId) -> Result<bool> {
        let removed = self.store.remove(oauth_id).await?;
        self.clients().remove(oauth_id);
        Ok(removed)
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<OauthId, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
