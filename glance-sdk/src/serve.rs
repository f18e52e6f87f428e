//! Serves a router over HTTP/1.1 to untrusted clients.
//!
//! [`Server::run`](crate::addon::Server::run) uses it for add-ons, and the host uses it too. An
//! add-on that [nests its router](crate::addon::Built::into_router) in a larger one serves that
//! with [`HttpServer`]. It enforces these limits:
//!
//! | | limit | if exceeded |
//! |---|---|---|
//! | first byte after the connection or the TLS handshake | 10 s | closed |
//! | head of a request, from its first byte | 20 s | 408 |
//! | size of a head | 32 KB, 100 headers | 431 |
//! | pause between two requests on a connection | 75 s | closed |
//! | body of a request, with [`limit_bodies`] | 30 s | 408 |
//! | client that does not read a response | 60 s | closed |
//! | connections; large heads (above 8 KB) and bodies in memory | [`Limits`] | 503; 429 for the share of one client |
//!
//! A request needs exactly one `Host` header, which must match an absolute target; otherwise the
//! response is 400. If a client disconnects, its running handler still completes. Each response has
//! the header `X-Content-Type-Options: nosniff`.
//!
//! ```
//! use glance_sdk::axum::routing::post;
//! use glance_sdk::axum::{Router, middleware};
//! use glance_sdk::serve::{HttpServer, Limits, limit_bodies};
//! use tokio::net::TcpListener;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let limits = Limits::default();
//! let router = Router::new()
//!     .route("/", post(|body: String| async move { body }))
//!     .layer(middleware::from_fn_with_state(limits.clone(), limit_bodies));
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! HttpServer::new(listener).limits(limits).run(router, async { /* until then */ }).await;
//! # Ok::<(), std::io::Error>(()) })?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod accept;
mod bodies;
mod detached;
mod inbound;
mod limits;
mod quota;
mod refusal;
mod streaming;
mod target;
mod write_timeout;

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::{CONNECTION, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tower::Service;

pub use accept::{Handshake, PlainTcp};
pub use bodies::limit_bodies;
pub use limits::Limits;
pub use streaming::Streaming;

use accept::{Acceptor, FIRST_BYTE_TIMEOUT};
use detached::Detached;
use inbound::{Inbound, MAX_HEAD_BYTES, Progress, Tracked};
use quota::{Client, Share};
use refusal::{Refusal, linger, refuse};
use streaming::Hijacked;

/// The period in which browsers use HTTPS only, in seconds: a year.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// hyper's own timeout, which is longer than any pause or head.
const LONGEST_HEAD: Duration = Duration::from_secs(60 * 60);

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Serves a router over HTTP/1.1, within the limits of [this module](self).
///
/// ```no_run
/// use std::time::Duration;
///
/// use glance_sdk::addon::interrupted;
/// use glance_sdk::axum::{Router, middleware};
/// use glance_sdk::prelude::*;
/// use glance_sdk::serve::{HttpServer, Limits, limit_bodies};
/// use tokio::net::TcpListener;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let built = AddOn::new("com.example.hello", "Hello").build("https://example.com/hello")?;
/// let pusher = built.pusher().clone();
/// let limits = Limits::default();
/// let router = Router::new()
///     .nest_service("/hello", built.into_router())
///     .layer(middleware::from_fn_with_state(limits.clone(), limit_bodies));
/// let listener = TcpListener::bind("127.0.0.1:8080").await?;
/// HttpServer::new(listener).limits(limits).run(router, interrupted()).await;
/// pusher.shutdown(Duration::from_secs(5)).await; // The last pushes.
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HttpServer<H = PlainTcp> {
    listener: TcpListener,
    handshake: H,
    limits: Limits,
    has_hsts: bool,
}

impl HttpServer {
    /// Serves on this socket, without TLS and with the default [`Limits`].
    ///
    /// ```no_run
    /// use glance_sdk::addon::interrupted;
    /// use glance_sdk::axum::{Router, routing::get};
    /// use glance_sdk::serve::HttpServer;
    /// use tokio::net::TcpListener;
    ///
    /// # async fn example() -> std::io::Result<()> {
    /// let router = Router::new().route("/", get(|| async { "hello" }));
    /// let listener = TcpListener::bind("127.0.0.1:8080").await?;
    /// HttpServer::new(listener).run(router, interrupted()).await;
    /// # Ok(()) }
    /// ```
    pub fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            handshake: PlainTcp,
            limits: Limits::default(),
            has_hsts: false,
        }
    }
}

