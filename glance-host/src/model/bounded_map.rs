//! Maps that evict unused entries without a cleanup task.

use std::collections::HashMap;

/// Evicts unused entries before the map would grow, so it is never much larger than the number of used entries. The
/// amortized cost of an insertion stays constant.
pub(crate) fn evict_unused<K, V>(map: &mut HashMap<K, V>, is_needed: impl Fn(&V) -> bool) {
    if map.len() == map.capacity() {
        map.retain(|_, value| is_needed(value));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn map_grows_with_used_entries_only() {
        let mut map = HashMap::new();
        for key in 0..10_000 {
            evict_unused(&mut map, |is_needed| *is_needed);
            map.insert(key, key < 10);
        }
        assert!((0..10).all(|key| map.contains_key(&key)));
        assert!(map.len() < 100, "{} entries", map.len());
    }

    #[test]
    fn insertions_have_a_constant_amortized_cost() {
        let mut map = HashMap::new();
        let checks = Cell::new(0);
        for key in 0..1_000 {
            evict_unused(&mut map, |()| {
                checks.set(checks.get() + 1);
                true
            });
            map.insert(key, ());
        }
        assert!(checks.get() < 5_000, "{} checks", checks.get());
    }
}
