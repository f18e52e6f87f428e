//! How many connections a server takes, and how many bytes that it has not handled yet.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::quota::{Client, Quota};

/// The most files that a server leaves to everything else: its database, its log, its outgoing calls.
const OTHER_FILES: usize = 1024;

/// How many connections a server takes where the operating system does not say how many files a
/// process may open.
const CONNECTIONS: usize = 8192;

/// How many bytes of requests are in memory at once, in bytes.
const BYTES: usize = 64 * 1024 * 1024;

/// How many connections a server takes, and how many bytes of requests it holds at once.
///
/// By default it takes as many connections as the process may open files (`RLIMIT_NOFILE`), less half of
/// them or 1,024, whichever is less, for everything else; and it holds 64 MB of bodies and large heads.
/// A client, which is an IPv4 address or an IPv6 network of `/64`, gets half of each. A client on
/// loopback, or one that [`proxies`](Self::proxies) names, gets all: behind it are many.
///
/// Clones count together.
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
    /// How many connections there are at once, of one client at most half of them.
    ///
    /// ```
    /// use glance_sdk::serve::Limits;
    ///
    /// // One client gets at most 250 of them.
    /// let limits = Limits::default().connections(500);
    /// ```
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = Quota::new(connections);
        self
    }

    /// How many bytes of bodies and large heads are in memory at once, of one client at most half of
    /// them. A body that one request may have must fit into that half.
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

    /// Which addresses are reverse proxies: as many people are behind them, they are held to what all
    /// clients together get. Loopback always is.
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

    /// Whose share an address takes; `None` where many share the address.
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
    fn connections_leave_files_to_everything_else() {
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
    fn loopback_and_proxies_are_no_clients() {
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
