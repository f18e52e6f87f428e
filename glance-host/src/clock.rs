//! The time, which a test may hold in its hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use glance_sdk::auth::now;

/// What the time is: the machine's, or one that stands until it is moved.
///
/// ```
/// use std::time::Duration;
///
/// use glance_host::Clock;
///
/// let clock = Clock::standing_at(1_700_000_000);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), 1_700_000_060);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// A clock that stands at this time, in seconds since 1970. Its clones stand together.
    pub fn standing_at(seconds: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(seconds))))
    }

    /// The time, in seconds since 1970.
    pub fn now(&self) -> i64 {
        match &self.0 {
            Some(standing) => standing.load(Ordering::SeqCst),
            None => now(),
        }
    }

    /// Moves a standing clock on by so many whole seconds. The machine's clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Some(standing) = &self.0 {
            let by = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
            standing.fetch_add(by, Ordering::SeqCst);
        }
    }
}
