//! One HTTP call to an add-on: checked where it goes, limited in time and size.

use std::time::Duration;

use glance_sdk::egress::{
    CallError, EgressPolicy, Failure, HttpClient, Phase, Proxies, Redirects, Refused, Timeouts,
};
use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use reqwest::{Method, Request, RequestBuilder, StatusCode, Url};

use crate::service::shared::Shared;

/// Calls add-ons, where the host's [`EgressPolicy`] allows.
#[derive(Debug, Clone)]
pub(crate) struct Client(HttpClient);

/// A call to be sent.
#[must_use]
pub(crate) struct Call {
    client: Client,
    request: RequestBuilder,
}

impl Client {
    /// Follows redirects, where they lead to what may be called.
    pub(crate) fn following(policy: &EgressPolicy, proxies: &Proxies) -> glance_sdk::Result<Self> {
        Self::new(policy, proxies, Redirects::Checked)
    }

    /// Follows no redirects: what is posted is for its address only.
    pub(crate) fn staying(policy: &EgressPolicy, proxies: &Proxies) -> glance_sdk::Result<Self> {
        Self::new(policy, proxies, Redirects::None)
    }

    fn new(
        policy: &EgressPolicy,
        proxies: &Proxies,
        redirects: Redirects,
    ) -> glance_sdk::Result<Self> {
        let builder = HttpClient::builder(policy.clone())
            .user_agent(concat!("glance-host/", env!("CARGO_PKG_VERSION")))
            .proxies(proxies.clone())
            .redirects(redirects);
        Ok(Self(builder.build()?))
    }

    /// A client for add-ons that a test names, which may be in any network.
    #[cfg(feature = "testing")]
    pub(crate) fn of_tests() -> glance_sdk::Result<Self> {
        Self::following(&EgressPolicy::any_network(), &Proxies::none())
    }

    pub(crate) fn request(&self, method: Method, url: Url) -> Call {
        Call {
            client: self.clone(),
            request: self.0.request(method, url),
        }
    }

    /// Sends a request, and reads its answer up to `max_bytes` within `limit`.
    pub(crate) async fn exchange(
        &self,
        request: Request,
        limit: Duration,
        max_bytes: usize,
    ) -> Result<Answer, NoAnswer> {
        let response = self.0.send(request, Timeouts::within(limit)).await?;
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
        let retry_after = header(RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok());
        Ok(Answer {
            status: response.status(),
            allowed_origin: (!allowed.is_empty()).then(|| allowed.join(", ")),
            content_type: header(CONTENT_TYPE),
            retry_after: retry_after.map(Duration::from_secs),
            body: response.read(max_bytes).await?,
        })
    }
}

impl Call {
    pub(crate) fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        self.request = self.request.header(name, value.as_ref());
        self
    }

    /// What is to be sent, and by whom.
    pub(crate) fn build(self) -> Result<(Client, Request), NoAnswer> {
        let request = self.request.build();
        let request =
            request.map_err(|cause| NoAnswer::Unreachable(cause.without_url().to_string()))?;
        Ok((self.client, request))
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

/// Why there is no answer, in words that complete "it ...".
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

impl From<CallError> for NoAnswer {
    fn from(error: CallError) -> Self {
        match error.failure() {
            Failure::Refused(refused) => Self::Refused(refused.clone()),
            Failure::TooLarge(limit) => Self::TooLarge(*limit),
            Failure::TimedOut {
                phase: Phase::Answer,
                limit,
            } if error.proxy().is_none() => Self::TimedOut(*limit),
            _ if error.may_have_arrived() => Self::Incomplete(error.to_string()),
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Unreachable(why) | Self::Incomplete(why) => f.write_str(why),
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
    let (client, request) = call.build()?;
    shared.exchange(&client, request, limit, max_bytes).await
}

impl Shared {
    async fn exchange(
        &self,
        client: &Client,
        request: Request,
        limit: Duration,
        max_bytes: usize,
    ) -> Result<Answer, NoAnswer> {
        #[cfg(feature = "testing")]
        if let Some(layer) = &self.layer {
            return layer.send(client, request, limit, max_bytes).await;
        }
        client.exchange(request, limit, max_bytes).await
    }
}
