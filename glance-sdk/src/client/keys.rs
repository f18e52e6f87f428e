//! Caches the keys of installations, so that most requests need no query of the store.
//!
//! The cost of a forged request must not reveal whether an installation exists. A token that does
//! not verify therefore causes a query of the store whether or not a key of its issuer is cached,
//! and the result (a key or none) is valid for such tokens for [`RECHECK`].

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::auth::SigningKey;
use crate::clock_cache::ClockCache;
use crate::model::OauthId;

/// The lifetime of a cached key: another process may have removed the installation.
const FRESH: Duration = Duration::from_secs(30);

/// The lifetime of the store's result for tokens that do not verify. It is short, because another
/// process may install the add-on meanwhile.
const RECHECK: Duration = Duration::from_secs(5);

/// The number of cached keys, at about a kilobyte each. Only installations have keys, so strangers
/// cannot fill the cache.
const MAX_KEYS: usize = 65_536;

/// The number of cached unknown issuers.
const MAX_UNKNOWN: usize = 10_000;

/// A key that verifies nothing. It replaces the key of an unknown issuer, so that the verification
/// takes the same time.
static PLACEHOLDER_KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let secret = crate::auth::random_alphanumeric(40).unwrap_or_default();
    SigningKey::new(&secret.into())
});

/// Returns the key for the verification of tokens of unknown issuers, which always fails.
pub(crate) fn placeholder_key() -> &'static SigningKey {
    &PLACEHOLDER_KEY
}

#[derive(Debug, Default)]
pub(super) struct Keys {
    cached: Mutex<Cached>,
}

#[derive(Debug)]
struct Cached {
    /// The keys from the store, with the time of the query.
    known: ClockCache<OauthId, (Arc<SigningKey>, Instant)>,
    /// The issuers without a key, with the time of the query. They have their own map, so that
    /// invented issuers evict no keys.
    unknown: ClockCache<OauthId, Instant>,
    /// The number of evictions, so that a key that was read before one is not cached after it.
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

/// The time of a query of the store.
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

    /// Returns the recent result of the store for a token that did not verify; `None` if the store
    /// must be queried.
    pub(super) fn checked(&self, oauth_id: &OauthId) -> Option<Option<Arc<SigningKey>>> {
        let mut cached = self.cached();
        // Always looks up both, so that a known issuer takes as long as an unknown one.
        let unknown = cached.unknown.get(oauth_id).copied();
        let (key, read_at) = match cached.known.get(oauth_id) {
            Some((key, read_at)) => (Some(Arc::clone(key)), *read_at),
            None => (None, unknown?),
        };
        (read_at.elapsed() < RECHECK).then_some(key)
    }

    /// Returns the state before a query of the store.
    pub(super) fn reading(&self) -> Reading {
        Reading {
            at: Instant::now(),
            forgotten: self.cached().forgotten,
        }
    }

    /// Caches the result of the store.
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
    fn key_read_before_removal_is_not_cached() {
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

    /// Another process may have installed or removed the add-on.
    #[test]
    fn cached_results_expire() {
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
    fn unknown_issuer_becomes_known_by_installation() {
        let keys = Keys::default();
        let id = OauthId::from("id");
        keys.keep(&id, None, keys.reading());
        assert!(matches!(keys.checked(&id), Some(None)));
        keys.forget(&id);
        assert!(keys.checked(&id).is_none());
    }

    #[test]
    fn keys_in_use_are_not_evicted() {
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
