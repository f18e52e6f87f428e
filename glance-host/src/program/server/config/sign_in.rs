//! The settings of how people sign in.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Hidden, Network, listed, secret};
use crate::service::sign_in::{Admins, InvalidHeaderName, OpenId, Proxy, SignIn};

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, PartialEq))]
#[serde(default, deny_unknown_fields)]
pub(in crate::program::server) struct SignInSettings {
    pub(in crate::program::server) way: SignInMethod,
    pub(in crate::program::server) admin_emails: Option<Vec<String>>,
    pub(in crate::program::server) admin_group: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub(in crate::program::server) enum SignInMethod {
    #[default]
    Local,
    Name,
    Proxy,
    OpenId,
}

#[derive(Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::program::server) struct ProxySettings {
    pub(in crate::program::server) peers: Option<Vec<Network>>,
    pub(in crate::program::server) user_header: String,
    pub(in crate::program::server) email_header: String,
    pub(in crate::program::server) groups_header: String,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            peers: None,
            user_header: "X-Forwarded-User".to_owned(),
            email_header: "X-Forwarded-Email".to_owned(),
            groups_header: "X-Forwarded-Groups".to_owned(),
        }
    }
}

#[derive(Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::program::server) struct OpenIdSettings {
    pub(in crate::program::server) issuer: Option<String>,
    pub(in crate::program::server) client_id: Option<String>,
    pub(in crate::program::server) client_secret: Option<Hidden>,
    pub(in crate::program::server) client_secret_file: Option<PathBuf>,
    pub(in crate::program::server) scopes: Vec<String>,
    pub(in crate::program::server) groups_claim: String,
    pub(in crate::program::server) allowed_domains: Option<Vec<String>>,
}

impl Default for OpenIdSettings {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: None,
            client_secret: None,
            client_secret_file: None,
            scopes: vec!["email".to_owned(), "profile".to_owned()],
            groups_claim: "groups".to_owned(),
            allowed_domains: None,
        }
    }
}

impl SignInSettings {
    /// Reads how people sign in. Settings of another method would have no effect, so they are refused.
    pub(super) fn read(
        &self,
        proxy: &ProxySettings,
        openid: &OpenIdSettings,
    ) -> Result<SignIn, String> {
        let way = self.way;
        if way != SignInMethod::Proxy && *proxy != ProxySettings::default() {
            return Err("[proxy] has settings: set sign_in.way to \"proxy\" too".to_owned());
        }
        if way != SignInMethod::OpenId && *openid != OpenIdSettings::default() {
            return Err("[openid] has settings: set sign_in.way to \"openid\" too".to_owned());
        }
        let admins = self.admins()?;
        match way {
            SignInMethod::Local | SignInMethod::Name if admins.is_some() => Err(
                "sign_in.admin_emails and sign_in.admin_group need sign_in.way to be \"proxy\" or \"openid\""
                    .to_owned(),
            ),
            SignInMethod::Local => Ok(SignIn::Local),
            SignInMethod::Name => Ok(SignIn::Name),
            SignInMethod::Proxy => {
                let read = proxy.read()?;
                Ok(SignIn::Proxy(match admins {
                    Some(admins) => read.admins(admins),
                    None => read,
                }))
            }
            SignInMethod::OpenId => {
                let read = openid.read()?;
                Ok(SignIn::OpenId(match admins {
                    Some(admins) => read.admins(admins),
                    None => read,
                }))
            }
        }
    }

