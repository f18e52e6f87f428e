//! Limits the size of request bodies until the sender is authenticated.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::CONNECTION;
use axum::http::{Extensions, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use glance_sdk::serve::{self, limit_bodies};

use crate::http::state::AppState;

/// The largest body, in bytes, of a request without a session, a token, or a proxy that vouches for it.
const UNKNOWN_SENDER_BYTES: usize = 16 * 1024;

const TOO_LARGE: &str =
    "The body is larger than 16 KB, which is all that is read without a session or a token";

/// Whether the sender of a request is authenticated.
#[derive(Debug, Clone, Default)]
struct Sender(Arc<SenderState>);

#[derive(Debug, Default)]
struct SenderState {
    is_known: AtomicBool,
    is_refused: AtomicBool,
}

/// Limits the bodies that a router reads: their time and sum, and the size of those from unknown senders.
pub(crate) fn limited<S>(router: Router<S>, app: &AppState) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router.layer(middleware::from_fn_with_state(app.inbound.clone(), limit))
}

/// Middleware for bodies of any sender.
pub(crate) async fn limit(
    State(inbound): State<serve::Limits>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let sender = request.extensions_mut().get_or_insert_default::<Sender>();
    let Sender(state) = sender.clone();
    let limited = |body: Body| {
        let announced = usize::try_from(body.size_hint().lower());
        Body::from_stream(Limited {
            announced: announced.unwrap_or(usize::MAX),
            read: 0,
            body: body.into_data_stream(),
            state: Arc::clone(&state),
        })
    };
    let response = limit_bodies(State(inbound), request.map(limited), next).await;
    match state.is_refused.load(Ordering::Relaxed) {
        true => (
            StatusCode::PAYLOAD_TOO_LARGE,
            [(CONNECTION, "close")],
            TOO_LARGE,
        )
            .into_response(),
        false => response,
    }
}

/// Lifts the limit of a request whose sender is authenticated; the limit of its route still applies.
pub(crate) fn sender_is_known(extensions: &mut Extensions) {
    let Sender(state) = extensions.get_or_insert_default::<Sender>();
    state.is_known.store(true, Ordering::Relaxed);
}

/// A body that fails if it is too large.
struct Limited {
    body: BodyDataStream,
    /// The size that the head announces.
    announced: usize,
    read: usize,
    state: Arc<SenderState>,
}

impl Limited {
    fn is_too_large(&self) -> bool {
        let is_known = self.state.is_known.load(Ordering::Relaxed);
        !is_known && self.announced.max(self.read) > UNKNOWN_SENDER_BYTES
    }
}

impl Stream for Limited {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = match self.is_too_large() {
            true => None,
            false => ready!(self.body.poll_next_unpin(context)),
        };
        if let Some(Ok(part)) = &part {
            self.read += part.len();
        }
        if self.is_too_large() {
            self.state.is_refused.store(true, Ordering::Relaxed);
            let error = axum::Error::new(io::Error::from(io::ErrorKind::FileTooLarge));
            return Poll::Ready(Some(Err(error)));
        }
        Poll::Ready(part)
    }
}
