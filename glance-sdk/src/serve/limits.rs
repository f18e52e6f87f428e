//! The limits on connections and on the memory of requests.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::quota::{Client, Quota};

/// The maximum number of files to reserve for everything else: database, log, outgoing calls.
const OTHER_FILES: usize = 1024;

/// The default number of connections if the operating system has no limit on open files.
const CONNECTIONS: usize = 8192;

/// The default memory of concurrent requests, in bytes.
const BYTES: usize = 64 * 1024 * 1024;

/// The limits on a server's connections and on the memory of its requests.
///
/// The default number of connections is the limit on open files (`RLIMIT_NOFILE`), minus half of it
/// or 1,024, whichever is less, for everything else. The default memory for bodies and large heads
/// is 64 MB. A client (an IPv4 address or an IPv6 network `/64`) may use half of each. A client on
/// loopback, or in [`proxies`](Self::proxies), may use all of it, because many people may share it.
///
/// Clones share the same counts.
///
/// ```
/// use std::net::Ipv4Addr;
///
/// use glance_sdk::serve::Limits;
///
/// let limits = Limits::default().proxies(|address| address == Ipv4Addr::new(10, 0, 0, 7));
/// ```
#[derive(Clone)]
pub struct Limits {
    connections: Arc<Quota>,
    bytes: Arc<Quota>,
    is_proxy: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: Quota::new(connections(file_limit())),
            bytes: Quota::new(BYTES),
            is_proxy: Arc::new(|_| false),
        }
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits")
            .field("connections", &self.connections)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Limits {
    /// Sets the number of concurrent connections. A client may have at most half of them.
    ///
    /// ```
    /// use glance_sdk::serve::Limits;
    ///
    /// // A client may have at most 250 of them.
    /// let limits = Limits::default().connections(500);
    /// ```
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = Quota::new(connections);
        self
    }

    /// Sets the number of bytes of bodies and large heads in memory. A client may use at most half
    /// of them, so a single body must fit into that half.
    ///
    /// ```
    /// use glance_sdk::serve::Limits;
    ///
    /// // A body may have up to 16 MB.
    /// let limits = Limits::default().bytes(32 * 1024 * 1024);
    /// ```
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = Quota::new(bytes);
        self
    }

    /// Sets which addresses are reverse proxies. Many people share them, so only the limits of all
    /// clients together apply to them. Loopback addresses always are proxies.
    #[must_use]
    pub fn proxies(mut self, is_proxy: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        self.is_proxy = Arc::new(is_proxy);
        self
    }

    pub(super) fn connection_quota(&self) -> &Arc<Quota> {
        &self.connections
    }

    pub(super) fn byte_quota(&self) -> &Arc<Quota> {
        &self.bytes
    }

    /// Returns the client to which an address belongs; `None` if many clients share the address.
    pub(super) fn client(&self, address: IpAddr) -> Option<Client> {
        let address = address.to_canonical();
        let is_shared = address.is_loopback() || (self.is_proxy)(address);
        (!is_shared).then(|| Client::new(address))
    }
}

fn connections(files: Option<usize>) -> usize {
    files.map_or(CONNECTIONS, |files| files - OTHER_FILES.min(files / 2))
}

#[cfg(unix)]
fn file_limit() -> Option<usize> {
    use rustix::process::{Resource, getrlimit};

    let current = getrlimit(Resource::Nofile).current?;
    usize::try_from(current).ok()
}

#[cfg(not(unix))]
fn file_limit() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn connections_reserve_files() {
        for (files, expected) in [
            (Some(256), 128),
            (Some(1024), 512),
            (Some(65_536), 64_512),
            (None, CONNECTIONS),
        ] {
            assert_eq!(connections(files), expected, "{files:?}");
        }
    }

    #[test]
    fn loopback_and_proxies_are_not_clients() {
        let limits = Limits::default().proxies(|address| address == Ipv4Addr::new(10, 0, 0, 7));
        for (address, is_client) in [
            ("127.0.0.1", false),
            ("::1", false),
            ("10.0.0.7", false),
            ("::ffff:10.0.0.7", false),
            ("10.0.0.8", true),
            ("2001:db8::1", true),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(limits.client(address).is_some(), is_client, "{address}");
        }
    }
}
