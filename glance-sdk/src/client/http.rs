//! The HTTP clients of an add-on, and one exchange with a host: limits and error messages.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::call_headers::CallHeaders;
use crate::egress::{
    EgressPolicy, Failure as CallFailure, HttpClient, Proxies, Redirects, Timeouts,
};
use crate::{Error, ErrorKind, Result, json};

/// The size limit of a response, which no response of the protocol exceeds.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// The timeout of a host's response.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The HTTP clients for hosts, one per level of trust.
#[derive(Debug, Clone)]
pub(super) struct Http {
    listed: Arc<OnceLock<Listed>>,
    /// Calls all other hosts, where the policy allows it.
    unlisted: HttpClient,
    /// Calls hosts of installations that were stored before policies existed.
    stored: HttpClient,
    /// Whether the call is for such an installation.
    is_stored: bool,
    /// The headers that the add-on adds to each call.
    headers: Arc<OnceLock<CallHeaders>>,
}

/// The origins that the operator allows to install, and their client. It may call any network and
/// uses the environment's proxy.
#[derive(Debug)]
struct Listed {
    hosts: Vec<String>,
    client: HttpClient,
}

fn client(policy: EgressPolicy, proxies: Proxies) -> Result<HttpClient> {
    let builder = HttpClient::builder(policy).proxies(proxies);
    // The add-on trusts an origin, and a redirect must not lead to another.
    // Calls have their own retries.
    let builder = builder.redirects(Redirects::SameOrigin).never_repeat();
    builder.build()
}

impl Http {
    pub(super) fn new(policy: EgressPolicy) -> Result<Self> {
        Ok(Self {
            listed: Arc::default(),
            unlisted: client(policy, Proxies::none())?,
            stored: client(EgressPolicy::any_network(), Proxies::none())?,
            is_stored: false,
            headers: Arc::default(),
        })
    }

    /// Sets the origins that the operator allows to install. Only the first call counts, for all
    /// clones.
    pub(super) fn list(&self, hosts: Vec<String>) -> Result<()> {
        if !hosts.is_empty() {
            let client = client(EgressPolicy::any_network(), Proxies::from_env())?;
            let _ = self.listed.set(Listed { hosts, client });
        }
        Ok(())
    }

    /// Adds headers to each later call. Only the first call counts, for all clones.
    pub(super) fn add_headers(&self, headers: CallHeaders) {
        let _ = self.headers.set(headers);
    }

    /// Returns the same clients, for an installation that was stored before policies existed if
    /// `is_stored`.
    pub(super) fn stored(&self, is_stored: bool) -> Self {
        Self {
            is_stored,
            ..self.clone()
        }
    }

    fn client(&self, url: &Url) -> &HttpClient {
        if let Some(listed) = self.listed(url) {
            return listed;
        }
        match self.is_stored {
            true => &self.stored,
            false => &self.unlisted,
        }
    }

    /// Returns the client of listed hosts if the URL belongs to one.
    fn listed(&self, url: &Url) -> Option<&HttpClient> {
        let listed = self.listed.get()?;
        let origin = url.origin();
        let is_listed = origin.is_tuple() && listed.hosts.contains(&origin.ascii_serialization());
        is_listed.then_some(&listed.client)
    }

    /// Returns the reason why the policy refuses a new installation with this endpoint, or `None`
    /// if it allows it.
    pub(super) async fn refuses(&self, url: &Url) -> Option<String> {
        let policy = self.listed(url).unwrap_or(&self.unlisted).policy();
        let refused = policy.check_host(url).await.err()?;
        Some(refused.to_string())
    }

    /// Builds a request for [`send`](Self::send).
    pub(super) fn request(&self, method: reqwest::Method, url: &Url) -> RequestBuilder {
        self.client(url).request(method, url.clone())
    }

