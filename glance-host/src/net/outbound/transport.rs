//! The interface between calls to add-ons and the network.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use glance_sdk::egress::{CallError, Failure, Phase, Redirects, Refused};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode, Url};

/// Sends requests. [`HttpTransport`](super::HttpTransport) sends them over the network.
#[async_trait]
pub(crate) trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request and reads the whole answer.
    async fn send(
        &self,
        request: OutboundRequest,
        limits: AnswerLimits,
    ) -> Result<Answer, NoAnswer>;
}

/// A request that is ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct OutboundRequest {
    pub(crate) method: Method,
    /// Without a user name and password: these are in the header `Authorization`.
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) redirects: Redirects,
}

/// The limits of an answer: its time, and the size of its body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerLimits {
    pub(crate) timeout: Duration,
    pub(crate) max_bytes: usize,
}

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// `Access-Control-Allow-Origin`. Several such headers are joined, as browsers do.
    pub(crate) allowed_origin: Option<String>,
    pub(crate) content_type: Option<String>,
    /// `Retry-After`, if it is a number of seconds.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// The reason why a request got no answer. Its text completes a sentence that begins with "it".
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The egress policy does not allow the address.
    Refused(Refused),
    /// The request was not sent, so it can be repeated.
    Unreachable(String),
    /// The connection failed after the request was sent, so the receiver may have acted on it.
    Incomplete(String),
    /// The answer did not arrive within this time.
    TimedOut(Duration),
    /// The body of the answer has more than this number of bytes.
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

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Unreachable(why) | Self::Incomplete(why) => f.write_str(why),
            Self::TimedOut(limit) => write!(f, "gave no answer within {} seconds", limit.as_secs()),
            Self::TooLarge(limit) => write!(f, "answered more than {limit} bytes"),
        }
    }
}

impl Error for NoAnswer {}
