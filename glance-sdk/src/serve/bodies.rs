//! Limits the bodies of requests: the time of each, and the memory of all together.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::Limits;
use super::quota::{Exhausted, Share};
use super::refusal;

/// The timeout of a body, from the start of reading it.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Middleware that gives a body 30 seconds, and counts it against the [bytes](Limits::bytes) of a
/// server while its request is handled. Responds with 408 if a body does not arrive in time, with
/// 503 if all requests together and with 429 if the requests of one client have too many bytes, and
/// then closes the connection.
///
/// An add-on that [serves itself](crate::addon::Server::run) uses it. axum's
/// [`DefaultBodyLimit`](axum::extract::DefaultBodyLimit) limits the size of one body.
///
/// ```
/// use glance_sdk::axum::routing::post;
/// use glance_sdk::axum::{Router, middleware};
/// use glance_sdk::serve::{self, Limits};
///
/// let limits = Limits::default();
/// let router: Router = Router::new()
///     .route("/", post(|body: String| async move { body.len().to_string() }))
///     .layer(middleware::from_fn_with_state(limits, serve::limit_bodies));
/// ```
pub async fn limit_bodies(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let client = peer.and_then(|ConnectInfo(address)| limits.client(address.ip()));
    let share = match limits.byte_quota().take(client, 0) {
        Ok(share) => share,
        Err(exhausted) => return Failure::Bytes(exhausted).into_response(),
    };
    // The body counts until the request was handled, because it stays in memory until then.
    let progress = Arc::new(Mutex::new(Progress {
        share,
        failure: None,
    }));
    let request = request.map(|body| {
        Body::new(Limited {
            body,
            timeout: None,
            progress: Arc::clone(&progress),
        })
    });
    let response = next.run(request).await;
    match lock(&progress).failure {
        Some(failure) => failure.into_response(),
        None => response,
    }
}

struct Progress {
    share: Share,
    failure: Option<Failure>,
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The reason why a body was not read completely.
#[derive(Debug, Clone, Copy)]
enum Failure {
    Late,
    Bytes(Exhausted),
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let close = [(CONNECTION, "close")];
        match self {
            Self::Late => {
                let seconds = BODY_TIMEOUT.as_secs();
                let sentence = format!("The body did not arrive within {seconds} seconds");
                (StatusCode::REQUEST_TIMEOUT, close, sentence).into_response()
            }
            Self::Bytes(exhausted) => {
                let retry = [(RETRY_AFTER, refusal::RETRY_AFTER.to_string())];
                (exhausted.status(), close, retry, exhausted.of_bytes()).into_response()
            }
        }
    }
}

/// A body that ends with an error if it takes too long or is too large.
struct Limited {
    body: Body,
    /// Set while the body waits for data.
    timeout: Option<Pin<Box<Sleep>>>,
    progress: Arc<Mutex<Progress>>,
}

impl Limited {
    fn fail(&self, failure: Failure) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        lock(&self.progress).failure = Some(failure);
        Poll::Ready(Some(Err(axum::Error::new(std::io::Error::from(
            std::io::ErrorKind::TimedOut,
        )))))
    }
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                let grown = lock(&this.progress).share.grow(length);
                match grown {
                    Ok(()) => polled,
                    Err(exhausted) => this.fail(Failure::Bytes(exhausted)),
                }
            }
            Poll::Ready(_) => polled,
            Poll::Pending => {
                let timeout = this
                    .timeout
                    .get_or_insert_with(|| Box::pin(sleep(BODY_TIMEOUT)));
                match timeout.as_mut().poll(context) {
                    Poll::Ready(()) => this.fail(Failure::Late),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
