//! Checks the environment variables that an add-on reads.

use std::net::IpAddr;

use glance_sdk::egress::{EgressPolicy, IpNet, parse_network};
use glance_sdk::store::Keyring;
use reqwest::Url;

use super::finding::Finding;
use crate::fetch;

/// The variables for proxies that the SDK reads.
const PROXIES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the base URL of the add-on, if it is valid.
pub(super) fn base_url(given: Option<&str>, findings: &mut Vec<Finding>) -> Option<Url> {
    let host = variable("HOST").unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = variable("PORT").unwrap_or_else(|| "8080".to_owned());
    let named = given
        .map(ToOwned::to_owned)
        .or_else(|| variable("BASE_URL"));
    let is_everywhere = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
    if named.is_none() && is_everywhere {
        findings.push(Finding::bad(
            "base-url",
            format!("HOST is {host} and BASE_URL is not set, so the descriptor names {host}."),
            "set BASE_URL to the address at which hosts reach the add-on",
        ));
        return None;
    }
    let text = named.unwrap_or_else(|| format!("http://{host}:{port}"));
    let url = text.parse::<Url>().ok();
    let url = url.filter(|url| {
        let is_plain =
            url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        matches!(url.scheme(), "http" | "https") && is_plain
    });
    let Some(url) = url else {
        findings.push(Finding::bad(
            "base-url",
            format!("{text:?} cannot be a base URL."),
            "set BASE_URL to an address like https://standup.example.com, without a query",
        ));
        return None;
    };
    let is_loopback = fetch::is_loopback(&url);
    findings.push(match (url.scheme(), is_loopback) {
        (_, true) => Finding::warning(
            "base-url",
            format!("Only hosts on this machine reach {url}"),
            "for others, set BASE_URL to the add-on's public address",
        ),
        ("http", false) => Finding::warning(
            "tls",
            format!("{url} is not encrypted: eavesdroppers can read secrets and tokens."),
            "put a proxy with a certificate in front of the add-on, and set BASE_URL to its https address",
        ),
        _ => Finding::good("base-url", format!("Hosts reach the add-on at {url}")),
    });
    Some(url)
}

/// Checks that the networks in `ALLOW_NETWORKS` allow the add-on to call a host.
pub(super) async fn egress(host: &str, base_url: Option<&Url>, findings: &mut Vec<Finding>) {
    let Ok(url) = host.parse::<Url>() else { return };
    let Some(networks) = networks(findings) else {
        return;
    };
    let mut policy = EgressPolicy::internet()
        .setting("ALLOW_NETWORKS")
        .allow_networks(networks);
    if let Some(base_url) = base_url {
        policy = policy.allow_loopback_for(base_url.as_str());
    }
    let refused = match policy.check_url(&url) {
        Ok(()) => policy.check_host(&url).await.err(),
        Err(refused) => Some(refused),
    };
    findings.push(match refused {
        None => Finding::good("allow-hosts", format!("The add-on may call {url}")),
        Some(refused) => Finding::bad(
            "allow-hosts",
            format!("The add-on does not call {url}: it {refused}."),
            "add its network to ALLOW_NETWORKS, or the host to AddOn::allow_hosts",
        ),
    });
}

/// Parses the networks in `ALLOW_NETWORKS`.
fn networks(findings: &mut Vec<Finding>) -> Option<Vec<IpNet>> {
    let text = variable("ALLOW_NETWORKS").unwrap_or_default();
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let mut networks = Vec::new();
    for part in parts {
        match parse_network(part) {
            Some(network) => networks.push(network),
            None => {
                findings.push(Finding::bad(
                    "allow-hosts",
                    format!("ALLOW_NETWORKS has {part:?}, which is not a network."),
                    "use networks such as 10.1.0.0/16, separated by commas",
                ));
                return None;
            }
        }
    }
    Some(networks)
}

/// Checks that secrets can be encrypted.
pub(super) fn secret_keys(findings: &mut Vec<Finding>) {
    findings.push(match Keyring::from_env() {
        Ok(Some(_)) => Finding::good("secrets", "GLANCE_SECRET_KEYS can encrypt stored secrets."),
        Ok(None) => Finding::warning(
            "secrets",
            "GLANCE_SECRET_KEYS is not set: the add-on stores its secrets unencrypted.",
            "create a key with `openssl rand -base64 32`, and use EncryptedStore",
        ),
        Err(error) => Finding::bad(
            "secrets",
            format!("{error:#}."),
            "create keys with `openssl rand -base64 32`, separated by commas",
        ),
    });
}

/// Checks for proxies that redirect calls. Their URLs may contain passwords and are not shown.
pub(super) fn proxies(findings: &mut Vec<Finding>) {
    let set: Vec<_> = PROXIES
        .into_iter()
        .filter(|name| variable(name).is_some())
        .collect();
    findings.push(match set.is_empty() {
        true => Finding::good("proxies", "The environment contains no proxy."),
        false => Finding::warning(
            "proxies",
            format!(
                "{} is set: calls to hosts in allow_hosts use that proxy, other calls do not.",
                set.join(", ")
            ),
            "add hosts to NO_PROXY to call them directly",
        ),
    });
}
