//! Calls to the REST API of a host with its database in a file, beside axum servers that store the same bytes.
//!
//! ```text
//! cargo bench -p glance-benches --bench rest                  # 1, 16 and 64 calls at a time
//! cargo bench -p glance-benches --bench rest -- 16            # as many as you say
//! cargo bench -p glance-benches --bench rest -- serve host DESCRIPTOR_URL    # the host alone, for a profiler
//! ```
//!
//! Each server is a process with one thread for requests. They all wait for the disk before they answer a write,
//! except the one that stores nothing. What counts is the server's CPU time per call, and calls per second.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up says so and ends"
)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use glance_host::Host;
use glance_sdk::client::Installations;
use glance_sdk::model::{OauthId, Scope};
use glance_sdk::prelude::*;
use rusqlite::Connection;
use serde_json::{Value, json};
use support::{Server, median, runtime};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The time that each server gets for one measurement.
const SECONDS: f64 = 1.0;
const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", "host", descriptor_url] => serve_host(descriptor_url),
        ["serve", "axum", group] => serve_axum(group.parse().expect("a number")),
        _ => {
            let given = arguments.iter().filter_map(|it| it.parse().ok());
            let mut at_once: Vec<usize> = given.collect();
            if at_once.is_empty() {
                at_once = vec![1, 16, 64];
            }
            compare(&at_once);
        }
    }
}

fn serve_host(descriptor_url: &str) {
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::builder().message_limit(u32::MAX).data(folder.path());
        support::serve_host(host, descriptor_url).await;
    });
}

/// A body to store, and the request that waits for it.
type Waiting = (Bytes, oneshot::Sender<()>);

