//! Limits how many calls to add-ons run at the same time, so that an add-on that hangs delays only its own
//! calls.
//!
//! Each installation may have [`PER_INSTALLATION`] calls at once. All installations share [`FAST_SLOTS`].
//! A call that takes longer than [`SLOW_AFTER`] moves to one of [`SLOW_SLOTS`] and gives its fast slot to
//! the next call: add-ons that hang, however many, delay a good one by [`SLOW_AFTER`] each time the fast
//! slots are full.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use glance_sdk::model::OauthId;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

/// The number of concurrent calls of one installation: enough for a room full of people who reconnect together.
const PER_INSTALLATION: usize = 16;

/// How long a call waits for a slot.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// The number of concurrent calls that are not known to be slow.
const FAST_SLOTS: usize = 128;

/// The number of concurrent slow calls. A further slow call is cancelled.
const SLOW_SLOTS: usize = 512;

/// How long a call runs before it counts as slow.
const SLOW_AFTER: Duration = Duration::from_millis(500);

/// An error: the limiter did not run a call, or cancelled it.
#[derive(Debug)]
pub(crate) struct Busy(&'static str);

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Busy {}

const INSTALLATION_BUSY: Busy = Busy("Too many calls of its add-on are under way");
const ALL_BUSY: Busy = Busy("Too many add-ons are slow at this time");

/// Limits concurrent calls, per installation and in total.
#[derive(Debug)]
pub(crate) struct CallLimiter {
    fast: Semaphore,
    slow: Semaphore,
    per_installation: Mutex<HashMap<OauthId, Arc<Semaphore>>>,
}

impl Default for CallLimiter {
    fn default() -> Self {
        Self {
            fast: Semaphore::new(FAST_SLOTS),
            slow: Semaphore::new(SLOW_SLOTS),
            per_installation: Mutex::default(),
        }
    }
}

impl CallLimiter {
    /// Runs a call of an installation as soon as a slot is free.
    pub(crate) async fn run<T>(
        &self,
        oauth_id: &OauthId,
        call: impl Future<Output = T>,
    ) -> Result<T, Busy> {
        let deadline = Instant::now() + ACQUIRE_TIMEOUT;
        let own = self.slots_of(oauth_id);
        let _own = timeout_at(deadline, own.acquire())
            .await
            .map_err(|_| INSTALLATION_BUSY)?;
        let fast = timeout_at(deadline, self.fast.acquire())
            .await
            .map_err(|_| ALL_BUSY)?;
        let mut call = pin!(call);
        if let Ok(answer) = timeout(SLOW_AFTER, &mut call).await {
            return Ok(answer);
        }
        let _slow = self.slow.try_acquire().map_err(|_| ALL_BUSY)?;
        drop(fast);
        Ok(call.await)
    }

    fn slots_of(&self, oauth_id: &OauthId) -> Arc<Semaphore> {
        let all = self.per_installation.lock();
        let mut all = all;
        if let Some(own) = all.get(oauth_id) {
            return Arc::clone(own);
        }
        // A semaphore that no call holds equals a new one, so unused entries can be evicted.
        all.retain(|_, own| Arc::strong_count(own) > 1);
        let own = Arc::new(Semaphore::new(PER_INSTALLATION));
        all.insert(oauth_id.clone(), Arc::clone(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn hang(limiter: &Arc<CallLimiter>, id: String) {
        let limiter = Arc::clone(limiter);
        tokio::spawn(async move { limiter.run(&id.into(), pending::<()>()).await.is_ok() });
    }

    /// Paused time advances once all tasks wait.
    #[expect(
        clippy::disallowed_methods,
        reason = "advances the paused time of tokio"
    )]
    async fn settled() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn hanging_calls_delay_another_installation_only_briefly() {
        let limiter = Arc::new(CallLimiter::default());
        for n in 0..1000 {
            for _ in 0..5 {
                hang(&limiter, format!("bad {n}"));
            }
        }
        settled().await;
        let began = Instant::now();
        let good = OauthId::from("good");
        assert!(limiter.run(&good, ready(())).await.is_ok());
        let rounds = 5000 / u32::try_from(FAST_SLOTS).unwrap() + 1;
        assert!(began.elapsed() <= SLOW_AFTER * rounds);
        assert_eq!(limiter.slow.available_permits(), 0);
        let began = Instant::now();
        for _ in 0..100 {
            assert!(limiter.run(&good, ready(())).await.is_ok());
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_per_installation_are_limited() {
        let limiter = Arc::new(CallLimiter::default());
        for _ in 0..2 * PER_INSTALLATION {
            hang(&limiter, "bad".to_owned());
        }
        settled().await;
        assert_eq!(limiter.slots_of(&"bad".into()).available_permits(), 0);
        assert_eq!(
            limiter.fast.available_permits(),
            FAST_SLOTS - PER_INSTALLATION
        );
        let began = Instant::now();
        assert!(limiter.run(&"bad".into(), ready(())).await.is_err());
        assert!(began.elapsed() >= ACQUIRE_TIMEOUT);
        assert!(limiter.run(&"good".into(), ready(())).await.is_ok());
    }
}
