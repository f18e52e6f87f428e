//! The rate limit of an installation, as the host's answers tell it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::auth::now;

/// How many requests the host still takes, as its last answer said (`X-Ratelimit-*`).
///
/// HipChat took 500 requests in five minutes from each installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many requests it takes in one period.
    pub limit: u64,
    /// How many of them are left.
    pub remaining: u64,
    /// When the next period begins, in seconds since 1970.
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

    /// How long it is until the next period begins.
    pub(super) fn lifts_in(&self, now: i64) -> Duration {
        Duration::from_secs(u64::try_from(self.reset.saturating_sub(now)).unwrap_or(0))
    }
}

/// What the last answer said.
#[derive(Debug, Default)]
pub(super) struct Limits(Mutex<Option<RateLimit>>);

impl Limits {
    pub(super) fn note(&self, headers: &HeaderMap) {
        if let Some(limit) = RateLimit::read(headers) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(limit);
        }
    }

    pub(super) fn get(&self) -> Option<RateLimit> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long to wait so that the next request is not one too many.
    pub(super) fn wait(&self) -> Duration {
        match self.get() {
            Some(limit) if limit.remaining == 0 => limit.lifts_in(now()),
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_from_headers_and_ignored_where_they_are_odd() {
        let headers = |remaining: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-ratelimit-limit", "500".parse().unwrap());
            headers.insert("x-ratelimit-remaining", remaining.parse().unwrap());
            headers.insert("x-ratelimit-reset", "1700000300".parse().unwrap());
            headers
        };
        let limit = RateLimit::read(&headers("0")).unwrap();
        assert_eq!(
            (limit.limit, limit.remaining, limit.reset),
            (500, 0, 1_700_000_300)
        );
        assert_eq!(limit.lifts_in(1_700_000_000), Duration::from_secs(300));
        assert_eq!(limit.lifts_in(1_700_000_301), Duration::ZERO);
        assert_eq!(RateLimit::read(&headers("-1")), None);
        assert_eq!(RateLimit::read(&headers("many")), None);
        assert_eq!(RateLimit::read(&HeaderMap::new()), None);
    }
}
