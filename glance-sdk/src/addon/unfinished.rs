//! New installations that the store may have kept or not, because it failed on the way.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::OauthId;

/// How many are remembered. When there are more, a repeated one may be taken for an update.
const MAX_UNFINISHED: usize = 1000;

/// A host repeats an installation that was answered 503. It is still a new one then, although the
/// store may know it already.
#[derive(Debug, Default)]
pub(super) struct Unfinished(Mutex<HashSet<OauthId>>);

impl Unfinished {
    pub(super) fn contains(&self, oauth_id: &OauthId) -> bool {
        self.all().contains(oauth_id)
    }

    pub(super) fn add(&self, oauth_id: &OauthId) {
        let mut all = self.all();
        if all.len() < MAX_UNFINISHED {
            all.insert(oauth_id.clone());
        }
    }

    pub(super) fn remove(&self, oauth_id: &OauthId) {
        self.all().remove(oauth_id);
    }

    fn all(&self) -> MutexGuard<'_, HashSet<OauthId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
