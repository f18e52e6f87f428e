//! Tracks the phase of a call, so that errors can name it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use tower::{Layer, Service};

/// The phases of a call, in order.
///
/// ```
/// use glance_sdk::egress::{CallError, Failure, Phase};
///
/// fn is_slow(error: &CallError) -> bool {
///     matches!(error.failure(), Failure::TimedOut { phase: Phase::Answer | Phase::Body, .. })
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Resolving the name of the server or of the proxy.
    Resolve,
    /// Opening the connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Sending the request and waiting for the first byte of the response.
    Answer,
    /// Reading the response.
    Body,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolving its name",
            Self::Connect => "connecting",
            Self::Tls => "the TLS handshake",
            Self::Answer => "sending the request and waiting for its answer",
            Self::Body => "reading its answer",
        })
    }
}

/// The phase of one call, shared between the call and its connection.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<AtomicU8>);

const ALL: [Phase; 5] = [
    Phase::Resolve,
    Phase::Connect,
    Phase::Tls,
    Phase::Answer,
    Phase::Body,
];

impl Default for Progress {
    /// Returns the progress of a call on an open connection.
    fn default() -> Self {
        Self(Arc::new(AtomicU8::new(Phase::Answer as u8)))
    }
}

impl Progress {
    pub(super) fn phase(&self) -> Phase {
        let phase = ALL.get(usize::from(self.0.load(Ordering::Relaxed)));
        phase.copied().unwrap_or(Phase::Answer)
    }

    fn enter(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    /// Runs a future as part of this call.
    pub(super) fn track<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.clone(), future)
    }
}

tokio::task_local! {
    static CURRENT: Progress;
}

/// Records the phase of the call that the current future belongs to.
pub(super) fn enter(phase: Phase) {
    let _ = CURRENT.try_with(|progress| progress.enter(phase));
}

/// Records when the client starts to connect and when it is connected.
#[derive(Debug, Clone)]
pub(super) struct Tracked;

impl<S> Layer<S> for Tracked {
    type Service = TrackedConnector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        TrackedConnector(connector)
    }
}

#[derive(Debug, Clone)]
pub(super) struct TrackedConnector<S>(S);

impl<S, R> Service<R> for TrackedConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Response: 'static,
    S::Error: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let progress = CURRENT.try_with(Progress::clone).unwrap_or_default();
        progress.enter(Phase::Connect);
        let connecting = self.0.call(request);
        // The client may move a connection that it no longer waits for to another task.
        Box::pin(progress.clone().track(async move {
            let connected = connecting.await;
            if connected.is_ok() {
                progress.enter(Phase::Answer);
            }
            connected
        }))
    }
}
