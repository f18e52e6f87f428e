//! A map of bounded size that evicts entries which were not read lately.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// A map of at most `capacity` entries.
///
/// A new entry evicts another by the CLOCK rule: a hand goes round the entries and evicts the first that
/// was not read since the hand last passed it. So entries in use stay, however many others come and go
/// beside them, and an insertion costs the same on average whatever the size.
#[derive(Debug)]
pub(crate) struct ClockCache<K, V> {
    capacity: usize,
    entries: Vec<Entry<K, V>>,
    positions: HashMap<K, usize>,
    hand: usize,
}

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    is_used: bool,
}

impl<K: Clone + Eq + Hash, V> ClockCache<K, V> {
    /// Creates an empty cache; it allocates as it grows.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            entries: Vec::new(),
            positions: HashMap::new(),
            hand: 0,
        }
    }

    /// Reads an entry, which saves it from the next eviction.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let entry = &mut self.entries[*self.positions.get(key)?];
        entry.is_used = true;
        Some(&entry.value)
    }

    /// Adds an entry, or replaces the value of the one with this key.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if let Some(&position) = self.positions.get(&key) {
            self.entries[position].value = value;
            return;
        }
        let new = Entry {
            key: key.clone(),
            value,
            is_used: false,
        };
        if self.entries.len() < self.capacity {
            self.positions.insert(key, self.entries.len());
            self.entries.push(new);
            return;
        }
        let position = self.find_unused();
        let evicted = std::mem::replace(&mut self.entries[position], new);
        self.positions.remove(&evicted.key);
        self.positions.insert(key, position);
    }

    /// Removes an entry.
    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let position = self.positions.remove(key)?;
        let removed = self.entries.swap_remove(position);
        if let Some(moved) = self.entries.get(position) {
            self.positions.insert(moved.key.clone(), position);
        }
        Some(removed.value)
    }

    /// All entries, in no order. It does not count as reading them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|entry| (&entry.key, &entry.value))
    }

    /// Moves the hand to the next entry that was not read, and behind it. Ends within two rounds, because
    /// it marks the entries that it passes as not read.
    fn find_unused(&mut self) -> usize {
        loop {
            let position = self.hand % self.entries.len();
            self.hand = position + 1;
            if !std::mem::take(&mut self.entries[position].is_used) {
                return position;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entries_in_use_stay_while_others_come_and_go() {
        let mut cache = ClockCache::new(100);
        for key in 0..50 {
            cache.insert(key, key);
        }
        for key in 1_000..5_000 {
            assert_eq!(cache.get(&(key % 50)), Some(&(key % 50)));
            cache.insert(key, key);
        }
        // Whatever the hand passed since was read again: each is still there.
        assert!((0..50).all(|key| cache.get(&key).is_some()));
        assert_eq!(cache.iter().count(), 100);
    }

    #[test]
    fn as_many_entries_as_fit_are_never_evicted() {
        let mut cache = ClockCache::new(30);
        for key in 0..30 {
            cache.insert(key, key);
        }
        for key in (0..30).cycle().take(300) {
            assert_eq!(cache.get(&key), Some(&key));
            cache.insert(key, key);
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u8, u16),
        Get(u8),
        Remove(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = 0u8..24;
        prop_oneof![
            3 => (key.clone(), any::<u16>()).prop_map(|(key, value)| Step::Insert(key, value)),
            3 => key.clone().prop_map(Step::Get),
            1 => key.prop_map(Step::Remove),
        ]
    }

    proptest! {
        /// What it holds is what a map without bounds would hold, or nothing.
        #[test]
        fn values_are_those_last_inserted(capacity in 1usize..16, steps in prop::collection::vec(step(), 0..300)) {
            let mut cache = ClockCache::new(capacity);
            let mut all = HashMap::new();
            for step in steps {
                match step {
                    Step::Insert(key, value) => {
                        cache.insert(key, value);
                        all.insert(key, value);
                        prop_assert_eq!(cache.get(&key), Some(&value));
                    }
                    Step::Get(key) => {
                        if let Some(found) = cache.get(&key) {
                            prop_assert_eq!(Some(found), all.get(&key));
                        }
                    }
                    Step::Remove(key) => {
                        let removed = cache.remove(&key);
                        let expected = all.remove(&key);
                        prop_assert!(removed.is_none() || removed == expected);
                        prop_assert_eq!(cache.get(&key), None);
                    }
                }
                prop_assert!(cache.iter().count() <= capacity);
                prop_assert!(cache.iter().all(|(key, value)| all.get(key) == Some(value)));
            }
        }
    }
}
