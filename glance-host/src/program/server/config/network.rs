//! A network among the settings: one address, or all that begin alike.

use glance_sdk::egress::{IpNet, parse_network};
use serde::Deserialize;

/// `10.0.0.7`, `10.0.0.0/8` or `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::program::server) struct Network(IpNet);

impl From<Network> for IpNet {
    fn from(Network(network): Network) -> Self {
        network
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_network(&text).map(Self).ok_or_else(|| {
            format!("{text:?} is no address or network; give one like 10.0.0.7 or 10.0.0.0/8")
        })
    }
}

#[cfg(test)]
impl serde::Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
