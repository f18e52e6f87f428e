//! Maps that evict unused entries without a cleanup task.

use std::collections::HashMap;

/// Evicts unused entries before the map would grow, so it is never much larger than the number of used entries. The
/// amortized cost of an insertion stays constant.
pub(crate) fn evict_unused<K, V>(map: &mut HashMap<K, V>, is_needed: impl Fn(&V) -> bool) {
    if map.len() == map.capacity() {
        map.retain(|_, value| is_needed(value));
    }
}
