//! A store of installations in memory, for tests.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{AccessToken, Claimed, Installation, InstallationStore, RemovalCheck, RequestClaim};
use crate::model::{GroupId, OauthId, RoomId, Secret};
use crate::{Error, Result};

/// The number of used requests of an installation below which no expired ones are removed.
const FEW_REQUESTS: usize = 64;

/// Keeps installations until the program ends.
///
/// ```
/// use glance_sdk::AddOn;
/// use glance_sdk::store::MemoryStore;
///
/// let add_on = AddOn::new("com.example.hello", "Hello").store(MemoryStore::default());
/// # add_on.build("https://hello.example.com").unwrap();
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    installations: Mutex<BTreeMap<OauthId, Row>>,
}

#[derive(Debug)]
struct Row {
    installation: Installation,
    removal_check: RemovalCheck,
    access_tokens: HashMap<String, AccessToken>,
    /// The used requests, with their expiry times.
    used_requests: HashMap<[u8; 32], i64>,
    /// The number of used requests at which expired ones are removed.
    sweep_at: usize,
}

impl Row {
    fn new(installation: Installation) -> Self {
        Self {
            installation,
            removal_check: RemovalCheck::default(),
            access_tokens: HashMap::new(),
            used_requests: HashMap::new(),
            sweep_at: 0,
        }
    }

    fn claim(&mut self, claim: &RequestClaim) -> Claimed {
        let limit = claim.limit as usize;
        let used = &mut self.used_requests;
        if used
            .get(&claim.name)
            .is_some_and(|expires_at| *expires_at > claim.now)
        {
            return Claimed::Replayed;
        }
        if used.len() >= self.sweep_at.min(limit) {
            used.retain(|_, expires_at| *expires_at > claim.now);
            // A sweep happens only after as many claims as there are requests left, which bounds
            // its cost per claim.
            self.sweep_at = (2 * used.len()).max(FEW_REQUESTS);
        }
        if used.len() >= limit {
            return Claimed::Full;
        }
        used.insert(claim.name, claim.expires_at);
        Claimed::First
    }
}

impl MemoryStore {
    fn installations(&self) -> std::sync::MutexGuard<'_, BTreeMap<OauthId, Row>> {
        self.installations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn filtered(&self, matches: impl Fn(&Installation) -> bool) -> Vec<Installation> {
        let installations = self.installations();
        let all = installations.values().map(|row| &row.installation);
        all.filter(|one| matches(one)).cloned().collect()
    }
}

#[async_trait]
impl InstallationStore for MemoryStore {
    async fn put(&self, installation: &Installation) -> Result<()> {
        match self.installations().entry(installation.oauth_id().clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Row::new(installation.clone()));
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
        // The sort is stable: checks with the same time stay ordered by id.
        due.sort_by_key(|(_, check)| check.due_at);
        due.truncate(limit);
        Ok(due)
    }

    async fn access_token(&self, oauth_id: &OauthId, name: &str) -> Result<Option<AccessToken>> {
        let installations = self.installations();
        let row = installations.get(oauth_id);
        Ok(row.and_then(|row| row.access_tokens.get(name).cloned()))
    }

    async fn put_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        token: &AccessToken,
        now: i64,
    ) -> Result<bool> {
        let mut installations = self.installations();
        let Some(row) = installations.get_mut(oauth_id) else {
            return Ok(false);
        };
        let tokens = &mut row.access_tokens;
        tokens.retain(|other, stored| other != name && stored.renew_at > now);
        while tokens.len() >= AccessToken::MAX_PER_INSTALLATION {
            let earliest = tokens.iter().min_by_key(|(_, token)| token.renew_at);
            let Some(earliest) = earliest.map(|(name, _)| name.clone()) else {
                break;
            };
            tokens.remove(&earliest);
        }
        tokens.insert(name.to_owned(), token.clone());
        Ok(true)
    }

    async fn remove_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        refused: &Secret,
    ) -> Result<bool> {
        let mut installations = self.installations();
        let Some(row) = installations.get_mut(oauth_id) else {
            return Ok(false);
        };
        let is_stored = row
            .access_tokens
            .get(name)
            .is_some_and(|token| token.secret == *refused);
        if is_stored {
            row.access_tokens.remove(name);
        }
        Ok(is_stored)
    }

    async fn claim_request(&self, claim: &RequestClaim) -> Result<Claimed> {
        match self.installations().get_mut(&claim.oauth_id) {
            Some(row) => Ok(row.claim(claim)),
            None => Ok(Claimed::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn memory_store_conforms() {
        let make = async || MemoryStore::default();
        crate::store::conformance::check(make).await;
        crate::store::conformance::check_sharing(make).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn store_behind_arc_conforms() {
        use std::sync::Arc;

        let make = async || Arc::new(MemoryStore::default()) as Arc<dyn InstallationStore>;
        crate::store::conformance::check(make).await;
        crate::store::conformance::check_sharing(make).await;
    }

    #[tokio::test]
    async fn expired_requests_are_removed_from_memory() {
        let store = MemoryStore::default();
        let data = crate::model::InstallationData::new("id".into(), "s".into(), "", 1.into());
        let endpoints = crate::store::Endpoints::new("", "");
        let installation = Installation::new(data, endpoints);
        store.put(&installation).await.unwrap();
        for number in 0..10_000_u32 {
            let mut name = [0; 32];
            name[..4].copy_from_slice(&number.to_le_bytes());
            let now = i64::from(number);
            let claim = RequestClaim::new("id".into(), name, now + 10, now, 100_000);
            assert_eq!(store.claim_request(&claim).await.unwrap(), Claimed::First);
            let installations = store.installations();
            let used = &installations[&"id".into()].used_requests;
            assert!(used.len() <= FEW_REQUESTS, "{}", used.len());
        }
    }
}
