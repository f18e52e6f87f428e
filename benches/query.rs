//! Answering a signed glance query: the SDK beside a bare axum handler that returns the same
//! bytes, beside one that does the least a signed query needs before it returns them, which is the
//! limit, and beside one that uses jsonwebtoken as its manual shows. The first and the SDK are also served by
//! the SDK's own server, which add-ons run on.
//!
//! Each server is a process of one thread, asked in turn over a fixed number of connections that
//! stay open. What counts is its CPU time per request, so that whoever asks does not disturb. All
//! connections ask before any reads, so that a server always has work and none pays for waiting.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up says so and ends"
)]

mod support;

use std::future::pending;
use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::extract::{Query, Request};
use axum::http::{StatusCode, header};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glance_sdk::auth::{SigningKey, now};
use glance_sdk::model::{Claims, Context, InstallationData, Secret};
use glance_sdk::prelude::*;
use glance_sdk::serve::HttpServer;
use glance_sdk::store::{Endpoints, Installation, InstallationStore, MemoryStore};
use serde::Deserialize;
use serde_json::Value;
use support::{CONNECTIONS, Server, ask, median, runtime};
use tokio::net::TcpListener;
use tower::ServiceExt;

const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";
const PATH: &str = "/glance/incidents";
const REQUESTS: usize = 1_000;
const ROUNDS: usize = 7;
/// Ends the name of a router that the SDK's own server serves, with its limits, instead of axum's.
const OWN_SERVER: &str = ", own server";
/// Requests of the service alone.
const ALONE: usize = 20_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("serve") => serve(&arguments.next().expect("which")),
        _ => compare(),
    }
}

#[derive(Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
struct Incidents {
    open: u32,
    is_configured: bool,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(is_configured && open > 0))]
async fn incidents(query: GlanceQuery) -> GlanceData<Incidents> {
    data(query.room_id().get())
}

fn data(room: u64) -> GlanceData<Incidents> {
    let open = u32::from(room > 0) * 4;
    GlanceData::new(label!("<b>{open}</b> incidents"))
        .lozenge(Lozenge::Error, "OPEN")
        .metadata(Incidents {
            open,
            is_configured: true,
        })
}

#[derive(Deserialize)]
struct Signed {
    signed_request: String,
}

async fn naive(Query(query): Query<Signed>) -> Result<Json<GlanceData<Incidents>>, StatusCode> {
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.set_required_spec_claims(&["exp", "iss"]);
    let key = jsonwebtoken::DecodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::decode::<Value>(&query.signed_request, &key, &validation)
        .map_err(|_| StatusCode::UNAUTHORIZED)?;
    let room = token.claims["context"]["room_id"].as_u64();
    Ok(Json(data(room.ok_or(StatusCode::BAD_REQUEST)?)))
}

/// The three claims without which a query cannot be answered.
#[derive(Deserialize)]
struct Asked<'a> {
    iss: &'a str,
    exp: i64,
    context: Place,
}

#[derive(Deserialize)]
struct Place {
    room_id: u64,
}

/// Proves a signed query and reads who asks, with nothing kept and nothing explained.
fn is_signed(query: &str, key: &hmac::Key) -> Option<bool> {
    let token = query.strip_prefix("signed_request=")?;
    let (signed, signature) = token.rsplit_once('.')?;
    let (_, payload) = signed.split_once('.')?;
    let mut room = [0; 1_024];
    let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut room).ok()?;
    hmac::verify(key, signed.as_bytes(), &room[..length]).ok()?;
    let length = URL_SAFE_NO_PAD.decode_slice(payload, &mut room).ok()?;
    let asked: Asked = serde_json::from_slice(&room[..length]).ok()?;
    Some(asked.iss == "installation" && asked.exp > now() && asked.context.room_id > 0)
}

