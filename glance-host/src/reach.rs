//! Which addresses the host calls: those of the Internet, and of its own network what is allowed.
//!
//! An add-on names addresses (its descriptor's, callbacks, queries, webhooks, icons), and the host
//! calls them from inside. So each is checked: where it stands as numbers in the address itself, and
//! where a name is resolved, which is also where the connection then goes.

mod names;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::redirect::Policy;
use reqwest::{Url, dns};

pub(crate) use names::{Checked, System};

/// How often an answer may send the host on.
const MAX_REDIRECTS: usize = 3;

/// What is no address of the Internet, with what it is instead.
const REFUSED: &[(&str, &str)] = &[
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by customers of a provider"),
    ("127.0.0.0/8", "this machine"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "of protocols"),
    ("192.0.2.0/24", "for documentation"),
    ("192.88.99.0/24", "of 6to4 relays"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "for benchmarks"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "this machine"),
    ("64:ff9b:1::/48", "of local translation"),
    ("2001::/23", "of protocols"),
    ("2001:db8::/32", "for documentation"),
    ("3fff::/20", "for documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "private"),
    ("ff00::/8", "multicast"),
];

/// All that was given out for the Internet so far.
const GIVEN_OUT: &str = "2000::/3";

/// Which addresses may be called.
#[derive(Clone)]
pub(crate) struct Reach(Arc<Networks>);

struct Networks {
    allowed: Vec<IpNet>,
    refused: Vec<(IpNet, &'static str)>,
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reach").field(&self.0.allowed).finish()
    }
}

/// An address that is not called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It stands in a network that is not the Internet's.
    Network {
        /// Where it leads.
        ip: IpAddr,
        /// The network.
        network: IpNet,
        /// What the network is.
        what: &'static str,
    },
    /// An answer sent the host there, which it does not follow.
    Redirect(&'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network { ip, network, what } => write!(
                f,
                "leads to {ip} in the network {network} ({what}), which this host does not call; \
                 if it should, name the network in `allow_networks`"
            ),
            Self::Redirect(why) => write!(f, "answered with a redirect {why}"),
        }
    }
}

impl std::error::Error for Refused {}

impl Reach {
    /// The Internet, and these networks.
    pub(crate) fn new(allowed: Vec<IpNet>) -> Self {
        let parsed = REFUSED
            .iter()
            .filter_map(|(network, what)| Some((network.parse().ok()?, *what)));
        Self(Arc::new(Networks {
            allowed,
            refused: parsed.collect(),
        }))
    }

    /// What a host that people reach at this address calls where nothing else is said: on this
    /// machine only, this machine too.
    pub(crate) fn standard(base_url: &str) -> Self {
        let local = Url::parse(base_url).is_ok_and(|url| match url.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        });
        Self::new(if local { loopback() } else { Vec::new() })
    }

    /// Whether this address may be called.
    pub(crate) fn check(&self, ip: IpAddr) -> Result<(), Refused> {
        let meant = meant(ip);
        let is_allowed = |ip: &IpAddr| self.0.allowed.iter().any(|network| network.contains(ip));
        if is_allowed(&ip) || is_allowed(&meant) {
            return Ok(());
        }
        let refused = |network, what| Err(Refused::Network { ip, network, what });
        let found = self
            .0
            .refused
            .iter()
            .find(|(network, _)| network.contains(&meant));
        match (found, meant) {
            (Some((network, what)), _) => refused(*network, what),
            (None, IpAddr::V6(_)) if !is_given_out(meant) => {
                refused(IpNet::from(meant), "given to nobody")
            }
            _ => Ok(()),
        }
    }

    /// Whether an address that stands as numbers in this one may be called. A name is checked when
    /// it is resolved.
    pub(crate) fn check_url(&self, url: &Url) -> Result<(), Refused> {
        match url.host() {
            Some(url::Host::Ipv4(ip)) => self.check(ip.into()),
            Some(url::Host::Ipv6(ip)) => self.check(ip.into()),
            _ => Ok(()),
        }
    }

    /// Resolves names, and gives out only what may be called.
    pub(crate) fn resolver(&self, names: Arc<dyn dns::Resolve>) -> Checked {
        Checked::new(self.clone(), names)
    }

    /// Follows a few redirects, each checked as the first address was.
    pub(crate) fn redirects(&self) -> Policy {
        let reach = self.clone();
        Policy::custom(move |attempt| {
            let so_far = attempt.previous();
            let followed = match so_far.last() {
                Some(_) if so_far.len() > MAX_REDIRECTS => {
                    Err(Refused::Redirect("for the fourth time"))
                }
                Some(last) => reach.check_redirect(last, attempt.url()),
                None => Ok(()),
            };
            match followed {
                Ok(()) => attempt.follow(),
                Err(refused) => attempt.error(refused),
            }
        })
    }

    fn check_redirect(&self, from: &Url, to: &Url) -> Result<(), Refused> {
        if !matches!(to.scheme(), "http" | "https") {
            return Err(Refused::Redirect("to what is not http or https"));
        }
        if from.scheme() == "https" && to.scheme() == "http" {
            return Err(Refused::Redirect("from https to http"));
        }
        let is_signed = to.query_pairs().any(|(name, _)| name == "signed_request");
        if is_signed && to.origin() != from.origin() {
            return Err(Refused::Redirect(
                "that takes a signed request to another site",
            ));
        }
        self.check_url(to)
    }
}

/// This machine.
fn loopback() -> Vec<IpNet> {
    ["127.0.0.0/8", "::1/128"]
        .iter()
        .filter_map(|network| network.parse().ok())
        .collect()
}

/// Where an address leads: some of IPv6 are another way to write, or to reach, one of IPv4.
fn meant(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else {
        return ip;
    };
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let v4 =
        |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match [a, b, c, d, e, f] {
        // Mapped, translated by the well-known prefix, and SIIT's way to write it.
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] | [0, 0, 0, 0, 0xffff, 0] => v4(g, h),
        // Compatible, which nobody uses; `::` and `::1` are no such addresses.
        [0, 0, 0, 0, 0, 0] if v6 != Ipv6Addr::UNSPECIFIED && v6 != Ipv6Addr::LOCALHOST => v4(g, h),
        // 6to4
        [0x2002, high, low, ..] => v4(high, low),
        _ => ip,
    }
}

fn is_given_out(ip: IpAddr) -> bool {
    GIVEN_OUT
        .parse::<IpNet>()
        .is_ok_and(|network| network.contains(&ip))
}

#[cfg(test)]
mod tests;
