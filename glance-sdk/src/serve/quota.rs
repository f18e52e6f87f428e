//! Counts the use of a resource, overall and per client.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A client for the purpose of quotas: an IPv4 address, or the `/64` network of an IPv6 address,
/// which is the usual assignment of an Internet provider to one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Client(NonZeroU64);

impl Client {
    pub(super) fn new(address: IpAddr) -> Self {
        let number = match address.to_canonical() {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
        };
        // `0.0.0.0` and `::` belong to nobody.
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MAX))
    }
}

/// The quota has not enough left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exhausted {
    Overall,
    ForClient,
}

/// An amount of connections or bytes that clients take and return.
#[derive(Debug)]
pub(super) struct Quota {
    overall: usize,
    per_client: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    overall: usize,
    /// Contains only clients that use something.
    by_client: HashMap<Client, usize>,
}

impl Quota {
    /// Creates a quota of which a client may use half.
    pub(super) fn new(overall: usize) -> Arc<Self> {
        Arc::new(Self {
            overall,
            per_client: overall.div_ceil(2),
            used: Mutex::default(),
        })
    }

    /// Takes a share of `amount`, which is returned when it is dropped. Without a client only the
    /// overall limit applies.
    pub(super) fn take(
        self: &Arc<Self>,
        client: Option<Client>,
        amount: usize,
    ) -> Result<Share, Exhausted> {
        let mut share = Share {
            quota: Arc::clone(self),
            client,
            amount: 0,
        };
        share.grow(amount)?;
        Ok(share)
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An amount taken from a [`Quota`].
#[derive(Debug)]
pub(super) struct Share {
    quota: Arc<Quota>,
    client: Option<Client>,
    amount: usize,
}

impl Share {
    /// Takes more, or nothing if that exceeds a limit.
    pub(super) fn grow(&mut self, more: usize) -> Result<(), Exhausted> {
        let mut used = self.quota.used();
        let overall = used.overall.saturating_add(more);
        if overall > self.quota.overall {
            return Err(Exhausted::Overall);
        }
        if let (Some(client), 1..) = (self.client, more) {
            let by_client = used.by_client.get(&client).copied().unwrap_or_default();
            let by_client = by_client.saturating_add(more);
            if by_client > self.quota.per_client {
                return Err(Exhausted::ForClient);
            }
            used.by_client.insert(client, by_client);
        }
        used.overall = overall;
        self.amount += more;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut used = self.quota.used();
        used.overall -= self.amount;
        if let Some(client) = self.client
            && let Entry::Occupied(mut by_client) = used.by_client.entry(client)
        {
            *by_client.get_mut() -= self.amount;
            if *by_client.get() == 0 {
                by_client.remove();
            }
        }
        // Releases the memory that a crowd of former clients needed.
        if used.by_client.capacity() > 1024 && used.by_client.len() < used.by_client.capacity() / 8
        {
            used.by_client.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Option<Client> {
        Some(Client::new(address.parse().unwrap()))
    }

    #[test]
    fn one_client_gets_half_and_all_get_everything() {
        let quota = Quota::new(10);
        let [a, b, c] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(client);
        let mut first = quota.take(a, 4).unwrap();
        assert_eq!(first.grow(2), Err(Exhausted::ForClient));
        first.grow(1).unwrap();
        assert_eq!(quota.take(a, 1).unwrap_err(), Exhausted::ForClient);
        let _second = quota.take(b, 5).unwrap();
        assert_eq!(quota.take(c, 1).unwrap_err(), Exhausted::Overall);
        drop(first);
        let _third = quota.take(c, 5).unwrap();
    }

    #[test]
    fn proxy_gets_everything() {
        let quota = Quota::new(10);
        let _all = quota.take(None, 10).unwrap();
        assert_eq!(quota.take(None, 1).unwrap_err(), Exhausted::Overall);
    }

    #[test]
    fn former_clients_use_no_memory() {
        let quota = Quota::new(1_000_000);
        let shares: Vec<_> = (1..10_000_u32)
            .map(|n| {
                quota
                    .take(Some(Client::new(IpAddr::V4(n.into()))), 3)
                    .unwrap()
            })
            .collect();
        drop(quota.take(client("192.0.2.1"), 0).unwrap());
        drop(shares);
        let used = quota.used();
        assert_eq!((used.overall, used.by_client.len()), (0, 0));
        assert!(used.by_client.capacity() <= 1024);
    }

    #[test]
    fn ipv6_network_and_mapped_address_are_one_client() {
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:1"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
    }
}
