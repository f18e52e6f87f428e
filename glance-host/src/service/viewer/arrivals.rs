//! Spreads the queries of pages that arrive together, such as those that reconnect after a restart of the host.
//!
//! Only queries of glances that show stored data wait, the longer the more pages arrived within the last seconds. A page
//! that arrives alone does not wait noticeably.

use std::time::Duration;

use parking_lot::Mutex;

use crate::model::clock::Clock;

/// The mean share of the wait that each page before adds: 50 pages in a second have a second more.
const PER_PAGE: Duration = Duration::from_millis(20);

/// The longest wait.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// After this time a page counts half.
const HALF_LIFE: Duration = Duration::from_secs(10);

/// The pages that arrived lately.
#[derive(Debug)]
pub(super) struct Arrivals {
    clock: Clock,
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    /// The number of pages, each of which counts less the longer ago it arrived.
    pages: f64,
    /// The time of the last arrival, by [`Clock::elapsed`].
    last: Duration,
}

impl Arrivals {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            recent: Mutex::default(),
        }
    }

    /// Counts a page. Returns the wait of its queries; `chance` is between 0 and 1.
    pub(super) fn arrive(&self, chance: f64) -> Duration {
        self.recent.lock().arrive(self.clock.elapsed(), chance)
    }
}

impl Recent {
    fn arrive(&mut self, now: Duration, chance: f64) -> Duration {
        let passed = now.saturating_sub(self.last).as_secs_f64();
        self.pages *= 0.5_f64.powf(passed / HALF_LIFE.as_secs_f64());
        self.last = now;
        let longest = PER_PAGE.mul_f64(self.pages).min(MAX_WAIT);
        self.pages += 1.0;
        longest.mul_f64(chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_arrive_together_wait_and_a_single_one_does_not() {
        let mut recent = Recent::default();
        assert_eq!(recent.arrive(Duration::ZERO, 1.0), Duration::ZERO);
        for _ in 0..1_000 {
            recent.arrive(Duration::ZERO, 1.0);
        }
        let full = recent.arrive(Duration::ZERO, 1.0).as_millis();
        assert_eq!(full, 20_020);
        assert_eq!(recent.arrive(Duration::ZERO, 0.0), Duration::ZERO);
        for _ in 0..100_000 {
            recent.arrive(Duration::ZERO, 1.0);
        }
        assert_eq!(recent.arrive(Duration::ZERO, 1.0), MAX_WAIT);
        let later = recent.arrive(Duration::from_secs(300), 1.0);
        assert!(later < Duration::from_millis(20), "{later:?}");
    }
}