impl<H: Handshake> HttpServer<H> {
    /// Sets the handshake that starts each connection.
    #[must_use]
    pub fn handshake<T: Handshake>(self, handshake: T) -> HttpServer<T> {
        HttpServer {
            listener: self.listener,
            handshake,
            limits: self.limits,
            has_hsts: self.has_hsts,
        }
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sends `Strict-Transport-Security` for a year with responses to requests for a domain name
    /// (which `localhost` is not). Use it if the handshake is TLS.
    #[must_use]
    pub fn strict_transport_security(mut self) -> Self {
        self.has_hsts = true;
        self
    }

    /// Serves requests until `end` completes, and then completes all requests received so far.
    /// Handlers extract the client as [`ConnectInfo`] of [`Handshake::Peer`].
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use glance_sdk::axum::{Router, routing::get};
    /// use glance_sdk::serve::HttpServer;
    /// use tokio::net::TcpListener;
    /// use tokio::sync::oneshot;
    ///
    /// let (end, ended) = oneshot::channel::<()>();
    /// let router = Router::new().route("/", get(|| async { "hello" }));
    /// let server = HttpServer::new(TcpListener::bind("127.0.0.1:0").await?);
    /// let running = tokio::spawn(server.run(router, async { ended.await.unwrap_or_default() }));
    /// drop(end);
    /// running.await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn run(self, router: Router, end: impl Future<Output = ()>) {
        let (ended, ending) = watch::channel(false);
        let mut acceptor = Acceptor::new(self.listener);
        let mut end = pin!(end);
        loop {
            let (stream, address) = tokio::select! {
                accepted = acceptor.accept() => accepted,
                () = &mut end => break,
            };
            let client = self.limits.client(address.ip());
            let permit = match self.limits.connection_quota().take(client, 1) {
                Ok(permit) => permit,
                Err(exhausted) => {
                    let refusal = Refusal::Connections(exhausted);
                    acceptor.refuse(&stream, address, refusal, H::IS_PLAIN);
                    continue;
                }
            };
            let handshake = self.handshake.clone().handshake(stream, address);
            let connection = Connection {
                router: router.clone(),
                limits: self.limits.clone(),
                client,
                has_hsts: self.has_hsts,
                ending: ending.clone(),
            };
            let mut ending = ending.clone();
            tokio::spawn(async move {
                let outcome = tokio::select! {
                    outcome = timeout(FIRST_BYTE_TIMEOUT, handshake) => outcome,
                    _ = ending.wait_for(|ended| *ended) => return,
                };
                // From here on, the connection's own receiver keeps the server running.
                drop(ending);
                match outcome {
                    Ok(Ok((stream, peer))) => connection.serve(stream, peer, permit).await,
                    Ok(Err(error)) => tracing::debug!(%address, %error, "handshake failed"),
                    Err(_) => tracing::debug!(%address, "handshake timed out"),
                }
            });
        }
        drop((acceptor, ending));
        ended.send_replace(true);
        // The server has ended when no receiver is left.
        ended.closed().await;
    }
}

/// The shared state for serving a connection.
struct Connection {
    router: Router,
    limits: Limits,
    client: Option<Client>,
    has_hsts: bool,
    ending: watch::Receiver<bool>,
}

impl Connection {
    async fn serve<S, P>(self, stream: S, peer: P, permit: Share)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        P: Clone + Send + Sync + 'static,
    {
        let progress = Arc::new(Progress::default());
        let inbound = Inbound::new(
            stream,
            permit,
            Arc::clone(&progress),
            self.limits,
            self.client,
        );
        let answering = Answering {
            router: self.router,
            peer: ConnectInfo(peer),
            progress,
            has_hsts: self.has_hsts,
            open: self.ending.clone(),
        };
        let service = service_fn(move |request| answering.answer(request));
        // `Inbound` limits the time of heads, depending on whether one has started. hyper looks for
        // the next request right after a response only if it also limits the time of heads.
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(LONGEST_HEAD)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(inbound), service)
            .with_upgrades();
        let open = self.ending.clone();
        let mut ending = self.ending;
        let served = {
            let mut end = pin!(ending.wait_for(|ended| *ended).fuse());
            poll_fn(|context| {
                if end.as_mut().poll(context).is_ready() {
                    Pin::new(&mut connection).graceful_shutdown();
                }
                connection.poll_unpin(context)
            })
            .await
        };
        drop(ending);
        let Some(parts) = connection.into_parts() else {
            // The connection continues with another protocol.
            return;
        };
        // The rest may take a while, and needs none of this state.
        drop((parts.read_buf, parts.service));
        let (stream, permit, refusal) = parts.io.into_inner().into_parts();
        let response = served.as_ref().err().and_then(Hijacked::by);
        if let Some(response) = response {
            // A separate task, because this task's memory includes space for hyper.
            let sending = streaming::send(stream, response);
            tokio::spawn(sending.map(move |sent| {
                if let Err(error) = sent {
                    tracing::debug!(%error, "an event stream ended");
                }
                drop((open, permit));
            }));
            return;
        }
        drop(open);
        let ended = match (&served, refusal) {
            (_, Some(refusal)) => refuse(stream, refusal).await,
            (Ok(()), None) => linger(stream).await,
            (Err(_), None) => Ok(()),
        };
        drop(permit);
        if let Err(error) = served {
            tracing::debug!(%error, ?refusal, "a connection ended");
        } else if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
    }
}

/// Handles the requests of a connection.
struct Answering<P> {
    router: Router,
    peer: ConnectInfo<P>,
    progress: Arc<Progress>,
    has_hsts: bool,
    open: watch::Receiver<bool>,
}

impl<P: Clone + Send + Sync + 'static> Answering<P> {
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Tracked>, Hijacked>> + use<P> {
        self.progress.request_began();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.peer.clone());
        let may_stream = request.method() == Method::GET;
        let checked = target::check(&mut request);
        let has_hsts = self.has_hsts && checked.is_ok() && target::names_domain(request.headers());
        let handled = checked.map(|()| {
            let (handler, open) = (self.router.clone().call(request), self.open.clone());
            Detached::new(AssertUnwindSafe(handler).catch_unwind().map(|handled| {
                drop(open);
                handled
            }))
        });
        let progress = Arc::clone(&self.progress);
        async move {
            let mut response = match handled {
                Ok(handled) => match handled.await {
                    Ok(Ok(response)) => response,
                    // The handler panicked, and the panic hook has reported it.
                    Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                },
                Err(why) => {
                    let close = [(CONNECTION, "close")];
                    (StatusCode::BAD_REQUEST, close, why).into_response()
                }
            };
            let headers = response.headers_mut();
            headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(NOSNIFF);
            if has_hsts {
                headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(HSTS);
            }
            if may_stream {
                response = Hijacked::or(response)?;
            }
            let is_last = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            let progress = (!is_last).then_some(progress);
            Ok(response.map(|body| Tracked { body, progress }))
        }
    }
}

#[cfg(test)]
mod tests;
