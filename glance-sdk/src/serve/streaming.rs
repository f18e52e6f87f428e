//! Responses that continue until one side ends them: event streams.
//!
//! hyper keeps buffers and timers for further requests on a connection, which take most of the
//! memory of an idle viewer and much of the CPU time of an event. No requests follow on such a
//! connection: the response ends with it (RFC 9112, section 6.3) and is written here, without
//! framing. The benchmark `fan_out` measures this.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use axum::body::{BodyDataStream, Bytes};
use axum::http::response::Parts;
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::stream::Fuse;
use httpdate::HttpDate;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Marks a response whose body continues until one side ends it, such as an event stream. Its
/// connection then takes less memory, and its events take less time. The response ends with its
/// connection. Only responses to `GET` requests are affected.
///
/// ```
/// use glance_sdk::axum::body::Body;
/// use glance_sdk::axum::http::header;
/// use glance_sdk::axum::response::IntoResponse;
/// use glance_sdk::axum::Extension;
/// use glance_sdk::serve::Streaming;
///
/// async fn events() -> impl IntoResponse {
///     let body = Body::from("data: the only one\n\n");
///     ([(header::CONTENT_TYPE, "text/event-stream")], Extension(Streaming), body)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Streaming;

/// A streaming response, wrapped in the error by which hyper releases its connection.
#[derive(Debug)]
pub(super) struct Hijacked(Mutex<Option<Box<Response>>>);

impl Hijacked {
    /// Returns the response for hyper to write, unless it is a streaming one.
    pub(super) fn or(answer: Response) -> Result<Response, Self> {
        match answer.extensions().get() {
            Some(Streaming) => Err(Self(Mutex::new(Some(Box::new(answer))))),
            None => Ok(answer),
        }
    }

    /// Returns the streaming response for which a connection ended, if any.
    pub(super) fn by(cause: &hyper::Error) -> Option<Response> {
        let Self(answer) = cause.source()?.downcast_ref()?;
        let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.take().map(|answer| *answer)
    }
}

impl fmt::Display for Hijacked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the response is a stream")
    }
}

impl Error for Hijacked {}

/// Writes a response until the response or the client ends. The head is written together with the
/// first part of the body.
pub(super) fn send<S>(mut stream: S, answer: Response) -> impl Future<Output = io::Result<()>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Computed before the future starts, so that the parts of the response take no space in it.
    let (head, body) = answer.into_parts();
    let mut first = written(&head);
    let mut body = body.into_data_stream().fuse();
    async move {
        let mut next =
            async |stream: &mut S| poll_fn(|context| poll_next(stream, &mut body, context)).await;
        first.extend(next(&mut stream).await?.unwrap_or_default());
        write(&mut stream, &first).await?;
        drop(first);
        while let Some(bytes) = next(&mut stream).await? {
            write(&mut stream, &bytes).await?;
        }
        stream.shutdown().await
    }
}

/// Returns a head without a length: the body ends with the connection.
fn written(head: &Parts) -> Vec<u8> {
    let now = HttpDate::from(SystemTime::now());
    let status = head.status;
    let mut written =
        format!("HTTP/1.1 {status}\r\ndate: {now}\r\nconnection: close\r\n").into_bytes();
    for (name, value) in &head.headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            written.extend_from_slice(part);
        }
    }
    written.extend_from_slice(b"\r\n");
    written
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Returns the next part of the body; `None` after the body or the client has ended.
fn poll_next<S: AsyncRead + Unpin>(
    stream: &mut S,
    body: &mut Fuse<BodyDataStream>,
    context: &mut Context<'_>,
) -> Poll<io::Result<Option<Bytes>>> {
    if let Poll::Ready(ended) = poll_end(stream, context) {
        return Poll::Ready(ended.map(|()| None));
    }
    let next = ready!(body.poll_next_unpin(context));
    Poll::Ready(next.transpose().map_err(io::Error::other))
}

/// Completes when the client disconnects. Discards its input.
pub(super) fn poll_end<S: AsyncRead + Unpin>(
    stream: &mut S,
    context: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let mut unsolicited = [MaybeUninit::uninit(); 1024];
    let mut unsolicited = ReadBuf::uninit(&mut unsolicited);
    loop {
        unsolicited.clear();
        ready!(Pin::new(&mut *stream).poll_read(context, &mut unsolicited))?;
        if unsolicited.filled().is_empty() {
            return Poll::Ready(Ok(()));
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{StatusCode, header};
    use axum::response::IntoResponse;
    use futures_util::stream;
    use tokio::io::{AsyncReadExt, duplex};
    use tokio::sync::mpsc;

    use super::*;

    /// Returns a response, and a sender that extends its body.
    fn answer() -> (mpsc::UnboundedSender<Bytes>, Response) {
        let (say, said) = mpsc::unbounded_channel();
        let body = stream::unfold(said, |mut said| async {
            let more: Bytes = said.recv().await?;
            Some((Ok::<_, io::Error>(more), said))
        });
        let headers = [(header::CONTENT_TYPE, "text/a")];
        let answer = (StatusCode::ACCEPTED, headers, Body::from_stream(body));
        (say, answer.into_response())
    }

    #[tokio::test]
    async fn body_ends_with_connection() {
        let (mut client, server) = duplex(1000);
        let (say, answer) = answer();
        let sent = tokio::spawn(send(server, answer));
        say.send("one\r\n".into()).unwrap();
        say.send("two".into()).unwrap();
        drop(say);
        let mut received = String::new();
        client.read_to_string(&mut received).await.unwrap();
        let (head, body) = received.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "one\r\ntwo");
        let mut lines: Vec<_> = head.lines().collect();
        let date = lines.remove(1).strip_prefix("date: ").unwrap();
        let date: HttpDate = date.parse().unwrap();
        assert!(SystemTime::from(date) <= SystemTime::now());
        let expected = [
            "HTTP/1.1 202 Accepted",
            "connection: close",
            "content-type: text/a",
        ];
        assert_eq!(lines, expected);
        sent.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn body_may_be_empty() {
        let (mut client, server) = duplex(1000);
        let (say, answer) = answer();
        drop(say);
        send(server, answer).await.unwrap();
        let mut received = String::new();
        client.read_to_string(&mut received).await.unwrap();
        assert!(
            received.ends_with("content-type: text/a\r\n\r\n"),
            "{received}"
        );
    }

    #[tokio::test]
    async fn stream_ends_with_client_and_discards_its_input() {
        let (mut client, server) = duplex(1000);
        let (say, answer) = answer();
        let sent = tokio::spawn(send(server, answer));
        client.write_all(&[b'?'; 5000]).await.unwrap();
        say.send("still here".into()).unwrap();
        let mut received = Vec::new();
        while !received.ends_with(b"still here") {
            assert_ne!(client.read_buf(&mut received).await.unwrap(), 0);
        }
        drop(client);
        sent.await.unwrap().unwrap();
        assert!(say.is_closed());
    }
}
