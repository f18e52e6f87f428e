//! How people sign in: by using this machine, by a name, through a proxy, or by OpenID Connect.
//!
#![doc = include_str!("../manual/links.md")]
#![doc = include_str!("../../docs/sign-in.md")]

pub(crate) mod accounts;
mod error;
pub(crate) mod name;
#[cfg(feature = "openid")]
pub(crate) mod openid;
mod proxy;
pub(crate) mod session;

use aws_lc_rs::hmac;
use glance_sdk::model::UserId;

pub(crate) use error::IdentityError;
pub use error::InvalidHeaderName;
#[cfg(feature = "openid")]
#[cfg_attr(docsrs, doc(cfg(feature = "openid")))]
pub use openid::OpenId;
pub use proxy::Proxy;

/// How people sign in to a host. [`Builder::sign_in`](crate::Builder::sign_in) takes one.
///
/// The first person of a host without an admin becomes its admin, unless a rule ([`Admins`]) decides who is one.
///
/// ```
/// use glance_host::Host;
/// use glance_host::sign_in::SignIn;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let host = Host::builder().port(0).sign_in(SignIn::Name).start().await.unwrap();
/// # host.shutdown().await;
/// # });
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum SignIn {
    /// Nobody signs in: the person at this machine is the only one. For tests and the demo, on loopback only.
    #[default]
    Local,
    /// People choose or type their name, and the host believes it: for this machine, or a network in which everybody
    /// is trusted.
    Name,
    /// A reverse proxy in front of the host signs people in, and names them in headers.
    Proxy(Proxy),
    /// An OpenID Connect provider signs people in.
    #[cfg(feature = "openid")]
    OpenId(OpenId),
}

/// The rule that decides who is an admin, by what a proxy or a provider says. The host applies it at each sign-in,
/// and behind a proxy at each request, so a person who is no longer listed is no longer an admin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admins {
    /// People with one of these email addresses, in any case.
    Emails(Vec<String>),
    /// People in this group.
    Group(String),
}

impl Admins {
    fn include(&self, email: Option<&str>, groups: &[String]) -> bool {
        match self {
            Self::Emails(emails) => {
                email.is_some_and(|email| emails.iter().any(|own| own.eq_ignore_ascii_case(email)))
            }
            Self::Group(group) => groups.contains(group),
        }
    }
}

/// The sign-in method of a running host.
#[derive(Debug)]
pub(crate) enum SignInMethod {
    Local(UserId),
    Name,
    Proxy(Proxy),
    #[cfg(feature = "openid")]
    OpenId(Box<openid::Provider>),
}

/// The sign-in method of a running host and the key of its cookies.
#[derive(Debug)]
pub(crate) struct SignInState {
    pub(crate) method: SignInMethod,
    /// Signs cookies.
    key: hmac::Key,
}

impl SignInState {
    pub(crate) fn new(method: SignInMethod, key: &[u8]) -> Self {
        Self {
            method,
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// Returns whether a rule decides at sign-in who is an admin.
    pub(crate) fn decides_admins(&self) -> bool {
        match &self.method {
            SignInMethod::Local(_) | SignInMethod::Name => false,
            SignInMethod::Proxy(proxy) => proxy.has_rule(),
            #[cfg(feature = "openid")]
            SignInMethod::OpenId(provider) => provider.has_rule(),
        }
    }

    pub(crate) fn is_local(&self) -> bool {
        matches!(self.method, SignInMethod::Local(_))
    }
}
