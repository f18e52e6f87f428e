//! Pushing glance data from an add-on: the SDK's client beside bare reqwest that sends the same bytes.
//!
//! Both call one server, a process of its own, with eight calls at a time. What counts is the CPU time
//! of the caller per call, and the time from a call to its end. They take turns; ratios are of rounds
//! that follow each other.
//!
//! ```text
//! cargo bench -p glance-benches --bench client
//! cargo bench -p glance-benches --bench client -- calls SDK 20000    # one of them alone, for a profiler
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up says so and ends"
)]

mod support;

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use glance_sdk::client::{Client, Installations};
use glance_sdk::model::{InstallationData, UiUpdate};
use glance_sdk::prelude::*;
use glance_sdk::store::{Endpoints, Installation, InstallationStore, MemoryStore};
use support::{Server, cpu, median, runtime};
use tokio::net::TcpListener;

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";
const CONCURRENT: usize = 8;
/// Calls of one round.
const CALLS: usize = 40_000;
const ROUNDS: usize = 9;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: u64,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(open > 0))]
async fn incidents() -> GlanceData<Incidents> {
    data(1)
}

fn data(open: u64) -> GlanceData<Incidents> {
    GlanceData::new(label!("<b>{open}</b> incidents"))
        .lozenge(Lozenge::Error, "OPEN")
        .metadata(Incidents { open })
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve"] => serve(),
        ["calls", caller, calls, ..] => one(caller, calls.parse().expect("a number")),
        _ => compare(),
    }
}

fn serve() {
    runtime().block_on(async {
        let token =
            async || Json(serde_json::json!({ "access_token": TOKEN, "expires_in": 3_600 }));
        let router = Router::new().route("/token", post(token)).route(
            "/v2/addon/ui/room/42",
            post(async || StatusCode::NO_CONTENT),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}

/// One of the two compared callers.
#[derive(Clone)]
enum Caller {
    Sdk(Client),
    Reqwest {
        http: reqwest::Client,
        api: Arc<str>,
    },
}

impl Caller {
    async fn sdk(address: &str, token_address: &str) -> Self {
        let store = MemoryStore::default();
        let data = InstallationData::new(
            "installation".into(),
            TOKEN.into(),
            format!("http://{address}/v2/capabilities"),
            1.into(),
        );
        let endpoints = Endpoints::new(
            format!("http://{token_address}/token"),
            format!("http://{address}/v2/"),
        );
        let installation = Installation::new(data, endpoints);
        store.put(&installation).await.unwrap();
        let installations = Installations::new(Arc::new(store)).unwrap();
        let client = installations.client(installation.oauth_id()).await.unwrap();
        Self::Sdk(client)
    }

    fn reqwest(address: &str) -> Self {
        let agent = concat!("glance-sdk/", env!("CARGO_PKG_VERSION"));
        let builder = reqwest::Client::builder().no_proxy().user_agent(agent);
        Self::Reqwest {
            http: builder.build().unwrap(),
            api: format!("http://{address}/v2/").into(),
        }
    }

    async fn call(&self, nth: u64) {
        match self {
            Self::Sdk(client) => client.room(42).push::<incidents>(data(nth)).await.unwrap(),
            Self::Reqwest { http, api } => {
                let request = http.post(format!("{api}addon/ui/room/42"));
                let update = UiUpdate::one("incidents", data(nth));
                let request = request.bearer_auth(TOKEN).json(&update);
                let answer = request.send().await.unwrap().error_for_status().unwrap();
                assert!(answer.bytes().await.unwrap().is_empty());
            }
        }
    }

    /// Makes so many calls, eight at a time. Returns the time that each took, in microseconds.
    async fn calls(&self, calls: usize) -> Vec<f64> {
        let tasks = (0..CONCURRENT).map(|_| {
            let caller = self.clone();
            tokio::spawn(async move {
                let mut took = Vec::with_capacity(calls / CONCURRENT);
                for nth in 0..(calls / CONCURRENT) as u64 {
                    let began = Instant::now();
                    caller.call(nth).await;
                    took.push(began.elapsed().as_secs_f64() * 1e6);
                }
                took
            })
        });
        let mut all = Vec::with_capacity(calls);
        for task in tasks.collect::<Vec<_>>() {
            all.extend(task.await.unwrap());
        }
        all
    }
}

/// The bytes of one request, its headers in order.
async fn bytes_of(server: &Server, bare: bool) -> Vec<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let caller = match bare {
        true => Caller::reqwest(&address),
        false => Caller::sdk(&address, &server.address).await,
    };
    let call = tokio::spawn(async move { caller.call(7).await });
    let request = tokio::task::spawn_blocking(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}]}") {
            let mut chunk = [0; 4_096];
            let length = stream.read(&mut chunk).unwrap();
            assert!(length > 0, "the request ended early");
            request.extend_from_slice(&chunk[..length]);
        }
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .unwrap();
        String::from_utf8(request).unwrap()
    });
    let request = request.await.unwrap().replace(&address, "HOST");
    call.await.unwrap();
    let mut lines: Vec<_> = request.lines().map(ToOwned::to_owned).collect();
    lines.sort();
    lines
}

