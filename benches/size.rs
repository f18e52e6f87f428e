//! A host with 100 installations in 10 rooms beside one with 100,000 in 10,000: its start, its memory, and what it costs
//! to render the page of a room, to take a push and to post a notification.
//!
//! ```text
//! cargo bench -p glance-benches --bench size
//! ```
//!
//! Each host is a process of one thread, and each room has ten add-ons, each with a webhook and stored data of a glance.
//! Little should grow with the number of rooms: nobody looks at the others, and only the indexes are deeper. The
//! databases are in `/dev/shm`, so that the disk does not count.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up says so and ends"
)]

mod support;

use std::path::Path;
use std::time::Instant;

use glance_host::Host;
use glance_sdk::model::Scope;
use glance_sdk::prelude::*;
use reqwest::RequestBuilder;
use rusqlite::Connection;
use serde_json::json;
use support::{Server, median, runtime};

const ROOMS: [usize; 2] = [10, 10_000];
/// The number of installations in each room.
const PER_ROOM: usize = 10;
const REQUESTS: usize = 2_000;
const ROUNDS: usize = 7;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents() -> GlanceData {
    GlanceData::new(label!("<b>1</b> incident"))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", folder] => serve(folder),
        _ => runtime().block_on(compare()),
    }
}

fn serve(folder: &str) {
    runtime().block_on(async {
        let host = Host::builder().port(0).data(folder).rate_limit(u32::MAX);
        let host = host.message_limit(u32::MAX).start().await.unwrap();
        println!("{}", host.base_url());
        std::future::pending::<()>().await;
    });
}

/// A host with a room and an add-on there. Returns the add-on's token.
async fn create(
    folder: &Path,
    descriptor_url: &str,
    installations: &glance_sdk::client::Installations,
) -> String {
    let host = Host::builder().port(0).data(folder).start().await.unwrap();
    let room = host.open_room("incidents").await.unwrap();
    let installed = host.install(&room, descriptor_url).await.unwrap();
    let client = installations.client(&installed.oauth_id).await.unwrap();
    let data = &client.installation().data;
    let request = reqwest::Client::new()
        .post(&client.installation().endpoints.token_url)
        .basic_auth(&data.oauth_id, Some(data.oauth_secret.expose()))
        .form(&[("grant_type", "client_credentials")]);
    let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap().to_owned();
    let push = json!({ "glance": [{ "key": "incidents", "content": { "label": label("1") } }] });
    let push = request_to(
        &format!("{}/v2/addon/ui/room/{}", host.base_url(), room.id),
        &token,
    )
    .json(&push);
    assert_eq!(push.send().await.unwrap().status(), 204);
    host.shutdown().await;
    token
}

fn label(text: &str) -> serde_json::Value {
    json!({ "type": "html", "value": text })
}

fn request_to(url: &str, token: &str) -> RequestBuilder {
    reqwest::Client::new().post(url).bearer_auth(token)
}

/// Copies the room and what is in it.
fn multiply(folder: &Path, rooms: usize) {
    let database = Connection::open(folder.join("host.sqlite")).unwrap();
    let statements = format!(
        "WITH RECURSIVE n (n) AS (SELECT max(id) + 1 FROM room UNION ALL SELECT n + 1 FROM n WHERE n < {rooms})
         INSERT INTO room (id, name, owner) SELECT n, 'room ' || n, 1 FROM n;
         CREATE TEMP TABLE first AS SELECT * FROM installation;
         WITH RECURSIVE k (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM k WHERE k < {PER_ROOM})
         INSERT INTO installation (oauth_id, oauth_secret, room_id, add_on_key, descriptor_url, descriptor, accepted)
             SELECT lower(hex(randomblob(16))), oauth_secret, room.id, add_on_key || k, descriptor_url,
                    replace(descriptor, add_on_key, add_on_key || k), 1
             FROM room, first, k WHERE room.id <> first.room_id OR k > 1;
         INSERT INTO webhook (oauth_id, event, webhook)
             SELECT oauth_id, 'room_message',
                    '{{\"event\":\"room_message\",\"url\":\"https://add-on.example/hook\",\"pattern\":\"^/never\"}}'
             FROM installation WHERE oauth_id NOT IN (SELECT oauth_id FROM first);
         INSERT INTO glance_value (oauth_id, key, room_id, group_version, room_version, is_answer, look, metadata,
                                   received_at, changed_at, bytes)
             SELECT installation.oauth_id, key, installation.room_id, group_version, 0, is_answer, look, metadata,
                    received_at, changed_at, bytes
             FROM installation, glance_value
             WHERE installation.oauth_id NOT IN (SELECT oauth_id FROM first);"
    );
    database.execute_batch(&statements).unwrap();
}

