//! The time, which a test may hold in its hand.

use std::sync::Arc;
use std::time::Duration;

use glance_sdk::auth::now;
use tokio::sync::watch;

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
pub struct Clock(Option<Arc<watch::Sender<i64>>>);

impl Clock {
    /// A clock that stands at this time, in seconds since 1970. Its clones stand together.
    pub fn standing_at(seconds: i64) -> Self {
        Self(Some(Arc::new(watch::Sender::new(seconds))))
    }

    /// The time, in seconds since 1970.
    pub fn now(&self) -> i64 {
        match &self.0 {
            Some(standing) => *standing.borrow(),
            None => now(),
        }
    }

    /// Moves a standing clock on by so many whole seconds. The machine's clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Some(standing) = &self.0 {
            let by = whole_seconds(by);
            standing.send_modify(|now| *now = now.saturating_add(by));
        }
    }

    /// Waits: by a standing clock until it was moved on by so many whole seconds.
    pub(crate) async fn sleep(&self, time: Duration) {
        match &self.0 {
            Some(standing) => {
                let mut standing = standing.subscribe();
                let end = standing
                    .borrow_and_update()
                    .saturating_add(whole_seconds(time));
                // The sender is a part of this.
                let _ = standing.wait_for(|now| *now >= end).await;
            }
            None => tokio::time::sleep(time).await,
        }
    }
}

fn whole_seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
