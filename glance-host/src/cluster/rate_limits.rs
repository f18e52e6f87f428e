//! Rate limits: requests and messages per installation, and wrong tokens per address.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use glance_sdk::model::{OauthId, RoomId, UserId};
use parking_lot::Mutex;

use crate::model::clock::Clock;

/// The number of wrong tokens that an address may send in [`WRONG_TOKENS_PERIOD`].
const MAX_WRONG_TOKENS: u32 = 20;

const WRONG_TOKENS_PERIOD: Duration = Duration::from_secs(5 * 60);

/// The number of addresses whose wrong tokens are counted at the same time.
const MAX_ADDRESSES: usize = 10_000;

/// Limits how many requests and messages each installation sends, and how many wrong tokens an address sends. The
/// counts are in memory only.
#[derive(Debug)]
pub(crate) struct Limits {
    clock: Clock,
    requests: Windows<OauthId>,
    messages: Windows<(OauthId, Recipient)>,
    wrong_tokens: Windows<IpAddr>,
}

impl Limits {
    pub(crate) fn new(clock: Clock, requests: u32, messages: u32) -> Self {
        Self {
            clock,
            requests: Windows::new(LimitKind::Requests, requests, Duration::from_secs(5 * 60)),
            messages: Windows::new(LimitKind::Messages, messages, Duration::from_secs(60)),
            wrong_tokens: Windows::new(
                LimitKind::WrongTokens,
                MAX_WRONG_TOKENS,
                WRONG_TOKENS_PERIOD,
            ),
        }
    }

    /// Counts a request of this installation. Requests of unknown senders are not counted.
    pub(crate) fn request(&self, by: Option<&OauthId>) -> Result<Allowance, Exceeded> {
        let time = Time::read(&self.clock);
        match by {
            Some(id) => self.requests.take(id.clone(), time),
            None => Ok(self.requests.whole(time)),
        }
    }

    /// Counts a message to a room or a person. Each installation has its own count, so that one cannot use up the limit
    /// of another.
    pub(crate) fn message(
        &self,
        by: &OauthId,
        to: impl Into<Recipient>,
    ) -> Result<Allowance, Exceeded> {
        self.messages
            .take((by.clone(), to.into()), Time::read(&self.clock))
    }

    /// Refuses an address that has sent too many wrong tokens.
    pub(crate) fn check_address(&self, from: IpAddr) -> Result<(), Exceeded> {
        self.wrong_tokens
            .check(&network(from), Time::read(&self.clock))
    }

    /// Counts a wrong token.
    pub(crate) fn count_wrong_token(&self, from: IpAddr) -> Result<(), Exceeded> {
        let time = Time::read(&self.clock);
        self.wrong_tokens
            .take_within(MAX_ADDRESSES, network(from), time)
            .map(drop)
    }
}

/// Returns an IPv4 address, or the `/64` network of an IPv6 address, which one customer has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

/// Both readings of a clock. Windows end by the monotonic one, so that setting the wall clock neither locks an add-on
/// out nor lets it in early. The response headers contain the end on the wall clock.
#[derive(Clone, Copy)]
struct Time {
    elapsed: Duration,
    /// In seconds since 1970.
    now: i64,
}

impl Time {
    fn read(clock: &Clock) -> Self {
        Self {
            elapsed: clock.elapsed(),
            now: clock.now(),
        }
    }
}

/// The recipient of a message.
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

/// The kind of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitKind {
    Requests,
    Messages,
    WrongTokens,
}

/// What is left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) kind: LimitKind,
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// When the whole limit is available again, in seconds since 1970.
    pub(crate) reset: i64,
}

/// An error: the limit is used up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exceeded {
    pub(crate) allowance: Allowance,
    /// The number of seconds until the whole limit is available again.
    pub(crate) retry_after: i64,
}

/// Counts per key in windows of equal length. A window opens with the first counted request of its key.
#[derive(Debug)]
struct Windows<K> {
    kind: LimitKind,
    limit: u32,
    period: Duration,
    open: Mutex<Open<K>>,
}

#[derive(Debug)]
struct Open<K> {
    windows: HashMap<K, Window>,
    /// When closed windows are removed next.
    sweep_at: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    taken: u32,
    /// The end, by [`Clock::elapsed`].
    ends_at: Duration,
}

impl<K: Eq + Hash> Windows<K> {
    fn new(kind: LimitKind, limit: u32, period: Duration) -> Self {
        let windows = HashMap::new();
        Self {
            kind,
            limit,
            period,
            open: Mutex::new(Open {
                windows,
                sweep_at: Duration::ZERO,
            }),
        }
    }

    fn take(&self, key: K, time: Time) -> Result<Allowance, Exceeded> {
        self.take_within(usize::MAX, key, time)
    }

    /// Counts one, and refuses a new key if `keys` keys have a window.
    fn take_within(&self, keys: usize, key: K, time: Time) -> Result<Allowance, Exceeded> {
        let mut open = self.open.lock();
        // Closed windows are removed once per period, so that the amortized cost of a request is constant.
        if open.sweep_at <= time.elapsed {
            open.windows
                .retain(|_, window| window.ends_at > time.elapsed);
            open.sweep_at = time.elapsed + self.period;
        }
        if open.windows.len() >= keys && !open.windows.contains_key(&key) {
            return Err(self.exceeded(whole_seconds(self.period), time.now));
        }
        let new = Window {
            taken: 0,
            ends_at: time.elapsed + self.period,
        };
        let window = open.windows.entry(key).or_insert(new);
        if window.ends_at <= time.elapsed {
            *window = new;
        }
        let seconds_left = whole_seconds(window.ends_at - time.elapsed);
        let remaining = self.limit.saturating_sub(window.taken);
        if remaining == 0 {
            return Err(self.exceeded(seconds_left, time.now));
        }
        window.taken += 1;
        Ok(self.allowance(remaining - 1, time.now, seconds_left))
    }

