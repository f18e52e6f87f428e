//! Counts the mentions of the past hour in a ring of buckets that slides with the time.

/// The seconds per bucket: mentions leave the window one bucket at a time.
const BUCKET_SECS: u64 = 10;

/// The number of buckets in an hour.
const BUCKETS: u64 = 360;

/// The mentions of the past hour, in fixed space regardless of their number. Times are seconds on any
/// clock. A mention counts for an hour, or up to ten seconds less.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// Bucket `n` is at `n % BUCKETS`.
    buckets: Box<[u64; BUCKETS as usize]>,
    newest: u64,
    total: u64,
}

impl Window {
    /// Creates an empty window.
    pub(crate) fn new() -> Self {
        Self {
            buckets: Box::new([0; BUCKETS as usize]),
            newest: 0,
            total: 0,
        }
    }

    /// Adds a mention. A late mention counts for the rest of its hour.
    pub(crate) fn add(&mut self, at: u64) {
        self.slide(at);
        let bucket = at / BUCKET_SECS;
        if bucket + BUCKETS > self.newest {
            *self.at(bucket) += 1;
            self.total += 1;
        }
    }

    /// Returns the number of mentions in the hour up to `now`. Times are monotonic: an earlier time
    /// than the latest counts as the latest.
    pub(crate) fn count(&mut self, now: u64) -> u64 {
        self.slide(now);
        self.total
    }

    /// Empties the buckets that leave the window.
    fn slide(&mut self, now: u64) {
        let now = now / BUCKET_SECS;
        for bucket in (self.newest + 1..=now).take(BUCKETS as usize) {
            self.total -= std::mem::take(self.at(bucket));
        }
        self.newest = self.newest.max(now);
    }

    fn at(&mut self, bucket: u64) -> &mut u64 {
        &mut self.buckets[(bucket % BUCKETS) as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: u64 = BUCKET_SECS * BUCKETS;

    #[test]
    fn mention_counts_for_an_hour() {
        let mut window = Window::new();
        window.add(5);
        assert_eq!(window.count(5), 1);
        assert_eq!(window.count(HOUR - 1), 1);
        assert_eq!(window.count(HOUR), 0);
        window.add(HOUR);
        window.add(u64::MAX);
        assert_eq!(window.count(u64::MAX), 1);
    }

    /// Generates times that often cross the window's edge, some of them late.
    fn times() -> impl Strategy<Value = Vec<u64>> {
        let near = prop_oneof![
            0..2 * HOUR,
            0..20 * HOUR,
            Just(0),
            Just(HOUR),
            Just(HOUR - 1)
        ];
        prop::collection::vec(near, 0..200)
    }

    proptest! {
        #[test]
        fn window_agrees_with_list_of_all_mentions(times in times(), questions in times()) {
            let mut window = Window::new();
            let mut list = Vec::new();
            let mut now = 0;
            for (at, questions) in times.iter().zip(&questions) {
                window.add(*at);
                list.push(*at);
                now = now.max(*at).max(*questions);
                let count = window.count(*questions);
                let inside = list.iter().filter(|at| **at / BUCKET_SECS + BUCKETS > now / BUCKET_SECS);
                prop_assert_eq!(count, inside.count() as u64);
                let surely = list.iter().filter(|at| **at + HOUR - BUCKET_SECS >= now).count();
                let maybe = list.iter().filter(|at| **at + HOUR > now).count();
                prop_assert!((surely as u64..=maybe as u64).contains(&count));
            }
        }

        #[test]
        fn order_of_mentions_does_not_matter(
            (times, shuffled) in times().prop_flat_map(|times| (Just(times.clone()), Just(times).prop_shuffle())),
            now in 0..20 * HOUR,
        ) {
            let count = |times: &[u64]| {
                let mut window = Window::new();
                times.iter().for_each(|at| window.add(*at));
                window.count(now)
            };
            prop_assert_eq!(count(&times), count(&shuffled));
        }
    }
}
