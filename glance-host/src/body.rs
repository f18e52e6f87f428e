//! The body of a request comes whole within a time: one that trickles in holds what it was read into.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONNECTION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, StreamExt, stream};

use crate::shared::Shared;

/// How long a body may take from when it is read.
const LIMIT: Duration = Duration::from_secs(30);

/// Answers 408 where the body did not come in time, and hangs up.
pub(crate) async fn in_time(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let is_late = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| limited(body, shared, Arc::clone(&is_late)));
    let response = next.run(request).await;
    if !is_late.load(Ordering::Relaxed) {
        return response;
    }
    let why = format!("The body did not come within {} seconds", LIMIT.as_secs());
    (StatusCode::REQUEST_TIMEOUT, [(CONNECTION, "close")], why).into_response()
}

fn limited(body: Body, shared: Arc<Shared>, is_late: Arc<AtomicBool>) -> Body {
    let mut data = body.into_data_stream();
    let end = async move { shared.clock.sleep(LIMIT).await };
    let mut end = Box::pin(end.fuse());
    Body::from_stream(stream::poll_fn(move |context| {
        if end.poll_unpin(context).is_ready() {
            is_late.store(true, Ordering::Relaxed);
            return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::from(
                std::io::ErrorKind::TimedOut,
            )))));
        }
        data.poll_next_unpin(context)
    }))
}
