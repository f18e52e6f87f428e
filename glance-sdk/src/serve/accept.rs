//! Accepts connections and starts them with a handshake.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

use super::refusal::Refusal;

/// The timeout of a client's first byte, which over TLS follows the handshake. A client that has
/// sent a request may keep its connection for longer.
pub(super) const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause of the server after an error while accepting.
const PAUSE: Duration = Duration::from_secs(1);

/// The interval between two log messages about failed or refused connections.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The work of a server on a connection before it reads the first request: nothing with
/// [`PlainTcp`], or for example a TLS handshake.
///
/// ```
/// use std::io;
/// use std::net::SocketAddr;
///
/// use glance_sdk::serve::Handshake;
/// use tokio::net::TcpStream;
///
/// /// Accepts connections from this network only.
/// #[derive(Clone)]
/// struct Inside;
///
/// impl Handshake for Inside {
///     type Stream = TcpStream;
///     type Peer = SocketAddr;
///
///     async fn handshake(
///         self,
///         stream: TcpStream,
///         address: SocketAddr,
///     ) -> io::Result<(TcpStream, SocketAddr)> {
///         match address.ip().to_string().starts_with("10.") {
///             true => stream.peek(&mut [0]).await.map(|_| (stream, address)),
///             false => Err(io::ErrorKind::PermissionDenied.into()),
///         }
///     }
/// }
/// ```
pub trait Handshake: Clone + Send + 'static {
    /// The stream from which the server reads requests.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The client, as handlers extract it from [`ConnectInfo`](axum::extract::ConnectInfo).
    /// [`limit_bodies`](super::limit_bodies) looks for a [`SocketAddr`] there.
    type Peer: Clone + Send + Sync + 'static;

    /// Whether a client understands HTTP before the handshake, so that the server can tell a
    /// refused client the reason.
    const IS_PLAIN: bool = false;

    /// Completes when the client has sent the first byte of a request. The timeout is 10 seconds.
    ///
    /// # Errors
    ///
    /// Returns an error if no request can follow; the server then closes the connection.
    fn handshake(
        self,
        stream: TcpStream,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<(Self::Stream, Self::Peer)>> + Send;
}

/// HTTP without TLS: behind a proxy that terminates TLS, or on loopback.
#[derive(Debug, Clone)]
pub struct PlainTcp;

impl Handshake for PlainTcp {
    type Stream = TcpStream;
    type Peer = SocketAddr;

    const IS_PLAIN: bool = true;

    async fn handshake(
        self,
        stream: TcpStream,
        address: SocketAddr,
    ) -> io::Result<(TcpStream, SocketAddr)> {
        stream.peek(&mut [0]).await?;
        Ok((stream, address))
    }
}

/// Accepts connections, and continues after errors.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: TcpListener,
    /// The time of the next attempt after an error.
    again: Instant,
    failures: Seldom,
    refusals: Seldom,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            again: Instant::now(),
            failures: Seldom::default(),
            refusals: Seldom::default(),
        }
    }

    pub(super) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            sleep_until(self.again).await;
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // Without this, an event would wait until the client acknowledges the previous
                    // one.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%address, %error, "setting TCP_NODELAY failed");
                    }
                    return (stream, address);
                }
                Err(error) => self.failed(&error),
            }
        }
    }

    fn failed(&mut self, error: &io::Error) {
        let is_of_one_connection = matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionReset
        );
        if is_of_one_connection {
            return;
        }
        self.again = Instant::now() + PAUSE;
        if self.failures.is_due() {
            tracing::error!(
                %error,
                "accepting connections failed; where too many files are open, allow more \
                 (LimitNOFILE= of a systemd unit)"
            );
        }
    }

    /// Closes a connection that exceeds the limits.
    pub(super) fn refuse(
        &mut self,
        stream: &TcpStream,
        address: SocketAddr,
        refusal: Refusal,
        is_plain: bool,
    ) {
        if self.refusals.is_due() {
            tracing::warn!(
                %address,
                status = refusal.status().as_u16(),
                    "connection refused: too many are open; to accept more, allow the process more \
                     files (LimitNOFILE= of a systemd unit)"
            );
        }
        if is_plain {
            // A new connection accepts this little without waiting; otherwise the client gets no
            // response.
            let _ = stream.try_write(&refusal.written());
        }
    }
}

/// Limits a log message to one per interval.
#[derive(Debug, Default)]
struct Seldom {
    last: Option<Instant>,
}

impl Seldom {
    fn is_due(&mut self) -> bool {
        let is_due = self.last.is_none_or(|last| last.elapsed() >= LOG_INTERVAL);
        if is_due {
            self.last = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accepted_connections_send_without_delay() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _client = TcpStream::connect(address).await.unwrap();
        let (accepted, _) = Acceptor::new(listener).accept().await;
        assert!(accepted.nodelay().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_logged_once_a_minute() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut acceptor = Acceptor::new(listener);
        let exhausted = io::Error::other("too many open files");
        acceptor.failed(&exhausted);
        let first = acceptor.failures.last;
        assert!(first.is_some());
        tokio::time::advance(LOG_INTERVAL - Duration::from_secs(1)).await;
        acceptor.failed(&exhausted);
        assert_eq!(acceptor.failures.last, first);
        tokio::time::advance(Duration::from_secs(1)).await;
        acceptor.failed(&exhausted);
        assert_ne!(acceptor.failures.last, first);
    }
}
