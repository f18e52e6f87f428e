//! Tests calls against sockets that close, hang and announce timeouts.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn local() -> HttpClient {
    let policy = EgressPolicy::internet().allow_loopback();
    HttpClient::builder(policy).build().unwrap()
}

async fn call(client: &HttpClient, method: Method, url: &str) -> Result<String, CallError> {
    let request = client.request(method, url.parse().unwrap()).body("body");
    let timeouts = Timeouts::within(Duration::from_secs(30));
    let answer = client.send(request.build().unwrap(), timeouts).await?;
    let body = answer.read(1000).await?;
    Ok(String::from_utf8(body).unwrap())
}

/// Reads one request with its body. Returns false at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    while !read.ends_with(b"body") {
        match stream.read_buf(&mut read).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    true
}

/// Starts a server that responds to `answers` requests per connection, then reads one more and
/// closes the connection without a response. Counts connections and requests.
async fn closing(answers: usize) -> (String, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&connections), Arc::clone(&requests));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counts.0.fetch_add(1, Ordering::SeqCst);
            let requests = Arc::clone(&counts.1);
            tokio::spawn(async move {
                for answered in 0.. {
                    if !read_request(&mut stream).await {
                        return;
                    }
                    requests.fetch_add(1, Ordering::SeqCst);
                    if answered == answers {
                        return;
                    }
                    stream.write_all(OK.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (url, connections, requests)
}

#[tokio::test]
async fn idempotent_requests_survive_closed_connection() {
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let (url, connections, _) = closing(1).await;
        let client = local();
        for _ in 0..6 {
            assert_eq!(call(&client, method.clone(), &url).await.unwrap(), "ok");
        }
        assert!(connections.load(Ordering::SeqCst) > 3, "{method}");
    }
}

#[tokio::test]
async fn post_fails_only_if_it_may_have_arrived() {
    let (url, _, requests) = closing(1).await;
    let client = local();
    for _ in 0..3 {
        assert_eq!(call(&client, Method::POST, &url).await.unwrap(), "ok");
        let lost = call(&client, Method::POST, &url).await.unwrap_err();
        assert!(lost.may_have_arrived(), "{lost:?}");
        assert!(matches!(lost.failure(), Failure::Closed(_)), "{lost:?}");
    }
    assert_eq!(requests.load(Ordering::SeqCst), 6, "none was sent twice");
}

/// The server closes right after its response: a client that has not noticed sends on that
/// connection.
#[tokio::test(flavor = "multi_thread")]
async fn post_on_closed_idle_connection_is_never_lost_silently() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let received = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&received);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            if read_request(&mut stream).await {
                count.fetch_add(1, Ordering::SeqCst);
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
    });
    let client = local();
    let mut answered = 0;
    for _ in 0..200 {
        match call(&client, Method::POST, &url).await {
            Ok(_) => answered += 1,
            Err(lost) => assert!(lost.may_have_arrived(), "{lost:?}"),
        }
    }
    assert_eq!(received.load(Ordering::SeqCst), answered);
}

/// Completes when the client closes its first connection, after one response with these headers.
async fn watched(headers: &'static str) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let closed = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(read_request(&mut stream).await);
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{headers}\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        assert!(!read_request(&mut stream).await, "it was used again");
    });
    (url, closed)
}

#[tokio::test(start_paused = true)]
async fn client_closes_idle_connections_first() {
    let (url, closed) = watched("").await;
    let client = local();
    call(&client, Method::POST, &url).await.unwrap();
    let began = tokio::time::Instant::now();
    closed.await.unwrap();
    let after = began.elapsed();
    assert!(after < Duration::from_secs(5), "{after:?}");
}

#[tokio::test]
async fn short_keep_alive_disables_connection_reuse() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                while read_request(&mut stream).await {
                    let answer = OK.replace("\r\n\r\n", "\r\nkeep-alive: timeout=1\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    let client = local();
    for number in 1..=4 {
        call(&client, Method::POST, &url).await.unwrap();
        assert_eq!(connections.load(Ordering::SeqCst), number);
    }
}

/// Starts a server that accepts, reads a first byte, and sends this text.
async fn silent(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            open.push(stream);
        }
    });
    address.to_string()
}

#[tokio::test(start_paused = true)]
async fn timeout_error_names_phase() {
    let address = silent("").await;
    let client = local();
    let said = call(&client, Method::GET, &format!("http://{address}/"))
        .await
        .unwrap_err();
    assert_eq!(said.to_string(), "gave no answer within 30 seconds");
    assert!(said.may_have_arrived());

    let said = call(&client, Method::GET, &format!("https://{address}/"))
        .await
        .unwrap_err();
    assert_eq!(
        said.to_string(),
        "cannot be reached (no TLS handshake within 5 seconds)"
    );
    assert!(!said.may_have_arrived());

    let half = silent("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
    let said = call(&client, Method::GET, &format!("http://{half}/"))
        .await
        .unwrap_err();
    assert_eq!(
        said.to_string(),
        "stopped answering (nothing more within 10 seconds)"
    );

    let hangs = Arc::new(Hanging);
    let builder = HttpClient::builder(EgressPolicy::internet()).names(hangs);
    let client = builder.build().unwrap();
    let said = call(&client, Method::GET, "http://a.example/")
        .await
        .unwrap_err();
    assert_eq!(
        said.to_string(),
        "cannot be reached (its name was not resolved within 5 seconds)"
    );
    assert!(!said.may_have_arrived());
}

/// A resolver that never returns.
struct Hanging;

impl Resolve for Hanging {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn connect_timeout_is_named() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let busy = socket.listen(1).unwrap();
    let address = busy.local_addr().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..2 {
        waiting.push(TcpStream::connect(address).await.unwrap());
    }
    let said = call(&local(), Method::POST, &format!("http://{address}/"))
        .await
        .unwrap_err();
    assert_eq!(
        said.to_string(),
        "cannot be reached (no connection within 5 seconds)"
    );
}

#[tokio::test]
async fn calls_use_proxy_and_errors_name_it() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = proxy.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"body") {
            assert!(stream.read_buf(&mut read).await.unwrap() > 0);
        }
        let first = String::from_utf8(read)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{first}",
            first.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let through = |proxy: &str| {
        let builder = HttpClient::builder(EgressPolicy::internet().allow_loopback());
        let proxies = Proxies::new(proxy, &["direct.example"]).unwrap();
        builder.proxies(proxies).build().unwrap()
    };
    let client = through(&format!("http://user:s3cret@{address}"));
    let said = call(&client, Method::POST, "http://a.example/x")
        .await
        .unwrap();
    assert_eq!(said, "POST http://a.example/x HTTP/1.1");

    let dead = through("http://user:s3cret@127.0.0.1:1");
    for url in ["http://a.example/", "https://a.example/"] {
        let said = call(&dead, Method::GET, url).await.unwrap_err();
        assert_eq!(said.proxy(), Some("http://127.0.0.1:1"));
        let said = said.to_string();
        assert!(said.starts_with("cannot be reached ("), "{said}");
        assert!(
            said.ends_with(", through the proxy http://127.0.0.1:1"),
            "{said}"
        );
    }
    let refused = call(&dead, Method::GET, "http://10.0.0.1/")
        .await
        .unwrap_err();
    assert!(
        matches!(refused.failure(), Failure::Refused(_)),
        "{refused:?}"
    );

    let (url, _, _) = closing(1).await;
    assert_eq!(
        call(&dead, Method::GET, &url).await.unwrap(),
        "ok",
        "loopback is direct"
    );
}
