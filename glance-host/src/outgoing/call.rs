//! One HTTP call to an add-on: checked where it goes, limited in time and size.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, StatusCode, Url};

use crate::reach::{Reach, Refused, System};
use crate::shared::Shared;

/// How long a connection may take, its name's resolution included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many headers an answer may have; one with more is none.
const MAX_HEADERS: usize = 100;

/// Calls add-ons. Whatever it calls has been checked against the host's [`Reach`].
///
/// A proxy that the environment names is not used: it would resolve names itself, unchecked. Nothing
/// is decompressed, so what is read is as large as it looks.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    reach: Reach,
}

/// A call to be sent.
#[must_use]
pub(crate) struct Call {
    request: RequestBuilder,
    refused: Option<Refused>,
}

impl Client {
    /// Follows redirects, where they lead to what may be called.
    pub(crate) fn following(reach: &Reach) -> Result<Self, String> {
        Self::new(reach, reach.redirects(), Arc::new(System::default()))
    }

    /// Follows no redirects: what is posted is for its address only.
    pub(crate) fn staying(reach: &Reach) -> Result<Self, String> {
        Self::new(reach, Policy::none(), Arc::new(System::default()))
    }

    pub(crate) fn new(
        reach: &Reach,
        redirects: Policy,
        names: Arc<dyn reqwest::dns::Resolve>,
    ) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("glance-host/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirects)
            .referer(false)
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .http1_max_headers(MAX_HEADERS)
            .dns_resolver(reach.resolver(names))
            .build()
            .map_err(|cause| format!("the HTTP client cannot be made: {cause}"))?;
        let reach = reach.clone();
        Ok(Self { http, reach })
    }

    /// A client for what a test itself names, unchecked where an address stands in numbers.
    pub(crate) fn of_tests() -> Result<reqwest::Client, String> {
        Self::following(&Reach::standard("http://localhost")).map(|client| client.http)
    }

    pub(crate) fn request(&self, method: Method, url: Url) -> Call {
        Call {
            refused: self.reach.check_url(&url).err(),
            request: self.http.request(method, url),
        }
    }
}

impl Call {
    pub(crate) fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        self.request = self.request.header(name, value.as_ref());
        self
    }

    /// What is to be sent, where it may be.
    pub(crate) fn checked(self) -> Result<RequestBuilder, NoAnswer> {
        match self.refused {
            Some(refused) => Err(NoAnswer::Refused(refused)),
            None => Ok(self.request),
        }
    }

    pub(crate) fn json(mut self, body: &impl serde::Serialize) -> Self {
        self.request = self.request.json(body);
        self
    }

    pub(crate) fn body(mut self, body: String) -> Self {
        self.request = self.request.body(body);
        self
    }
}

/// An answer of an add-on, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// `Access-Control-Allow-Origin`; what stands there twice is joined, as in a browser.
    pub(crate) allowed_origin: Option<String>,
    pub(crate) content_type: Option<String>,
    /// `Retry-After`, where it is a number of seconds.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    Refused(Refused),
    /// Nothing was sent.
    Unreachable(String),
    /// What was sent may have been acted on.
    Incomplete(String),
    TimedOut(Duration),
    TooLarge(usize),
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Unreachable(why) => write!(f, "cannot be reached ({why})"),
            Self::Incomplete(why) => write!(f, "gave no whole answer ({why})"),
            Self::TimedOut(limit) => write!(f, "gave no answer within {} seconds", limit.as_secs()),
            Self::TooLarge(limit) => write!(f, "answered more than {limit} bytes"),
        }
    }
}

/// One call, its answer read up to `max_bytes` within `limit`.
pub(crate) async fn send(
    shared: &Shared,
    call: Call,
    limit: Duration,
    max_bytes: usize,
) -> Result<Answer, NoAnswer> {
    let request = call.checked()?;
    match &shared.stage {
        Some(stage) => stage.send(request, limit, max_bytes).await,
        None => exchange(request, limit, max_bytes).await,
    }
}

/// The exchange of a call that was checked.
pub(crate) async fn exchange(
    request: RequestBuilder,
    limit: Duration,
    max_bytes: usize,
) -> Result<Answer, NoAnswer> {
    let failed = |cause: reqwest::Error| match innermost(&cause) {
        (Some(refused), _) => NoAnswer::Refused(refused.clone()),
        (None, _) if cause.is_connect() && cause.is_timeout() => NoAnswer::Unreachable(format!(
            "no connection within {} seconds",
            CONNECT_TIMEOUT.as_secs()
        )),
        (None, why) if cause.is_connect() || cause.is_builder() => NoAnswer::Unreachable(why),
        (None, _) if cause.is_timeout() => NoAnswer::TimedOut(limit),
        (None, why) => NoAnswer::Incomplete(why),
    };
    let mut response = request.timeout(limit).send().await.map_err(failed)?;
    let header = |name: HeaderName| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let allowed: Vec<_> = response
        .headers()
        .get_all(ACCESS_CONTROL_ALLOW_ORIGIN)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    let allowed_origin = (!allowed.is_empty()).then(|| allowed.join(", "));
    let content_type = header(CONTENT_TYPE);
    let retry_after = header(RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok());
    let retry_after = retry_after.map(Duration::from_secs);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > max_bytes {
            return Err(NoAnswer::TooLarge(max_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: response.status(),
        allowed_origin,
        content_type,
        retry_after,
        body,
    })
}

/// The last cause says most: "Connection refused", not "error sending request". The first may hold
/// an address with a token, so it is never said.
fn innermost(error: &reqwest::Error) -> (Option<&Refused>, String) {
    let mut cause: &dyn Error = error;
    let mut refused = None;
    while let Some(source) = cause.source() {
        cause = source;
        refused = refused.or(cause.downcast_ref());
    }
    let why = match error.source() {
        Some(_) => cause.to_string(),
        None => "its answer cannot be read".to_owned(),
    };
    (refused, why)
}
