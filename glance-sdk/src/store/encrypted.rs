//! Encrypts the secrets of stored installations.

use async_trait::async_trait;

use super::keyring::Keyring;
use super::{
    AccessToken, Claimed, Installation, InstallationStore, PAGE, RemovalCheck, RequestClaim,
};
use crate::model::{GroupId, OauthId, RoomId, Secret};
use crate::{Error, ErrorKind, Result};

/// Encrypts the secrets in another store with AES-256-GCM.
///
/// An encrypted secret is bound to its installation: the store refuses a secret that was moved to
/// another installation or changed, or whose key is not in the [`Keyring`]. It reads secrets that
/// were stored before encryption was introduced, and encrypts them at the next put or with
/// [`reencrypt_all`](Self::reencrypt_all); after that, [`only_encrypted`](Self::only_encrypted)
/// refuses unencrypted ones.
///
/// ```
/// use glance_sdk::store::{EncryptedStore, InstallationStore, Keyring, MemoryStore};
/// # use glance_sdk::model::InstallationData;
/// # use glance_sdk::store::{Endpoints, Installation};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let data = InstallationData::new("id".into(), "secret".into(), "https://chat.example/v2/capabilities", 1.into());
/// # let installation = Installation::new(data, Endpoints::new("https://chat.example/v2/oauth/token", "https://chat.example/v2/"));
/// let keyring: Keyring = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse()?;
/// let store = EncryptedStore::new(MemoryStore::default(), keyring);
/// store.put(&installation).await?;
/// let found = store.get(&"id".into()).await?.unwrap();
/// assert_eq!(found.data.oauth_secret.expose(), "secret");
/// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct EncryptedStore<S> {
    inner: S,
    keyring: Keyring,
    reads_plain: bool,
}

impl<S: InstallationStore> EncryptedStore<S> {
    /// Encrypts the secrets in `inner` with the first key of the keyring.
    pub fn new(inner: S, keyring: Keyring) -> Self {
        Self {
            inner,
            keyring,
            reads_plain: true,
        }
    }