    /// Sends a request. Errors contain `shown` without its query, and therefore no token.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        shown: &Url,
    ) -> Result<Answer, Failure> {
        let mut request = request.build().map_err(|cause| Failure {
            error: Error::new(ErrorKind::Invalid, "cannot build the request")
                .with_source(cause.without_url()),
            arrived: false,
            timed_out: false,
        })?;
        if let Some(headers) = self.headers.get() {
            headers.add_to(request.headers_mut());
        }
        let failed = |cause: crate::egress::CallError| {
            let kind = match cause.failure() {
                CallFailure::Refused(_) => ErrorKind::EgressRefused,
                CallFailure::TooLarge(_) => ErrorKind::BadAnswer,
                _ => ErrorKind::Unreachable,
            };
            Failure {
                arrived: cause.may_have_arrived(),
                timed_out: matches!(cause.failure(), CallFailure::TimedOut { .. }),
                error: Error::new(kind, format!("{} {cause}", without_query(shown))),
            }
        };
        let timeouts = Timeouts::within(TIMEOUT);
        let client = self.client(request.url());
        let mut answer = client.send(request, timeouts).await.map_err(failed)?;
        Ok(Answer {
            status: answer.status(),
            headers: answer.take_headers(),
            is_redirected: answer.url() != shown,
            body: answer.read(MAX_ANSWER_BYTES).await.map_err(failed)?,
            request: shown.clone(),
        })
    }
}

/// Returns the URL of a request for messages. Its query may contain a token.
fn without_query(url: &Url) -> Url {
    let mut shown = url.clone();
    shown.set_query(None);
    shown
}

/// Appends segments to a base URL, each percent-encoded.
pub(super) fn join(base: &Url, path: &[&str]) -> Result<Url> {
    // A URL cannot contain these segments: it would silently become another URL.
    if let Some(segment) = path.iter().find(|s| matches!(**s, "" | "." | "..")) {
        let what = format!("{segment:?} is not a valid path segment in {path:?}");
        return Err(Error::new(ErrorKind::Invalid, what));
    }
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| no_host(base.as_str()))?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

/// Parses the base URL of a host's API.
pub(super) fn parse_base(base: &str) -> Result<Url> {
    Url::parse(base).map_err(|cause| no_host(base).with_source(cause))
}

fn no_host(base: &str) -> Error {
    let what = format!("{base:?} is not the URL of a host");
    Error::new(ErrorKind::BadAnswer, what)
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether the response came from another URL than the request's.
    #[cfg_attr(not(feature = "server"), expect(dead_code))]
    pub(super) is_redirected: bool,
    request: Url,
}

/// A request without a response.
pub(super) struct Failure {
    pub(super) error: Error,
    /// Whether the host may have seen the request.
    pub(super) arrived: bool,
    /// Whether a phase of the call took too long.
    pub(super) timed_out: bool,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        json::from_slice(&self.body).map_err(|cause| {
            Error::new(
                ErrorKind::BadAnswer,
                format!(
                    "{} sent a response that does not match the protocol",
                    without_query(&self.request)
                ),
            )
            .with_source(cause)
        })
    }

    /// Returns the error for an unsuccessful response, with the host's own message if there is one.
    pub(super) fn refusal(&self) -> Error {
        #[derive(Deserialize)]
        struct Refusal {
            error: Message,
        }
        #[derive(Deserialize)]
        struct Message {
            message: String,
            reason: Option<String>,
        }
        let kind = match self.status {
            StatusCode::UNAUTHORIZED => ErrorKind::Unauthorized,
            StatusCode::NOT_FOUND => ErrorKind::NotFound,
            StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
            status if status.is_server_error() => ErrorKind::Unreachable,
            _ => ErrorKind::Refused,
        };
        let refusal = json::from_slice::<Refusal>(&self.body).ok();
        let refusal = refusal.map(|refusal| refusal.error);
        let reason = refusal.as_ref().and_then(|error| error.reason.as_deref());
        let kind = match (self.status, reason) {
            (StatusCode::CONFLICT, Some("quota")) => ErrorKind::Quota,
            (StatusCode::CONFLICT, Some("key-taken")) => ErrorKind::KeyTaken,
            _ => kind,
        };
        let message = refusal.map(|error| error.message);
        let words = message.as_ref().map(|message| format!(": {message}"));
        Error::new(
            kind,
            format!(
                "{} answered {}{}",
                without_query(&self.request),
                self.status,
                words.unwrap_or_default()
            ),
        )
        .with_answer(self.status.as_u16(), message)
    }
}
