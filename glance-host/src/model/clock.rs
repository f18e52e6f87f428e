//! The time, which tests can control.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use glance_sdk::auth::now;
use tokio::sync::watch;
use tokio::time::Instant;

/// The origin of [`Clock::elapsed`] on the machine's clock.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A source of time: the machine's clock, or one that stands still until a test moves it.
///
/// A clock has two readings. [`now`](Self::now) is the wall clock, which an administrator or NTP may
/// set forwards or backwards. [`elapsed`](Self::elapsed) only ever grows, at the pace of real time:
/// whatever ends after a period rather than at a date is measured by it.
///
/// ```
/// use std::time::{Duration, SystemTime, UNIX_EPOCH};
///
/// use glance_host::Clock;
///
/// let clock = Clock::standing_at(1_700_000_000);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), 1_700_000_060);
/// assert_eq!(clock.elapsed(), Duration::from_secs(60));
///
/// clock.set(1_600_000_000);
/// assert_eq!(clock.now(), 1_600_000_000);
/// assert_eq!(clock.elapsed(), Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<watch::Sender<Standing>>>);

/// Returns a time in milliseconds since 1970; 0 for an earlier one.
pub(crate) fn millis(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// The readings of a standing clock.
#[derive(Debug, Clone, Copy)]
struct Standing {
    /// In seconds since 1970.
    now: i64,
    elapsed: Duration,
}

impl Clock {
    /// Creates a clock that stands still at this time, in seconds since 1970. Its clones move with it.
    pub fn standing_at(seconds: i64) -> Self {
        let standing = Standing {
            now: seconds,
            elapsed: Duration::ZERO,
        };
        Self(Some(Arc::new(watch::Sender::new(standing))))
    }

    /// Returns the wall clock's time, in seconds since 1970.
    pub fn now(&self) -> i64 {
        match &self.0 {
            Some(standing) => standing.borrow().now,
            None => Self::machine_time(),
        }
    }

    /// Returns the wall clock's time, in milliseconds since 1970.
    pub(crate) fn now_millis(&self) -> i64 {
        millis(self.system_time())
    }

    /// Returns the wall clock's time, for what people read and programs only show.
    pub(crate) fn system_time(&self) -> SystemTime {
        match &self.0 {
            Some(standing) => {
                let seconds = u64::try_from(standing.borrow().now).unwrap_or_default();
                UNIX_EPOCH + Duration::from_secs(seconds)
            }
            None => machine_system_time(),
        }
    }

    /// Returns the machine's time in seconds since 1970, also for a clock that stands still. Add-ons verify
    /// by their own clock when a token was signed, so a test that moves the host's clock must not change it.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub(crate) fn machine_time() -> i64 {
        now()
    }

    /// Returns how much time has passed since an arbitrary moment: only the difference between two
    /// readings means something. Setting the wall clock does not change it.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Some(standing) => standing.borrow().elapsed,
            None => STARTED.elapsed(),
        }
    }

    /// Lets time pass on a standing clock, rounded down to whole seconds. Does nothing to the machine's
    /// clock.
    pub fn advance(&self, by: Duration) {
        if let Some(standing) = &self.0 {
            let seconds = by.as_secs();
            standing.send_modify(|standing| {
                let moved = i64::try_from(seconds).unwrap_or(i64::MAX);
                standing.now = standing.now.saturating_add(moved);
                standing.elapsed = standing
                    .elapsed
                    .saturating_add(Duration::from_secs(seconds));
            });
        }
    }

    /// Sets the wall clock of a standing clock, in seconds since 1970, as an administrator or NTP may
    /// set a machine's: no time passes. Does nothing to the machine's clock.
    pub fn set(&self, seconds: i64) {
        if let Some(standing) = &self.0 {
            standing.send_modify(|standing| standing.now = seconds);
        }
    }

    /// Waits until this much time has passed, on a standing clock in whole seconds.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub(crate) async fn sleep(&self, time: Duration) {
        match &self.0 {
            Some(standing) => {
                let mut standing = standing.subscribe();
                let whole = Duration::from_secs(time.as_secs());
                let end = standing.borrow_and_update().elapsed.saturating_add(whole);
                // It cannot fail: this clock holds the sender.
                let _ = standing.wait_for(|standing| standing.elapsed >= end).await;
            }
            None => tokio::time::sleep(time).await,
        }
    }
}

/// Returns the machine's wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(super) fn machine_system_time() -> SystemTime {
    SystemTime::now()
}
