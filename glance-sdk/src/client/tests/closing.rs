//! Tests the client against a host that closes connections while the client sends.

use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::model::Notification;

/// The reaction of the host to a request.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Answer,
    AnswerAndClose,
    Close,
}

type Seen = Arc<Mutex<Vec<String>>>;

/// Reads one complete request. Returns its first line, or `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let first = lines.next()?.to_owned();
            let length = lines.find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(first);
            }
        }
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

/// Creates a host on real sockets that reacts to each request, numbered by kind, as scripted.
async fn host(then: impl Fn(&str, usize) -> Then + Clone + Send + 'static) -> (Client, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let seen = Seen::default();
    let all = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (then, all) = (then.clone(), Arc::clone(&all));
            tokio::spawn(async move {
                while let Some(first) = read_request(&mut stream).await {
                    let kind = if first.contains("/oauth/token") {
                        "token"
                    } else {
                        "call"
                    };
                    let number = {
                        let mut all = all.lock().unwrap();
                        all.push(kind.to_owned());
                        all.iter().filter(|seen| *seen == kind).count()
                    };
                    let then = then(kind, number);
                    if then == Then::Close {
                        return;
                    }
                    let body = match kind {
                        "token" => r#"{"access_token":"t","expires_in":3600}"#,
                        _ => "",
                    };
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    if then == Then::AnswerAndClose {
                        return;
                    }
                }
            });
        }
    });
    (client(&base), seen)
}

fn count(seen: &Seen, kind: &str) -> usize {
    seen.lock()
        .unwrap()
        .iter()
        .filter(|seen| *seen == kind)
        .count()
}

async fn notify(client: &Client) -> Result<()> {
    client.room(1).notify(&Notification::text("x")).await
}

#[tokio::test]
async fn token_request_is_always_retried() {
    let (client, seen) = host(|kind, number| match (kind, number) {
        ("token", 1 | 2) => Then::Close,
        _ => Then::Answer,
    })
    .await;
    notify(&client).await.unwrap();
    assert_eq!((count(&seen, "token"), count(&seen, "call")), (3, 1));
}

#[tokio::test]
async fn notification_that_may_have_arrived_is_not_retried() {
    let (client, seen) = host(|kind, number| match (kind, number) {
        ("call", 2 | 4) => Then::Close,
        _ => Then::Answer,
    })
    .await;
    for number in 1..=4 {
        let sent = notify(&client).await;
        assert_eq!(sent.is_ok(), number % 2 == 1, "{number}: {sent:?}");
        assert_eq!(count(&seen, "call"), number);
    }
}

#[tokio::test]
async fn closed_idle_connections_lose_no_calls() {
    let (client, seen) = host(|_, _| Then::AnswerAndClose).await;
    let mut sent = 0;
    for _ in 0..50 {
        match notify(&client).await {
            Ok(()) => sent += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unreachable),
        }
    }
    assert_eq!(
        count(&seen, "call"),
        sent,
        "what was not received was sent again"
    );
}

#[tokio::test]
async fn get_survives_closed_connections() {
    let (client, _) = host(|kind, number| match kind {
        "call" if number % 2 == 0 => Then::Close,
        _ => Then::Answer,
    })
    .await;
    for _ in 0..6 {
        let request = client.request(crate::client::Method::Get, ["room", "1"]);
        request.send().await.unwrap();
    }
}
