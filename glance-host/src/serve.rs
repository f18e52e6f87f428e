//! Serves connections by HTTP/1.1, until the host ends.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, StatusCode};
use axum::response::IntoResponse;
use axum::serve::Listener;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tower::Service;

use crate::endless::{self, Passed};
use crate::patience::Patient;

/// How long a client may take to send the head of a request, and keep a connection for the next one:
/// longer than proxies keep theirs (nginx for 60 seconds), so that none asks on one that just ended.
const HEAD: Duration = Duration::from_secs(75);

/// Serves until the host ended, and what was asked by then is answered. Handlers find who asks as
/// [`ConnectInfo`] of the listener's address.
pub(crate) async fn serve<L>(mut listener: L, router: Router, ended: impl Future<Output = ()>)
where
    L: Listener,
    L::Addr: Clone + Sync + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let (end, ending) = watch::channel(false);
    let mut ended = pin!(ended);
    loop {
        let (stream, address) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut ended => break,
        };
        let router = router.clone();
        // The server has ended once nobody has this any more.
        let open = ending.clone();
        let answering = ending.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let may_go_on = request.method() == Method::GET;
            let mut request = request.map(Body::new);
            let peer = ConnectInfo(address.clone());
            request.extensions_mut().insert(peer);
            // On its own: where whoever asks is gone meanwhile, nothing is left half done.
            let (answer, open) = (router.clone().call(request), answering.clone());
            let answered = tokio::spawn(answer.map(|answer| {
                drop(open);
                answer
            }));
            answered.map(move |answered| {
                let failed = |_| Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response());
                let Ok(answer) = answered.unwrap_or_else(failed);
                match may_go_on {
                    true => Passed::or(answer),
                    false => Ok(answer),
                }
            })
        });
        let mut connection = http.serve_connection(TokioIo::new(Patient::new(stream)), service);
        let mut ending = ending.clone();
        tokio::spawn(async move {
            let mut end = pin!(ending.wait_for(|end| *end).fuse());
            let served = poll_fn(|context| {
                if end.as_mut().poll(context).is_ready() {
                    Pin::new(&mut connection).graceful_shutdown();
                }
                connection.poll_unpin(context)
            });
            let Err(cause) = served.await else { return };
            let Some(answer) = Passed::by(&cause) else {
                return tracing::debug!("a connection ended: {cause}");
            };
            let stream = connection.into_parts().io.into_inner();
            // A task of its own: this one has room for hyper.
            tokio::spawn(async move {
                if let Err(cause) = endless::send(stream, answer).await {
                    tracing::debug!("an answer ended: {cause}");
                }
                drop(open);
            });
        });
    }
    drop((listener, ending));
    end.send_replace(true);
    end.closed().await;
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use axum::Extension;
    use axum::routing::get;
    use futures_util::stream::{self, StreamExt};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::{Notify, oneshot};
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;
    use crate::endless::Endless;

    async fn served(ended: oneshot::Receiver<()>) -> (TcpStream, JoinHandle<()>) {
        let ended = ended.map(drop).shared();
        let goes_on = ended.clone();
        let live = || async {
            let body = stream::once(async { Ok::<_, Infallible>("live") });
            let rest = stream::once(goes_on.map(|()| Ok("ended")));
            (Extension(Endless), Body::from_stream(body.chain(rest)))
        };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/live", get(live));
        routed(router, ended).await
    }

    async fn routed(
        router: Router,
        ended: impl Future<Output = ()> + Send + 'static,
    ) -> (TcpStream, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, router, ended));
        (TcpStream::connect(address).await.unwrap(), server)
    }

    async fn ask(stream: &mut TcpStream, what: &str, end: &[u8]) -> String {
        let request = format!("{what} HTTP/1.1\r\nhost: a\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(end) {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn whoever_does_not_end_a_head_is_sent_away() {
        let (_end, ended) = oneshot::channel();
        let (mut stream, _server) = served(ended).await;
        assert!(
            ask(&mut stream, "GET /", b"here")
                .await
                .starts_with("HTTP/1.1 200 OK")
        );
        tokio::time::pause();
        let began = Instant::now();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(
            began.elapsed() >= HEAD - Duration::from_secs(1),
            "{:?}",
            began.elapsed()
        );
    }

    #[tokio::test]
    async fn a_server_that_ends_closes_what_waits() {
        let (end, ended) = oneshot::channel();
        let (mut stream, server) = served(ended).await;
        ask(&mut stream, "GET /", b"here").await;
        end.send(()).unwrap();
        server.await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty());
    }

    #[tokio::test]
    async fn what_was_begun_is_done_though_nobody_waits_for_it() {
        let [begun, left, done]: [Arc<Notify>; 3] = Default::default();
        let (begins, is_left, is_done) = (begun.clone(), left.clone(), done.clone());
        let work = || async move {
            begins.notify_one();
            is_left.notified().await;
            is_done.notify_one();
        };
        let (end, ended) = oneshot::channel();
        let router = Router::new().route("/", get(work));
        let (mut stream, server) = routed(router, ended.map(drop)).await;
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        begun.notified().await;
        drop(stream);
        end.send(()).unwrap();
        tokio::task::yield_now().await;
        assert!(!server.is_finished(), "it waits for the work");
        left.notify_one();
        done.notified().await;
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_for() {
        let (_end, ended) = oneshot::channel::<()>();
        let router = Router::new().route("/", get(|| async { panic!("as a test") as () }));
        let (mut stream, _server) = routed(router, ended.map(drop)).await;
        let answer = ask(&mut stream, "GET /", b"\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    }

    #[tokio::test]
    async fn an_answer_that_goes_on_keeps_its_server_until_it_ends() {
        let (end, ended) = oneshot::channel();
        let (mut stream, server) = served(ended).await;
        ask(&mut stream, "GET /", b"here").await;
        let head = ask(&mut stream, "HEAD /live", b"\r\n\r\n").await;
        assert!(!head.contains("connection: close"), "{head}");
        ask(&mut stream, "GET /live", b"\r\n\r\nlive").await;
        assert!(!server.is_finished());
        end.send(()).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"ended");
        server.await.unwrap();
    }
}
