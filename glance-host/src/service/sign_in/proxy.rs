//! People whom a reverse proxy in front of the host signed in.

use std::net::IpAddr;

use ipnet::IpNet;
use reqwest::header::HeaderName;

use super::{Admins, IdentityError, InvalidHeaderName, name};
use crate::model::Identity;

/// The issuer of identities from a proxy.
const PROVIDER: &str = "proxy";

/// A reverse proxy that names people in headers, such as oauth2-proxy.
///
/// The host trusts its headers only if the request comes from one of its networks. The proxy must remove these
/// headers from the requests of its clients; the host refuses a header that occurs twice.
///
/// ```
/// use glance_host::sign_in::{Admins, Proxy};
///
/// let proxy = Proxy::new(["127.0.0.1/32".parse().unwrap()])
///     .admins(Admins::Group("chat-admins".to_owned()));
/// ```
#[derive(Debug, Clone)]
pub struct Proxy {
    peers: Vec<IpNet>,
    user: HeaderName,
    email: HeaderName,
    groups: HeaderName,
    admins: Option<Admins>,
}

impl Proxy {
    /// A proxy in one of these networks that sends `X-Forwarded-User`, and may send `X-Forwarded-Email` and
    /// `X-Forwarded-Groups`. A single address is a network too: `10.0.0.7/32`, or an [`IpNet`] created `from` an
    /// `IpAddr`.
    pub fn new(peers: impl IntoIterator<Item = IpNet>) -> Self {
        Self {
            peers: peers.into_iter().collect(),
            user: HeaderName::from_static("x-forwarded-user"),
            email: HeaderName::from_static("x-forwarded-email"),
            groups: HeaderName::from_static("x-forwarded-groups"),
            admins: None,
        }
    }

    /// Sets the header with the person's name, which identifies them.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidHeaderName`] if the name is not one.
    pub fn user_header(mut self, name: &str) -> Result<Self, InvalidHeaderName> {
        self.user = header(name)?;
        Ok(self)
    }

    /// Sets the header with their email address.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidHeaderName`] if the name is not one.
    pub fn email_header(mut self, name: &str) -> Result<Self, InvalidHeaderName> {
        self.email = header(name)?;
        Ok(self)
    }

    /// Sets the header with their groups, separated by commas.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidHeaderName`] if the name is not one.
    pub fn groups_header(mut self, name: &str) -> Result<Self, InvalidHeaderName> {
        self.groups = header(name)?;
        Ok(self)
    }

    /// Sets the rule for admins. Without one, the first person is an admin, who appoints others.
    #[must_use]
    pub fn admins(mut self, admins: Admins) -> Self {
        self.admins = Some(admins);
        self
    }

    pub(crate) fn has_rule(&self) -> bool {
        self.admins.is_some()
    }

    /// Returns whether this address belongs to the proxy.
    pub(crate) fn is_peer(&self, address: IpAddr) -> bool {
        // An IPv4 address may arrive as an IPv6 address.
        let address = address.to_canonical();
        self.peers.iter().any(|known| known.contains(&address))
    }

    /// Returns the identity behind a request, or why it is unknown. `headers` returns all values of
    /// the header with this name.
    pub(crate) fn identity<'h>(
        &self,
        peer: Option<IpAddr>,
        headers: impl Fn(&HeaderName) -> Vec<&'h [u8]>,
    ) -> Result<Identity, IdentityError> {
        let peer = peer.map(|peer| peer.to_canonical());
        if !peer.is_some_and(|peer| self.is_peer(peer)) {
            let from = peer.map_or("nowhere".to_owned(), |peer| peer.to_string());
            tracing::info!(
                from,
                "page refused: the request did not come from the proxy"
            );
            return Err(IdentityError::NotThroughProxy);
        }
        let Some(subject) = one(&headers(&self.user))? else {
            let header = &self.user;
            tracing::info!(%header, "page refused: the proxy sent no user header");
            return Err(IdentityError::NoUser);
        };
        let (Some(subject), Some(name)) = (
            name::check_stored(subject.clone()),
            name::from_provider(&subject),
        ) else {
            return Err(IdentityError::ProxyName);
        };
        let email = one(&headers(&self.email))?.and_then(name::check_stored);
        let groups: Vec<String> = one(&headers(&self.groups))?
            .iter()
            .flat_map(|groups| groups.split(','))
            .map(|group| group.trim().to_owned())
            .collect();
        let is_admin = self
            .admins
            .as_ref()
            .map(|admins| admins.include(email.as_deref(), &groups));
        Ok(Identity {
            provider: Some(PROVIDER.to_owned()),
            name,
            subject,
            email,
            timezone: None,
            is_admin,
        })
    }
}

/// Returns the value of a header. A header that occurs twice may come from somebody else than the proxy.
fn one(values: &[&[u8]]) -> Result<Option<String>, IdentityError> {
    let value = match values {
        [] => return Ok(None),
        [value] => value,
        _ => return Err(IdentityError::HeaderTwice),
    };
    // Names are not only ASCII, and proxies send UTF-8.
    let value = str::from_utf8(value).map_err(|_| IdentityError::NotText)?;
    let value = value.trim();
    Ok((!value.is_empty()).then(|| value.to_owned()))
}

fn header(name: &str) -> Result<HeaderName, InvalidHeaderName> {
    name.parse().map_err(|_| InvalidHeaderName(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The headers of a proxy that names a person.
    fn user<'a>(name: &'a str) -> impl Fn(&HeaderName) -> Vec<&'a [u8]> {
        move |header| match header.as_str() {
            "x-forwarded-user" => vec![name.as_bytes()],
            _ => Vec::new(),
        }
    }

    #[test]
    fn only_listed_peers_are_believed_also_by_ipv6() {
        let networks = ["10.1.0.0/16", "::1/128"];
        let proxy = Proxy::new(networks.map(|network| network.parse().unwrap()));
        for (peer, is_known) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("::1", true),
            ("10.2.0.1", false),
            ("::ffff:10.2.0.1", false),
            ("127.0.0.1", false),
        ] {
            let found = proxy.identity(peer.parse().ok(), user("ann"));
            assert_eq!(found.is_ok(), is_known, "{peer}: {found:?}");
        }
        assert!(proxy.identity(None, user("ann")).is_err());
    }

    #[test]
    fn names_have_the_limits_of_sign_in_by_name() {
        let proxy = Proxy::new(["10.1.0.0/16".parse().unwrap()]);
        let identity = |name: &str| proxy.identity("10.1.2.3".parse().ok(), user(name));
        let long = identity(&"é".repeat(200)).unwrap();
        assert_eq!((long.subject, long.name), ("é".repeat(200), "é".repeat(50)));
        assert_eq!(identity("Ann  Lee").unwrap().name, "Ann Lee");
        for refused in ["a\u{202e}b", "a\u{9b}31m", &"x".repeat(256)] {
            assert!(identity(refused).is_err(), "{refused:?}");
        }
    }
}
