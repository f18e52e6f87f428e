//! What a host with many rooms costs while nobody looks:
//! `cargo test -p glance-host --features server --test server large -- --ignored --nocapture`.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::add_on::AddOn;
use crate::process::Server;

const ROOMS: u64 = 10_000;

/// How much memory 10,000 rooms may cost, in KiB: less than two for each.
const ALLOWED: u64 = 16 * 1024;

/// Starts the host: how long that took, and what it has then, in KiB.
async fn measure(folder: &Path, what: &str) -> u64 {
    let began = Instant::now();
    let server = Server::start(folder, "").await;
    let took = began.elapsed();
    let idle = server.memory();
    let events = server.client.get(server.url("/rooms/1/events"));
    let mut page = events.send().await.unwrap();
    let shown = page.chunk().await.unwrap().unwrap();
    assert!(str::from_utf8(&shown).unwrap().contains("declared-9"));
    println!(
        "{what}: started in {} ms, {idle} KiB; {} KiB with a viewer",
        in_ms(took),
        server.memory()
    );
    drop(page);
    server.stop().await;
    idle
}

fn in_ms(took: Duration) -> u128 {
    took.as_millis()
}

/// Multiplies what is in the database of a host that does not run.
fn change(folder: &Path, statements: &str) {
    let database = Connection::open(folder.join("glance-host-data/host.sqlite")).unwrap();
    database.execute_batch(statements).unwrap();
}

#[tokio::test]
#[ignore = "a measurement: it needs the machine for itself"]
async fn memory_grows_with_neither_rooms_nor_installations() {
    let folder = tempfile::tempdir().unwrap();
    let add_on = AddOn::serve().await;
    let server = Server::start(folder.path(), "").await;
    let installed = server.install(&add_on.url("quiet")).await.unwrap();
    assert!(installed.is_success());
    server.stop().await;
    let one = measure(folder.path(), "1 room, 1 installation").await;

    let rooms = format!(
        "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < {ROOMS})
         INSERT INTO room (id, name, owner) SELECT n, 'room ' || n, 1 FROM n;"
    );
    change(folder.path(), &rooms);
    change(folder.path(), "UPDATE installation SET room_id = NULL;");
    let what = format!("{ROOMS} rooms, 1 installation in all of them");
    let global = measure(folder.path(), &what).await;

    change(
        folder.path(),
        "UPDATE installation SET room_id = 1;
         INSERT INTO installation (oauth_id, oauth_secret, room_id, add_on_key, descriptor_url,
                                   descriptor, accepted)
         SELECT oauth_id || room.id, oauth_secret, room.id, add_on_key, descriptor_url, descriptor, 1
         FROM installation, room WHERE room.id > 1;",
    );
    let what = format!("{ROOMS} rooms, {ROOMS} installations");
    let each = measure(folder.path(), &what).await;
    assert!(global < one + ALLOWED && each < one + ALLOWED);
}
