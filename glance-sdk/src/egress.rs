//! Outgoing HTTP calls: their allowed addresses, proxies and timeouts.
//!
//! An add-on calls addresses that a host names (its capabilities, token and API URLs), and a host
//! calls addresses that add-ons name (descriptors, callbacks, queries, webhooks, icons). Strangers
//! choose these addresses, and the caller often runs inside a private network. Without a check, a
//! stranger can make the program send requests to its own network: server-side request forgery.
//!
//! [`EgressPolicy`] defines the allowed addresses: the Internet, and the private networks that the
//! operator names. [`HttpClient`] sends requests under that policy. It checks addresses in the
//! resolver that the connection uses, so a name cannot resolve to one address for the check and to
//! another for the connection. It checks numeric addresses and redirects before each request.
//!
//! The SDK and the host share this module. An add-on that itself calls untrusted addresses can use
//! it too:
//!
//! ```no_run
//! use glance_sdk::egress::{EgressPolicy, HttpClient, Timeouts};
//! use glance_sdk::egress::reqwest::{Method, Url};
//! use std::time::Duration;
//!
//! # async fn example(feed: Url) -> Result<(), Box<dyn std::error::Error>> {
//! let http = HttpClient::builder(EgressPolicy::internet()).build()?;
//! let request = http.request(Method::GET, feed).build()?;
//! let answer = http.send(request, Timeouts::within(Duration::from_secs(10))).await?;
//! let body = answer.read(64 * 1024).await?;
//! # Ok(()) }
//! ```

mod call;
mod client;
mod error;
mod keep_alive;
mod phase;
mod proxy;
mod redirect;
mod resolver;
mod tls;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock};

/// A network in the usual notation, such as `10.1.0.0/16`.
pub use ipnet::IpNet;
/// The HTTP library whose requests [`HttpClient`] sends.
pub use reqwest;

pub use call::{Response, Timeouts};
pub use client::{HttpClient, HttpClientBuilder};
pub use error::{CallError, Failure};
pub use phase::Phase;
pub use proxy::{InvalidProxy, Proxies};
pub use redirect::Redirects;

use reqwest::Url;

/// The networks that are not part of the Internet, each with a description.
const RESERVED: &[(&str, &str)] = &[
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("64:ff9b:1::/48", "local-use translation"),
    ("2001::/23", "protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "private"),
    ("fec0::/10", "private"),
    ("ff00::/8", "multicast"),
];

/// The networks that no setting allows: link-local addresses, and addresses at which clouds serve
/// the credentials of a machine to all its programs.
const FORBIDDEN: &[(&str, &str)] = &[
    ("169.254.0.0/16", "link-local"),
    ("fe80::/10", "link-local"),
    ("100.100.100.200/32", "cloud metadata"),
    ("168.63.129.16/32", "cloud metadata"),
    ("192.0.0.192/32", "cloud metadata"),
    ("fd00:ec2::254/128", "cloud metadata"),
    ("fd20:ce::254/128", "cloud metadata"),
];

/// The part of IPv6 that is assigned to the Internet so far.
const ASSIGNED: &str = "2000::/3";

const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

static NETWORKS: LazyLock<Networks> = LazyLock::new(|| {
    let parse = |list: &[(&str, &'static str)]| {
        let parsed = list
            .iter()
            .filter_map(|(network, what)| Some((network.parse().ok()?, *what)));
        parsed.collect()
    };
    Networks {
        reserved: parse(RESERVED),
        forbidden: parse(FORBIDDEN),
        assigned: ASSIGNED.parse().ok(),
    }
});

struct Networks {
    reserved: Vec<(IpNet, &'static str)>,
    forbidden: Vec<(IpNet, &'static str)>,
    assigned: Option<IpNet>,
}

/// A policy on the addresses that may be called.
///
/// | addresses | allowed |
/// |---|---|
/// | on the Internet | always |
/// | in private, loopback, and other special networks | with [`allow_networks`](Self::allow_networks) or [`allow_loopback`](Self::allow_loopback) |
/// | link-local (`169.254.0.0/16`, `fe80::/10`) and metadata services of clouds | never |
///
/// An IPv6 address that embeds an IPv4 address (mapped, compatible, NAT64, 6to4) counts as the
/// latter. The policy checks addresses only, and allows all ports.
///
/// ```
/// use glance_sdk::egress::EgressPolicy;
///
/// let policy = EgressPolicy::internet().allow_networks(["10.1.0.0/16".parse()?]);
/// assert!(policy.check("93.184.216.34".parse()?).is_ok());
/// assert!(policy.check("10.1.2.3".parse()?).is_ok());
/// assert!(policy.check("::ffff:192.168.0.1".parse()?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct EgressPolicy {
    allowed: Arc<Vec<IpNet>>,
    setting: &'static str,
}

impl fmt::Debug for EgressPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EgressPolicy").field(&self.allowed).finish()
    }
}

/// A refused address, with the reason.
///
/// ```
/// use glance_sdk::egress::{EgressPolicy, Refused};
///
/// let refused = EgressPolicy::internet().check("192.168.0.1".parse()?).unwrap_err();
/// assert!(matches!(refused, Refused::Network { what: "private", .. }));
/// assert_eq!(
///     refused.to_string(),
///     "leads to 192.168.0.1 in the network 192.168.0.0/16 (private), which is not called; to allow it, \
///      name the network in `EgressPolicy::allow_networks`"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The address is in a network that the policy does not allow.
    Network {
        /// The address to which the numeric address or the name leads.
        ip: IpAddr,
        /// The network of the address.
        network: IpNet,
        /// A description of the network in a word or two.
        what: &'static str,
        /// The setting that allows the network, or `None` if no setting does.
        setting: Option<&'static str>,
    },
    /// The response is a redirect that the client does not follow; the text completes "a redirect".
    Redirect(&'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network {
                ip,
                network,
                what,
                setting,
            } => {
                write!(f, "leads to {ip} in the network {network} ({what}), which ")?;
                match setting {
                    Some(setting) => write!(
                        f,
                        "is not called; to allow it, name the network in `{setting}`"
                    ),
                    None => write!(f, "is never called"),
                }
            }
            Self::Redirect(why) => write!(f, "answered with a redirect {why}"),
        }
    }
}

