//! Which redirects a client follows.

use reqwest::Url;
use reqwest::redirect::Policy;

use super::{EgressPolicy, Refused};

/// How often an answer may send the client on.
const MAX_REDIRECTS: usize = 3;

/// How often a server may send a request elsewhere on its own origin.
const MAX_SAME_ORIGIN: usize = 5;

/// The query parameter of a token.
const SIGNED_REQUEST: &str = "signed_request";

/// Which redirects a client follows.
///
/// ```
/// use glance_sdk::egress::{EgressPolicy, HttpClient, Redirects};
///
/// let reader = HttpClient::builder(EgressPolicy::internet()).redirects(Redirects::Checked).build()?;
/// let writer = HttpClient::builder(EgressPolicy::internet()).redirects(Redirects::None).build()?;
/// # Ok::<(), glance_sdk::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redirects {
    /// None: the redirect is the answer. For requests with a body or a secret in it.
    None,
    /// Five at most, to the origin of the request only; another is the answer. For requests with
    /// credentials.
    SameOrigin,
    /// Three at most, each checked as the first address was, never from https to http, and never with
    /// a `signed_request` to another origin. For reading public documents.
    Checked,
}

impl Redirects {
    pub(super) fn policy(self, egress: &EgressPolicy) -> Policy {
        match self {
            Self::None => Policy::none(),
            Self::SameOrigin => Policy::custom(|attempt| {
                let is_same = |url: &Url| url.origin() == attempt.url().origin();
                match attempt.previous().len() <= MAX_SAME_ORIGIN
                    && attempt.previous().iter().all(is_same)
                {
                    true => attempt.follow(),
                    false => attempt.stop(),
                }
            }),
            Self::Checked => checked(egress.clone()),
        }
    }
}

fn checked(egress: EgressPolicy) -> Policy {
    Policy::custom(move |attempt| {
        let previous = attempt.previous();
        let followed = match previous.len() > MAX_REDIRECTS {
            true => Err(Refused::Redirect("for the fourth time")),
            false => check(&egress, previous, attempt.url()),
        };
        match followed {
            Ok(()) => attempt.follow(),
            Err(refused) => attempt.error(refused),
        }
    })
}

/// Checks a redirect after requests to these URLs.
pub(super) fn check(egress: &EgressPolicy, previous: &[Url], to: &Url) -> Result<(), Refused> {
    if !matches!(to.scheme(), "http" | "https") {
        return Err(Refused::Redirect("to a scheme other than http or https"));
    }
    if previous
        .last()
        .is_some_and(|from| from.scheme() == "https" && to.scheme() == "http")
    {
        return Err(Refused::Redirect("from https to http"));
    }
    let is_signed = to.query_pairs().any(|(name, _)| name == SIGNED_REQUEST);
    let takes_token_away = |from: &Url| {
        let mut pairs = from.query_pairs();
        let token = pairs.find(|(name, value)| name == SIGNED_REQUEST && !value.is_empty());
        let has_token = |(_, token): (_, std::borrow::Cow<str>)| to.as_str().contains(&*token);
        to.origin() != from.origin() && (is_signed || token.is_some_and(has_token))
    };
    if previous.iter().any(takes_token_away) {
        return Err(Refused::Redirect(
            "that takes a signed request to another site",
        ));
    }
    egress.check_url(to)
}
