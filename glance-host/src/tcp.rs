//! Connections on which somebody said something, and that send at once.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// How long a client may take to say something that is to be answered; over TLS it agrees on a key
/// first. Whoever has asked once may keep a connection for longer.
pub(crate) const SILENT: Duration = Duration::from_secs(10);

/// How long it is not tried again where nothing can be accepted.
const PAUSE: Duration = Duration::from_secs(1);

/// How often it is logged that nothing can be accepted.
const TOLD: Duration = Duration::from_secs(60);

/// How a connection begins.
pub(crate) trait Begin: Clone + Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Completes once the client said something that is to be answered.
    fn begin(self, stream: TcpStream) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// Begins with the first byte.
#[derive(Clone)]
pub(crate) struct Plain;

impl Begin for Plain {
    type Stream = TcpStream;

    async fn begin(self, stream: TcpStream) -> io::Result<TcpStream> {
        stream.peek(&mut [0]).await?;
        Ok(stream)
    }
}

/// Gives connections that began; those that do not hold up no other, and are closed.
pub(crate) struct Begun<B: Begin> {
    tcp: TcpListener,
    begin: B,
    beginning: JoinSet<Option<(B::Stream, SocketAddr)>>,
    /// Before this it is not tried.
    again: Instant,
    /// When it was logged last that nothing can be accepted.
    told: Option<Instant>,
}

impl<B: Begin> Begun<B> {
    pub(crate) fn new(tcp: TcpListener, begin: B) -> Self {
        Self {
            tcp,
            begin,
            beginning: JoinSet::new(),
            again: Instant::now(),
            told: None,
        }
    }

    fn begin(&mut self, stream: TcpStream, address: SocketAddr) {
        // An event does not wait until the one before it is acknowledged.
        if let Err(cause) = stream.set_nodelay(true) {
            tracing::debug!(%address, "a connection sends late: {cause}");
        }
        let begin = timeout(SILENT, self.begin.clone().begin(stream));
        self.beginning.spawn(async move {
            match begin.await {
                Ok(Ok(stream)) => return Some((stream, address)),
                Ok(Err(cause)) => tracing::debug!(%address, "no connection: {cause}"),
                Err(_) => tracing::debug!(%address, "a connection on which nothing was said"),
            }
            None
        });
    }

    fn failed(&mut self, cause: &io::Error) {
        let is_of_one_connection = matches!(
            cause.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionReset
        );
        if is_of_one_connection {
            return;
        }
        self.again = Instant::now() + PAUSE;
        if self.told.is_none_or(|told| told.elapsed() >= TOLD) {
            self.told = Some(Instant::now());
            tracing::error!(
                "no connection can be accepted: {cause}; where too many files are open, allow more \
                 (LimitNOFILE= of a systemd unit)"
            );
        }
    }
}

impl<B: Begin> Listener for Begun<B> {
    type Io = B::Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (B::Stream, SocketAddr) {
        loop {
            let accept = async {
                sleep_until(self.again).await;
                self.tcp.accept().await
            };
            tokio::select! {
                accepted = accept => match accepted {
                    Ok((stream, address)) => self.begin(stream, address),
                    Err(cause) => self.failed(&cause),
                },
                Some(begun) = self.beginning.join_next() => {
                    if let Ok(Some(connection)) = begun {
                        return connection;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::{pause, resume};

    use super::*;
    use crate::serve::serve;

    async fn bound() -> (Begun<Plain>, SocketAddr) {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        (Begun::new(tcp, Plain), address)
    }

    #[tokio::test]
    async fn accepted_connections_send_at_once() {
        let (mut listener, address) = bound().await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"G").await.unwrap();
        let (accepted, _) = listener.accept().await;
        assert!(accepted.nodelay().unwrap());
    }

    #[tokio::test]
    async fn who_says_nothing_is_sent_away_and_who_asked_once_is_not() {
        let (listener, address) = bound().await;
        let router = Router::new().route("/", get(|| async { "here" }));
        let ended = std::future::pending();
        tokio::spawn(serve(listener, router, ended));
        let mut asks = TcpStream::connect(address).await.unwrap();
        let mut ask = async || {
            let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
            asks.write_all(request).await.unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"here") {
                assert_ne!(asks.read_buf(&mut answer).await.unwrap(), 0);
            }
        };
        ask().await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        pause();
        let began = Instant::now();
        assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
        let took = began.elapsed();
        assert!(took < SILENT + Duration::from_secs(1), "{took:?}");
        resume();
        ask().await;
    }

    #[tokio::test]
    async fn who_did_not_ask_holds_up_nobody() {
        let (mut listener, address) = bound().await;
        let _silent = TcpStream::connect(address).await.unwrap();
        let mut asks = TcpStream::connect(address).await.unwrap();
        asks.write_all(b"G").await.unwrap();
        let (_, peer) = listener.accept().await;
        assert_eq!(peer, asks.local_addr().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn that_nothing_can_be_accepted_is_told_once_a_minute() {
        let (mut listener, _) = bound().await;
        let exhausted = io::Error::other("too many open files");
        listener.failed(&exhausted);
        let told = listener.told;
        assert!(told.is_some());
        tokio::time::advance(TOLD - Duration::from_secs(1)).await;
        listener.failed(&exhausted);
        assert_eq!(listener.told, told);
        tokio::time::advance(Duration::from_secs(1)).await;
        listener.failed(&exhausted);
        assert_ne!(listener.told, told);
    }
}
