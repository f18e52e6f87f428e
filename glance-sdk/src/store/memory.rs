//! Installations in memory, for tests.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Installation, InstallationStore, RemovalCheck};
use crate::model::{GroupId, OauthId, RoomId, Secret};
use crate::{Error, Result};

/// Keeps installations until the program ends.
#[derive(Debug, Default)]
pub struct MemoryStore {
    installations: Mutex<BTreeMap<OauthId, Row>>,
}

#[derive(Debug)]
struct Row {
    installation: Installation,
    removal_check: RemovalCheck,
}

impl MemoryStore {
    fn installations(&self) -> std::sync::MutexGuard<'_, BTreeMap<OauthId, Row>> {
        self.installations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn filtered(&self, is_wanted: impl Fn(&Installation) -> bool) -> Vec<Installation> {
        let installations = self.installations();
        let all = installations.values().map(|row| &row.installation);
        all.filter(|one| is_wanted(one)).cloned().collect()
    }
}

#[async_trait]
impl InstallationStore for MemoryStore {
    async fn put(&self, installation: &Installation) -> Result<()> {
        match self.installations().entry(installation.oauth_id().clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Row {
                    installation: installation.clone(),
                    removal_check: RemovalCheck::default(),
                });
                Ok(())
            }
            Entry::Occupied(mut stored) => {
                let stored = &mut stored.get_mut().installation;
                if stored.data.oauth_secret != installation.data.oauth_secret {
                    return Err(Error::conflict(installation.oauth_id()));
                }
                *stored = installation.clone();
                Ok(())
            }
        }
    }

    async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>> {
        let installations = self.installations();
        Ok(installations
            .get(oauth_id)
            .map(|row| row.installation.clone()))
    }

    async fn remove(&self, oauth_id: &OauthId) -> Result<bool> {
        Ok(self.installations().remove(oauth_id).is_some())
    }

    async fn replace(&self, stored: &Secret, installation: &Installation) -> Result<bool> {
        match self.installations().get_mut(installation.oauth_id()) {
            Some(row) if row.installation.data.oauth_secret == *stored => {
                row.installation = installation.clone();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn page(&self, after: Option<&OauthId>, limit: usize) -> Result<Vec<Installation>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let installations = self.installations();
        let rest = installations.range((start, Bound::Unbounded));
        let rest = rest.map(|(_, row)| row.installation.clone());
        Ok(rest.take(limit).collect())
    }

    async fn in_room(&self, room: RoomId) -> Result<Vec<Installation>> {
        Ok(self.filtered(|one| one.room_id() == Some(room)))
    }

    async fn in_group(&self, group: GroupId) -> Result<Vec<Installation>> {
        Ok(self.filtered(|one| one.data.group_id == group))
    }

    async fn count(&self, origin: Option<&str>) -> Result<u64> {
        let installations = self.installations();
        let of_origin = |row: &&Row| {
            origin.is_none_or(|origin| row.installation.origin().as_deref() == Some(origin))
        };
        Ok(installations.values().filter(of_origin).count() as u64)
    }

    async fn removal_check(&self, oauth_id: &OauthId) -> Result<Option<RemovalCheck>> {
        let installations = self.installations();
        Ok(installations
            .get(oauth_id)
            .map(|row| row.removal_check.clone()))
    }

    async fn set_removal_check(
        &self,
        oauth_id: &OauthId,
        expected: &RemovalCheck,
        new: &RemovalCheck,
    ) -> Result<bool> {
        match self.installations().get_mut(oauth_id) {
            Some(row) if row.removal_check == *expected => {
                row.removal_check = new.clone();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn due_removal_checks(
        &self,
        until: i64,
        limit: usize,
    ) -> Result<Vec<(OauthId, RemovalCheck)>> {
        let installations = self.installations();
        let mut due: Vec<_> = installations
            .iter()
            .filter(|(_, row)| row.removal_check.due_at.is_some_and(|due| due <= until))
            .map(|(oauth_id, row)| (oauth_id.clone(), row.removal_check.clone()))
            .collect();
        // Stable: of the same time they stay in the order of their ids.
        due.sort_by_key(|(_, check)| check.due_at);
        due.truncate(limit);
        Ok(due)
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
