//! The HTTP client of all outgoing calls.

use std::cell::Cell;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::Resolve;
use reqwest::{Client, ClientBuilder, Method, Request, RequestBuilder, Url};

use super::call::Remaining;
use super::keep_alive::{IDLE_TIMEOUT, ShortLived};
use super::phase::{self, Phase};
use super::resolver::{Checked, System};
use super::{CallError, EgressPolicy, Failure, Proxies, Redirects, Response, Timeouts, tls};
use crate::{Error, ErrorKind, Result};

/// The timeout of connecting: resolving the name, the connection and the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends requests to the addresses that a policy allows. Cloning is cheap; the clones share the
/// connections.
///
/// - It checks addresses when it connects, and again after each redirect.
/// - It uses no proxy by default, and never one for this machine.
/// - It closes an idle connection after 1.5 seconds, before servers do, or after one request if the
///   server announces with `Keep-Alive` that it closes even earlier.
/// - It retries a request once, on a new connection, if the server closed the connection before the
///   first byte of a response and retrying is safe: the method is GET, HEAD, OPTIONS, PUT or
///   DELETE, or nothing was sent. Other POST requests fail, because the server may have acted.
/// - It has a timeout for each phase of a call, and errors name the phase. A call whose own limit
///   is shorter than the five seconds for connecting fails as one without an answer.
/// - It never decompresses, so that the size of a response is its size in memory, and accepts at
///   most 100 headers, which is hyper's limit.
///
/// ```
/// use std::time::Duration;
///
/// use glance_sdk::egress::{EgressPolicy, Failure, HttpClient, Timeouts, reqwest};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let http = HttpClient::builder(EgressPolicy::internet()).build()?;
/// let request = http.request(reqwest::Method::GET, "http://169.254.169.254/".parse()?).build()?;
/// let error = http.send(request, Timeouts::within(Duration::from_secs(10))).await.unwrap_err();
/// assert!(matches!(error.failure(), Failure::Refused(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct HttpClient(Arc<Shared>);

struct Shared {
    pooled: Client,
    /// A client that opens a connection for each request.
    unpooled: Client,
    policy: EgressPolicy,
    proxies: Proxies,
    repeats: bool,
    short_lived: ShortLived,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("policy", &self.0.policy)
            .field("proxies", &self.0.proxies)
            .finish_non_exhaustive()
    }
}

/// Builds an [`HttpClient`].
///
/// ```
/// use glance_sdk::egress::{EgressPolicy, HttpClient, Proxies, Redirects};
///
/// let http = HttpClient::builder(EgressPolicy::internet())
///     .redirects(Redirects::Checked)
///     .proxies(Proxies::from_env())
///     .user_agent("builds/1.0")
///     .build()?;
/// # Ok::<(), glance_sdk::Error>(())
/// ```
#[must_use]
pub struct HttpClientBuilder {
    policy: EgressPolicy,
    redirects: Redirects,
    proxies: Proxies,
    user_agent: String,
    repeats: bool,
    names: Arc<dyn Resolve>,
}

impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder")
            .field("policy", &self.policy)
            .field("redirects", &self.redirects)
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}

impl HttpClientBuilder {
    /// Sets which redirects the client follows. The default is none.
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Sets the proxies. The default is none.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Sets the user agent. The default is `glance-sdk/` with its version.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// Disables retries, for callers with their own; see [`CallError::may_have_arrived`].
    ///
    /// ```
    /// use glance_sdk::egress::{EgressPolicy, HttpClient};
    ///
    /// let http = HttpClient::builder(EgressPolicy::internet()).never_repeat().build()?;
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    pub fn never_repeat(mut self) -> Self {
        self.repeats = false;
        self
    }

