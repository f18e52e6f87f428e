//! The settings of how people sign in.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Hidden, Network, listed, secret};
use crate::sign_in::{Admins, OpenId, Proxy, SignIn};

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, PartialEq))]
#[serde(default, deny_unknown_fields)]
pub(in crate::server) struct SignInSettings {
    pub(in crate::server) way: Way,
    pub(in crate::server) admin_emails: Option<Vec<String>>,
    pub(in crate::server) admin_group: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub(in crate::server) enum Way {
    #[default]
    Local,
    Name,
    Proxy,
    OpenId,
}

#[derive(Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::server) struct ProxySettings {
    pub(in crate::server) peers: Option<Vec<Network>>,
    pub(in crate::server) user_header: String,
    pub(in crate::server) email_header: String,
    pub(in crate::server) groups_header: String,
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
pub(in crate::server) struct OpenIdSettings {
    pub(in crate::server) issuer: Option<String>,
    pub(in crate::server) client_id: Option<String>,
    pub(in crate::server) client_secret: Option<Hidden>,
    pub(in crate::server) client_secret_file: Option<PathBuf>,
    pub(in crate::server) scopes: Vec<String>,
    pub(in crate::server) groups_claim: String,
    pub(in crate::server) allowed_domains: Option<Vec<String>>,
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
    /// How people sign in. What is said of another way would go unheard, so it is refused.
    pub(super) fn read(
        &self,
        proxy: &ProxySettings,
        openid: &OpenIdSettings,
    ) -> Result<SignIn, String> {
        let way = self.way;
        if way != Way::Proxy && *proxy != ProxySettings::default() {
            return Err("[proxy] has settings: set sign_in.way to \"proxy\" too".to_owned());
        }
        if way != Way::OpenId && *openid != OpenIdSettings::default() {
            return Err("[openid] has settings: set sign_in.way to \"openid\" too".to_owned());
        }
        let admins = self.admins()?;
        match way {
            Way::Local | Way::Name if admins.is_some() => Err(
                "sign_in.admin_emails and sign_in.admin_group need sign_in.way to be \"proxy\" or \"openid\""
                    .to_owned(),
            ),
            Way::Local => Ok(SignIn::Local),
            Way::Name => Ok(SignIn::Name),
            Way::Proxy => {
                let read = proxy.read()?;
                Ok(SignIn::Proxy(match admins {
                    Some(admins) => read.admins(admins),
                    None => read,
                }))
            }
            Way::OpenId => {
                let read = openid.read()?;
                Ok(SignIn::OpenId(match admins {
                    Some(admins) => read.admins(admins),
                    None => read,
                }))
            }
        }
    }

    fn admins(&self) -> Result<Option<Admins>, String> {
        let emails = listed("sign_in.admin_emails", self.admin_emails.as_deref())?;
        match (emails, &self.admin_group) {
            (None, None) => Ok(None),
            (Some(emails), None) => Ok(Some(Admins::Emails(emails.to_vec()))),
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
        let peers = peers.iter().copied().map(Into::into);
        let of = |name: &'static str| move |problem: String| format!("proxy.{name}: {problem}");
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
        Ok(match domains {
            Some(domains) => openid.allowed_domains(domains),
            None => openid,
        })
    }
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
                "sign_in.way = \"proxy\"\nproxy = { peers = [\"::1\"], user_header = \"a b\" }",
                "proxy.user_header: \"a b\" is no name of a header",
            ),
        ] {
            assert!(problem(text).starts_with(expected), "{}", problem(text));
        }
    }
}