    /// Refuses unencrypted secrets: an attacker who can write to the database, but has no key, then
    /// cannot insert a secret.
    ///
    /// ```
    /// use glance_sdk::store::{EncryptedStore, InstallationStore, Keyring, MemoryStore};
    /// # use glance_sdk::model::InstallationData;
    /// # use glance_sdk::store::{Endpoints, Installation};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let data = InstallationData::new("id".into(), "secret".into(), "https://chat.example.com/v2/capabilities", 1.into());
    /// # let installation = Installation::new(data, Endpoints::new("https://chat.example.com/v2/oauth/token", "https://chat.example.com/v2/"));
    /// let inner = MemoryStore::default();
    /// inner.put(&installation).await?; // Its secret is not encrypted.
    /// let keyring: Keyring = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse()?;
    /// let store = EncryptedStore::new(inner, keyring).only_encrypted();
    /// assert!(store.get(&"id".into()).await.is_err());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn only_encrypted(mut self) -> Self {
        self.reads_plain = false;
        self
    }

    /// Encrypts all secrets with the first key that are not yet encrypted with it. Returns their
    /// number.
    ///
    /// Other programs may use the store meanwhile if their keyrings start with the same key. After
    /// a failure, call it again.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use glance_sdk::store::{EncryptedStore, InstallationStore, MemoryStore};
    /// # use glance_sdk::model::InstallationData;
    /// # use glance_sdk::store::{Endpoints, Installation};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let data = InstallationData::new("id".into(), "secret".into(), "https://chat.example.com/v2/capabilities", 1.into());
    /// # let installation = Installation::new(data, Endpoints::new("https://chat.example.com/v2/oauth/token", "https://chat.example.com/v2/"));
    /// # let old = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=";
    /// # let new = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    /// let inner = Arc::new(MemoryStore::default());
    /// EncryptedStore::new(Arc::clone(&inner), old.parse()?).put(&installation).await?;
    ///
    /// let store = EncryptedStore::new(inner, format!("{new},{old}").parse()?);
    /// assert_eq!(store.reencrypt_all().await?, 1);
    /// assert_eq!(store.reencrypt_all().await?, 0);
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Storage`] if the store fails, or if a secret cannot be decrypted.
    pub async fn reencrypt_all(&self) -> Result<usize> {
        let mut changed = 0;
        let mut after: Option<OauthId> = None;
        loop {
            let page = self.inner.page(after.as_ref(), PAGE).await?;
            for stored in &page {
                if self.keyring.is_current(&stored.data.oauth_secret) {
                    continue;
                }
                let sealed = self.sealed(&self.opened(stored.clone())?)?;
                let is_replaced = self
                    .inner
                    .replace(&stored.data.oauth_secret, &sealed)
                    .await?;
                changed += usize::from(is_replaced);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.oauth_id().clone()),
                _ => return Ok(changed),
            }
        }
    }

    fn sealed(&self, installation: &Installation) -> Result<Installation> {
        let mut sealed = installation.clone();
        let data = &mut sealed.data;
        data.oauth_secret = self.keyring.encrypt(&data.oauth_id, &data.oauth_secret)?;
        Ok(sealed)
    }

    fn opened(&self, mut stored: Installation) -> Result<Installation> {
        let data = &mut stored.data;
        match self.keyring.decrypt(&data.oauth_id, &data.oauth_secret)? {
            Some(secret) => data.oauth_secret = secret,
            None if self.reads_plain => {}
            None => {
                return Err(Error::new(
                    ErrorKind::Storage,
                    format!(
                        "the secret of installation {} is not encrypted",
                        data.oauth_id
                    ),
                ));
            }
        }
        Ok(stored)
    }

    fn all_opened(&self, stored: Vec<Installation>) -> Result<Vec<Installation>> {
        stored.into_iter().map(|one| self.opened(one)).collect()
    }
}

#[async_trait]
impl<S: InstallationStore> InstallationStore for EncryptedStore<S> {
    async fn put(&self, installation: &Installation) -> Result<()> {
        let oauth_id = installation.oauth_id();
        let mut sealed = self.sealed(installation)?;
        loop {
            let Some(found) = self.inner.get(oauth_id).await? else {
                match self.inner.put(&sealed).await {
                    // Another process was faster; the next round finds out whether it stored the
                    // same secret.
                    Err(error) if error.kind() == ErrorKind::Conflict => continue,
                    answer => return answer,
                }
            };
            let stored = found.data.oauth_secret.clone();
            let opened = self.opened(found)?;
            if opened.data.oauth_secret != installation.data.oauth_secret {
                return Err(Error::conflict(oauth_id));
            }
            if self.keyring.is_current(&stored) {
                sealed.data.oauth_secret = stored.clone();
            }
            if self.inner.replace(&stored, &sealed).await? {
                return Ok(());
            }
        }
    }

    async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>> {
        let stored = self.inner.get(oauth_id).await?;
        stored.map(|one| self.opened(one)).transpose()
    }

    async fn remove(&self, oauth_id: &OauthId) -> Result<bool> {
        self.inner.remove(oauth_id).await
    }

    async fn replace(&self, stored: &Secret, installation: &Installation) -> Result<bool> {
        let sealed = self.sealed(installation)?;
        while let Some(found) = self.inner.get(installation.oauth_id()).await? {
            let found_secret = found.data.oauth_secret.clone();
            if self.opened(found)?.data.oauth_secret != *stored {
                return Ok(false);
            }
            if self.inner.replace(&found_secret, &sealed).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn page(&self, after: Option<&OauthId>, limit: usize) -> Result<Vec<Installation>> {
        self.all_opened(self.inner.page(after, limit).await?)
    }

    async fn in_room(&self, room: RoomId) -> Result<Vec<Installation>> {
        self.all_opened(self.inner.in_room(room).await?)
    }

    async fn in_group(&self, group: GroupId) -> Result<Vec<Installation>> {
        self.all_opened(self.inner.in_group(group).await?)
    }

    async fn count(&self, origin: Option<&str>) -> Result<u64> {
        self.inner.count(origin).await
    }

    async fn removal_check(&self, oauth_id: &OauthId) -> Result<Option<RemovalCheck>> {
        self.inner.removal_check(oauth_id).await
    }

    async fn set_removal_check(
        &self,
        oauth_id: &OauthId,
        expected: &RemovalCheck,
        new: &RemovalCheck,
    ) -> Result<bool> {
        self.inner.set_removal_check(oauth_id, expected, new).await
    }

    async fn due_removal_checks(
        &self,
        until: i64,
        limit: usize,
    ) -> Result<Vec<(OauthId, RemovalCheck)>> {
        self.inner.due_removal_checks(until, limit).await
    }

    /// A token that this keyring did not encrypt, or whose key it no longer has, counts as missing:
    /// a new token replaces it.
    async fn access_token(&self, oauth_id: &OauthId, name: &str) -> Result<Option<AccessToken>> {
        let stored = self.inner.access_token(oauth_id, name).await?;
        Ok(stored.and_then(|stored| {
            let opened = self.keyring.decrypt_token(oauth_id, name, &stored.secret);
            Some(AccessToken::new(opened.ok()??, stored.renew_at))
        }))
    }

    async fn put_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        token: &AccessToken,
        now: i64,
    ) -> Result<bool> {
        let sealed = self.keyring.encrypt_token(oauth_id, name, &token.secret)?;
        let sealed = AccessToken::new(sealed, token.renew_at);
        self.inner
            .put_access_token(oauth_id, name, &sealed, now)
            .await
    }

    async fn remove_access_token(
        &self,
        oauth_id: &OauthId,
        name: &str,
        refused: &Secret,
    ) -> Result<bool> {
        let Some(stored) = self.inner.access_token(oauth_id, name).await? else {
            return Ok(false);
        };
        let opened = self.keyring.decrypt_token(oauth_id, name, &stored.secret);
        match opened {
            Ok(Some(opened)) if opened == *refused => {
                let sealed = &stored.secret;
                self.inner.remove_access_token(oauth_id, name, sealed).await
            }
            _ => Ok(false),
        }
    }

    async fn claim_request(&self, claim: &RequestClaim) -> Result<Claimed> {
        self.inner.claim_request(claim).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::InstallationData;
    use crate::store::{Endpoints, MemoryStore, conformance};

    const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NEW: &str = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=";

    fn installation(id: &str, room: u64) -> Installation {
        let mut data = InstallationData::new(id.into(), "topsecret".into(), "http://h/c", 1.into());
        data.room_id = Some(room.into());
        Installation::new(data, Endpoints::new("http://h/token", "http://h/v2/"))
    }

    fn with_keys<S: InstallationStore>(inner: S, keys: &str) -> EncryptedStore<S> {
        EncryptedStore::new(inner, keys.parse().unwrap())
    }

    async fn stored_secret(store: &impl InstallationStore, id: &str) -> String {
        let found = store.get(&id.into()).await.unwrap().unwrap();
        found.data.oauth_secret.expose().to_owned()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn encrypted_store_conforms() {
        let make = async || with_keys(MemoryStore::default(), OLD);
        conformance::check(make).await;
        conformance::check_sharing(make).await;
    }

    #[tokio::test]
    async fn access_tokens_are_bound_to_installation_and_name() {
        let store = with_keys(MemoryStore::default(), OLD);
        for id in ["one", "two"] {
            store.put(&installation(id, 1)).await.unwrap();
        }
        let (one, two) = (OauthId::from("one"), OauthId::from("two"));
        let token = AccessToken::new("topsecret".into(), 100);
        store.put_access_token(&one, "a", &token, 1).await.unwrap();
        let sealed = store.inner.access_token(&one, "a").await.unwrap().unwrap();
        assert!(sealed.secret.expose().starts_with("aes256gcm:"));
        assert!(!sealed.secret.expose().contains("topsecret"));

        // A token that was moved, or stored without a key, does not exist; nor may it serve as an
        // installation's secret.
        let plain = AccessToken::new("plain".into(), 100);
        for (id, name, moved) in [
            (&one, "b", &sealed),
            (&two, "a", &sealed),
            (&two, "c", &plain),
        ] {
            store
                .inner
                .put_access_token(id, name, moved, 1)
                .await
                .unwrap();
            assert_eq!(
                store.access_token(id, name).await.unwrap(),
                None,
                "{id} {name}"
            );
        }
        let mut moved = installation("three", 1);
        moved.data.oauth_secret = sealed.secret.clone();
        store.inner.put(&moved).await.unwrap();
        assert!(store.get(&"three".into()).await.is_err());

        let both = with_keys(store.inner, &format!("{NEW},{OLD}"));
        assert_eq!(both.access_token(&one, "a").await.unwrap(), Some(token));
        let new = with_keys(both.inner, NEW);
        assert_eq!(new.access_token(&one, "a").await.unwrap(), None);
    }

    #[cfg(feature = "store-sqlite")]
    #[tokio::test(flavor = "multi_thread")]
    async fn encrypted_sqlite_store_conforms_and_hides_secrets() {
        use crate::store::SqliteStore;

        let folder = tempfile::tempdir().unwrap();
        let files = std::sync::atomic::AtomicUsize::new(0);
        let next = || {
            let number = files.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            folder.path().join(format!("{number}.sqlite"))
        };
        let make = async || with_keys(SqliteStore::open(next()).unwrap(), OLD);
        conformance::check(make).await;
        conformance::check_sharing(make).await;

        let file = next();
        let store = with_keys(SqliteStore::open(&file).unwrap(), OLD);
        store.put(&installation("one", 1)).await.unwrap();
        let token = AccessToken::new("topsecret".into(), 100);
        let one = OauthId::from("one");
        assert!(store.put_access_token(&one, "a", &token, 1).await.unwrap());
        drop(store);
        let bytes = std::fs::read(&file).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("topsecret"));
        assert!(String::from_utf8_lossy(&bytes).contains("aes256gcm:"));
    }

    #[tokio::test]
    async fn unencrypted_secrets_are_read_and_encrypted_at_next_put() {
        let plain = MemoryStore::default();
        plain.put(&installation("one", 1)).await.unwrap();
        let store = with_keys(plain, NEW);
        assert_eq!(stored_secret(&store, "one").await, "topsecret");
        assert_eq!(stored_secret(&store.inner, "one").await, "topsecret");
        store.put(&installation("one", 2)).await.unwrap();
        assert_eq!(stored_secret(&store, "one").await, "topsecret");
        let encrypted = stored_secret(&store.inner, "one").await;
        assert!(encrypted.starts_with("aes256gcm:"), "{encrypted}");
        let found = store.in_room(2.into()).await.unwrap();
        assert_eq!(found.len(), 1);
    }

    #[tokio::test]
    async fn keys_are_changed_without_loss() {
        let many = PAGE + 5;
        let old = with_keys(MemoryStore::default(), OLD);
        for number in 0..many {
            let one = installation(&format!("id {number:05}"), 1);
            old.put(&one).await.unwrap();
        }
        old.inner.put(&installation("plain", 1)).await.unwrap();
        let both = with_keys(old.inner, &format!("{NEW},{OLD}"));
        both.put(&installation("id 00003", 1)).await.unwrap();
        assert_eq!(both.reencrypt_all().await.unwrap(), many);
        assert_eq!(both.reencrypt_all().await.unwrap(), 0);

        let new = with_keys(both.inner, NEW).only_encrypted();
        let all = new.list().await.unwrap();
        assert_eq!(all.len(), many + 1);
        assert!(
            all.iter()
                .all(|one| one.data.oauth_secret.expose() == "topsecret")
        );
    }

    #[tokio::test]
    async fn wrong_key_and_moved_secret_are_storage_errors() {
        let old = with_keys(MemoryStore::default(), OLD);
        old.put(&installation("one", 1)).await.unwrap();
        let mut moved = installation("two", 1);
        moved.data.oauth_secret = stored_secret(&old.inner, "one").await.into();
        old.inner.put(&moved).await.unwrap();
        let error = old.get(&"two".into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);

        let new = with_keys(old.inner, NEW);
        for error in [
            new.get(&"one".into()).await.unwrap_err(),
            new.put(&installation("one", 1)).await.unwrap_err(),
            new.list().await.unwrap_err(),
            new.reencrypt_all().await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Storage);
            assert!(format!("{error:#}").contains("installation one"), "{error}");
        }
    }

    #[tokio::test]
    async fn unencrypted_secret_can_be_refused() {
        let plain = MemoryStore::default();
        plain.put(&installation("one", 1)).await.unwrap();
        let store = with_keys(plain, NEW).only_encrypted();
        let error = store.get(&"one".into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(format!("{error:#}").contains("is not encrypted"), "{error}");
    }
}
