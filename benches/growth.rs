//! Answering signed queries of few and of many installations: 200 beside 100,000, of which 30,000 ask in
//! turn, in SQLite and in memory.
//!
//! Each server is a process of one thread, asked in turn over a fixed number of connections that stay
//! open. What counts is its CPU time per request and how it grows with the number of installations;
//! memory is what the process occupies at the end.
//!
//! The SQLite files are in `/dev/shm`, where writing 100,000 installations one by one takes seconds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up says so and ends"
)]

mod support;

use std::sync::Arc;

use glance_sdk::auth::{SigningKey, now};
use glance_sdk::model::{Claims, Context, InstallationData, OauthId, Secret};
use glance_sdk::prelude::*;
use glance_sdk::store::{Endpoints, Installation, InstallationStore, MemoryStore, SqliteStore};
use support::{CONNECTIONS, Server, ask, median, runtime};
use tokio::net::TcpListener;

const FEW: usize = 200;
const MANY: usize = 100_000;
/// How many of the many ask.
const ASKING: usize = 30_000;
/// Of each connection; all who ask do so more than twice in a round.
const REQUESTS: usize = 1_000;
const ROUNDS: usize = 7;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: u32,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(open > 0))]
async fn incidents(query: GlanceQuery) -> GlanceData<Incidents> {
    let open = u32::from(query.room_id().get() > 0) * 4;
    GlanceData::new(label!("<b>{open}</b> incidents")).metadata(Incidents { open })
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", store, count] => serve(store, count.parse().expect("a number")),
        _ => compare(),
    }
}

fn id(nth: usize) -> OauthId {
    format!("0f1e2d3c-4b5a-4697-8879-{nth:012}").into()
}

fn secret(nth: usize) -> Secret {
    format!("{nth:040}").into()
}

fn serve(store: &str, count: usize) {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    runtime().block_on(async {
        let store: Arc<dyn InstallationStore> = match store {
            "SQLite" => Arc::new(SqliteStore::open(folder.path().join("a.sqlite")).unwrap()),
            _ => Arc::new(MemoryStore::default()),
        };
        for nth in 0..count {
            let data = InstallationData::new(
                id(nth),
                secret(nth),
                "https://chat.example/v2/capabilities",
                1.into(),
            );
            let endpoints =
                Endpoints::new("https://chat.example/token", "https://chat.example/v2/");
            let installation = Installation::new(data, endpoints);
            store.put(&installation).await.unwrap();
        }
        let router = AddOn::new("com.example.incidents", "Incidents")
            .store(store)
            .glance::<incidents>()
            .build("https://add-on.example")
            .unwrap()
            .into_router();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}

fn requests(asking: usize) -> Vec<String> {
    let request = |nth| {
        let mut claims = Claims::new(id(nth), now(), now() + 3_600);
        claims.sub = Some("4711".into());
        let mut context = Context::default();
        context.room_id = Some(42.into());
        claims.context = Some(context);
        let token = SigningKey::new(&secret(nth)).sign(&claims);
        format!(
            "GET /glance/incidents?signed_request={token} HTTP/1.1\r\nHost: add-on.example\r\n\
             Origin: https://chat.example\r\nAccept: */*\r\n\r\n"
        )
    };
    (0..asking).map(request).collect()
}

fn compare() {
    let (few, many) = (requests(FEW), requests(ASKING));
    println!("CPU per request, median of {ROUNDS} rounds");
    println!(
        "{:10}{:>20}{:>15}{:>12}{:>20}",
        "", "installations", "CPU/request", "of few", "memory"
    );
    for store in ["SQLite", "memory"] {
        let servers = [(FEW, &few), (MANY, &many)].map(|(count, requests)| {
            let server = Server::start(&[store, &count.to_string()]);
            (count, requests, server)
        });
        let mut took: [Vec<f64>; 2] = Default::default();
        for round in 0..=ROUNDS {
            for ((_, requests, server), took) in servers.iter().zip(&mut took) {
                let before = server.cpu();
                ask(&server.address, REQUESTS, requests);
                // The first round only warms up.
                if round > 0 {
                    took.push((server.cpu() - before) / (CONNECTIONS * REQUESTS) as f64);
                }
            }
        }
        let ratios = took[1].iter().zip(&took[0]).map(|(many, few)| many / few);
        let ratios = [1.0, median(ratios.collect())];
        for (((count, _, server), took), ratio) in servers.iter().zip(took).zip(ratios) {
            println!(
                "{store:10}{count:>20}{:>12.2} µs{ratio:>12.2}{:>16.1} MiB",
                median(took),
                server.memory() / 1_048_576.0,
            );
        }
    }
}