    /// Sets the resolver, for tests.
    #[cfg(test)]
    pub(super) fn names(mut self, names: Arc<dyn Resolve>) -> Self {
        self.names = names;
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if TLS cannot be set up.
    pub fn build(self) -> Result<HttpClient> {
        let failed = || Error::new(ErrorKind::Configuration, "cannot create the HTTP client");
        let build = |pool: fn(ClientBuilder) -> ClientBuilder| {
            let tls = tls::config().map_err(|cause| failed().with_source(cause))?;
            let names = Arc::clone(&self.names);
            // reqwest's own proxy settings are disabled: a proxy resolves names itself.
            let mut builder = Client::builder().no_proxy();
            for proxy in self.proxies.proxies() {
                builder = builder.proxy(proxy);
            }
            let built = pool(builder)
                .user_agent(&self.user_agent)
                .connect_timeout(CONNECT_TIMEOUT)
                .redirect(self.redirects.policy(&self.policy))
                .referer(false)
                .no_gzip()
                .no_brotli()
                .no_deflate()
                .no_zstd()
                .dns_resolver(Checked::new(
                    self.policy.clone(),
                    self.proxies.clone(),
                    names,
                ))
                .tls_backend_preconfigured(tls)
                .build();
            built.map_err(|cause| failed().with_source(cause))
        };
        Ok(HttpClient(Arc::new(Shared {
            pooled: build(|builder| builder.pool_idle_timeout(IDLE_TIMEOUT))?,
            unpooled: build(|builder| builder.pool_max_idle_per_host(0))?,
            policy: self.policy.clone(),
            proxies: self.proxies.clone(),
            repeats: self.repeats,
            short_lived: ShortLived::default(),
        })))
    }
}

impl HttpClient {
    /// Builds a client that calls the addresses of this policy.
    pub fn builder(policy: EgressPolicy) -> HttpClientBuilder {
        HttpClientBuilder {
            policy,
            redirects: Redirects::None,
            proxies: Proxies::none(),
            user_agent: concat!("glance-sdk/", env!("CARGO_PKG_VERSION")).to_owned(),
            repeats: true,
            names: Arc::new(System::default()),
        }
    }

    /// Returns the policy of the client.
    pub fn policy(&self) -> &EgressPolicy {
        &self.0.policy
    }

    /// Starts building a request. Pass the built request to [`send`](Self::send): if reqwest sent
    /// it directly, nobody would check it.
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.0.pooled.request(method, url)
    }

    /// Sends a request and waits for the head of the response.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use glance_sdk::egress::{HttpClient, Timeouts, reqwest};
    ///
    /// # async fn example(http: HttpClient, hook: reqwest::Url) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = http.request(reqwest::Method::POST, hook).json(&serde_json::json!({ "broken": 2 })).build()?;
    /// let response = http.send(request, Timeouts::within(Duration::from_secs(10))).await?;
    /// println!("answered {}", response.status());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`CallError`] if there is no response.
    pub async fn send(
        &self,
        request: Request,
        timeouts: Timeouts,
    ) -> std::result::Result<Response, CallError> {
        let proxy = self.0.proxies.of_call(request.url());
        let failed = |failure| CallError::new(failure, proxy.clone());
        if let Err(refused) = self.0.policy.check_url(request.url()) {
            return Err(failed(Failure::Refused(refused)));
        }
        let remaining = Remaining::new(timeouts);
        let is_repeatable = matches!(
            *request.method(),
            Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
        );
        let again = self.0.repeats.then(|| request.try_clone()).flatten();
        let client = match self.0.short_lived.contains(request.url()) {
            true => &self.0.unpooled,
            false => &self.0.pooled,
        };
        let mut answer = attempt(client, request, remaining).await;
        if let (Err((failure, is_open)), Some(again)) = (&answer, again) {
            let is_safe = match failure {
                Failure::Closed(_) => is_repeatable,
                Failure::NotSent(_) => *is_open,
                _ => false,
            };
            if is_safe {
                tracing::debug!(
                    origin = again.url().origin().ascii_serialization(),
                    "retrying a request"
                );
                answer = attempt(&self.0.unpooled, again, remaining).await;
            }
        }
        let answer = answer.map_err(|(failure, _)| failed(failure))?;
        self.0.short_lived.note(answer.url(), answer.headers());
        Ok(Response::new(answer, remaining, proxy))
    }
}

/// Sends a request once. A failure says whether there was a connection.
async fn attempt(
    client: &Client,
    request: Request,
    remaining: Remaining,
) -> std::result::Result<reqwest::Response, (Failure, bool)> {
    let call = pin!(client.execute(request));
    let mut call = pin!(phase::track(call));
    match remaining.answer(call.as_mut()).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(cause)) => {
            let connecting = call.take_value().map_or(Phase::Connect, Cell::into_inner);
            let failure = CallError::of(&cause, connecting, CONNECT_TIMEOUT);
            Err((failure, !cause.is_connect() && !cause.is_builder()))
        }
        Err(limit) => {
            let phase = Phase::Answer;
            Err((Failure::TimedOut { phase, limit }, true))
        }
    }
}