    /// Reads the setting that decides who is an admin.
    pub(in crate::program::server) fn rule(&self) -> Option<&'static str> {
        match (&self.admin_emails, &self.admin_group) {
            (Some(_), _) => Some("sign_in.admin_emails"),
            (None, Some(_)) => Some("sign_in.admin_group"),
            (None, None) => None,
        }
    }

    fn admins(&self) -> Result<Option<Admins>, String> {
        let emails = listed("sign_in.admin_emails", self.admin_emails.as_deref())?;
        match (emails, &self.admin_group) {
            (None, None) => Ok(None),
            (Some(emails), None) => match emails.iter().find(|email| !is_email(email)) {
                Some(wrong) => Err(format!(
                    "sign_in.admin_emails has {wrong:?}: give addresses, as in \"ana@example.com\""
                )),
                None => Ok(Some(Admins::Emails(emails.to_vec()))),
            },
            (None, Some(group)) if group.trim().is_empty() => {
                Err("sign_in.admin_group is empty: name the group, or leave it out".to_owned())
            }
            (None, Some(group)) => Ok(Some(Admins::Group(group.clone()))),
            (Some(_), Some(_)) => Err(
                "sign_in.admin_emails and sign_in.admin_group are both set: keep one".to_owned(),
            ),
        }
    }
}

impl ProxySettings {
    fn read(&self) -> Result<Proxy, String> {
        let peers = listed("proxy.peers", self.peers.as_deref())?.ok_or(
            "sign_in.way is \"proxy\": set proxy.peers to the addresses from which it asks",
        )?;
        for (name, header) in [("user", &self.user_header), ("email", &self.email_header)] {
            if header.eq_ignore_ascii_case(&self.groups_header) {
                return Err(format!(
                    "proxy.{name}_header and proxy.groups_header are both {header:?}: give each a header of its own"
                ));
            }
        }
        let peers = peers.iter().copied().map(Into::into);
        let of = |name: &'static str| {
            move |problem: InvalidHeaderName| format!("proxy.{name}: {problem}")
        };
        Proxy::new(peers)
            .user_header(&self.user_header)
            .map_err(of("user_header"))?
            .email_header(&self.email_header)
            .map_err(of("email_header"))?
            .groups_header(&self.groups_header)
            .map_err(of("groups_header"))
    }
}

impl OpenIdSettings {
    fn read(&self) -> Result<OpenId, String> {
        let missing = |name| format!("sign_in.way is \"openid\": set openid.{name} too");
        let issuer = self.issuer.as_ref().ok_or_else(|| missing("issuer"))?;
        let client = self.client_id.as_ref();
        let client = client.ok_or_else(|| missing("client_id"))?;
        let file = self.client_secret_file.as_deref();
        let secret = secret("openid.client_secret", self.client_secret.as_ref(), file)?
            .ok_or_else(|| missing("client_secret"))?;
        let openid = OpenId::new(issuer, client, secret)
            .scopes(&self.scopes)
            .groups_claim(&self.groups_claim);
        let domains = listed("openid.allowed_domains", self.allowed_domains.as_deref())?;
        let domains = domains.unwrap_or_default();
        match domains.iter().find(|domain| !is_domain(domain)) {
            Some(wrong) => Err(format!(
                "openid.allowed_domains has {wrong:?}: give what stands behind the @ of an address, as in \"example.com\""
            )),
            None => Ok(openid.allowed_domains(domains)),
        }
    }
}

fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    let is_whole = parts.is_some_and(|(name, domain)| {
        !name.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    is_whole && !text.contains(char::is_whitespace)
}

fn is_domain(text: &str) -> bool {
    let is_foreign = |letter: char| "@/*".contains(letter) || letter.is_whitespace();
    text.contains(char::is_alphabetic) && !text.contains(is_foreign)
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn problem(text: &str) -> String {
        Config::parse(text).unwrap().builder().unwrap_err()
    }

    #[test]
    fn each_way_has_what_it_needs() {
        for text in [
            "sign_in.way = \"local\"",
            "sign_in.way = \"name\"",
            "sign_in.way = \"proxy\"\nproxy.peers = [\"127.0.0.1\", \"10.0.0.0/8\"]",
            "sign_in = { way = \"proxy\", admin_group = \"a\" }\nproxy.peers = [\"::1\"]",
            "sign_in = { way = \"openid\", admin_emails = [\"a@example.com\"] }\n[openid]\n\
             issuer = \"https://example.com\"\nclient_id = \"a\"\nclient_secret = \"b\"",
        ] {
            let built = Config::parse(text).unwrap().builder();
            assert!(built.is_ok(), "{text}: {built:?}");
        }
        for (text, expected) in [
            ("sign_in.way = \"proxy\"", "proxy.peers"),
            ("sign_in.way = \"proxy\"\nproxy.peers = []", "proxy.peers"),
            ("sign_in.way = \"openid\"", "openid.issuer"),
            (
                "sign_in.way = \"openid\"\nopenid.issuer = \"https://example.com\"",
                "openid.client_id",
            ),
            (
                "sign_in.way = \"openid\"\n[openid]\nissuer = \"https://example.com\"\nclient_id = \"a\"",
                "openid.client_secret",
            ),
        ] {
            assert!(problem(text).contains(expected), "{}", problem(text));
        }
    }

    #[test]
    fn nothing_is_said_in_vain() {
        for (text, expected) in [
            ("proxy.peers = [\"::1\"]", "[proxy] has settings"),
            (
                "sign_in.way = \"name\"\nopenid.groups_claim = \"roles\"",
                "[openid] has settings",
            ),
            (
                "sign_in = { way = \"name\", admin_group = \"a\" }",
                "sign_in.admin_emails and sign_in.admin_group need",
            ),
            (
                "sign_in = { way = \"name\", admin_group = \"a\", admin_emails = [\"a@example.com\"] }",
                "sign_in.admin_emails and sign_in.admin_group are both set",
            ),
            (
                "sign_in = { way = \"proxy\", admin_emails = [] }",
                "sign_in.admin_emails is empty",
            ),
            (
                "sign_in = { way = \"proxy\", admin_group = \"\" }",
                "sign_in.admin_group is empty",
            ),
            (
                "sign_in.way = \"proxy\"\nproxy = { peers = [\"::1\"], user_header = \"x-forwarded-groups\" }",
                "proxy.user_header and proxy.groups_header are both \"x-forwarded-groups\": give each",
            ),
            (
                "sign_in.way = \"proxy\"\nproxy = { peers = [\"::1\"], user_header = \"a b\" }",
                "proxy.user_header: \"a b\" is no name of a header",
            ),
        ] {
            assert!(problem(text).starts_with(expected), "{}", problem(text));
        }
    }

    #[test]
    fn an_address_and_a_domain_are_what_people_can_have() {
        let admin = |email| {
            format!(
                "proxy.peers = [\"::1\"]\nsign_in = {{ way = \"proxy\", admin_emails = [{email:?}] }}"
            )
        };
        let member = |domain| {
            format!(
                "sign_in.way = \"openid\"\n[openid]\nissuer = \"https://example.com\"\n\
                 client_id = \"a\"\nclient_secret = \"b\"\nallowed_domains = [{domain:?}]"
            )
        };
        for text in [
            admin("ana@localhost"),
            member("example.com"),
            member("bücher.example"),
        ] {
            assert!(Config::parse(&text).unwrap().builder().is_ok(), "{text}");
        }
        for wrong in [
            "",
            "ana",
            "@example.com",
            "ana@",
            "Ana <ana@example.com>",
            "a@b.c,d@e.f",
        ] {
            let expected = format!("sign_in.admin_emails has {wrong:?}: give addresses, as in");
            assert!(
                problem(&admin(wrong)).starts_with(&expected),
                "{}",
                problem(&admin(wrong))
            );
        }
        for wrong in [
            "",
            "@example.com",
            "*.example.com",
            "https://example.com",
            "a b",
            "10.1",
            ".",
        ] {
            let expected = format!("openid.allowed_domains has {wrong:?}: give what stands behind");
            assert!(
                problem(&member(wrong)).starts_with(&expected),
                "{}",
                problem(&member(wrong))
            );
        }
    }

    /// Such a proxy knows people by their address.
    #[test]
    fn a_proxy_may_send_one_header_as_name_and_address() {
        let text = "sign_in = { way = \"proxy\", admin_emails = [\"ana@example.com\"] }\n\
                    proxy = { peers = [\"::1\"], user_header = \"X-Forwarded-Email\" }";
        assert!(Config::parse(text).unwrap().builder().is_ok());
    }
}
