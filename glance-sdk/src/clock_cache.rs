//! A map of limited size that evicts entries which were not read recently.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// A map of at most `capacity` entries.
///
/// A new entry evicts another by the CLOCK algorithm: a hand cycles through the entries and evicts
/// the first one that was not read since the hand last passed it. Entries in use thus stay, however
/// many others are inserted, and the average cost of an insertion does not depend on the size.
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

    /// Reads an entry, which protects it from the next eviction.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let entry = &mut self.entries[*self.positions.get(key)?];
        entry.is_used = true;
        Some(&entry.value)
    }

    /// Inserts an entry, or replaces the value of an existing key.
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

    /// Iterates over all entries, in no particular order. This does not count as reading them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|entry| (&entry.key, &entry.value))
    }

    /// Moves the hand past the next entry that was not read. Ends within two rounds, because it
    /// marks the entries that it passes as not read.
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
    fn entries_in_use_are_not_evicted() {
        let mut cache = ClockCache::new(100);
        for key in 0..50 {
            cache.insert(key, key);
        }
        for key in 1_000..5_000 {
            assert_eq!(cache.get(&(key % 50)), Some(&(key % 50)));
            cache.insert(key, key);
        }
        // All entries that the hand passed were read again, so each still exists.
        assert!((0..50).all(|key| cache.get(&key).is_some()));
        assert_eq!(cache.iter().count(), 100);
    }

    #[test]
    fn no_entry_is_evicted_below_capacity() {
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
        /// The cache contains the value that an unlimited map would contain, or nothing.
        #[test]
        fn cached_value_is_last_inserted(capacity in 1usize..16, steps in prop::collection::vec(step(), 0..300)) {
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
