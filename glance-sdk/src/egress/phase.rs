//! Tracks the phase of a call, so that errors can name it.

use std::cell::Cell;
use std::fmt;

use tokio::task::futures::TaskLocalFuture;

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

tokio::task_local! {
    static CONNECTING: Cell<Phase>;
}

/// A call that keeps the phase of its connection.
pub(super) type Tracked<F> = TaskLocalFuture<Cell<Phase>, F>;

/// Tracks how far the connection of a call comes. Whether there is a connection shows in the error
/// of the call.
pub(super) fn track<F: Future>(call: F) -> Tracked<F> {
    CONNECTING.scope(Cell::new(Phase::Connect), call)
}

/// Records the phase of the connection that the current call opens.
pub(super) fn enter(phase: Phase) {
    let _ = CONNECTING.try_with(|current| current.set(phase));
}
