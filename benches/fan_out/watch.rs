//! The viewers of a server: a process that holds their connections and counts what arrives.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch as latest};

use crate::servers::Server;
use crate::support::runtime;

/// How many connections are opened at a time.
const AT_ONCE: usize = 50;

const LONGEST_MARK: usize = 16;

/// A process of viewers, told what to do.
pub(crate) struct Watcher {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Watcher {
    pub(crate) fn start(server: &Server) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "watch",
                server.kind.protocol(),
                &server.address,
                &server.path(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            orders: child.stdin.take().expect("stdin is piped"),
            answers: BufReader::new(child.stdout.take().expect("stdout is piped")),
            child,
        }
    }

    /// Opens connections until there are so many, each of which got its first bytes.
    pub(crate) fn open(&mut self, viewers: usize) {
        self.order(&format!("open {viewers}"));
    }

    /// Waits until all viewers have this mark.
    pub(crate) fn expect(&mut self, mark: usize) {
        self.order(&format!("expect {mark}"));
    }

    /// The data of the event that brought the last mark to one of them.
    pub(crate) fn sample(&mut self) -> String {
        self.order("sample 0")
    }

    fn order(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(!answer.is_empty(), "the watcher ended at {order:?}");
        answer.trim().to_owned()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the connections of this process have in common.
struct Seen {
    /// How many marks came to how many connections, in all.
    arrived: AtomicUsize,
    changed: Notify,
    sample: latest::Sender<String>,
}

/// Does what it is told on stdin.
pub(crate) fn watch(protocol: &str, address: &str, path: &str) {
    let protocol: Protocol = protocol.into();
    let request = protocol.request(address, path);
    let seen = Arc::new(Seen {
        arrived: AtomicUsize::new(0),
        changed: Notify::new(),
        sample: latest::channel(String::new()).0,
    });
    let (mut viewers, mut expected) = (0, 0);
    let runtime = runtime();
    for order in std::io::stdin().lines() {
        let order = order.unwrap();
        let (what, number) = order.split_once(' ').unwrap();
        let number: usize = number.parse().unwrap();
        let answer = runtime.block_on(async {
            match what {
                "open" => {
                    let places = Arc::new(Semaphore::new(AT_ONCE));
                    while viewers < number {
                        let place = Arc::clone(&places).acquire_owned().await.unwrap();
                        let (address, request) = (address.to_owned(), request.clone());
                        let seen = Arc::clone(&seen);
                        tokio::spawn(async move {
                            follow(protocol, &address, &request, place, &seen).await;
                            // A viewer is lost: nothing that is counted would be true.
                            std::process::exit(1);
                        });
                        viewers += 1;
                    }
                    let all = u32::try_from(AT_ONCE).unwrap();
                    drop(places.acquire_many(all).await.unwrap());
                    String::new()
                }
                "expect" => {
                    expected += viewers;
                    while seen.arrived.load(Ordering::SeqCst) < expected {
                        seen.changed.notified().await;
                    }
                    assert_eq!(seen.arrived.load(Ordering::SeqCst), expected);
                    String::new()
                }
                _ => seen.sample.borrow().clone(),
            }
        });
        println!("{answer} ");
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Protocol {
    /// Server-sent events; the host sends the answer to a first query, too.
    Events {
        is_host: bool,
    },
    SocketIo,
}

impl From<&str> for Protocol {
    fn from(text: &str) -> Self {
        match text {
            "socket.io" => Self::SocketIo,
            text => Self::Events {
                is_host: text == "host",
            },
        }
    }
}

impl Protocol {
    fn request(self, address: &str, path: &str) -> String {
        match self {
            Self::Events { .. } => {
                format!(
                    "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n"
                )
            }
            Self::SocketIo => format!(
                "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\n\
                 Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            ),
        }
    }

    /// What a connection has received once it is ready for pushes.
    fn ready(self) -> &'static str {
        match self {
            Self::Events { is_host: true } => "\"state\":\"ready\"",
            Self::Events { is_host: false } => "\r\n\r\n",
            Self::SocketIo => "40{",
        }
    }
}

async fn follow(
    protocol: Protocol,
    address: &str,
    request: &str,
    place: OwnedSemaphorePermit,
    seen: &Seen,
) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut place = Some(place);
    let mut greeted = false;
    let mut last = None;
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let length = match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        if place.is_some() {
            if protocol == Protocol::SocketIo && !greeted && text.contains("0{") {
                // A masked text frame of two bytes, "40", the mask being zero: it asks to come in.
                stream.write_all(b"\x81\x82\0\0\0\x0040").await.unwrap();
                greeted = true;
                text.clear();
            }
            if text.contains(protocol.ready()) {
                place = None;
                text.clear();
            }
            continue;
        }
        while let Some((mark, end)) = mark(&text) {
            let follows = last.is_none_or(|last| mark == last + 1);
            assert!(follows, "{mark} came after {last:?}");
            last = Some(mark);
            if seen.sample.borrow().is_empty() {
                let data = text.rsplit_once("data: ").map_or("", |(_, data)| data);
                seen.sample
                    .send_replace(data.lines().next().unwrap_or_default().to_owned());
            }
            text.drain(..end);
            seen.arrived.fetch_add(1, Ordering::SeqCst);
            seen.changed.notify_one();
        }
        // A mark may come in two pieces.
        text.drain(..text.len().saturating_sub(LONGEST_MARK));
    }
}

/// The first `#mark#` and where it ends.
fn mark(text: &str) -> Option<(usize, usize)> {
    let start = text.find('#')? + 1;
    let end = start + text[start..].find('#')?;
    Some((text[start..end].parse().ok()?, end + 1))
}