/// A server that stores bodies, at most `group` in one commit; none if that is 0.
fn serve_axum(group: usize) {
    let (writes, waiting) = mpsc::channel::<Waiting>();
    std::thread::spawn(move || {
        let folder = tempfile::tempdir().unwrap();
        let database = Connection::open(folder.path().join("peer.sqlite")).unwrap();
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
        database.pragma_update(None, "synchronous", "FULL").unwrap();
        database
            .execute_batch("CREATE TABLE body (id INTEGER PRIMARY KEY, text BLOB NOT NULL)")
            .unwrap();
        while let Ok(first) = waiting.recv() {
            let mut stored = Vec::new();
            let others = std::iter::from_fn(|| waiting.try_recv().ok());
            database.execute_batch("BEGIN IMMEDIATE").unwrap();
            for (body, reply) in std::iter::once(first).chain(others.take(group - 1)) {
                database
                    .prepare_cached("INSERT INTO body (text) VALUES (?1)")
                    .unwrap()
                    .execute([&body[..]])
                    .unwrap();
                stored.push(reply);
            }
            database.execute_batch("COMMIT").unwrap();
            for reply in stored {
                let _ = reply.send(());
            }
        }
    });
    let store = async move |State(writes): State<mpsc::Sender<Waiting>>, body: Bytes| {
        let _: Value = serde_json::from_slice(&body).unwrap();
        if group > 0 {
            let (reply, stored) = oneshot::channel();
            writes.send((body, reply)).unwrap();
            stored.await.unwrap();
        }
        StatusCode::NO_CONTENT
    };
    runtime().block_on(async {
        let room = async || Json(json!({"id": 1, "name": "incidents", "privacy": "public"}));
        let router = Router::new()
            .route("/v2/addon/ui/room/1", post(store))
            .route("/v2/room/1/extension/glance/deploy", put(store))
            .route("/v2/room/1/notification", post(store))
            .route("/v2/room/1", get(room))
            .with_state(writes);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{} 1 none", listener.local_addr().unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents() -> GlanceData {
    GlanceData::new(label!("<b>1</b> incident"))
}

/// The add-on that calls the host.
struct Caller {
    installations: Installations,
    descriptor_url: String,
}

impl Caller {
    async fn start() -> Self {
        let add_on = AddOn::new("com.example.incidents", "Incidents")
            .scopes([
                Scope::ViewGroup,
                Scope::ViewRoom,
                Scope::AdminRoom,
                Scope::SendNotification,
            ])
            .glance::<incidents>()
            .asset(
                "/siren.svg",
                "image/svg+xml",
                b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            );
        let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
        let descriptor_url = format!("{}/", server.base_url());
        let installations = server.add_on().installations().clone();
        tokio::spawn(server.run(std::future::pending()));
        Self {
            installations,
            descriptor_url,
        }
    }

    async fn token(&self, id: &str) -> String {
        let client = self.installations.client(&OauthId::from(id)).await.unwrap();
        let installation = client.installation();
        let request = reqwest::Client::new()
            .post(&installation.endpoints.token_url)
            .basic_auth(id, Some(installation.data.oauth_secret.expose()))
            .form(&[("grant_type", "client_credentials")]);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

/// A running server, and what its requests contain.
struct Target {
    name: &'static str,
    server: Server,
    address: String,
    room: String,
    token: String,
}

struct Call {
    name: &'static str,
    line: &'static str,
    body: Value,
}

fn calls() -> [Call; 4] {
    let content = json!({
        "label": {"type": "html", "value": "<b>3</b> incidents"},
        "status": {"type": "lozenge", "value": {"type": "error", "label": "OPEN"}},
        "metadata": {"open": 3, "isConfigured": true}
    });
    let icon = json!({"url": "https://a.example/i.svg", "url@2x": "https://a.example/i.svg"});
    [
        Call {
            name: "push",
            line: "POST /v2/addon/ui/room/{room}",
            body: json!({"glance": [{"key": "incidents", "content": content}]}),
        },
        Call {
            name: "PUT glance",
            line: "PUT /v2/room/{room}/extension/glance/deploy",
            body: json!({"key": "deploy", "name": {"value": "Deploy"}, "icon": icon}),
        },
        Call {
            name: "notification",
            line: "POST /v2/room/{room}/notification",
            body: json!({"message": "<b>Deployed</b> 7", "message_format": "html", "color": "green"}),
        },
        Call {
            name: "GET room",
            line: "GET /v2/room/{room}",
            body: Value::Null,
        },
    ]
}

impl Target {
    fn request(&self, call: &Call) -> String {
        let body = match &call.body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        format!(
            "{} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            call.line.replace("{room}", &self.room),
            self.address,
            self.token,
            body.len()
        )
    }

    /// Calls for [`SECONDS`], so many at a time. Returns the CPU time per call, in microseconds, and calls per second.
    fn measure(&self, call: &Call, at_once: usize) -> (f64, f64) {
        let request = self.request(call);
        let mut connections: Vec<_> = (0..at_once)
            .map(|_| Connected::new(&self.address))
            .collect();
        let (mut done, began, before) = (0, Instant::now(), self.server.cpu());
        while began.elapsed().as_secs_f64() < SECONDS {
            for connection in &mut connections {
                connection.0.write_all(request.as_bytes()).unwrap();
            }
            for connection in &mut connections {
                connection.read();
            }
            done += at_once;
        }
        let cpu = self.server.cpu() - before;
        (
            cpu / done as f64,
            done as f64 / began.elapsed().as_secs_f64(),
        )
    }
}

struct Connected(TcpStream, Vec<u8>);

impl Connected {
    fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream, Vec::new())
    }

    /// Reads one response, which must be a success.
    fn read(&mut self) {
        let Self(stream, read) = self;
        read.clear();
        let mut chunk = [0; 8_192];
        let expected = loop {
            let length = stream.read(&mut chunk).unwrap();
            assert!(length > 0, "the server closed the connection");
            read.extend_from_slice(&chunk[..length]);
            let text = String::from_utf8_lossy(read);
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                assert!(head.starts_with("HTTP/1.1 20"), "{text}");
                let mut lines = head.lines().filter_map(|line| line.split_once(": "));
                let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
                let body: usize = length.map_or(0, |(_, length)| length.parse().unwrap());
                break head.len() + 4 + body;
            }
        };
        while read.len() < expected {
            let length = stream.read(&mut chunk).unwrap();
            assert!(length > 0, "the server closed the connection");
            read.extend_from_slice(&chunk[..length]);
        }
    }
}

fn compare(at_once: &[usize]) {
    let add_on = tokio::runtime::Runtime::new().unwrap();
    let caller = add_on.block_on(Caller::start());
    let start = |name, arguments: &[&str]| {
        let server = Server::start(arguments);
        let mut words = server.address.split_whitespace().map(str::to_owned);
        let mut word = || words.next().expect("address, room and installation");
        let (address, room, id) = (word(), word(), word());
        let token = match &*id {
            "none" => String::from("none"),
            id => add_on.block_on(caller.token(id)),
        };
        Target {
            name,
            server,
            address,
            room,
            token,
        }
    };
    let targets = [
        start("glance-host", &["host", &caller.descriptor_url]),
        start("axum, SQLite, one by one", &["axum", "1"]),
        start("axum, SQLite, in groups", &["axum", "256"]),
        start("axum, stores nothing", &["axum", "0"]),
    ];
    println!("CPU per call, calls per second; median of {ROUNDS} rounds of {SECONDS} s");
    for call in calls() {
        for &at_once in at_once {
            let mut figures: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); targets.len()];
            for round in 0..=ROUNDS {
                for (target, (cpu, rate)) in targets.iter().zip(&mut figures) {
                    let measured = target.measure(&call, at_once);
                    // The first round only warms up.
                    if round > 0 {
                        cpu.push(measured.0);
                        rate.push(measured.1);
                    }
                }
            }
            println!("\n{}, {at_once} at a time", call.name);
            for (target, (cpu, rate)) in targets.iter().zip(figures) {
                let (cpu, rate) = (median(cpu), median(rate));
                println!("  {:26}{cpu:>9.1} µs{rate:>10.0}/s", target.name);
            }
        }
    }
}
