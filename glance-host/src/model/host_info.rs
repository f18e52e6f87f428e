//! The host's own addresses and names, which never change while it runs.

use std::net::{IpAddr, SocketAddr};

use reqwest::Url;

use crate::model::Group;

/// The host's own addresses and names.
#[derive(Debug)]
pub(crate) struct HostInfo {
    /// The URL at which people and add-ons reach the host, without a trailing slash.
    pub(crate) base_url: String,
    /// The origins of its pages, the public one first: `https://chat.example.com`.
    pub(crate) origins: Vec<String>,
    /// The socket address that it listens on.
    pub(crate) address: SocketAddr,
    pub(crate) group: Group,
    /// The product name in the capabilities document.
    pub(crate) product: String,
}

impl HostInfo {
    /// Returns the URL of the REST API, without a trailing slash.
    pub(crate) fn api_url(&self) -> String {
        format!("{}/v2", self.base_url)
    }

    /// Returns whether people reach the host by HTTPS.
    pub(crate) fn is_https(&self) -> bool {
        self.base_url.starts_with("https://")
    }

    /// Returns whether a URL leads to this host, by any of its names. A page of an add-on at such a URL would
    /// get the rights of the host's origin.
    pub(crate) fn is_own(&self, url: &Url) -> bool {
        let Ok(own) = Url::parse(&self.base_url) else {
            return true;
        };
        let is_loopback = |url: &Url| {
            let host = url.host_str().unwrap_or_default();
            let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
            host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
        };
        let same_host = own.host() == url.host() || (is_loopback(&own) && is_loopback(url));
        same_host && own.port_or_known_default() == url.port_or_known_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_urls_are_recognized_by_any_name() {
        let info = |base_url: &str| HostInfo {
            base_url: base_url.to_owned(),
            origins: Vec::new(),
            address: ([127, 0, 0, 1], 4400).into(),
            group: Group {
                id: 1.into(),
                name: "Team".to_owned(),
            },
            product: String::new(),
        };
        for (base_url, url, expected) in [
            ("http://127.0.0.1:4400", "http://localhost:4400/x", true),
            ("http://127.0.0.1:4400", "http://[::1]:4400/x", true),
            ("http://localhost:4400", "http://127.0.0.1:4400/x", true),
            ("http://127.0.0.1:4400", "http://127.0.0.1:4401/x", false),
            ("http://127.0.0.1:4400", "http://10.0.0.5:4400/x", false),
            ("http://10.0.0.5:4400", "http://127.0.0.1:4400/x", false),
            ("http://10.0.0.5:4400", "http://10.0.0.5:4400/x", true),
            (
                "https://chat.example.com",
                "https://chat.example.com:443/x",
                true,
            ),
            (
                "https://chat.example.com",
                "https://other.example.com/x",
                false,
            ),
            ("no URL", "https://other.example.com/x", true),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(info(base_url).is_own(&url), expected, "{base_url} {url}");
        }
    }
}
