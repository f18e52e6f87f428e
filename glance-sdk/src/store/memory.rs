//! Installations in memory, for tests.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Installation, InstallationStore, is_same};
use crate::model::OauthId;
use crate::{Error, Result};

/// Keeps installations until the program ends.
#[derive(Debug, Default)]
pub struct MemoryStore {
    installations: Mutex<BTreeMap<OauthId, Installation>>,
}

impl MemoryStore {
    fn installations(&self) -> std::sync::MutexGuard<'_, BTreeMap<OauthId, Installation>> {
        self.installations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl InstallationStore for MemoryStore {
    async fn put(&self, installation: &Installation) -> Result<()> {
        match self.installations().entry(installation.oauth_id().clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(installation.clone());
                Ok(())
            }
            Entry::Occupied(mut stored) => {
                if !is_same(
                    &stored.get().data.oauth_secret,
                    &installation.data.oauth_secret,
                ) {
                    return Err(Error::conflict(installation.oauth_id()));
                }
                stored.insert(installation.clone());
                Ok(())
            }
        }
    }

    async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>> {
        Ok(self.installations().get(oauth_id).cloned())
    }

    async fn remove(&self, oauth_id: &OauthId) -> Result<bool> {
        Ok(self.installations().remove(oauth_id).is_some())
    }

    async fn list(&self) -> Result<Vec<Installation>> {
        Ok(self.installations().values().cloned().collect())
    }
}
