//! People whom an OpenID Connect provider signs in: the authorization code flow with PKCE.

mod fetch;
mod flow;
mod person;
mod provider;

use glance_sdk::model::Secret;

use super::Admins;
pub(crate) use flow::{FLOW_SECONDS, Flow};
pub(crate) use provider::Provider;

/// An OpenID Connect provider, and this host's client there. The redirect URL is the host's public URL with
/// `/sign-in/callback` appended.
///
/// ```
/// use glance_host::sign_in::{Admins, OpenId};
///
/// let provider = OpenId::new("https://accounts.example.com", "glance", "client secret".into())
///     .allowed_domains(["example.com"])
///     .admins(Admins::Group("chat-admins".to_owned()));
/// ```
#[derive(Debug, Clone)]
pub struct OpenId {
    issuer: String,
    client_id: String,
    client_secret: Secret,
    scopes: Vec<String>,
    groups_claim: String,
    admins: Option<Admins>,
    domains: Vec<String>,
}

impl OpenId {
    /// The provider with this issuer, by HTTPS or on this machine.
    pub fn new(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: Secret,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            client_secret,
            scopes: vec!["email".to_owned(), "profile".to_owned()],
            groups_claim: "groups".to_owned(),
            admins: None,
            domains: Vec::new(),
        }
    }

    /// Sets the scopes that are requested in addition to `openid`; the default is `email` and `profile`.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the claim with the person's groups; the default is `groups`.
    #[must_use]
    pub fn groups_claim(mut self, claim: impl Into<String>) -> Self {
        self.groups_claim = claim.into();
        self
    }

    /// Sets the rule for admins. Without one, the first person is an admin, who appoints others.
    #[must_use]
    pub fn admins(mut self, admins: Admins) -> Self {
        self.admins = Some(admins);
        self
    }

    /// Admits only people with an email address of one of these domains, verified by the provider.
    #[must_use]
    pub fn allowed_domains(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.domains = domains.into_iter().map(Into::into).collect();
        self
    }
}