impl std::error::Error for Refused {}

impl EgressPolicy {
    /// Allows the Internet and no other network.
    ///
    /// ```
    /// use glance_sdk::egress::EgressPolicy;
    ///
    /// let policy = EgressPolicy::internet();
    /// assert!(policy.check("93.184.216.34".parse()?).is_ok());
    /// assert!(policy.check("10.1.2.3".parse()?).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn internet() -> Self {
        Self {
            allowed: Arc::default(),
            setting: "EgressPolicy::allow_networks",
        }
    }

    /// Allows every address except those that are never allowed. Use it for addresses that the
    /// operator configured, never for addresses from strangers.
    ///
    /// ```
    /// use glance_sdk::egress::EgressPolicy;
    ///
    /// let policy = EgressPolicy::any_network();
    /// assert!(policy.check("10.1.2.3".parse()?).is_ok());
    /// assert!(policy.check("169.254.169.254".parse()?).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn any_network() -> Self {
        Self::internet().allow_networks(
            ["0.0.0.0/0", "::/0"]
                .iter()
                .filter_map(|network| network.parse().ok()),
        )
    }

    /// Allows these networks too. Logs a warning for each network that is never allowed.
    ///
    /// ```
    /// use glance_sdk::egress::EgressPolicy;
    ///
    /// let policy = EgressPolicy::internet().allow_networks(["10.1.0.0/16".parse()?]);
    /// assert!(policy.check("10.1.2.3".parse()?).is_ok());
    /// assert!(policy.check("10.2.2.3".parse()?).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn allow_networks(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        let allowed = Arc::make_mut(&mut self.allowed);
        for network in networks {
            let within = |(forbidden, _): &&(IpNet, _)| forbidden.contains(&network);
            if let Some((_, what)) = NETWORKS.forbidden.iter().find(within) {
                tracing::warn!(%network, what, "this network can never be allowed");
            }
            allowed.push(network);
        }
        self
    }

    /// Allows the machine on which the program runs.
    ///
    /// ```
    /// use glance_sdk::egress::EgressPolicy;
    ///
    /// assert!(EgressPolicy::internet().allow_loopback().check("127.0.0.1".parse()?).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn allow_loopback(self) -> Self {
        self.allow_networks(LOOPBACK.iter().filter_map(|network| network.parse().ok()))
    }

    /// Allows the machine on which the program runs if this base URL is not reachable from
    /// elsewhere, because its host is a loopback address or `localhost`.
    ///
    /// ```
    /// use glance_sdk::egress::EgressPolicy;
    ///
    /// let at_home = EgressPolicy::internet().allow_loopback_for("http://localhost:8080");
    /// assert!(at_home.check("127.0.0.1".parse()?).is_ok());
    /// let in_public = EgressPolicy::internet().allow_loopback_for("https://add-on.example.com");
    /// assert!(in_public.check("127.0.0.1".parse()?).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn allow_loopback_for(self, base_url: &str) -> Self {
        match Url::parse(base_url).is_ok_and(|url| is_loopback(&url)) {
            true => self.allow_loopback(),
            false => self,
        }
    }

    /// Sets the name of the setting that allows a network, for messages. The default is
    /// `EgressPolicy::allow_networks`.
    ///
    /// ```
    /// use glance_sdk::egress::EgressPolicy;
    ///
    /// let policy = EgressPolicy::internet().setting("network.allow");
    /// let refused = policy.check("10.1.2.3".parse()?).unwrap_err();
    /// assert!(refused.to_string().ends_with("name the network in `network.allow`"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn setting(mut self, name: &'static str) -> Self {
        self.setting = name;
        self
    }

    /// Checks an address.
    ///
    /// ```
    /// use glance_sdk::egress::EgressPolicy;
    ///
    /// let policy = EgressPolicy::internet();
    /// assert!(policy.check("2606:4700::1111".parse()?).is_ok());
    /// assert!(policy.check("::ffff:10.1.2.3".parse()?).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`Refused::Network`] if the policy does not allow the address.
    pub fn check(&self, ip: IpAddr) -> Result<(), Refused> {
        let target = target(ip);
        let find = |list: &[(IpNet, &'static str)]| {
            let found = list.iter().find(|(network, _)| network.contains(&target));
            found.copied()
        };
        let refused = |(network, what), setting| {
            Err(Refused::Network {
                ip,
                network,
                what,
                setting,
            })
        };
        if let Some(found) = find(&NETWORKS.forbidden) {
            return refused(found, None);
        }
        let is_allowed = |ip: &IpAddr| self.allowed.iter().any(|network| network.contains(ip));
        if is_allowed(&ip) || is_allowed(&target) {
            return Ok(());
        }
        let is_assigned = |ip: &IpAddr| NETWORKS.assigned.is_some_and(|all| all.contains(ip));
        match find(&NETWORKS.reserved) {
            Some(found) => refused(found, Some(self.setting)),
            None if target.is_ipv6() && !is_assigned(&target) => {
                refused((IpNet::from(target), "unassigned"), Some(self.setting))
            }
            None => Ok(()),
        }
    }

    /// Checks a URL whose host is a numeric address. Names pass, because the client checks them
    /// after resolving them.
    ///
    /// ```
    /// use glance_sdk::egress::EgressPolicy;
    ///
    /// let policy = EgressPolicy::internet();
    /// assert!(policy.check_url(&"http://[::1]:8080/".parse()?).is_err());
    /// assert!(policy.check_url(&"https://chat.example.com/".parse()?).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`Refused::Network`] if the policy does not allow the address.
    pub fn check_url(&self, url: &Url) -> Result<(), Refused> {
        match url.host() {
            Some(url::Host::Ipv4(ip)) => self.check(ip.into()),
            Some(url::Host::Ipv6(ip)) => self.check(ip.into()),
            _ => Ok(()),
        }
    }

    /// Resolves the host of a URL and checks all its addresses. A name without addresses passes.
    ///
    /// ```
    /// use glance_sdk::egress::EgressPolicy;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let policy = EgressPolicy::internet();
    /// assert!(policy.check_host(&"http://localhost:8080/".parse()?).await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`Refused::Network`] if the policy allows none of its addresses.
    pub async fn check_host(&self, url: &Url) -> Result<(), Refused> {
        self.check_url(url)?;
        let Some(url::Host::Domain(name)) = url.host() else {
            return Ok(());
        };
        let mut refused = None;
        for address in tokio::net::lookup_host((name, 0))
            .await
            .into_iter()
            .flatten()
        {
            match self.check(address.ip()) {
                Ok(()) => return Ok(()),
                Err(why) => refused = Some(why),
            }
        }
        refused.map_or(Ok(()), Err)
    }
}