/// A host that is measured.
struct Measured {
    installations: usize,
    server: Server,
    start: f64,
    idle: f64,
    token: String,
    /// Microseconds of CPU time per page, push and notification, in each round.
    took: [Vec<f64>; 3],
}

impl Measured {
    fn requests(&self, kind: usize) -> RequestBuilder {
        let client = reqwest::Client::new();
        let base = &self.server.address;
        let push =
            json!({ "glance": [{ "key": "incidents", "content": { "label": label("2") } }] });
        let note = json!({ "message": "Deployed", "message_format": "text" });
        match kind {
            0 => client.get(format!("{base}/rooms/1")),
            1 => request_to(&format!("{base}/v2/addon/ui/room/1"), &self.token).json(&push),
            _ => request_to(&format!("{base}/v2/room/1/notification"), &self.token).json(&note),
        }
    }

    async fn round(&mut self, is_first: bool) {
        let client = reqwest::Client::new();
        for kind in 0..self.took.len() {
            let request = self.requests(kind).build().unwrap();
            let before = self.server.cpu();
            for _ in 0..REQUESTS {
                let answer = client.execute(request.try_clone().unwrap()).await.unwrap();
                assert!(answer.status().is_success(), "{}", answer.status());
                answer.bytes().await.unwrap();
            }
            // The first round only warms up.
            if !is_first {
                self.took[kind].push((self.server.cpu() - before) / REQUESTS as f64);
            }
        }
    }
}

async fn compare() {
    let add_on = AddOn::new("com.example.incidents", "Incidents")
        .scopes([Scope::ViewGroup, Scope::ViewRoom, Scope::SendNotification])
        .glance::<incidents>()
        .asset(
            "/siren.svg",
            "image/svg+xml",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        );
    let add_on = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let descriptor_url = format!("{}/", add_on.base_url());
    let installations = add_on.add_on().installations().clone();
    tokio::spawn(add_on.run(std::future::pending()));

    let folders = ROOMS.map(|_| tempfile::tempdir_in("/dev/shm").unwrap());
    let mut all = Vec::new();
    for (rooms, folder) in ROOMS.iter().zip(&folders) {
        let token = create(folder.path(), &descriptor_url, &installations).await;
        multiply(folder.path(), *rooms);
        let folder = folder.path().to_str().unwrap();
        // The first start moves the write-ahead log into the database.
        drop(Server::start(&[folder]));
        let begun = Instant::now();
        let server = Server::start(&[folder]);
        all.push(Measured {
            installations: rooms * PER_ROOM,
            start: begun.elapsed().as_secs_f64() * 1_000.0,
            idle: server.memory(),
            server,
            token,
            took: Default::default(),
        });
    }
    for round in 0..=ROUNDS {
        for measured in &mut all {
            measured.round(round == 0).await;
        }
    }
    println!("CPU per request, median of {ROUNDS} rounds");
    println!(
        "{:>15}{:>12}{:>14}{:>14}{:>12}{:>12}{:>16}",
        "installations", "start", "memory", "afterwards", "page", "push", "notification"
    );
    for measured in all {
        let [page, push, note] = measured.took.map(median);
        println!(
            "{:>15}{:>9.0} ms{:>10.1} MiB{:>10.1} MiB{page:>9.0} µs{push:>9.0} µs{note:>13.0} µs",
            measured.installations,
            measured.start,
            measured.idle / 1_048_576.0,
            measured.server.memory() / 1_048_576.0,
        );
    }
}
