//! Responses to connections and requests that never reach the router.

use std::future::poll_fn;
use std::io;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use httpdate::HttpDate;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::quota::Exhausted;
use super::streaming::poll_end;

/// The seconds after which a client that was refused for lack of capacity may retry.
pub(super) const RETRY_AFTER: u64 = 5;

/// The time in which the server discards further input of a client, so that the client can read the
/// response.
const LINGER: Duration = Duration::from_secs(5);

/// The reason why a connection ends without a response of the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The head of a request did not arrive in time.
    LateHead,
    /// hyper cannot parse the request, and would respond with this status.
    Unreadable(StatusCode),
    /// The memory for large heads is exhausted.
    Bytes(Exhausted),
    /// The server or the client has too many connections.
    Connections(Exhausted),
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::LateHead => StatusCode::REQUEST_TIMEOUT,
            Self::Unreadable(status) => status,
            Self::Bytes(exhausted) | Self::Connections(exhausted) => exhausted.status(),
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::LateHead => "The head of the request did not arrive within 20 seconds.",
            Self::Unreadable(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => {
                "The head of the request has more than 32 KB or more than 100 headers."
            }
            Self::Unreadable(StatusCode::URI_TOO_LONG) => "The request's target is too long.",
            Self::Unreadable(_) => "This is not a valid HTTP/1.1 request.",
            Self::Bytes(exhausted) => exhausted.of_bytes(),
            Self::Connections(Exhausted::Overall) => {
                "The server has as many connections as it can serve; try again in 5 seconds."
            }
            Self::Connections(Exhausted::ForClient) => {
                "This address has as many connections as one may have; close some, or try again in 5 seconds."
            }
        }
    }

    /// Returns the complete response, after which the connection ends.
    pub(super) fn written(self) -> Vec<u8> {
        let (status, sentence) = (self.status(), self.sentence());
        let retry_after = match self {
            Self::Bytes(_) | Self::Connections(_) => format!("retry-after: {RETRY_AFTER}\r\n"),
            Self::LateHead | Self::Unreadable(_) => String::new(),
        };
        format!(
            "HTTP/1.1 {status}\r\n\
             date: {}\r\n\
             connection: close\r\n\
             content-type: text/plain; charset=utf-8\r\n\
             x-content-type-options: nosniff\r\n\
             {retry_after}\
             content-length: {}\r\n\r\n\
             {sentence}",
            HttpDate::from(SystemTime::now()),
            sentence.len(),
        )
        .into_bytes()
    }
}

impl Exhausted {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Overall => StatusCode::SERVICE_UNAVAILABLE,
            Self::ForClient => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    pub(super) fn of_bytes(self) -> &'static str {
        match self {
            Self::Overall => {
                "The server holds as many bytes of requests as it can; try again in 5 seconds."
            }
            Self::ForClient => {
                "The server holds as many bytes of requests from this address as it takes; try again in 5 seconds."
            }
        }
    }
}

/// Sends the response and closes the connection.
pub(super) async fn refuse<S>(mut stream: S, refusal: Refusal) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(&refusal.written()).await?;
    stream.shutdown().await?;
    linger(stream).await
}

/// Discards the input of a client after the response was written: closing earlier would reset the
/// connection, and a client that has not read the response yet would lose it.
pub(super) async fn linger<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<()> {
    let end = poll_fn(|context| poll_end(&mut stream, context));
    timeout(LINGER, end).await.unwrap_or(Ok(()))
}
