//! What the store said lately about the keys of installations, so that not each request asks it.
//!
//! Whoever forges requests must not learn from their cost whether an installation exists. So a token
//! that does not verify makes the store be asked again, whether a key is cached for its issuer or
//! not, and the answer (a key, or none) holds for such tokens for [`RECHECK`].

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::auth::SigningKey;
use crate::clock_cache::ClockCache;
use crate::model::OauthId;

/// The store is asked again after this time: another process may have removed the installation.
const FRESH: Duration = Duration::from_secs(30);

/// How long the store's answer holds for tokens that do not verify. Short, because another process
/// may install the add-on meanwhile.
const RECHECK: Duration = Duration::from_secs(5);

/// How many keys are cached, of about a kilobyte each. Only installations have one, so a stranger cannot
/// fill the cache.
const MAX_KEYS: usize = 65_536;

/// How many unknown issuers are remembered.
const MAX_UNKNOWN: usize = 10_000;

/// Verifies nothing: it takes the place of the key of an unknown issuer, so that the work is the
/// same.
static NOBODYS: LazyLock<SigningKey> = LazyLock::new(|| {
    let secret = crate::auth::random_alphanumeric(40).unwrap_or_default();
    SigningKey::new(&secret.into())
});

/// The key to verify tokens of unknown issuers with; none does.
pub(crate) fn nobodys() -> &'static SigningKey {
    &NOBODYS
}

#[derive(Debug, Default)]
pub(super) struct Keys {
    cached: Mutex<Cached>,
}

#[derive(Debug)]
struct Cached {
    /// The keys that the store gave, and when it was asked.
    known: ClockCache<OauthId, (Arc<SigningKey>, Instant)>,
    /// The issuers without a key, and when the store was asked. Apart from the keys, so that invented
    /// issuers evict none.
    unknown: ClockCache<OauthId, Instant>,
    /// Counts what was forgotten, so that a key read from the store before is not cached after.
    forgotten: u64,
}

impl Default for Cached {
    fn default() -> Self {
        Self {
            known: ClockCache::new(MAX_KEYS),
            unknown: ClockCache::new(MAX_UNKNOWN),
            forgotten: 0,
        }
    }
}

/// When a key was read from the store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    at: Instant,
    forgotten: u64,
}

impl Keys {
    pub(super) fn get(&self, oauth_id: &OauthId) -> Option<Arc<SigningKey>> {
        let mut cached = self.cached();
        let (key, read_at) = cached.known.get(oauth_id)?;
        (read_at.elapsed() < FRESH).then(|| Arc::clone(key))
    }

    /// What the store answered lately, because of a token that did not verify; `None` where it has
    /// to be asked.
    pub(super) fn checked(&self, oauth_id: &OauthId) -> Option<Option<Arc<SigningKey>>> {
        let mut cached = self.cached();
        // Both are looked up always, so that a known issuer takes as long as an unknown one.
        let unknown = cached.unknown.get(oauth_id).copied();
        let (key, read_at) = match cached.known.get(oauth_id) {
            Some((key, read_at)) => (Some(Arc::clone(key)), *read_at),
            None => (None, unknown?),
        };
        (read_at.elapsed() < RECHECK).then_some(key)
    }

    /// To be taken before the store is asked.
    pub(super) fn reading(&self) -> Reading {
        Reading {
            at: Instant::now(),
            forgotten: self.cached().forgotten,
        }
    }

    /// Caches what the store answered.
    pub(super) fn keep(&self, oauth_id: &OauthId, key: Option<&Arc<SigningKey>>, reading: Reading) {
        let mut cached = self.cached();
        if cached.forgotten != reading.forgotten {
            return;
        }
        match key {
            Some(key) => {
                cached.unknown.remove(oauth_id);
                let entry = (Arc::clone(key), reading.at);
                cached.known.insert(oauth_id.clone(), entry);
            }
            None => {
                cached.known.remove(oauth_id);
                cached.unknown.insert(oauth_id.clone(), reading.at);
            }
        }
    }

    pub(super) fn forget(&self, oauth_id: &OauthId) {
        let mut cached = self.cached();
        cached.forgotten += 1;
        cached.known.remove(oauth_id);
        cached.unknown.remove(oauth_id);
    }

    fn cached(&self) -> MutexGuard<'_, Cached> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Arc<SigningKey> {
        Arc::new(SigningKey::new(&"secret".into()))
    }

    #[test]
    fn a_key_read_before_it_was_forgotten_is_not_cached() {
        let keys = Keys::default();
        let id = OauthId::from("id");
        let before = keys.reading();
        keys.forget(&id);
        keys.keep(&id, Some(&key()), before);
        assert!(keys.get(&id).is_none() && keys.checked(&id).is_none());
        keys.keep(&id, Some(&key()), keys.reading());
        assert!(keys.get(&id).is_some());
        keys.forget(&id);
        assert!(keys.get(&id).is_none() && keys.checked(&id).is_none());
    }

    /// Another process may have installed or removed it.
    #[test]
    fn an_old_answer_is_asked_for_again() {
        let keys = Keys::default();
        let id = OauthId::from("id");
        let read_before = |age: Duration| {
            let now = keys.reading();
            let at = now.at.checked_sub(age).unwrap();
            Reading { at, ..now }
        };
        keys.keep(&id, Some(&key()), read_before(FRESH));
        assert!(keys.get(&id).is_none());
        keys.keep(&id, None, read_before(Duration::ZERO));
        assert!(matches!(keys.checked(&id), Some(None)));
        keys.keep(&id, None, read_before(RECHECK));
        assert!(keys.checked(&id).is_none());
    }

    #[test]
    fn an_unknown_issuer_becomes_known_by_its_installation() {
        let keys = Keys::default();
        let id = OauthId::from("id");
        keys.keep(&id, None, keys.reading());
        assert!(matches!(keys.checked(&id), Some(None)));
        keys.forget(&id);
        assert!(keys.checked(&id).is_none());
    }

    #[test]
    fn keys_in_use_survive_more_installations_and_strangers_than_fit() {
        let keys = Keys::default();
        let key = key();
        let id = |nth: usize| OauthId::from(nth.to_string());
        for nth in 0..30_000 {
            keys.keep(&id(nth), Some(&key), keys.reading());
            assert!(keys.get(&id(nth)).is_some());
        }
        for nth in 30_000..30_000 + 3 * MAX_KEYS {
            keys.keep(&id(nth), (nth % 2 == 0).then_some(&key), keys.reading());
            assert!(keys.get(&id(nth % 30_000)).is_some(), "{nth}");
        }
        let cached = keys.cached();
        assert_eq!(cached.known.iter().count(), MAX_KEYS);
        assert_eq!(cached.unknown.iter().count(), MAX_UNKNOWN);
    }
}
