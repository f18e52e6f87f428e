//! The stream between hyper and a connection: limits the time and the memory of a request's head,
//! and replaces hyper's own error responses.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;
use super::quota::{Client, Share};
use super::refusal::Refusal;
use super::write_timeout::WriteTimeout;

/// The timeout between two requests of a connection: longer than the timeouts of proxies (60
/// seconds for nginx), so that proxies do not send a request on a connection that just ended.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The timeout of a request's head, from its first byte.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(20);

/// The size limit of a request's head, in bytes; hyper enforces it.
pub(super) const MAX_HEAD_BYTES: usize = 32 * 1024;

/// The part of a head that does not count, because each connection has a buffer of this size
/// anyway.
const UNCOUNTED_BYTES: usize = 8 * 1024;

/// The progress of a connection: an even number between two requests, and an odd one from a
/// complete request head to the end of the response body. The number never decreases.
#[derive(Debug, Default)]
pub(super) struct Progress(AtomicUsize);

impl Progress {
    pub(super) fn request_began(&self) {
        self.0.fetch_or(1, Ordering::Relaxed);
    }

    fn response_ended(&self) {
        if !is_between(self.0.load(Ordering::Relaxed)) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn now(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn is_between(progress: usize) -> bool {
    progress.is_multiple_of(2)
}

pub(super) struct Inbound<S> {
    stream: WriteTimeout<S>,
    /// Its share of the server's connections.
    permit: Share,
    progress: Arc<Progress>,
    limits: Limits,
    client: Option<Client>,
    head: Head,
    timer: Option<Pin<Box<Sleep>>>,
    /// The progress at which all data was written.
    flushed_at: usize,
    refusal: Option<Refusal>,
}

/// The next head, or a part of it.
struct Head {
    /// The progress at which the wait started.
    at: usize,
    bytes: usize,
    deadline: Instant,
    /// Its memory beyond the connection's own buffer.
    share: Option<Share>,
}

impl Head {
    fn new(at: usize) -> Self {
        Self {
            at,
            bytes: 0,
            deadline: Instant::now() + IDLE_TIMEOUT,
            share: None,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Inbound<S> {
    pub(super) fn new(
        stream: S,
        permit: Share,
        progress: Arc<Progress>,
        limits: Limits,
        client: Option<Client>,
    ) -> Self {
        Self {
            stream: WriteTimeout::new(stream),
            permit,
            head: Head::new(progress.now()),
            flushed_at: progress.now(),
            progress,
            limits,
            client,
            timer: None,
            refusal: None,
        }
    }

    /// Returns the stream with its share of the connections, and the reason for refusing requests
    /// on it.
    pub(super) fn into_parts(self) -> (WriteTimeout<S>, Share, Option<Refusal>) {
        (self.stream, self.permit, self.refusal)
    }

    fn refuse<T>(&mut self, refusal: Refusal) -> io::Result<T> {
        self.refusal = Some(refusal);
        Err(io::Error::other("the request was refused"))
    }

    fn received(&mut self, bytes: usize) -> io::Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        let head = &mut self.head;
        if head.bytes == 0 {
            head.deadline = Instant::now() + HEAD_TIMEOUT;
        }
        head.bytes += bytes;
        if head.bytes > UNCOUNTED_BYTES && head.share.is_none() {
            let more = MAX_HEAD_BYTES - UNCOUNTED_BYTES;
            match self.limits.byte_quota().take(self.client, more) {
                Ok(share) => head.share = Some(share),
                Err(exhausted) => return self.refuse(Refusal::Bytes(exhausted)),
            }
        }
        Ok(())
    }

    /// Completes with an error if a head takes too long.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let deadline = self.head.deadline;
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            // A timer that fires early is reset then, and not with every request.
            if timer.deadline() > deadline {
                timer.as_mut().reset(deadline);
            }
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if timer.deadline() < deadline {
                timer.as_mut().reset(deadline);
                continue;
            }
            if self.flushed_at != self.head.at {
                // The client still reads the last response; the write timeout applies to that.
                self.head.deadline = Instant::now() + IDLE_TIMEOUT;
                continue;
            }
            return Poll::Ready(match self.head.bytes {
                0 => Err(io::ErrorKind::TimedOut.into()),
                _ => self.refuse(Refusal::LateHead),
            });
        }
    }

    /// Fails if hyper writes without a response from the router: hyper could not parse a request,
    /// and its own response is not informative.
    fn check_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let now = self.progress.now();
        if !is_between(now) || self.flushed_at != now || self.refusal.is_some() {
            return Ok(());
        }
        let status = bytes.get("HTTP/1.1 ".len().."HTTP/1.1 400".len());
        let status = status.and_then(|digits| StatusCode::from_bytes(digits).ok());
        self.refuse(Refusal::Unreadable(
            status.unwrap_or(StatusCode::BAD_REQUEST),
        ))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Inbound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let now = this.progress.now();
        if !is_between(now) {
            this.head.share = None;
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        if this.head.at != now {
            this.head = Head::new(now);
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => Poll::Ready(this.received(buffer.filled().len() - before)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_deadline(context),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Inbound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_write(bytes)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        // hyper flushes after it has written all its data.
        if let Poll::Ready(Ok(())) = flushed {
            self.flushed_at = self.progress.now();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = bytes.iter().find(|slice| !slice.is_empty());
        self.check_write(first.map_or(&[], |slice| slice))?;
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// A response body that reports when hyper is done with it.
pub(super) struct Tracked {
    pub(super) body: Body,
    /// `None` for a connection that switches protocols: no request follows.
    pub(super) progress: Option<Arc<Progress>>,
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(progress) = &self.progress {
            progress.response_ended();
        }
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
