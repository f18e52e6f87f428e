use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use futures_util::stream::{self, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::inbound::{HEAD_TIMEOUT, IDLE_TIMEOUT};
use super::*;

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

struct Served {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request and returns all data until the server ends the connection.
    async fn answer(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_ref()).await.unwrap();
        rest(stream).await
    }
}

async fn rest(mut stream: TcpStream) -> String {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    String::from_utf8(rest).unwrap()
}

/// Sends a request and reads until the response ends with `end`.
async fn ask(stream: &mut TcpStream, request: &str, end: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let read = stream.read_buf(&mut answer).await.unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8(answer).unwrap()
}

async fn served(router: Router, configure: impl FnOnce(HttpServer) -> HttpServer) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let server = configure(HttpServer::new(listener));
    let server = tokio::spawn(server.run(router, ended.map(drop)));
    Served {
        address,
        end,
        server,
    }
}

async fn here() -> Served {
    served(Router::new().route("/", get(|| async { "here" })), |s| s).await
}

fn is_refusal(answer: &str, status: u16) -> bool {
    let (head, sentence) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let length = format!("content-length: {}", sentence.len());
    head.starts_with(&format!("HTTP/1.1 {status} "))
        && [
            "connection: close",
            "x-content-type-options: nosniff",
            &length,
        ]
        .iter()
        .all(|line| head.lines().any(|found| found == *line))
        && sentence.ends_with('.')
}

#[tokio::test]
async fn started_head_has_shorter_timeout_than_pause() {
    let served = here().await;
    let mut late = served.connect().await;
    let mut idle = served.connect().await;
    ask(&mut late, GET, "here").await;
    ask(&mut idle, GET, "here").await;
    late.write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
    tokio::time::pause();
    let began = Instant::now();
    let answer = rest(late).await;
    assert!(is_refusal(&answer, 408), "{answer}");
    let took = began.elapsed();
    assert!(took < HEAD_TIMEOUT + Duration::from_secs(1), "{took:?}");
    ask(&mut idle, GET, "here").await;
    let began = Instant::now();
    assert_eq!(rest(idle).await, "");
    assert!(began.elapsed() >= IDLE_TIMEOUT, "{:?}", began.elapsed());
}

