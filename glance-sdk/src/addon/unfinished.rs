//! New installations that the store may or may not contain, because it failed while storing them.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::OauthId;

/// The number of installations to remember. Beyond it, a repeated installation may count as an
/// update.
const MAX_UNFINISHED: usize = 1000;

/// A host repeats an installation after the response 503. The repetition still counts as a new
/// installation, although the store may contain it already.
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
