//! Decides how long an idle connection is reused.
//!
//! A server closes an idle connection after some time, perhaps at the moment when a request is sent
//! on it. That request is lost, and the client cannot know whether it arrived. The client therefore
//! closes idle connections first, before any common server does:
//!
//! | server or balancer | default idle timeout |
//! |---|---|
//! | gunicorn (threads) | 2 s; 5 s in recent versions |
//! | Node.js, Apache, uvicorn | 5 s |
//! | Puma | 20 s (65 s in recent versions) |
//! | Tomcat, AWS ALB | 60 s |
//! | nginx | 75 s |
//! | Azure | 4 min |
//! | Google Cloud | 10 min |
//!
//! A server may announce a shorter timeout with `Keep-Alive: timeout=N`. The client's pool has one
//! idle timeout for all servers, so such a server gets a new connection for each request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::clock_cache::ClockCache;

/// The idle timeout of connections: half a second less than the shortest in the table.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_millis(1500);

/// The time by which a server's timeout must exceed the client's: the longest expected transit of a
/// request.
const MARGIN: Duration = Duration::from_millis(500);

/// The number of origins to remember.
const MAX_ORIGINS: usize = 1000;

/// The origins that close idle connections before [`IDLE_TIMEOUT`] plus a margin.
#[derive(Debug)]
pub(super) struct ShortLived {
    origins: Mutex<ClockCache<String, ()>>,
    /// Whether there are such origins, so that most clients need neither the lock nor the origin.
    is_used: AtomicBool,
}

impl Default for ShortLived {
    fn default() -> Self {
        Self {
            origins: Mutex::new(ClockCache::new(MAX_ORIGINS)),
            is_used: AtomicBool::new(false),
        }
    }
}

impl ShortLived {
    pub(super) fn contains(&self, url: &Url) -> bool {
        if !self.is_used.load(Ordering::Relaxed) {
            return false;
        }
        let origin = url.origin().ascii_serialization();
        self.origins().get(&origin).is_some()
    }

    /// Remembers the timeout that a response of this server announces.
    pub(super) fn note(&self, url: &Url, headers: &HeaderMap) {
        let Some(announced) = announced(headers) else {
            return;
        };
        let origin = url.origin().ascii_serialization();
        if announced >= IDLE_TIMEOUT + MARGIN {
            self.origins().remove(&origin);
            return;
        }
        self.origins().insert(origin, ());
        self.is_used.store(true, Ordering::Relaxed);
    }

    fn origins(&self) -> MutexGuard<'_, ClockCache<String, ()>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parses the idle timeout in `Keep-Alive: timeout=5, max=100`.
fn announced(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("keep-alive").iter();
    let parameters = values.filter_map(|value| value.to_str().ok());
    let timeouts = parameters
        .flat_map(|value| value.split(','))
        .filter_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let seconds = value.trim().trim_matches('"').parse().ok()?;
            (name.trim().eq_ignore_ascii_case("timeout")).then(|| Duration::from_secs(seconds))
        });
    timeouts.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let name = reqwest::header::HeaderName::from_static("keep-alive");
        let header = |value: &&'static str| (name.clone(), value.parse().unwrap());
        values.iter().map(header).collect()
    }

    #[test]
    fn announced_timeouts_are_parsed() {
        for (values, expected) in [
            (&["timeout=5"][..], Some(5)),
            (&["timeout=5, max=100"], Some(5)),
            (&["max=100, Timeout = 7"], Some(7)),
            (&["timeout=\"3\""], Some(3)),
            (&["timeout=9", "timeout=1"], Some(1)),
            (&["timeout=0"], Some(0)),
            (&["timeout=soon"], None),
            (&["max=5"], None),
            (&[], None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(announced(&headers(values)), expected, "{values:?}");
        }
    }

    #[test]
    fn only_servers_that_close_early_are_remembered() {
        let (origins, url) = (
            ShortLived::default(),
            Url::parse("http://a.example/x").unwrap(),
        );
        for (announced, is_short) in [
            ("timeout=1", true),
            ("timeout=2", false),
            ("timeout=0", true),
        ] {
            origins.note(&url, &headers(&[announced]));
            assert_eq!(origins.contains(&url), is_short, "{announced}");
        }
        origins.note(&url, &headers(&[]));
        assert!(
            origins.contains(&url),
            "an answer without a word changes nothing"
        );
        for number in 0..MAX_ORIGINS * 2 {
            let other = Url::parse(&format!("http://{number}.example/")).unwrap();
            origins.note(&other, &headers(&["timeout=1"]));
        }
        assert!(origins.origins().iter().count() <= MAX_ORIGINS);
    }
}
