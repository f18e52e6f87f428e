//! Connections that a test can cut.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use glance_sdk::serve::Handshake;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Creates connections that can be cut, one by one or all together.
#[derive(Debug, Clone)]
pub(super) struct Wires {
    all: watch::Sender<bool>,
}

impl Wires {
    pub(super) fn new(all: watch::Sender<bool>) -> Self {
        Self { all }
    }
}

/// The peer of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer(watch::Sender<bool>);

impl Peer {
    /// Cuts the connection.
    pub(crate) fn cut(&self) {
        self.0.send_replace(true);
    }
}

impl Handshake for Wires {
    type Stream = Wire;
    type Peer = Peer;

    const IS_PLAIN: bool = true;

    async fn handshake(self, stream: TcpStream, _: SocketAddr) -> io::Result<(Wire, Peer)> {
        let peer = Peer(watch::Sender::new(false));
        let (mut own, mut all) = (peer.0.subscribe(), self.all.subscribe());
        let cut = Box::pin(async move {
            // An event stream outlives its `Peer`, and is not cut when that is dropped.
            let own = async {
                if own.wait_for(|cut| *cut).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = own => {}
                _ = all.wait_for(|cut| *cut) => {}
            }
        });
        let wire = Wire {
            stream,
            cut,
            is_cut: false,
        };
        Ok((wire, peer))
    }
}

/// A connection that can be cut.
pub(super) struct Wire {
    stream: TcpStream,
    cut: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_cut: bool,
}

impl Wire {
    /// Returns the stream unless it is cut; the caller is woken when it is.
    fn stream(&mut self, context: &mut Context<'_>) -> io::Result<Pin<&mut TcpStream>> {
        self.is_cut = self.is_cut || self.cut.as_mut().poll(context).is_ready();
        match self.is_cut {
            true => Err(io::ErrorKind::ConnectionAborted.into()),
            false => Ok(Pin::new(&mut self.stream)),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.stream(context) {
            Ok(stream) => stream.poll_read(context, into),
            Err(cut) => Poll::Ready(Err(cut)),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.stream(context) {
            Ok(stream) => stream.poll_write(context, bytes),
            Err(cut) => Poll::Ready(Err(cut)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream(context) {
            Ok(stream) => stream.poll_flush(context),
            Err(cut) => Poll::Ready(Err(cut)),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream(context) {
            Ok(stream) => stream.poll_shutdown(context),
            Err(cut) => Poll::Ready(Err(cut)),
        }
    }
}
