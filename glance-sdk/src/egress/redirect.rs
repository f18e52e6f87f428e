//! The redirects that a client follows.

use reqwest::Url;
use reqwest::redirect::{Action, Attempt, Policy};

use super::phase::{self, Phase};
use super::{EgressPolicy, Refused};

/// The limit on redirects of one call.
const MAX_REDIRECTS: usize = 3;

/// The limit on redirects of one call within the origin of the request.
const MAX_SAME_ORIGIN: usize = 5;

/// The query parameter of a token.
const SIGNED_REQUEST: &str = "signed_request";

/// The redirects that a client follows.
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
    /// Follows no redirects: the redirect is the response. For requests with a body or a secret in
    /// it.
    None,
    /// Follows at most five redirects within the origin of the request; another redirect is the
    /// response. For requests with credentials.
    SameOrigin,
    /// Follows at most three redirects. Each is checked like the first address, never leads from
    /// https to http, and never takes a `signed_request` to another origin. For reading public
    /// documents.
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
                    true => follow(attempt),
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
            Ok(()) => follow(attempt),
            Err(refused) => attempt.error(refused),
        }
    })
}

fn follow(attempt: Attempt<'_>) -> Action {
    // The next request may open another connection.
    phase::enter(Phase::Connect);
    attempt.follow()
}

/// Checks a redirect that follows requests to these URLs.
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
