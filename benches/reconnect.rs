//! Many pages of one room connect at once, as after a restart of the host. The room has three glances whose query takes
//! 100 ms.
//!
//! ```text
//! cargo bench -p glance-benches --bench reconnect            # 2,000 pages
//! cargo bench -p glance-benches --bench reconnect -- 500     # as many as you say
//! ```
//!
//! Host, add-on and pages are in one process, so the times contain the work of the pages, too. Glances are queried once
//! per page, or once for the room (`audience = "room"`); the host has their data stored, or never saw any.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark that cannot be set up says so and ends"
)]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use glance_host::Host;
use glance_sdk::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const PAGES: usize = 2_000;

const QUERY: Duration = Duration::from_millis(100);

/// The answers of the glances: the number of the round, which every page waits for.
#[derive(Clone, Default)]
struct Answers {
    round: Arc<AtomicU32>,
    queries: Arc<AtomicU32>,
}

impl Answers {
    async fn answer(&self) -> GlanceData {
        self.queries.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(QUERY).await;
        let round = self.round.load(Ordering::SeqCst);
        GlanceData::new(label!("round {round}."))
    }
}

macro_rules! glances {
    ($($name:ident $key:literal $($audience:literal)?;)*) => {$(
        #[glance(key = $key, name = $key, icon = "/icon.svg" $(, audience = $audience)?)]
        async fn $name(State(answers): State<Answers>) -> GlanceData {
            answers.answer().await
        }
    )*};
}

glances! {
    own_1 "own-1"; own_2 "own-2"; own_3 "own-3";
    shared_1 "shared-1" "room"; shared_2 "shared-2" "room"; shared_3 "shared-3" "room";
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let pages = arguments.iter().find_map(|text| text.parse().ok());
    match arguments.first().map(String::as_str) {
        Some("measure") => measure(pages.unwrap_or(PAGES)),
        // Each page is two open files here.
        _ => {
            let command = "ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" measure \"$1\"";
            let own = std::env::current_exe().unwrap();
            let pages = pages.unwrap_or(PAGES).to_string();
            let mut shell = Command::new("sh");
            let status = shell.args(["-c", command]).arg(own).arg(pages).status();
            std::process::exit(status.unwrap().code().unwrap_or(1));
        }
    }
}

fn measure(pages: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    println!("{pages} pages, three glances, {QUERY:?} per query");
    println!(
        "{:<24} {:>8} {:>8} {:>12} {:>14} {:>16}",
        "", "queries", "failed", "out of date", "first line", "all lines new"
    );
    for is_shared in [true, false] {
        for is_stored in [false, true] {
            runtime.block_on(round(pages, is_shared, is_stored));
        }
    }
}

async fn round(pages: usize, is_shared: bool, is_stored: bool) {
    let folder = tempfile::tempdir().unwrap();
    let start = || Host::builder().port(0).data(folder.path()).start();
    let answers = Answers::default();
    let add_on = AddOn::new("com.example.slow", "Slow").state(answers.clone());
    let add_on = match is_shared {
        true => add_on
            .glance::<shared_1>()
            .glance::<shared_2>()
            .glance::<shared_3>(),
        false => add_on.glance::<own_1>().glance::<own_2>().glance::<own_3>(),
    };
    let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let descriptor = format!("{}/", server.base_url());
    let serving = tokio::spawn(server.run(std::future::pending()));
    let host = start().await.unwrap();
    let room = host.open_room("ops").await.unwrap();
    host.install(&room, &descriptor).await.unwrap();
    if is_stored {
        let mut viewer = host.room("ops").await.viewer("You").await;
        viewer.settled().await;
        // Answers for one person are stored in the background.
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    host.shutdown().await;

    answers.queries.store(0, Ordering::SeqCst);
    // The data of a room is young, so nobody queries it again.
    let wanted = u32::from(!(is_shared && is_stored));
    answers.round.store(wanted, Ordering::SeqCst);
    let host = start().await.unwrap();
    let address = host.base_url().trim_start_matches("http://").to_owned();
    let mut open = JoinSet::new();
    for _ in 0..pages {
        let request = format!(
            "GET /rooms/{}/events HTTP/1.1\r\nHost: {address}\r\n\r\n",
            room.id
        );
        open.spawn(page(address.clone(), request, format!("round {wanted}.")));
    }
    let seen = open.join_all().await;
    let connected = seen.iter().map(|page| page.connected).max().unwrap();
    let after = |at: Instant| at.saturating_duration_since(connected).as_millis();
    let count = |is: fn(&Seen) -> bool| seen.iter().filter(|page| is(page)).count();
    let first = seen.iter().filter_map(|page| page.first_line).max();
    let name = match (is_shared, is_stored) {
        (true, true) => "one query, stored",
        (true, false) => "one query, nothing yet",
        (false, true) => "each page, stored",
        (false, false) => "each page, nothing yet",
    };
    println!(
        "{name:<24} {:>8} {:>8} {:>12} {:>11} ms {:>13} ms",
        answers.queries.load(Ordering::SeqCst),
        count(|page| page.had_failure),
        count(|page| page.was_stale),
        first.map_or(0, after),
        seen.iter().map(|page| after(page.complete)).max().unwrap(),
    );
    serving.abort();
    host.shutdown().await;
}

/// The times and the events of one page.
struct Seen {
    connected: Instant,
    first_line: Option<Instant>,
    complete: Instant,
    had_failure: bool,
    was_stale: bool,
}

/// Opens the event stream of a page, until all three lines show this label.
async fn page(address: String, request: String, label: String) -> Seen {
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut seen = Seen {
        connected: Instant::now(),
        first_line: None,
        complete: Instant::now(),
        had_failure: false,
        was_stale: false,
    };
    let mut is_connected = false;
    let mut received = String::new();
    let mut buffer = vec![0; 16_384];
    let mut current = [false; 3];
    while current != [true; 3] {
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "the host closed a page: {received}");
        received.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        if !is_connected {
            is_connected = true;
            seen.connected = Instant::now();
        }
        while let Some((event, rest)) = received.split_once("\n\n") {
            seen.had_failure |= event.contains(r#""state":"failed""#);
            seen.was_stale |= event.contains(r#""stale":"#);
            // The first event has all lines, each later one has one.
            for line in event.split(r#""target":"#) {
                if line.contains(r#""state":"ready""#) {
                    seen.first_line.get_or_insert_with(Instant::now);
                }
                for (number, current) in current.iter_mut().enumerate() {
                    let is_this = line.contains(&format!("-{}\"", number + 1));
                    *current |= is_this && line.contains(&label);
                }
            }
            received = rest.to_owned();
        }
    }
    seen.complete = Instant::now();
    seen
}