#[tokio::test]
async fn slow_head_times_out() {
    let served = here().await;
    let (mut read, mut write) = served.connect().await.into_split();
    tokio::time::pause();
    let began = Instant::now();
    let trickle = async {
        write.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        for _ in 0..1000 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if write.write_all(b"a: b\r\n").await.is_err() {
                break;
            }
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        () = trickle => panic!("nobody answered"),
        read = read.read_to_end(&mut answer) => assert!(read.is_ok()),
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(is_refusal(&answer, 408), "{answer}");
    assert!(began.elapsed() < HEAD_TIMEOUT + Duration::from_secs(10));
}

#[tokio::test]
async fn silent_client_is_disconnected() {
    let served = here().await;
    let mut silent = served.connect().await;
    let mut asks = served.connect().await;
    ask(&mut asks, GET, "here").await;
    tokio::time::pause();
    let began = Instant::now();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    let took = began.elapsed();
    assert!(
        took < FIRST_BYTE_TIMEOUT + Duration::from_secs(1),
        "{took:?}"
    );
    tokio::time::resume();
    ask(&mut asks, GET, "here").await;
}

#[tokio::test]
async fn too_large_head_is_refused_while_client_sends() {
    let served = here().await;
    let fits = format!(
        "GET / HTTP/1.1\r\nhost: a\r\na: {}\r\n\r\n",
        "b".repeat(31_000)
    );
    let mut stream = served.connect().await;
    ask(&mut stream, &fits, "here").await;
    for length in [33_000, 389_000] {
        let head = format!("GET / HTTP/1.1\r\nhost: a\r\na: {}", "b".repeat(length));
        let answer = served.answer(head).await;
        assert!(is_refusal(&answer, 431), "{length}: {answer}");
    }
    let many = "a: b\r\n".repeat(150);
    let answer = served
        .answer(format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"))
        .await;
    assert!(is_refusal(&answer, 431), "{answer}");
}

#[tokio::test]
async fn invalid_requests_get_a_sentence() {
    let served = here().await;
    for request in [
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\nhost a\r\n\r\n",
        "\u{1}\u{2}\r\n\r\n",
    ] {
        let answer = served.answer(request).await;
        assert!(is_refusal(&answer, 400), "{request:?}: {answer}");
    }
    let answer = served.answer(format!("{GET}GET\r\n\r\n")).await;
    let (first, second) = answer.split_once("here").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(is_refusal(second, 400), "{answer}");
}

#[tokio::test]
async fn request_must_name_one_host() {
    let router = Router::new().route(
        "/a",
        get(|uri: axum::http::Uri| async move { uri.to_string() }),
    );
    let served = served(router, |server| server).await;
    for request in [
        "GET /a HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
        "GET http://b/a HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /a HTTP/1.1\r\n\r\n",
    ] {
        let answer = served.answer(request).await;
        assert!(is_refusal(&answer, 400), "{request}: {answer}");
    }
    let mut stream = served.connect().await;
    let answer = ask(
        &mut stream,
        "GET http://a/a HTTP/1.1\r\nhost: a\r\n\r\n",
        "/a",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn hsts_is_sent_for_domain_names() {
    let router = || Router::new().route("/", get(|| async { "here" }));
    let secure = served(router(), HttpServer::strict_transport_security).await;
    let plain = served(router(), |server| server).await;
    for (server, host, expected) in [
        (&secure, "chat.example.com", true),
        (&secure, "localhost:4400", false),
        (&plain, "chat.example.com", false),
    ] {
        let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let answer = ask(&mut server.connect().await, &request, "here").await;
        let found = answer.contains("strict-transport-security: max-age=31536000\r\n");
        assert_eq!(found, expected, "{host}: {answer}");
        assert!(
            answer.contains("x-content-type-options: nosniff\r\n"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn connections_are_limited_until_some_end() {
    let router = Router::new().route("/", get(|| async { "here" }));
    let limits = Limits::default().connections(2);
    let served = served(router, |server| server.limits(limits)).await;
    let mut asks = served.connect().await;
    ask(&mut asks, GET, "here").await;
    let half_open = served.connect().await;
    let mut refused = served.connect().await;
    let mut answer = String::new();
    refused.read_to_string(&mut answer).await.unwrap();
    assert!(is_refusal(&answer, 503), "{answer}");
    assert!(answer.contains("retry-after: 5\r\n"), "{answer}");
    ask(&mut asks, GET, "here").await;
    drop(half_open);
    loop {
        let mut stream = served.connect().await;
        let _ = stream.write_all(GET.as_bytes()).await;
        let mut status = [0; 12];
        // A refused connection may be reset before its response is read.
        if stream.read_exact(&mut status).await.is_ok() && status.ends_with(b"200") {
            break;
        }
    }
}

#[tokio::test]
async fn unfinished_requests_return_their_connections() {
    let router = Router::new().route("/", get(|| async { "here" }));
    let limits = Limits::default().connections(20);
    let served = served(router, |server| server.limits(limits)).await;
    let mut half_open = Vec::new();
    for _ in 0..20 {
        let mut stream = served.connect().await;
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n")
            .await
            .unwrap();
        half_open.push(stream);
    }
    tokio::time::pause();
    for stream in half_open {
        let answer = rest(stream).await;
        assert!(is_refusal(&answer, 408), "{answer}");
    }
    let mut stream = served.connect().await;
    ask(&mut stream, GET, "here").await;
}

fn with_bodies(limits: &Limits, handler: axum::routing::MethodRouter) -> Router {
    let limit = from_fn_with_state(limits.clone(), limit_bodies);
    Router::new().route("/", handler).layer(limit)
}

#[tokio::test]
async fn missing_body_times_out_with_408() {
    let limits = Limits::default();
    let router = with_bodies(&limits, post(|_: Bytes| async { "read" }));
    let served = served(router, |server| server).await;
    let mut stream = served.connect().await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n";
    stream
        .write_all(format!("{head}12").as_bytes())
        .await
        .unwrap();
    tokio::time::pause();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    tokio::time::resume();
    ask(&mut served.connect().await, &format!("{head}12345"), "read").await;
}

#[tokio::test]
async fn bodies_count_until_handler_returns() {
    let limits = Limits::default().bytes(100);
    let [taken, go_on]: [Arc<Notify>; 2] = Default::default();
    let (takes, goes_on) = (Arc::clone(&taken), Arc::clone(&go_on));
    let handler = async move |_: Bytes| {
        takes.notify_one();
        goes_on.notified().await;
        "read"
    };
    let served = served(with_bodies(&limits, post(handler)), |server| server).await;
    let request = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 60\r\n\r\n{}",
        "a".repeat(60)
    );
    let mut first = served.connect().await;
    first.write_all(request.as_bytes()).await.unwrap();
    taken.notified().await;
    let answer = served.answer(&request).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: 5\r\n"), "{answer}");
    go_on.notify_one();
    ask(&mut first, "", "read").await;
    go_on.notify_one();
    ask(&mut served.connect().await, &request, "read").await;
}

#[tokio::test]
async fn large_heads_count_until_they_are_complete() {
    let router = Router::new().route("/", get(|| async { "here" }));
    let limits = Limits::default().bytes(30_000);
    let served = served(router, |server| server.limits(limits)).await;
    let head = format!("GET / HTTP/1.1\r\nhost: a\r\na: {}\r\n", "b".repeat(20_000));
    let mut first = served.connect().await;
    first.write_all(head.as_bytes()).await.unwrap();
    let answer = loop {
        // After the server has read the first head, a second one exceeds the limit.
        let mut second = served.connect().await;
        second
            .write_all(format!("{head}\r\n").as_bytes())
            .await
            .unwrap();
        second.shutdown().await.unwrap();
        let answer = rest(second).await;
        if !answer.contains(" 200 ") {
            break answer;
        }
    };
    assert!(is_refusal(&answer, 503), "{answer}");
    ask(&mut first, "\r\n", "here").await;
    ask(&mut served.connect().await, &format!("{head}\r\n"), "here").await;
}

#[tokio::test]
async fn shutdown_closes_idle_connections() {
    let served = here().await;
    let silent = served.connect().await;
    let mut stream = served.connect().await;
    ask(&mut stream, GET, "here").await;
    served.end.send(()).unwrap();
    served.server.await.unwrap();
    assert_eq!(rest(stream).await, "");
    assert_eq!(rest(silent).await, "");
}

#[tokio::test]
async fn handler_completes_after_client_disconnects() {
    let [started, left, done]: [Arc<Notify>; 3] = Default::default();
    let (begins, is_left, is_done) = (started.clone(), left.clone(), done.clone());
    let work = || async move {
        begins.notify_one();
        is_left.notified().await;
        is_done.notify_one();
    };
    let served = served(Router::new().route("/", get(work)), |server| server).await;
    let mut stream = served.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    started.notified().await;
    drop(stream);
    served.end.send(()).unwrap();
    tokio::task::yield_now().await;
    assert!(!served.server.is_finished(), "it waits for the work");
    left.notify_one();
    done.notified().await;
    served.server.await.unwrap();
}

#[tokio::test]
async fn panicking_handler_gets_response() {
    let router = Router::new().route("/", get(|| async { panic!("as a test") as () }));
    let served = served(router, |server| server).await;
    let answer = ask(&mut served.connect().await, GET, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
}

#[tokio::test]
async fn stream_keeps_server_running() {
    let (end, ended) = oneshot::channel::<()>();
    let ended = ended.map(drop).shared();
    let live = || async {
        let body = stream::once(async { Ok::<_, Infallible>("live") });
        let rest = stream::once(ended.map(|()| Ok("ended")));
        (Extension(Streaming), Body::from_stream(body.chain(rest)))
    };
    let served = served(Router::new().route("/live", get(live)), |server| server).await;
    let mut stream = served.connect().await;
    let head = ask(
        &mut stream,
        "HEAD /live HTTP/1.1\r\nhost: a\r\n\r\n",
        "\r\n\r\n",
    )
    .await;
    assert!(!head.contains("connection: close"), "{head}");
    let head = ask(&mut stream, "GET /live HTTP/1.1\r\nhost: a\r\n\r\n", "live").await;
    assert!(
        head.contains("x-content-type-options: nosniff\r\n"),
        "{head}"
    );
    served.end.send(()).unwrap();
    tokio::task::yield_now().await;
    assert!(!served.server.is_finished());
    end.send(()).unwrap();
    assert_eq!(rest(stream).await, "ended");
    served.server.await.unwrap();
}

#[tokio::test]
async fn response_may_pause_longer_than_client() {
    let slow = || async {
        let body = stream::iter(["a", "b"]).then(|part| async move {
            tokio::time::sleep(IDLE_TIMEOUT * 3).await;
            Ok::<_, Infallible>(part)
        });
        ([(header::CONTENT_LENGTH, "2")], Body::from_stream(body))
    };
    let served = served(Router::new().route("/", get(slow)), |server| server).await;
    let mut stream = served.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    tokio::time::pause();
    ask(&mut stream, "", "ab").await;
}

#[tokio::test]
async fn upgraded_connection_has_no_timeout() {
    let upgrade = |mut request: axum::extract::Request| async move {
        let upgraded = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut stream = TokioIo::new(upgraded.await.unwrap());
            let mut said = [0; 4];
            stream.read_exact(&mut said).await.unwrap();
            stream.write_all(&said).await.unwrap();
        });
        let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "echo")];
        (StatusCode::SWITCHING_PROTOCOLS, headers)
    };
    let served = served(Router::new().route("/", get(upgrade)), |server| server).await;
    let mut stream = served.connect().await;
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    let answer = ask(&mut stream, request, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    tokio::time::pause();
    tokio::time::sleep(IDLE_TIMEOUT * 3).await;
    assert_eq!(ask(&mut stream, "echo", "echo").await, "echo");
}
