//! A network among the settings: one address, or all that begin alike.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

/// `10.0.0.7`, `10.0.0.0/8` or `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::server) struct Network(IpNet);

impl From<Network> for IpNet {
    fn from(Network(network): Network) -> Self {
        network
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        read(&text).map(Self).ok_or_else(|| {
            format!("{text:?} is no address or network; give one like 10.0.0.7 or 10.0.0.0/8")
        })
    }
}

fn read(text: &str) -> Option<IpNet> {
    let Some((address, prefix)) = text.split_once('/') else {
        let address: IpAddr = text.parse().ok()?;
        return Some(address.to_canonical().into());
    };
    IpNet::new(address.parse().ok()?, prefix.parse().ok()?).ok()
}

#[cfg(test)]
impl serde::Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_one_address_or_all_that_begin_alike() {
        for (text, inside, outside) in [
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("::ffff:127.0.0.1", "127.0.0.1", "::ffff:127.0.0.1"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.1.2.3/23", "10.1.3.255", "10.1.4.0"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("::1", "::1", "::2"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
        ] {
            let network = read(text).unwrap();
            let contains = |address: &str| network.contains(&address.parse::<IpAddr>().unwrap());
            assert!(contains(inside) && !contains(outside), "{text}");
        }
        for wrong in [
            "",
            "10.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/-1",
            "a/8",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
