//! One call: how long each phase may take, and the answer.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use tokio::time::{Instant, timeout};

use super::{CallError, Failure, Phase};

/// How long a server may pause within an answer, where nothing else is said.
const BETWEEN_CHUNKS: Duration = Duration::from_secs(10);

/// How long a call and its phases may take. Connecting has five seconds of its own, whatever stands
/// here: for resolving the name, the connection and the TLS handshake together.
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
    /// Until the first byte of the answer, connecting included.
    pub(super) answer: Option<Duration>,
    pub(super) between_chunks: Duration,
    pub(super) total: Option<Duration>,
}

impl Timeouts {
    /// The whole call may take this long, and its answer may pause for ten seconds.
    pub fn within(total: Duration) -> Self {
        Self {
            answer: None,
            between_chunks: BETWEEN_CHUNKS,
            total: Some(total),
        }
    }

    /// The answer must begin within this time, and may then go on for ever, with pauses no longer
    /// than `between_chunks`.
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

    /// Sets how long the answer may pause.
    #[must_use]
    pub fn between_chunks(mut self, pause: Duration) -> Self {
        self.between_chunks = pause;
        self
    }
}

/// The time that is left of a call.
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

    fn total(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Waits for a phase; where it takes too long, for the limit to name.
    async fn wait<T>(
        &self,
        limit: Option<Duration>,
        future: impl Future<Output = T>,
    ) -> Result<T, Duration> {
        let left = self.total();
        let is_total = match (left, limit) {
            (Some(left), Some(limit)) => left < limit,
            (left, _) => left.is_some(),
        };
        let (wait, named) = match is_total {
            true => (left, self.timeouts.total),
            false => (limit, limit),
        };
        match wait {
            Some(wait) => {
                let waited = timeout(wait, future).await;
                waited.map_err(|_| named.unwrap_or(wait))
            }
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

/// An answer whose body is read chunk by chunk.
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

    /// Where it came from, after redirects.
    pub fn url(&self) -> &Url {
        self.answer.url()
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.answer.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// Takes the headers out, for who needs nothing else of the answer but its body.
    pub(crate) fn take_headers(&mut self) -> HeaderMap {
        std::mem::take(self.answer.headers_mut())
    }

    /// Reads the next chunk of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`CallError`] where the answer breaks off or pauses for too long.
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
    /// [`CallError`] as of [`chunk`](Self::chunk), and where the body has more than `max_bytes`.
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
