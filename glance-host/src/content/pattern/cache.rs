//! A cache of compiled patterns: the most recently used, as many as the memory limit allows.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use regex_automata::meta::Regex;

/// The memory of all entries, in bytes: thousands of usual patterns, dozens of the largest.
const MAX_KEPT: usize = 1 << 26;

/// The overhead of an entry in bytes, besides pattern and compiled form.
const OVERHEAD: usize = 512;

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(|| Mutex::new(Kept::new(MAX_KEPT)));

type Compiled = Result<Regex, String>;

/// A cached result. Each clone of a [`Regex`] has working memory of its own, which is freed with it.
pub(super) fn of(pattern: &str) -> Option<Compiled> {
    lock().get(pattern)
}

pub(super) fn keep(pattern: &str, compiled: &Compiled) {
    lock().put(pattern, compiled.clone());
}

fn lock() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Kept {
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

impl Kept {
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

    fn put(&mut self, pattern: &str, compiled: Compiled) {
        let size = match &compiled {
            Ok(regex) => regex.memory_usage(),
            Err(why) => why.len(),
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
    fn what_was_used_last_stays_and_all_of_it_has_a_bound() {
        let one = compiled("a").unwrap().memory_usage() + OVERHEAD + 1;
        let mut kept = Kept::new(2 * one);
        for pattern in ["a", "b"] {
            kept.put(pattern, compiled(pattern));
        }
        assert!(kept.get("a").is_some());
        kept.put("c", compiled("c"));
        assert!(kept.get("b").is_none(), "it was used before the other");
        assert!(kept.get("a").is_some() && kept.get("c").is_some());

        kept.put("a", compiled("a"));
        assert!(kept.get("c").is_some(), "the same again takes no more");
        kept.put("large", compiled(r"\w{10}"));
        assert!(kept.get("large").is_none(), "it is more than all may be");
        assert_eq!(
            (kept.entries.len(), kept.by_use.len(), kept.bytes),
            (0, 0, 0)
        );
    }
}
