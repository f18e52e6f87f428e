//! How much the host takes from each installation: requests, and messages in a room.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponseParts, ResponseParts};
use glance_sdk::model::{OauthId, RoomId, UserId};

use crate::clock::Clock;

static RATE: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

static FLOOD: [HeaderName; 3] = [
    HeaderName::from_static("x-floodcontrol-limit"),
    HeaderName::from_static("x-floodcontrol-remaining"),
    HeaderName::from_static("x-floodcontrol-reset"),
];

/// What is left to all installations. Nothing of it outlives the process.
#[derive(Debug)]
pub(crate) struct Limits {
    clock: Clock,
    requests: Windows<OauthId>,
    messages: Windows<(OauthId, Recipient)>,
}

impl Limits {
    pub(crate) fn new(clock: Clock, requests: u32, messages: u32) -> Self {
        Self {
            clock,
            requests: Windows::new(&RATE, requests, 5 * 60),
            messages: Windows::new(&FLOOD, messages, 60),
        }
    }

    /// Takes a request of this installation; what nobody is known to have sent takes nothing.
    pub(crate) fn request(&self, by: Option<&OauthId>) -> Result<Allowance, Exceeded> {
        let now = self.clock.now();
        match by {
            Some(id) => self.requests.take(id.clone(), now),
            None => Ok(self.requests.whole(now)),
        }
    }

    /// Takes a message into a room or to a person. Each installation has its own number of them:
    /// the flood of one silences no other.
    pub(crate) fn message(
        &self,
        by: &OauthId,
        to: impl Into<Recipient>,
    ) -> Result<Allowance, Exceeded> {
        self.messages
            .take((by.clone(), to.into()), self.clock.now())
    }
}

/// Where a message goes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Recipient {
    Room(RoomId),
    User(UserId),
}

impl From<RoomId> for Recipient {
    fn from(room: RoomId) -> Self {
        Self::Room(room)
    }
}

impl From<UserId> for Recipient {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

/// What is left of a limit, as the headers of an answer say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowance {
    names: &'static [HeaderName; 3],
    limit: u32,
    remaining: u32,
    /// When it is whole again, in seconds since 1970.
    reset: i64,
}

impl Allowance {
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        let [limit, remaining, reset] = self.names;
        headers.insert(limit, self.limit.into());
        headers.insert(remaining, self.remaining.into());
        headers.insert(reset, HeaderValue::from(self.reset));
    }
}

impl IntoResponseParts for Allowance {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        self.write(parts.headers_mut());
        Ok(parts)
    }
}

/// Nothing is left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exceeded {
    pub(crate) allowance: Allowance,
    /// In how many seconds it is whole again.
    pub(crate) retry_after: i64,
}

/// What was taken, by whom it was: a period begins with the first that is taken.
#[derive(Debug)]
struct Windows<K> {
    names: &'static [HeaderName; 3],
    limit: u32,
    /// In seconds.
    period: i64,
    open: Mutex<Open<K>>,
}

#[derive(Debug)]
struct Open<K> {
    windows: HashMap<K, Window>,
    /// When those that are over are next forgotten.
    swept_at: i64,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    taken: u32,
    reset: i64,
}

impl<K: Eq + Hash> Windows<K> {
    fn new(names: &'static [HeaderName; 3], limit: u32, period: i64) -> Self {
        let windows = HashMap::new();
        Self {
            names,
            limit,
            period,
            open: Mutex::new(Open {
                windows,
                swept_at: 0,
            }),
        }
    }

    fn take(&self, key: K, now: i64) -> Result<Allowance, Exceeded> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Once in a period, so that no request pays for all the others.
        if open.swept_at <= now {
            open.windows.retain(|_, window| window.reset > now);
            open.swept_at = now.saturating_add(self.period);
        }
        let new = Window {
            taken: 0,
            reset: now.saturating_add(self.period),
        };
        let window = open.windows.entry(key).or_insert(new);
        if window.reset <= now {
            *window = new;
        }
        let left = self.limit.saturating_sub(window.taken);
        if left == 0 {
            return Err(Exceeded {
                allowance: self.allowance(0, window.reset),
                retry_after: window.reset.saturating_sub(now),
            });
        }
        window.taken += 1;
        Ok(self.allowance(left - 1, window.reset))
    }

    fn whole(&self, now: i64) -> Allowance {
        self.allowance(self.limit, now.saturating_add(self.period))
    }

    fn allowance(&self, remaining: u32, reset: i64) -> Allowance {
        Allowance {
            names: self.names,
            limit: self.limit,
            remaining,
            reset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows() -> Windows<&'static str> {
        Windows::new(&RATE, 2, 60)
    }

    #[test]
    fn a_period_begins_with_its_first_and_ends_by_the_clock() {
        let windows = windows();
        let taken = windows.take("a", 1000).unwrap();
        assert_eq!((taken.remaining, taken.reset), (1, 1060));
        assert_eq!(windows.take("a", 1059).unwrap().remaining, 0);
        let exceeded = windows.take("a", 1059).unwrap_err();
        assert_eq!(exceeded.retry_after, 1);
        assert_eq!(windows.take("b", 1059).unwrap().remaining, 1);
        let again = windows.take("a", 1060).unwrap();
        assert_eq!((again.remaining, again.reset), (1, 1120));
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let windows = Windows::new(&RATE, 2, 60);
        for n in 0..1000 {
            windows.take(n, 1000).unwrap();
        }
        windows.take(1000, 1030).unwrap();
        assert_eq!(windows.open.lock().unwrap().windows.len(), 1001);
        windows.take(1001, 1060).unwrap();
        assert_eq!(windows.open.lock().unwrap().windows.len(), 2);
    }

    #[test]
    fn nothing_is_taken_where_nothing_is_allowed() {
        let windows = Windows::new(&FLOOD, 0, 60);
        assert!(windows.take("a", 1000).is_err());
        assert!(windows.take("a", 2000).is_err());
    }
}