async fn router(which: &str) -> Router {
    let ready = serde_json::to_string(&data(1)).unwrap();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    match which {
        "bare axum" => {
            let answer = move || async move { (headers, ready) };
            Router::new().route(PATH, get(answer))
        }
        "the least work" => {
            let key = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()));
            let answer = move |request: Request| async move {
                match is_signed(request.uri().query().unwrap_or_default(), &key) {
                    Some(true) => Ok((headers, ready)),
                    _ => Err(StatusCode::UNAUTHORIZED),
                }
            };
            Router::new().route(PATH, get(answer))
        }
        "axum, jsonwebtoken" => Router::new().route(PATH, get(naive)),
        _ => {
            let store = MemoryStore::default();
            let data = InstallationData::new(
                "installation".into(),
                SECRET.into(),
                "https://chat.example/v2/capabilities",
                1.into(),
            );
            let endpoints =
                Endpoints::new("https://chat.example/token", "https://chat.example/v2/");
            store
                .put(&Installation::new(data, endpoints))
                .await
                .unwrap();
            AddOn::new("com.example.incidents", "Incidents")
                .store(store)
                .glance::<incidents>()
                .build("https://add-on.example")
                .unwrap()
                .into_router()
        }
    }
}

fn token() -> String {
    let mut claims = Claims::new("installation".into(), now(), now() + 3_600);
    claims.sub = Some("4711".into());
    claims.prn = Some("4711".into());
    claims.jti = Some("0e57f3a4b2c94f0d9f4a".into());
    let mut context = Context::default();
    context.room_id = Some(42.into());
    context.user_tz = Some("Europe/Berlin".into());
    claims.context = Some(context);
    SigningKey::new(&Secret::from(SECRET)).sign(&claims)
}

fn serve(which: &str) {
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        match which.strip_suffix(OWN_SERVER) {
            None => axum::serve(listener, router(which).await).await.unwrap(),
            Some(which) => {
                let server = HttpServer::new(listener);
                server.run(router(which).await, pending()).await;
            }
        }
    });
}

fn compare() {
    let names = [
        "bare axum",
        "bare axum, own server",
        "the least work",
        "glance-sdk",
        "glance-sdk, own server",
        "axum, jsonwebtoken",
    ];
    let token = token();
    let request = format!(
        "GET {PATH}?signed_request={token} HTTP/1.1\r\nHost: add-on.example\r\n\
         Origin: https://chat.example\r\nAccept: */*\r\n\r\n"
    );
    let servers = names.map(|name| Server::start(&[name]));
    let runtime = runtime();
    let mut over_loopback: [Vec<f64>; 6] = Default::default();
    let mut in_process: [Vec<f64>; 6] = Default::default();
    for round in 0..=ROUNDS {
        for (nth, server) in servers.iter().enumerate() {
            let before = server.cpu();
            ask(&server.address, REQUESTS, std::slice::from_ref(&request));
            let took = (server.cpu() - before) / (CONNECTIONS * REQUESTS) as f64;
            let service = names[nth].trim_end_matches(OWN_SERVER);
            let alone = runtime.block_on(call(service, &token));
            // The first round only warms up.
            if round > 0 {
                over_loopback[nth].push(took);
                in_process[nth].push(alone);
            }
        }
    }
    let over_loopback = over_loopback.map(median);
    let in_process = in_process.map(median);
    println!("CPU per request, median of {ROUNDS} rounds");
    println!(
        "{:24}{:>15}{:>10}{:>18}",
        "", "over loopback", "of bare", "service alone"
    );
    for (nth, name) in names.iter().enumerate() {
        println!(
            "{name:24}{:>12.2} µs{:>10.2}{:>15.2} µs",
            over_loopback[nth],
            over_loopback[0] / over_loopback[nth],
            in_process[nth],
        );
    }
}

/// Microseconds per request of the service alone, without HTTP.
async fn call(which: &str, token: &str) -> f64 {
    let router = router(which).await;
    let uri = format!("{PATH}?signed_request={token}");
    let started = std::time::Instant::now();
    for _ in 0..ALONE {
        let request = Request::get(&uri)
            .header(header::ORIGIN, "https://chat.example")
            .body(axum::body::Body::empty())
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    started.elapsed().as_secs_f64() * 1e6 / ALONE as f64
}
