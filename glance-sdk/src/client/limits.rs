//! The rate limit of an installation, from the headers of the host's responses.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderMap};
use tokio::time::Instant;

use crate::auth::now;

/// The longest wait for a reset, even if the host demands a longer one. HipChat's periods had five
/// minutes.
const MAX_WINDOW: Duration = Duration::from_secs(60 * 60);

/// The rate limit of the host's last response (`X-Ratelimit-*`).
///
/// HipChat accepted 500 requests per five minutes from each installation.
///
/// ```no_run
/// use glance_sdk::auth::now;
/// use glance_sdk::client::Client;
///
/// # fn example(client: Client) {
/// if let Some(limit) = client.rate_limit().filter(|limit| limit.remaining == 0) {
///     println!("the host takes requests again in {} s", limit.reset - now());
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number of requests per period.
    pub limit: u64,
    /// The number of remaining requests in this period.
    pub remaining: u64,
    /// The start of the next period, in seconds since 1970.
    pub reset: i64,
}

impl RateLimit {
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        fn number<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
            headers.get(name)?.to_str().ok()?.trim().parse().ok()
        }
        Some(Self {
            limit: number(headers, "x-ratelimit-limit")?,
            remaining: number(headers, "x-ratelimit-remaining")?,
            reset: number(headers, "x-ratelimit-reset")?,
        })
    }

    fn resets_in(&self, headers: &HeaderMap, now: i64) -> Duration {
        let left = self.reset.saturating_sub(date(headers).unwrap_or(now));
        Duration::from_secs(u64::try_from(left).unwrap_or(0)).min(MAX_WINDOW)
    }
}

/// Returns the time until the rate limit in these headers resets; `None` if they contain none.
///
/// The reset is a time on the host's clock, so it is compared with the host's own `Date`: the
/// difference between the two machines' clocks does not matter. Without a `Date` it is compared
/// with `now`, in seconds since 1970.
pub(super) fn resets_in(headers: &HeaderMap, now: i64) -> Option<Duration> {
    RateLimit::read(headers).map(|limit| limit.resets_in(headers, now))
}

/// Returns the time of a response by the host's clock, in seconds since 1970.
fn date(headers: &HeaderMap) -> Option<i64> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let since = date.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// The rate limit of the last response with one.
#[derive(Debug, Default)]
pub(super) struct Limits(Mutex<Option<Noted>>);

#[derive(Debug, Clone, Copy)]
struct Noted {
    limit: RateLimit,
    /// A monotonic time, which does not change when somebody sets the machine's clock.
    resets_at: Instant,
}

impl Limits {
    pub(super) fn note(&self, headers: &HeaderMap) {
        if let Some(limit) = RateLimit::read(headers) {
            let resets_at = Instant::now() + limit.resets_in(headers, now());
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Noted { limit, resets_at });
        }
    }

    pub(super) fn get(&self) -> Option<RateLimit> {
        self.noted().map(|noted| noted.limit)
    }

    /// Returns the time until the limit resets; zero if none is known.
    pub(super) fn resets_in(&self) -> Duration {
        let left = |noted: Noted| noted.resets_at.saturating_duration_since(Instant::now());
        self.noted().map(left).unwrap_or_default()
    }

    /// Returns the wait after which the next request stays within the limit.
    pub(super) fn wait(&self) -> Duration {
        match self.noted() {
            Some(noted) if noted.limit.remaining == 0 => self.resets_in(),
            _ => Duration::ZERO,
        }
    }

    fn noted(&self) -> Option<Noted> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14 22:13:20.
    const NOW: i64 = 1_700_000_000;

    fn headers(remaining: &str, reset: i64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", "500".parse().unwrap());
        headers.insert("x-ratelimit-remaining", remaining.parse().unwrap());
        headers.insert("x-ratelimit-reset", reset.into());
        headers
    }

    #[test]
    fn limit_is_read_from_valid_headers_only() {
        let limit = RateLimit::read(&headers("0", NOW + 300)).unwrap();
        assert_eq!(
            (limit.limit, limit.remaining, limit.reset),
            (500, 0, NOW + 300)
        );
        assert_eq!(RateLimit::read(&headers("-1", NOW)), None);
        assert_eq!(RateLimit::read(&headers("many", NOW)), None);
        assert_eq!(RateLimit::read(&HeaderMap::new()), None);
    }

    #[test]
    fn reset_is_compared_with_host_clock() {
        let mut headers = headers("0", NOW + 300);
        let in_300 = Some(Duration::from_secs(300));
        assert_eq!(resets_in(&headers, NOW), in_300);
        assert_eq!(resets_in(&headers, NOW + 301), Some(Duration::ZERO));
        let date = "Tue, 14 Nov 2023 22:13:20 GMT";
        headers.insert(DATE, date.parse().unwrap());
        for skew in [-86_400, 0, 86_400] {
            assert_eq!(resets_in(&headers, NOW + skew), in_300);
        }
    }

    #[test]
    fn wait_for_reset_is_at_most_an_hour() {
        for reset in [NOW + 86_400, i64::MAX] {
            assert_eq!(resets_in(&headers("0", reset), NOW), Some(MAX_WINDOW));
        }
        assert_eq!(
            resets_in(&headers("0", i64::MIN), NOW),
            Some(Duration::ZERO)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn waits_until_the_limit_resets() {
        let limits = Limits::default();
        assert_eq!(limits.wait(), Duration::ZERO);
        limits.note(&headers("1", now() + 300));
        assert_eq!(limits.wait(), Duration::ZERO);
        assert!(limits.resets_in() > Duration::from_secs(290));
        limits.note(&headers("0", now() + 300));
        assert!(limits.wait() > Duration::from_secs(290));
        tokio::time::advance(Duration::from_secs(301)).await;
        assert_eq!(limits.wait(), Duration::ZERO);
    }
}