    /// Refuses a key whose limit is used up, without counting.
    fn check(&self, key: &K, time: Time) -> Result<(), Exceeded> {
        let open = self.open.lock();
        match open.windows.get(key) {
            Some(window) if window.taken >= self.limit && window.ends_at > time.elapsed => {
                let seconds_left = whole_seconds(window.ends_at - time.elapsed);
                Err(self.exceeded(seconds_left, time.now))
            }
            _ => Ok(()),
        }
    }

    fn exceeded(&self, seconds_left: i64, now: i64) -> Exceeded {
        Exceeded {
            allowance: self.allowance(0, now, seconds_left),
            retry_after: seconds_left,
        }
    }

    fn whole(&self, time: Time) -> Allowance {
        self.allowance(self.limit, time.now, whole_seconds(self.period))
    }

    fn allowance(&self, remaining: u32, now: i64, seconds_left: i64) -> Allowance {
        Allowance {
            kind: self.kind,
            limit: self.limit,
            remaining,
            reset: now.saturating_add(seconds_left),
        }
    }
}

/// Rounds up, so that nobody retries too early.
fn whole_seconds(time: Duration) -> i64 {
    let up = u64::from(time.subsec_nanos() > 0);
    i64::try_from(time.as_secs() + up).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_700_000_000;

    fn at(elapsed: u64) -> Time {
        Time {
            elapsed: Duration::from_secs(elapsed),
            now: START + i64::try_from(elapsed).unwrap(),
        }
    }

    fn windows<K: Eq + Hash>(limit: u32) -> Windows<K> {
        Windows::new(LimitKind::Requests, limit, Duration::from_secs(60))
    }

    #[test]
    fn window_opens_with_first_request_and_ends_after_its_period() {
        let windows = windows(2);
        let taken = windows.take("a", at(1000)).unwrap();
        assert_eq!((taken.remaining, taken.reset), (1, START + 1060));
        assert_eq!(windows.take("a", at(1059)).unwrap().remaining, 0);
        let exceeded = windows.take("a", at(1059)).unwrap_err();
        assert_eq!(exceeded.retry_after, 1);
        assert_eq!(windows.take("b", at(1059)).unwrap().remaining, 1);
        let again = windows.take("a", at(1060)).unwrap();
        assert_eq!((again.remaining, again.reset), (1, START + 1120));
    }

    #[test]
    fn setting_the_wall_clock_moves_no_window() {
        for jump in [-86_400, 86_400] {
            let clock = Clock::standing_at(START);
            let limits = Limits::new(clock.clone(), 1, 1);
            let id = OauthId::from("a");
            assert!(limits.request(Some(&id)).is_ok());
            clock.set(START + jump);
            let exceeded = limits.request(Some(&id)).unwrap_err();
            assert_eq!(exceeded.retry_after, 300);
            assert_eq!(exceeded.allowance.reset, START + jump + 300);
            clock.advance(Duration::from_secs(300));
            assert!(limits.request(Some(&id)).is_ok());
        }
    }

    #[test]
    fn retry_after_is_rounded_up() {
        let windows = windows(1);
        windows.take("a", at(0)).unwrap();
        let time = Time {
            elapsed: Duration::from_millis(59_500),
            now: START + 59,
        };
        let exceeded = windows.take("a", time).unwrap_err();
        assert_eq!(
            (exceeded.retry_after, exceeded.allowance.reset),
            (1, START + 60)
        );
    }

    #[test]
    fn closed_windows_are_removed() {
        let windows = windows(2);
        for n in 0..1000 {
            windows.take(n, at(1000)).unwrap();
        }
        windows.take(1000, at(1030)).unwrap();
        assert_eq!(windows.open.lock().windows.len(), 1001);
        windows.take(1001, at(1060)).unwrap();
        assert_eq!(windows.open.lock().windows.len(), 2);
    }

    #[test]
    fn wrong_tokens_are_counted_by_network_until_their_window_ends() {
        let clock = Clock::standing_at(START);
        let limits = Limits::new(clock.clone(), 1, 1);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for (one, same, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::ffff:0:0:1", "2001:db8:0:1::1"),
        ] {
            for _ in 0..MAX_WRONG_TOKENS {
                assert!(limits.check_address(address(one)).is_ok());
                assert!(limits.count_wrong_token(address(one)).is_ok());
            }
            assert!(limits.count_wrong_token(address(one)).is_err());
            let exceeded = limits.check_address(address(same)).unwrap_err();
            assert_eq!(exceeded.retry_after, 300);
            assert!(limits.check_address(address(other)).is_ok());
        }
        clock.advance(WRONG_TOKENS_PERIOD);
        assert!(limits.check_address(address("192.0.2.1")).is_ok());
    }

    #[test]
    fn number_of_keys_is_limited() {
        let windows = windows(1);
        for n in 0..3 {
            assert!(windows.take_within(3, n, at(0)).is_ok());
        }
        assert!(windows.take_within(3, 3, at(59)).is_err());
        assert!(windows.take_within(3, 3, at(60)).is_ok());
    }

    #[test]
    fn limit_of_zero_allows_nothing() {
        let windows = windows(0);
        assert!(windows.take("a", at(1000)).is_err());
        assert!(windows.take("a", at(2000)).is_err());
    }
}
