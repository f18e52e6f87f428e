//! When a call is made again, and how long it waits for that.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::limits::resets_in;
use super::{Method, meter};

/// How long one call waits in all, for a rate limit to lift and between two attempts.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How often a call is made where the host gives no answer or is out of order.
const ATTEMPTS: u32 = 4;

/// The longest wait after the first attempt; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// What is left of one call's patience.
pub(super) struct Patience {
    left: Duration,
    attempts: u32,
    /// Whether the host may take the same call twice: PUT, GET and DELETE say what should be,
    /// POST says what to do.
    repeatable: bool,
}

impl Patience {
    pub(super) fn new(method: Method) -> Self {
        Self {
            left: PATIENCE,
            attempts: 1,
            repeatable: method != Method::Post,
        }
    }

    /// Of a request that the host may take twice, whatever its method.
    pub(super) fn repeatable() -> Self {
        Self::new(Method::Get)
    }

    /// Waits this long; false, at once, where that would be longer than what is left.
    pub(super) async fn wait(&mut self, wait: Duration) -> bool {
        match self.left.checked_sub(wait) {
            Some(left) => {
                self.left = left;
                tokio::time::sleep(wait).await;
                true
            }
            None => false,
        }
    }

    /// Waits before another attempt, no shorter than the host asked for; false, at once, where there
    /// should be none. `arrived` says whether the host may have seen the one that failed.
    pub(super) async fn again(&mut self, arrived: bool, asked_for: Option<Duration>) -> bool {
        if self.attempts >= ATTEMPTS || (arrived && !self.repeatable) {
            return false;
        }
        let longest = FIRST_WAIT * 2u32.pow(self.attempts - 1);
        self.attempts += 1;
        meter::retry();
        self.wait(jitter(longest).max(asked_for.unwrap_or_default()))
            .await
    }
}

/// Whether a status says that the host is out of order for a moment.
pub(super) fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// How long a host asks to be left alone: `Retry-After` in seconds.
pub(super) fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse();
    seconds.ok().map(Duration::from_secs)
}

/// How long a host that answered 429 wants to be left alone: as long as it says, or until the limit
/// lifts.
pub(super) fn wanted_by(headers: &HeaderMap, now: i64) -> Duration {
    asked_for(headers)
        .or_else(|| resets_in(headers, now))
        .unwrap_or(Duration::from_secs(1))
}

/// Somewhere between half of it and all: many clients that failed together do not come back
/// together.
fn jitter(longest: Duration) -> Duration {
    let mut random = [0u8; 1];
    // Without randomness it is the longest, which only loses the spread.
    let share = match aws_lc_rs::rand::fill(&mut random) {
        Ok(()) => u32::from(random[0]),
        Err(_) => 255,
    };
    longest / 2 + longest / 2 * share / 255
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn jitter_stays_between_half_and_all() {
        for _ in 0..1000 {
            let wait = jitter(Duration::from_millis(100));
            assert!((50..=100).contains(&wait.as_millis()), "{wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_post_that_may_have_arrived_is_not_repeated() {
        assert!(!Patience::new(Method::Post).again(true, None).await);
        assert!(Patience::new(Method::Post).again(false, None).await);
        let mut put = Patience::new(Method::Put);
        let mut attempts = 1;
        while put.again(true, None).await {
            attempts += 1;
        }
        assert_eq!(attempts, ATTEMPTS);
    }

    #[tokio::test(start_paused = true)]
    async fn another_attempt_waits_as_long_as_the_host_asks() {
        let began = Instant::now();
        let asked = Duration::from_secs(20);
        let mut patience = Patience::new(Method::Get);
        assert!(patience.again(true, Some(asked)).await);
        assert_eq!(began.elapsed(), asked);
        assert!(patience.again(true, Some(Duration::ZERO)).await);
        assert!(began.elapsed() > asked, "no less than without its word");
        assert!(!patience.again(true, Some(PATIENCE)).await);
        assert!(began.elapsed() < asked * 2, "at once");
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let mut patience = Patience::new(Method::Get);
        assert!(!patience.wait(PATIENCE + Duration::from_secs(1)).await);
        assert!(patience.wait(PATIENCE).await);
        assert!(!patience.wait(Duration::from_millis(1)).await);
    }
}
