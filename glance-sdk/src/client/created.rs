//! Remembers the extensions that this process created at run time, to predict refusals of the host.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::extensions::{Extension, Extensions};
use crate::{Error, ErrorKind, Result};

/// The number of extensions of one kind that a host accepts per place.
const MOST: usize = 10;

/// A room, or the whole group if `None`.
type Place = Option<String>;

/// The keys by kind and place.
type Keys = HashMap<(&'static str, Place), BTreeSet<String>>;

/// The extensions that this process created and did not remove. Other processes create and remove
/// extensions too, and hosts do not list glances, so these keys only tell which extensions to
/// check.
#[derive(Debug, Default)]
pub(super) struct Created(Mutex<Keys>);

impl Created {
    pub(super) fn note(&self, kind: &'static str, place: &Place, key: &str) {
        let mut keys = self.keys();
        let here = keys.entry((kind, place.clone())).or_default();
        here.insert(key.to_owned());
    }

    pub(super) fn forget(&self, kind: &'static str, place: &Place, key: &str) {
        let mut keys = self.keys();
        let at = (kind, place.clone());
        if let Some(here) = keys.get_mut(&at) {
            here.remove(key);
            if here.is_empty() {
                keys.remove(&at);
            }
        }
    }

    /// Returns the other keys of this place if it is full.
    fn full(&self, kind: &'static str, place: &Place, key: &str) -> Vec<String> {
        let keys = self.keys();
        let here = keys.get(&(kind, place.clone()));
        let others: Vec<_> = here
            .into_iter()
            .flatten()
            .filter(|other| *other != key)
            .cloned()
            .collect();
        if others.len() < MOST {
            return Vec::new();
        }
        others
    }

    /// Returns the places with a clashing glance of the same key: rooms for a global glance, the
    /// group for a room's.
    fn clashes(&self, kind: &'static str, place: &Place, key: &str) -> Vec<Place> {
        let keys = self.keys();
        let other = |(kept, other): &&(&'static str, Place)| {
            *kept == kind && other.is_some() != place.is_some()
        };
        let clashing = keys.iter().filter(|(at, _)| other(at));
        clashing
            .filter(|(_, keys)| keys.contains(key))
            .map(|((_, other), _)| other.clone())
            .collect()
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Extension> Extensions<'_, T> {
    /// Refuses a creation that the host would refuse, after checking that the obstacle still
    /// exists. If the host's response is unclear, the host decides.
    pub(super) async fn guard(&self, created: &Created, key: &str) -> Result<()> {
        if T::KEYS_CLASH {
            for place in created.clashes(T::KIND, &self.room, key) {
                let there = Extensions::<T>::new(self.client, place);
                if there.stands(created, key).await {
                    return Err(Error::new(
                        ErrorKind::KeyTaken,
                        format!(
                            "{} has a {} with the key {key}, so {} cannot have one too",
                            there.place(),
                            T::KIND,
                            self.place()
                        ),
                    ));
                }
            }
        }
        let others = created.full(T::KIND, &self.room, key);
        let mut standing = Vec::new();
        for (nth, other) in others.iter().enumerate() {
            if standing.len() + others.len() - nth < MOST {
                return Ok(());
            }
            if self.stands(created, other).await {
                standing.push(other.as_str());
            }
        }
        if standing.len() < MOST {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Quota,
            format!(
                "{} already has {MOST} {}s created at run time, the maximum: {}",
                self.place(),
                T::KIND,
                standing.join(", ")
            ),
        ))
    }

    async fn stands(&self, created: &Created, key: &str) -> bool {
        match self.get(key).await {
            Ok(_) => true,
            Err(error) => {
                if error.kind() == ErrorKind::NotFound {
                    created.forget(T::KIND, &self.room, key);
                }
                false
            }
        }
    }

    fn place(&self) -> String {
        match &self.room {
            Some(room) => format!("room {room}"),
            None => "the group".to_owned(),
        }
    }
}