/// Parses a network in the usual notation: one address, or an address with the length of its
/// prefix.
///
/// ```
/// use glance_sdk::egress::parse_network;
///
/// assert_eq!(parse_network("10.0.0.7").unwrap().to_string(), "10.0.0.7/32");
/// assert!(parse_network("10.0.0.0/8").is_some());
/// assert!(parse_network("10.0.0").is_none());
/// ```
pub fn parse_network(text: &str) -> Option<IpNet> {
    let Some((address, prefix)) = text.split_once('/') else {
        let address: IpAddr = text.parse().ok()?;
        return Some(address.to_canonical().into());
    };
    IpNet::new(address.parse().ok()?, prefix.parse().ok()?).ok()
}

/// The environment variable with the private networks in which hosts may be.
pub(crate) const ALLOW_NETWORKS: &str = "ALLOW_NETWORKS";

/// Returns an environment variable that is not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Parses the networks of [`ALLOW_NETWORKS`].
pub(crate) fn parse_networks(text: &str) -> crate::Result<Vec<IpNet>> {
    let parts = text.split(',').map(str::trim);
    let networks = parts.filter(|part| !part.is_empty()).map(|part| {
        parse_network(part).ok_or_else(|| {
            let what = format!(
                    "ALLOW_NETWORKS has {part:?}, which is not an address or network such as 10.0.0.7 or \
                     10.0.0.0/8"
            );
            crate::Error::new(crate::ErrorKind::Configuration, what)
        })
    });
    networks.collect()
}

/// Returns whether a URL leads to this machine, judging by the URL alone.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Returns the address to which packets go: some IPv6 addresses stand for an IPv4 address.
fn target(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else {
        return ip;
    };
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let v4 =
        |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match [a, b, c, d, e, f] {
        // Mapped, NAT64 with the well-known prefix, and SIIT.
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] | [0, 0, 0, 0, 0xffff, 0] => v4(g, h),
        // Compatible, which is deprecated; `::` and `::1` are not compatible addresses.
        [0, 0, 0, 0, 0, 0] if v6 != Ipv6Addr::UNSPECIFIED && v6 != Ipv6Addr::LOCALHOST => v4(g, h),
        // 6to4
        [0x2002, high, low, ..] => v4(high, low),
        _ => ip,
    }
}

#[cfg(test)]
mod tests;
