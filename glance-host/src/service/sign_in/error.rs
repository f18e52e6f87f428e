//! Why people cannot sign in.

use std::error::Error;
use std::fmt;

/// The reason why a host does not know a person. Its text is one sentence for that person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IdentityError {
    /// The request did not come from the proxy.
    NotThroughProxy,
    /// The proxy named nobody.
    NoUser,
    /// The proxy sent a header twice; one may come from somebody else.
    HeaderTwice,
    /// A header of the proxy is not UTF-8.
    NotText,
    /// The proxy's name for the person has characters or a length that are not allowed.
    ProxyName,
    /// The same for the provider's name.
    #[cfg(feature = "openid")]
    ProviderName,
    /// The provider with this name did not confirm the sign-in.
    #[cfg(feature = "openid")]
    NotConfirmed(String),
    /// The person has no verified email address of these domains.
    #[cfg(feature = "openid")]
    Domain(Vec<String>),
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThroughProxy => f.write_str("This host is reached through its proxy only."),
            Self::NoUser => f.write_str("The proxy did not say who asks."),
            Self::HeaderTwice => f.write_str("The proxy said twice who asks."),
            Self::NotText => f.write_str("The proxy's headers are no text."),
            Self::ProxyName => {
                f.write_str("The proxy names a person in a way that cannot be used here.")
            }
            #[cfg(feature = "openid")]
            Self::ProviderName => {
                f.write_str("The provider names you in a way that cannot be used here.")
            }
            #[cfg(feature = "openid")]
            Self::NotConfirmed(provider) => write!(
                f,
                "{provider} did not confirm who you are; the host's log says why."
            ),
            #[cfg(feature = "openid")]
            Self::Domain(allowed) => write!(
                f,
                "Only people with a verified address of {} may sign in here.",
                allowed.join(" or ")
            ),
        }
    }
}

impl Error for IdentityError {}

/// The error for a text that is not the name of an HTTP header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidHeaderName(pub(super) String);

impl fmt::Display for InvalidHeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no name of a header", self.0)
    }
}

impl Error for InvalidHeaderName {}

/// Why the host does not know its OpenID Connect provider, so that it cannot start.
#[cfg(feature = "openid")]
#[derive(Debug)]
pub(crate) struct DiscoveryError {
    pub(super) issuer: String,
    pub(super) problem: DiscoveryProblem,
}

#[cfg(feature = "openid")]
#[derive(Debug)]
pub(crate) enum DiscoveryProblem {
    /// The issuer is not a URL.
    NoUrl,
    /// The issuer is on another machine, and its URL does not begin with `https://`.
    NoHttps,
    /// The HTTP client cannot be created.
    Client(Box<dyn Error + Send + Sync>),
    /// The provider sent no metadata, described in words without a subject ("it ...").
    NoMetadata(String),
}

#[cfg(feature = "openid")]
impl fmt::Display for DiscoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "people cannot sign in with {}: ", self.issuer)?;
        match &self.problem {
            DiscoveryProblem::NoUrl => f.write_str("it is no address"),
            DiscoveryProblem::NoHttps => f.write_str("its address must begin with https://"),
            DiscoveryProblem::Client(cause) => write!(f, "{cause:#}"),
            DiscoveryProblem::NoMetadata(why) => f.write_str(why),
        }
    }
}

#[cfg(feature = "openid")]
impl Error for DiscoveryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            DiscoveryProblem::Client(cause) => Some(&**cause),
            _ => None,
        }
    }
}
