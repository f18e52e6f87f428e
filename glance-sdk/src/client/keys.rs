//! Keys of installations whose requests came lately, so that not each asks the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::auth::SigningKey;
use crate::model::OauthId;

/// The store is asked again after this time: another process may have removed the installation.
const FRESH: Duration = Duration::from_secs(30);

/// At most so many keys are kept, of about a kilobyte each; one more starts over.
const MAX_KEYS: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Keys {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_installation: HashMap<OauthId, (Arc<SigningKey>, Instant)>,
    /// Counts what was forgotten, so that a key read from the store before is not kept after.
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
        let kept = self.kept();
        let (key, read_at) = kept.by_installation.get(oauth_id)?;
        (read_at.elapsed() < FRESH).then(|| Arc::clone(key))
    }

    /// To be taken before the store is asked.
    pub(super) fn reading(&self) -> Reading {
        Reading {
            at: Instant::now(),
            forgotten: self.kept().forgotten,
        }
    }

    pub(super) fn keep(&self, oauth_id: &OauthId, key: &Arc<SigningKey>, reading: Reading) {
        let mut kept = self.kept();
        if kept.forgotten != reading.forgotten {
            return;
        }
        if kept.by_installation.len() >= MAX_KEYS {
            kept.by_installation.clear();
        }
        let entry = (Arc::clone(key), reading.at);
        kept.by_installation.insert(oauth_id.clone(), entry);
    }

    pub(super) fn forget(&self, oauth_id: &OauthId) {
        let mut kept = self.kept();
        kept.forgotten += 1;
        kept.by_installation.remove(oauth_id);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Arc<SigningKey> {
        Arc::new(SigningKey::new(&"secret".into()))
    }

    #[test]
    fn a_key_read_before_it_was_forgotten_is_not_kept() {
        let keys = Keys::default();
        let id = OauthId::from("id");
        let before = keys.reading();
        keys.forget(&id);
        keys.keep(&id, &key(), before);
        assert!(keys.get(&id).is_none());
        keys.keep(&id, &key(), keys.reading());
        assert!(keys.get(&id).is_some());
        keys.forget(&id);
        assert!(keys.get(&id).is_none());
    }

    #[test]
    fn an_old_key_is_asked_for_again() {
        let keys = Keys::default();
        let id = OauthId::from("id");
        let now = keys.reading();
        let at = now.at.checked_sub(FRESH).unwrap();
        keys.keep(&id, &key(), Reading { at, ..now });
        assert!(keys.get(&id).is_none());
    }

    #[test]
    fn no_more_keys_are_kept_than_fit() {
        let keys = Keys::default();
        let key = key();
        for nth in 0..=MAX_KEYS {
            keys.keep(&OauthId::from(nth.to_string()), &key, keys.reading());
        }
        assert_eq!(keys.kept().by_installation.len(), 1);
    }
}
