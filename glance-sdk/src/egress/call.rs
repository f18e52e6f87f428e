//! The timeouts and the response of one call.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use tokio::time::{Instant, timeout_at};

use super::{CallError, Failure, Phase};

/// The default limit on a pause within a response.
const BETWEEN_CHUNKS: Duration = Duration::from_secs(10);

/// The timeouts of a call and its phases. Connecting has a timeout of its own of five seconds, for
/// resolving the name, the connection and the TLS handshake together.
///
/// ```
/// use std::time::Duration;
///
/// use glance_sdk::egress::Timeouts;
///
/// let timeouts = Timeouts::within(Duration::from_secs(30)).between_chunks(Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// The timeout of the first byte of the response, including the connection.
    pub(super) answer: Option<Duration>,
    pub(super) between_chunks: Duration,
    pub(super) total: Option<Duration>,
}

impl Timeouts {
    /// Limits the whole call to this time, and pauses within the response to ten seconds.
    pub fn within(total: Duration) -> Self {
        Self {
            answer: None,
            between_chunks: BETWEEN_CHUNKS,
            total: Some(total),
        }
    }

    /// Limits the time until the response starts. Afterwards the response may continue forever,
    /// with pauses of at most `between_chunks`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use glance_sdk::egress::Timeouts;
    ///
    /// // The server sends a comment every 15 seconds.
    /// let timeouts = Timeouts::stream(Duration::from_secs(10), Duration::from_secs(45));
    /// ```
    pub fn stream(answer: Duration, between_chunks: Duration) -> Self {
        Self {
            answer: Some(answer),
            between_chunks,
            total: None,
        }
    }

    /// Sets the longest pause within the response.
    #[must_use]
    pub fn between_chunks(mut self, pause: Duration) -> Self {
        self.between_chunks = pause;
        self
    }
}

/// The remaining time of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remaining {
    timeouts: Timeouts,
    deadline: Option<Instant>,
}

impl Remaining {
    pub(super) fn new(timeouts: Timeouts) -> Self {
        let deadline = timeouts.total.map(|total| Instant::now() + total);
        Self { timeouts, deadline }
    }

    /// Waits for a phase. Returns the exceeded limit if the phase takes too long.
    async fn wait<T>(
        &self,
        limit: Option<Duration>,
        future: impl Future<Output = T>,
    ) -> Result<T, Duration> {
        let limited = limit.map(|limit| (Instant::now() + limit, limit));
        let total = self.deadline.zip(self.timeouts.total);
        match limited.into_iter().chain(total).min() {
            Some((deadline, limit)) => timeout_at(deadline, future).await.map_err(|_| limit),
            None => Ok(future.await),
        }
    }

    pub(super) async fn answer<T>(&self, future: impl Future<Output = T>) -> Result<T, Duration> {
        self.wait(self.timeouts.answer, future).await
    }

    async fn chunk<T>(&self, future: impl Future<Output = T>) -> Result<T, Duration> {
        self.wait(Some(self.timeouts.between_chunks), future).await
    }
}

/// A response whose body is read in chunks.
///
/// ```no_run
/// use std::time::Duration;
///
/// use glance_sdk::egress::{HttpClient, Timeouts, reqwest};
///
/// # async fn example(http: HttpClient, feed: reqwest::Url) -> Result<(), Box<dyn std::error::Error>> {
/// let request = http.request(reqwest::Method::GET, feed).build()?;
/// let mut response = http.send(request, Timeouts::within(Duration::from_secs(10))).await?;
/// println!("{} from {}", response.status(), response.url());
/// while let Some(chunk) = response.chunk().await? {
///     println!("{} bytes more", chunk.as_ref().len());
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Response {
    answer: reqwest::Response,
    remaining: Remaining,
    proxy: Option<String>,
}

impl Response {
    pub(super) fn new(
        answer: reqwest::Response,
        remaining: Remaining,
        proxy: Option<String>,
    ) -> Self {
        Self {
            answer,
            remaining,
            proxy,
        }
    }

    /// Returns the URL of the response, after redirects.
    pub fn url(&self) -> &Url {
        self.answer.url()
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.answer.status()
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// Takes the headers, for callers that need only them and the body.
    pub(crate) fn take_headers(&mut self) -> HeaderMap {
        std::mem::take(self.answer.headers_mut())
    }

    /// Reads the next chunk of the body. Returns `None` at its end.
    ///
    /// # Errors
    ///
    /// Returns [`CallError`] if the response breaks off or pauses for too long.
    pub async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + Send + use<>>, CallError> {
        let failed = |failure| CallError::new(failure, self.proxy.clone());
        let phase = Phase::Body;
        match self.remaining.chunk(self.answer.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(cause)) => Err(failed(CallError::of(&cause, phase, Duration::ZERO))),
            Err(limit) => Err(failed(Failure::TimedOut { phase, limit })),
        }
    }

    /// Reads the whole body.
    ///
    /// ```no_run
    /// use glance_sdk::egress::{CallError, Response};
    ///
    /// async fn text(response: Response) -> Result<String, CallError> {
    ///     let body = response.read(64 * 1024).await?;
    ///     Ok(String::from_utf8_lossy(&body).into_owned())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`chunk`](Self::chunk), and an error if the body has more than
    /// `max_bytes`.
    pub async fn read(mut self, max_bytes: usize) -> Result<Vec<u8>, CallError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            let chunk = chunk.as_ref();
            if body.len() + chunk.len() > max_bytes {
                let failure = Failure::TooLarge(max_bytes);
                return Err(CallError::new(failure, self.proxy));
            }
            body.extend_from_slice(chunk);
        }
        Ok(body)
    }
}
