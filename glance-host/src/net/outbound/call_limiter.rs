//! Who may call an add-on now: so that one that hangs costs only itself.
//!
//! An installation has a few calls at once, and all of them together have a bound. A call that is
//! slow goes on, but leaves its place among the quick ones after a moment: add-ons that hang, however
//! many, hold up a good one for that long at most.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use glance_sdk::model::OauthId;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

/// How many calls of one installation are under way at once: enough for a room full of people who
/// come back together.
const OF_ONE: usize = 16;

/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many calls are quick at once, or not yet known to be slow.
const QUICK: usize = 128;

/// How many are slow at once; a further one is given up.
const SLOW: usize = 512;

/// From when on a call is slow.
const SOON: Duration = Duration::from_millis(500);

/// Why a call was not made, or not waited for.
#[derive(Debug)]
pub(crate) struct Busy(pub(crate) &'static str);

const OWN: Busy = Busy("Too many calls of its add-on are under way");
const ALL: Busy = Busy("Too many add-ons are slow at this time");

/// The places for calls.
#[derive(Debug)]
pub(crate) struct Turns {
    quick: Semaphore,
    slow: Semaphore,
    of_each: Mutex<HashMap<OauthId, Arc<Semaphore>>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            quick: Semaphore::new(QUICK),
            slow: Semaphore::new(SLOW),
            of_each: Mutex::default(),
        }
    }
}

impl Turns {
    /// Makes a call when it is its turn, within 30 seconds.
    pub(crate) async fn take<T>(
        &self,
        oauth_id: &OauthId,
        call: impl Future<Output = T>,
    ) -> Result<T, Busy> {
        let latest = Instant::now() + PATIENCE;
        let own = self.of(oauth_id);
        let _own = timeout_at(latest, own.acquire()).await.map_err(|_| OWN)?;
        let quick = timeout_at(latest, self.quick.acquire())
            .await
            .map_err(|_| ALL)?;
        let mut call = pin!(call);
        if let Ok(answer) = timeout(SOON, &mut call).await {
            return Ok(answer);
        }
        let _slow = self.slow.try_acquire().map_err(|_| ALL)?;
        drop(quick);
        Ok(call.await)
    }

    fn of(&self, oauth_id: &OauthId) -> Arc<Semaphore> {
        let mut of_each = self.of_each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = of_each.get(oauth_id) {
            return Arc::clone(own);
        }
        // Those that nobody waits for are as good as new ones.
        of_each.retain(|_, own| Arc::strong_count(own) > 1);
        let own = Arc::new(Semaphore::new(OF_ONE));
        of_each.insert(oauth_id.clone(), Arc::clone(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn hang(turns: &Arc<Turns>, id: String) {
        let turns = Arc::clone(turns);
        tokio::spawn(async move { turns.take(&id.into(), pending::<()>()).await.is_ok() });
    }

    /// Time that stands moves on once all tasks wait.
    async fn settled() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn add_ons_that_hang_hold_up_a_good_one_for_a_moment_each() {
        let turns = Arc::new(Turns::default());
        for n in 0..1000 {
            for _ in 0..5 {
                hang(&turns, format!("bad {n}"));
            }
        }
        settled().await;
        let began = Instant::now();
        let good = OauthId::from("good");
        assert!(turns.take(&good, ready(())).await.is_ok());
        assert!(began.elapsed() <= SOON * (5000 / u32::try_from(QUICK).unwrap() + 1));
        assert!(
            turns.slow.available_permits() == 0,
            "what is slow has a bound too"
        );
        let began = Instant::now();
        for _ in 0..100 {
            assert!(turns.take(&good, ready(())).await.is_ok());
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn an_installation_has_a_few_calls_at_once() {
        let turns = Arc::new(Turns::default());
        for _ in 0..2 * OF_ONE {
            hang(&turns, "bad".to_owned());
        }
        settled().await;
        assert_eq!(turns.of(&"bad".into()).available_permits(), 0);
        assert_eq!(turns.quick.available_permits(), QUICK - OF_ONE);
        let began = Instant::now();
        assert!(turns.take(&"bad".into(), ready(())).await.is_err());
        assert!(began.elapsed() >= PATIENCE);
        assert!(turns.take(&"good".into(), ready(())).await.is_ok());
    }
}
