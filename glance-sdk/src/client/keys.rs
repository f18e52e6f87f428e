//! What the store said lately about the keys of installations, so that not each request asks it.
//!
//! Whoever forges requests must not learn from their cost whether an installation exists. So a token
//! that does not verify makes the store be asked again, whether a key is cached for its issuer or
//! not, and the answer (a key, or none) holds for such tokens for [`RECHECK`].

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::auth::SigningKey;
use crate::model::OauthId;

/// The store is asked again after this time: another process may have removed the installation.
const FRESH: Duration = Duration::from_secs(30);

/// How long the store's answer holds for tokens that do not verify. Short, because another process
/// may install the add-on meanwhile.
const RECHECK: Duration = Duration::from_secs(5);

/// At most so many keys are cached, of about a kilobyte each; one more starts over.
const MAX_KEYS: usize = 10_000;

/// At most so many answers for tokens that did not verify; one more starts over.
const MAX_CHECKS: usize = 10_000;

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

#[derive(Debug, Default)]
struct Cached {
    by_installation: HashMap<OauthId, (Arc<SigningKey>, Instant)>,
    /// When the store was asked because of a token that did not verify, and whether there was a key.
    checked: HashMap<OauthId, (Option<Arc<SigningKey>>, Instant)>,
    /// Counts what was forgotten, so that a key read from the store before is not cached after.
    forgotten: u64,
}

/// When a key was read from the store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    at: Instant,
    forgotten: u64,
}

impl Keys {
    pub(super) fn get(&self, oauth_id: &OauthId) -> Option<Arc<SigningKey>> {
        let cached = self.cached();
        let (key, read_at) = cached.by_installation.get(oauth_id)?;
        (read_at.elapsed() < FRESH).then(|| Arc::clone(key))
    }

    /// What the store answered lately, because of a token that did not verify; `None` where it has
    /// to be asked.
    pub(super) fn checked(&self, oauth_id: &OauthId) -> Option<Option<Arc<SigningKey>>> {
        let cached = self.cached();
        let (key, read_at) = cached.checked.get(oauth_id)?;
        (read_at.elapsed() < RECHECK).then(|| key.clone())
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
        let Cached {
            by_installation,
            checked,
            ..
        } = &mut *cached;
        match key {
            Some(key) => {
                start_over(by_installation, MAX_KEYS);
                by_installation.insert(oauth_id.clone(), (Arc::clone(key), reading.at));
            }
            None => drop(by_installation.remove(oauth_id)),
        }
        start_over(checked, MAX_CHECKS);
        checked.insert(oauth_id.clone(), (key.cloned(), reading.at));
    }

    pub(super) fn forget(&self, oauth_id: &OauthId) {
        let mut cached = self.cached();
        cached.forgotten += 1;
        cached.by_installation.remove(oauth_id);
        cached.checked.remove(oauth_id);
    }

    fn cached(&self) -> MutexGuard<'_, Cached> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start_over<T>(map: &mut HashMap<OauthId, T>, limit: usize) {
    if map.len() >= limit {
        map.clear();
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
    fn no_more_answers_are_cached_than_fit() {
        let keys = Keys::default();
        let key = key();
        for nth in 0..=MAX_KEYS {
            let key = (nth % 2 == 0).then_some(&key);
            keys.keep(&OauthId::from(nth.to_string()), key, keys.reading());
        }
        let cached = keys.cached();
        assert_eq!(cached.checked.len(), 1);
        assert!(cached.by_installation.len() <= MAX_KEYS);
    }
}
