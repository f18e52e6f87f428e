//! Maps that forget what nobody needs any more, without a task that cleans up.

use std::collections::HashMap;

/// Forgets what is not needed before the map would grow: that way it is never much larger than
/// what is, and a new entry costs the same however many there are.
pub(crate) fn evict_unused<K, V>(map: &mut HashMap<K, V>, is_needed: impl Fn(&V) -> bool) {
    if map.len() == map.capacity() {
        map.retain(|_, value| is_needed(value));
    }
}
