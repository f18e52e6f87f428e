//! How a connection begins.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

use super::refusal::Refusal;

/// How long a client may take to send its first byte, which over TLS comes after the handshake. A client
/// that has sent a request may keep its connection for longer.
pub(super) const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the server waits after it could not accept a connection.
const PAUSE: Duration = Duration::from_secs(1);

/// How often it logs that connections cannot be accepted, or are refused.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// What a server does with a connection before it reads the first request: nothing, as [`PlainTcp`], or
/// for example TLS.
///
/// ```
/// use std::io;
/// use std::net::SocketAddr;
///
/// use glance_sdk::serve::Handshake;
/// use tokio::net::TcpStream;
///
/// /// Takes connections of this network only.
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
    /// What requests are read from.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The client, as handlers find it in [`ConnectInfo`](axum::extract::ConnectInfo).
    /// [`limit_bodies`](super::limit_bodies) looks for a [`SocketAddr`] there.
    type Peer: Clone + Send + Sync + 'static;

    /// Whether a client understands HTTP before the handshake, so that one that is refused can be told
    /// why.
    const IS_PLAIN: bool = false;

    /// Completes when the client has sent the first byte of a request. The server waits 10 seconds for
    /// that.
    ///
    /// # Errors
    ///
    /// Where no request can come: the connection is closed.
    fn handshake(
        self,
        stream: TcpStream,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<(Self::Stream, Self::Peer)>> + Send;
}

/// HTTP without TLS: behind a proxy that ends it, or on loopback.
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

/// Accepts connections, and goes on after errors.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: TcpListener,
    /// When it tries again after an error.
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
                    // An event does not wait until the one before it is acknowledged.
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

    /// Closes a connection for which there is no room.
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
                "connection refused: too many are open; allow the process more files \
                 (LimitNOFILE= of a systemd unit) where it should take more"
            );
        }
        if is_plain {
            // A new connection takes so little without waiting; one that does not goes without.
            let _ = stream.try_write(&refusal.written());
        }
    }
}

/// Says once a minute that something happened.
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
    async fn accepted_connections_send_at_once() {
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
