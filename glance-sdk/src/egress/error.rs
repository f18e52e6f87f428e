//! The errors of calls without a response.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use super::{Phase, Refused};
use crate::printable::printable;

/// The error of a call without a response. Its text completes a sentence about the server, as in
/// "it cannot be reached (Connection refused)", and never contains the URL, which may contain a
/// token.
///
/// ```no_run
/// use glance_sdk::egress::{HttpClient, Timeouts, reqwest};
///
/// # async fn example(http: HttpClient, request: reqwest::Request, timeouts: Timeouts) {
/// if let Err(error) = http.send(request, timeouts).await {
///     eprintln!("the build server {error}");
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct CallError {
    failure: Failure,
    proxy: Option<String>,
}

/// The failure of a call without a response.
///
/// ```
/// use glance_sdk::egress::{CallError, Failure};
///
/// fn advice(error: &CallError) -> &'static str {
///     match error.failure() {
///         Failure::Refused(_) => "allow the network",
///         Failure::TooLarge(_) => "ask for less",
///         _ => "try again later",
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Failure {
    /// The policy refused the address or the redirect. Nothing was sent there.
    Refused(Refused),
    /// There was no connection, or it was closed before the request was sent.
    NotSent(String),
    /// The connection was closed before the first byte of the response. The server may have acted.
    Closed(String),
    /// The response broke off or is not HTTP. The server may have acted.
    Broken(String),
    /// A phase exceeded its timeout.
    TimedOut {
        /// The phase.
        phase: Phase,
        /// The timeout of the phase, or of the call.
        limit: Duration,
    },
    /// The response has more than this many bytes.
    TooLarge(usize),
}

impl CallError {
    pub(super) fn new(failure: Failure, proxy: Option<String>) -> Self {
        Self { failure, proxy }
    }

    /// Returns the failure.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// Returns the proxy of the call, without a password.
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }

    /// Returns whether the server may have received the request. If it certainly did not, a retry
    /// is safe.
    ///
    /// ```
    /// use glance_sdk::egress::CallError;
    ///
    /// fn is_safe_to_repeat(error: &CallError) -> bool {
    ///     !error.may_have_arrived()
    /// }
    /// ```
    pub fn may_have_arrived(&self) -> bool {
        match &self.failure {
            Failure::Refused(Refused::Network { .. }) | Failure::NotSent(_) => false,
            Failure::TimedOut { phase, .. } => matches!(phase, Phase::Answer | Phase::Body),
            _ => true,
        }
    }

    /// Classifies reqwest's error of a call: `phase` is that of the body, or the last one of its
    /// connection, which has the timeout `limit`.
    pub(super) fn of(cause: &reqwest::Error, phase: Phase, limit: Duration) -> Failure {
        let mut deepest: &dyn Error = cause;
        let mut is_unsent = false;
        let mut is_closed = false;
        while let Some(source) = deepest.source() {
            deepest = source;
            if let Some(refused) = source.downcast_ref::<Refused>() {
                return Failure::Refused(refused.clone());
            }
            if let Some(error) = source.downcast_ref::<hyper::Error>() {
                is_unsent |= error.is_canceled();
                is_closed |= error.is_incomplete_message() || error.is_closed();
            }
            if let Some(error) = source.downcast_ref::<io::Error>() {
                is_closed |= is_disconnect(error.kind());
            }
        }
        // The deepest cause is the most helpful: "Connection refused", not "error sending request".
        let why = match cause.source() {
            Some(_) => deepest.to_string(),
            None => "its answer cannot be read".to_owned(),
        };
        match phase {
            _ if cause.is_connect() && cause.is_timeout() => Failure::TimedOut { phase, limit },
            _ if cause.is_connect() || cause.is_builder() || is_unsent => Failure::NotSent(why),
            Phase::Body => Failure::Broken(why),
            _ if is_closed => Failure::Closed(why),
            _ => Failure::Broken(why),
        }
    }
}

fn is_disconnect(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof
    )
}

/// Formats seconds for readers: "10 seconds", "0.5 seconds".
fn seconds(limit: Duration) -> String {
    format!("{} seconds", limit.as_secs_f64())
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Failure::Refused(refused) => refused.fmt(f)?,
            Failure::NotSent(why) => write!(f, "cannot be reached ({})", printable(why))?,
            Failure::Closed(why) | Failure::Broken(why) => {
                write!(f, "gave no whole answer ({})", printable(why))?;
            }
            Failure::TimedOut { phase, limit } => {
                let limit = seconds(*limit);
                match phase {
                    Phase::Resolve => {
                        write!(
                            f,
                            "cannot be reached (its name was not resolved within {limit})"
                        )?;
                    }
                    Phase::Connect => {
                        write!(f, "cannot be reached (no connection within {limit})")?;
                    }
                    Phase::Tls => {
                        write!(f, "cannot be reached (no TLS handshake within {limit})")?;
                    }
                    Phase::Answer => write!(f, "gave no answer within {limit}")?,
                    Phase::Body => write!(f, "stopped answering (nothing more within {limit})")?,
                }
            }
            Failure::TooLarge(limit) => write!(f, "answered more than {limit} bytes")?,
        }
        match &self.proxy {
            Some(proxy) => write!(f, ", through the proxy {proxy}"),
            None => Ok(()),
        }
    }
}

impl Error for CallError {}
