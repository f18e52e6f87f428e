//! Installations in memory, for tests.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Installation, InstallationStore, is_same};
use crate::model::{GroupId, OauthId, RoomId, Secret};
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

    fn filtered(&self, is_wanted: impl Fn(&Installation) -> bool) -> Vec<Installation> {
        let installations = self.installations();
        let wanted = installations.values().filter(|one| is_wanted(one));
        wanted.cloned().collect()
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

    async fn replace(&self, stored: &Secret, installation: &Installation) -> Result<bool> {
        match self.installations().get_mut(installation.oauth_id()) {
            Some(found) if is_same(&found.data.oauth_secret, stored) => {
                *found = installation.clone();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn page(&self, after: Option<&OauthId>, limit: usize) -> Result<Vec<Installation>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let installations = self.installations();
        let rest = installations.range((start, Bound::Unbounded));
        Ok(rest.take(limit).map(|(_, one)| one.clone()).collect())
    }

    async fn in_room(&self, room: RoomId) -> Result<Vec<Installation>> {
        Ok(self.filtered(|one| one.room_id() == Some(room)))
    }

    async fn in_group(&self, group: GroupId) -> Result<Vec<Installation>> {
        Ok(self.filtered(|one| one.data.group_id == group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_conforms() {
        crate::store::conformance::check(async || MemoryStore::default()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_conforms_behind_a_pointer() {
        use std::sync::Arc;

        let make = async || Arc::new(MemoryStore::default()) as Arc<dyn InstallationStore>;
        crate::store::conformance::check(make).await;
    }
}
