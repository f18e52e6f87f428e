//! Decides whether a call is retried, and after how long.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::limits::resets_in;
use super::{Method, meter};

/// The longest total wait of one call, for rate limits and between attempts.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(60);

/// The number of attempts of a call when the host does not answer or is temporarily unavailable.
const ATTEMPTS: u32 = 4;

/// The longest wait after the first attempt; it doubles with each further attempt.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The attempts and the waiting time that one call has left.
pub(super) struct RetryBudget {
    left: Duration,
    attempts: u32,
    /// Whether the call is idempotent: PUT, GET and DELETE are, POST is not.
    idempotent: bool,
}

impl RetryBudget {
    pub(super) fn new(method: Method) -> Self {
        Self {
            left: MAX_WAIT,
            attempts: 1,
            idempotent: method != Method::Post,
        }
    }

    /// Creates the budget of a request that is idempotent regardless of its method.
    pub(super) fn idempotent() -> Self {
        Self::new(Method::Get)
    }

    /// Waits this long. Returns false at once if that is longer than the time left.
    pub(super) async fn wait(&mut self, wait: Duration) -> bool {
        match self.left.checked_sub(wait) {
            Some(left) => {
                self.left = left;
                // Even a sleep of zero takes a timer tick of a millisecond.
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
                true
            }
            None => false,
        }
    }

    /// Waits before another attempt, at least as long as `retry_after`. Returns false at once if
    /// the call must not be retried. `arrived` says whether the failed attempt may have reached the
    /// host.
    pub(super) async fn again(&mut self, arrived: bool, retry_after: Option<Duration>) -> bool {
        if self.attempts >= ATTEMPTS || (arrived && !self.idempotent) {
            return false;
        }
        let longest = FIRST_WAIT * 2u32.pow(self.attempts - 1);
        self.attempts += 1;
        meter::retry();
        self.wait(jitter(longest).max(retry_after.unwrap_or_default()))
            .await
    }
}

/// Returns whether a status says that the host is temporarily unavailable.
pub(super) fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Returns the `Retry-After` header, in seconds.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse();
    seconds.ok().map(Duration::from_secs)
}

/// Returns how long to wait after a 429: `Retry-After`, or else the time until the rate limit resets.
pub(super) fn rate_limit_delay(headers: &HeaderMap, now: i64) -> Duration {
    retry_after(headers)
        .or_else(|| resets_in(headers, now))
        .unwrap_or(Duration::from_secs(1))
}

/// Returns a random time between half of `longest` and `longest`, so that clients that failed together
/// do not retry together.
fn jitter(longest: Duration) -> Duration {
    let mut random = [0u8; 1];
    // Without random bytes the wait is the longest, which only loses the spread.
    let share = match aws_lc_rs::rand::fill(&mut random) {
        Ok(()) => u32::from(random[0]),
        Err(_) => 255,
    };
    longest / 2 + longest / 2 * share / 255
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn jitter_is_between_half_and_whole() {
        for _ in 0..1000 {
            let wait = jitter(Duration::from_millis(100));
            assert!((50..=100).contains(&wait.as_millis()), "{wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn post_that_may_have_arrived_is_not_retried() {
        assert!(!RetryBudget::new(Method::Post).again(true, None).await);
        assert!(RetryBudget::new(Method::Post).again(false, None).await);
        let mut put = RetryBudget::new(Method::Put);
        let mut attempts = 1;
        while put.again(true, None).await {
            attempts += 1;
        }
        assert_eq!(attempts, ATTEMPTS);
    }

    #[tokio::test(start_paused = true)]
    async fn retry_waits_for_retry_after() {
        let began = Instant::now();
        let server_delay = Duration::from_secs(20);
        let mut budget = RetryBudget::new(Method::Get);
        assert!(budget.again(true, Some(server_delay)).await);
        assert_eq!(began.elapsed(), server_delay);
        assert!(budget.again(true, Some(Duration::ZERO)).await);
        assert!(
            began.elapsed() > server_delay,
            "no less than without its word"
        );
        assert!(!budget.again(true, Some(MAX_WAIT)).await);
        assert!(began.elapsed() < server_delay * 2, "at once");
    }

    #[tokio::test(start_paused = true)]
    async fn no_wait_without_rate_limit() {
        let mut budget = RetryBudget::new(Method::Get);
        let waited = budget.wait(Duration::ZERO).now_or_never();
        assert_eq!(waited, Some(true), "it took a timer tick");
    }

    #[tokio::test(start_paused = true)]
    async fn budget_ends() {
        let mut budget = RetryBudget::new(Method::Get);
        assert!(!budget.wait(MAX_WAIT + Duration::from_secs(1)).await);
        assert!(budget.wait(MAX_WAIT).await);
        assert!(!budget.wait(Duration::from_millis(1)).await);
    }
}
