//! The HTTP clients of an add-on, and one exchange with a host: limits, and errors in words.

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

/// More than any answer of the protocol has.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How long a host may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What an add-on calls hosts with, by how far it trusts them.
#[derive(Debug, Clone)]
pub(super) struct Http {
    listed: Arc<OnceLock<Listed>>,
    /// For every other host: where the policy allows.
    unlisted: HttpClient,
    /// For installations that were stored before there was a policy.
    stored: HttpClient,
    /// Whether the call is for such an installation.
    is_stored: bool,
    /// What the add-on adds to each call.
    headers: Arc<OnceLock<CallHeaders>>,
}

/// Origins that the operator allows to install, and their client: anywhere in the operator's network,
/// through the environment's proxy.
#[derive(Debug)]
struct Listed {
    hosts: Vec<String>,
    client: HttpClient,
}

fn client(policy: EgressPolicy, proxies: Proxies) -> Result<HttpClient> {
    let builder = HttpClient::builder(policy).proxies(proxies);
    // The add-on trusts an origin: a host must not send its requests to another.
    // Calls have retries of their own.
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

    /// Names the origins that the operator allows to install; counts once, for all clones.
    pub(super) fn list(&self, hosts: Vec<String>) -> Result<()> {
        if !hosts.is_empty() {
            let client = client(EgressPolicy::any_network(), Proxies::from_env())?;
            let _ = self.listed.set(Listed { hosts, client });
        }
        Ok(())
    }

    /// Adds headers to each call from here on; counts once, for all clones.
    pub(super) fn add_headers(&self, headers: CallHeaders) {
        let _ = self.headers.set(headers);
    }

    /// The same, for an installation that was stored before there was a policy.
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

    /// The client of listed hosts, if this is the address of one.
    fn listed(&self, url: &Url) -> Option<&HttpClient> {
        let listed = self.listed.get()?;
        let origin = url.origin();
        let is_listed = origin.is_tuple() && listed.hosts.contains(&origin.ascii_serialization());
        is_listed.then_some(&listed.client)
    }

    /// Whether an installation with this endpoint would be refused today, and why.
    pub(super) async fn refuses(&self, url: &Url) -> Option<String> {
        let policy = self.listed(url).unwrap_or(&self.unlisted).policy();
        let refused = policy.check_host(url).await.err()?;
        Some(refused.to_string())
    }

    /// Begins a request, to be sent with [`send`](Self::send).
    pub(super) fn request(&self, method: reqwest::Method, url: &Url) -> RequestBuilder {
        self.client(url).request(method, url.clone())
    }

    /// Sends a request. An error names `shown` without its query, so no token either.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        shown: &Url,
    ) -> Result<Answer, Failure> {
        let mut request = request.build().map_err(|cause| Failure {
            error: Error::new(ErrorKind::Invalid, "the request cannot be made")
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

/// The address of a request as messages show it. Its query may have a token.
fn without_query(url: &Url) -> Url {
    let mut shown = url.clone();
    shown.set_query(None);
    shown
}

/// Appends segments to a base address, each percent-encoded.
pub(super) fn join(base: &Url, path: &[&str]) -> Result<Url> {
    // An address cannot hold these: it would be another one without a word.
    if let Some(segment) = path.iter().find(|s| matches!(**s, "" | "." | "..")) {
        let what = format!("{segment:?} cannot stand in a path; it was to be {path:?}");
        return Err(Error::new(ErrorKind::Invalid, what));
    }
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| no_host(base.as_str()))?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

/// Reads the base address of a host's API.
pub(super) fn parse_base(base: &str) -> Result<Url> {
    Url::parse(base).map_err(|cause| no_host(base).with_source(cause))
}

fn no_host(base: &str) -> Error {
    let what = format!("{base:?} is no address of a host");
    Error::new(ErrorKind::BadAnswer, what)
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether it came from another address than the request was sent to.
    #[cfg_attr(not(feature = "server"), expect(dead_code))]
    pub(super) is_redirected: bool,
    request: Url,
}

/// A request without an answer.
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
                    "{} answered something that is not of the protocol",
                    without_query(&self.request)
                ),
            )
            .with_source(cause)
        })
    }

    /// The error for an answer that is no success, in the host's own words where it has some.
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
