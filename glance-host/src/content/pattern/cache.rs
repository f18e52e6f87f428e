//! A cache of compiled patterns: the most recently used, as many as the memory limit allows.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use parking_lot::{Mutex, MutexGuard};
use regex_automata::meta::Regex;

use super::PatternError;

/// The memory limit of all entries, in bytes: thousands of usual patterns, dozens of the largest.
const MAX_BYTES: usize = 1 << 26;

/// The overhead of an entry in bytes, besides pattern and compiled form.
const OVERHEAD: usize = 512;

static CACHE: LazyLock<Mutex<Cache>> = LazyLock::new(|| Mutex::new(Cache::new(MAX_BYTES)));

type Compiled = Result<Regex, PatternError>;

/// Returns a cached result. Each clone of a [`Regex`] has working memory of its own, which is freed with it.
pub(super) fn get(pattern: &str) -> Option<Compiled> {
    lock().get(pattern)
}

/// Caches the result of compiling a pattern.
pub(super) fn insert(pattern: &str, compiled: &Compiled) {
    lock().insert(pattern, compiled.clone());
}

fn lock() -> MutexGuard<'static, Cache> {
    CACHE.lock()
}

struct Cache {
    entries: HashMap<Arc<str>, Entry>,
    /// The patterns by time of their last use.
    by_use: BTreeMap<u64, Arc<str>>,
    uses: u64,
    bytes: usize,
    max_bytes: usize,
}

struct Entry {
    compiled: Compiled,
    bytes: usize,
    used: u64,
}

impl Cache {
    fn new(max_bytes: usize) -> Self {
        Self {
            entries: HashMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
            bytes: 0,
            max_bytes,
        }
    }

    fn get(&mut self, pattern: &str) -> Option<Compiled> {
        let entry = self.entries.get_mut(pattern)?;
        let pattern = self.by_use.remove(&entry.used)?;
        self.uses += 1;
        entry.used = self.uses;
        self.by_use.insert(self.uses, pattern);
        Some(entry.compiled.clone())
    }

    fn insert(&mut self, pattern: &str, compiled: Compiled) {
        let size = match &compiled {
            Ok(regex) => regex.memory_usage(),
            Err(error) => error.text_bytes(),
        };
        let entry = Entry {
            compiled,
            bytes: OVERHEAD + pattern.len() + size,
            used: self.uses + 1,
        };
        self.uses += 1;
        self.bytes += entry.bytes;
        let pattern = Arc::<str>::from(pattern);
        self.by_use.insert(entry.used, Arc::clone(&pattern));
        if let Some(same) = self.entries.insert(pattern, entry) {
            self.by_use.remove(&same.used);
            self.bytes -= same.bytes;
        }
        while self.bytes > self.max_bytes
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            let oldest = self.entries.remove(&oldest);
            self.bytes -= oldest.map_or(0, |entry| entry.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(pattern: &str) -> Compiled {
        Ok(Regex::new(pattern).unwrap())
    }

    #[test]
    fn least_recently_used_patterns_are_evicted() {
        let one = compiled("a").unwrap().memory_usage() + OVERHEAD + 1;
        let mut cache = Cache::new(2 * one);
        for pattern in ["a", "b"] {
            cache.insert(pattern, compiled(pattern));
        }
        assert!(cache.get("a").is_some());
        cache.insert("c", compiled("c"));
        assert!(cache.get("b").is_none(), "b was used before a");
        assert!(cache.get("a").is_some() && cache.get("c").is_some());

        cache.insert("a", compiled("a"));
        assert!(
            cache.get("c").is_some(),
            "inserting a again takes no more memory"
        );
        cache.insert("large", compiled(r"\w{10}"));
        assert!(cache.get("large").is_none(), "it is larger than the cache");
        assert_eq!(
            (cache.entries.len(), cache.by_use.len(), cache.bytes),
            (0, 0, 0)
        );
    }
}