fn callers() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

fn one(caller: &str, calls: usize) {
    let server = Server::start(&[]);
    callers().block_on(async {
        let caller = match caller {
            "SDK" => Caller::sdk(&server.address, &server.address).await,
            _ => Caller::reqwest(&server.address),
        };
        caller.calls(calls).await;
    });
}

fn compare() {
    let server = Server::start(&[]);
    let names = ["glance-sdk", "bare reqwest"];
    let mut cpus: [Vec<f64>; 2] = Default::default();
    let mut typical: [Vec<f64>; 2] = Default::default();
    let mut late: [Vec<f64>; 2] = Default::default();
    let mut rates: [Vec<f64>; 2] = Default::default();
    callers().block_on(async {
        assert_eq!(
            bytes_of(&server, true).await,
            bytes_of(&server, false).await
        );
        let callers = [
            Caller::sdk(&server.address, &server.address).await,
            Caller::reqwest(&server.address),
        ];
        for round in 0..=ROUNDS {
            for (nth, caller) in callers.iter().enumerate() {
                let (before, began) = (cpu("self"), Instant::now());
                let mut took = caller.calls(CALLS).await;
                let (used, lasted) = (cpu("self") - before, began.elapsed().as_secs_f64());
                // The first round only warms up.
                if round == 0 {
                    continue;
                }
                took.sort_by(f64::total_cmp);
                cpus[nth].push(used / CALLS as f64);
                typical[nth].push(took[CALLS / 2]);
                late[nth].push(took[CALLS * 99 / 100]);
                rates[nth].push(CALLS as f64 / lasted);
            }
        }
    });
    let of_bare = |figures: &[Vec<f64>; 2]| {
        let ratios = figures[0]
            .iter()
            .zip(&figures[1])
            .map(|(sdk, bare)| sdk / bare);
        median(ratios.collect())
    };
    println!("one push, {CONCURRENT} at a time, median of {ROUNDS} rounds of {CALLS} calls");
    println!(
        "{:14}{:>12}{:>16}{:>16}{:>12}",
        "", "CPU/call", "latency", "99% within", "calls/s"
    );
    for (nth, name) in names.iter().enumerate() {
        println!(
            "{name:14}{:>9.2} µs{:>13.0} µs{:>13.0} µs{:>12.0}",
            median(cpus[nth].clone()),
            median(typical[nth].clone()),
            median(late[nth].clone()),
            median(rates[nth].clone()),
        );
    }
    println!(
        "of bare reqwest: {:.2} of its CPU, {:.2} of its latency, {:.2} of its latency at 99%",
        of_bare(&cpus),
        of_bare(&typical),
        of_bare(&late),
    );
}
