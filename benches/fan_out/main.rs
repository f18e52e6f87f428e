//! One push to a room with many viewers: the host beside bare axum servers that send the same
//! bytes, nginx with nchan, and socket.io.
//!
//! ```text
//! cargo bench -p glance-benches --bench fan_out                 # a room of 1,000 viewers
//! cargo bench -p glance-benches --bench fan_out -- 1000 5000    # rooms of as many as you say
//! ```
//!
//! nchan takes part where nginx has it (Debian: nginx-light and libnginx-mod-nchan), socket.io after
//! `npm ci` in `benches/peers`; whoever is left out is named. As many files may be open as the
//! largest room has viewers, and some more: `ulimit -Hn`.
//!
//! The host is the whole one: an add-on installed over HTTP, a query for each viewer at the
//! beginning, a condition on the pushed data judged for each, and pushes over the REST API with a
//! token of its own. Each server is a process (the Rust ones and Node of one thread), and so is who
//! watches it. The watchers count: the next push is made once every viewer has the last, each mark
//! once and in order. What counts is the server's CPU time per delivery; the servers take turns.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot be set up says so and ends"
)]

mod host;
mod servers;
#[path = "../support.rs"]
mod support;
mod watch;

use std::process::Command;

use host::AddOnOfHost;
use servers::{Kind, Server};
use watch::Watcher;

/// Deliveries of each server in a round.
const DELIVERIES: usize = 100_000;
const ROUNDS: usize = 5;
/// Connections that each server has before its memory is measured for the first time.
const FIRST: usize = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["host", descriptor] => host::serve(descriptor),
        ["axum", which] => servers::serve_axum(which),
        ["watch", kind, address, path] => watch::watch(kind, address, path),
        ["compare", ..] => compare(&rooms(&arguments)),
        _ => with_files(&arguments),
    }
}

/// Compares in a process that may open as many files as this one may allow itself.
fn with_files(arguments: &[&str]) {
    let status = Command::new("sh")
        .args([
            "-c",
            "ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" compare \"$@\"",
        ])
        .arg(std::env::current_exe().unwrap())
        .args(arguments)
        .status()
        .unwrap();
    std::process::exit(status.code().unwrap_or(1));
}

/// The sizes that were asked for; cargo passes words of its own.
fn rooms(arguments: &[&str]) -> Vec<usize> {
    let mut rooms: Vec<usize> = arguments.iter().flat_map(|text| text.parse()).collect();
    if rooms.is_empty() {
        rooms = vec![1_000];
    }
    rooms.retain(|viewers| *viewers > FIRST);
    rooms.sort_unstable();
    rooms
}

/// A server, who watches it, and what was measured of it.
struct Peer {
    server: Server,
    watcher: Watcher,
    /// Bytes in memory while nobody watches.
    alone: f64,
}

fn compare(rooms: &[usize]) {
    let add_on = AddOnOfHost::start();
    let started = Kind::ALL.into_iter().filter_map(|kind| {
        let server = match kind.start(&add_on) {
            Ok(server) => server,
            Err(why) => {
                println!("{} is left out: {why}", kind.name());
                return None;
            }
        };
        let mut watcher = Watcher::start(&server);
        // The first connections bring what is made once.
        watcher.open(FIRST);
        let alone = server.memory();
        Some(Peer {
            server,
            watcher,
            alone,
        })
    });
    let mut peers: Vec<Peer> = started.collect();
    let sample = peers[0].sample(&add_on);
    let mut mark = 1;
    for &viewers in rooms {
        let memory: Vec<f64> = peers
            .iter_mut()
            .map(|peer| {
                peer.watcher.open(viewers);
                (peer.server.memory() - peer.alone) / (viewers - FIRST) as f64
            })
            .collect();
        let pushes = (DELIVERIES / viewers).max(1);
        let mut cpu = vec![Vec::new(); peers.len()];
        for round in 0..=ROUNDS {
            let first = mark + 1;
            mark += pushes;
            for (peer, cpu) in peers.iter_mut().zip(&mut cpu) {
                let before = peer.server.cpu();
                for mark in first..=mark {
                    peer.server.push(&add_on, &sample, mark);
                    peer.watcher.expect(mark);
                }
                let took = (peer.server.cpu() - before) / (pushes * viewers) as f64;
                // The first round only warms up.
                if round > 0 {
                    cpu.push(took);
                }
            }
        }
        print(viewers, &peers, &cpu, &memory);
    }
}

impl Peer {
    /// What the host sends for the first push; the others send the same.
    fn sample(&mut self, add_on: &AddOnOfHost) -> String {
        self.server.push(add_on, "", 1);
        self.watcher.expect(1);
        self.watcher.sample()
    }
}

fn print(viewers: usize, peers: &[Peer], cpu: &[Vec<f64>], memory: &[f64]) {
    println!("\n{viewers} viewers, median of {ROUNDS} rounds of {DELIVERIES} deliveries");
    println!(
        "{:26}{:>15}{:>11}{:>19}",
        "", "CPU/delivery", "of axum", "memory/idle viewer"
    );
    let axum = peers
        .iter()
        .position(|peer| peer.server.kind == Kind::AxumSse);
    let axum = median(&cpu[axum.expect("axum always takes part")]);
    for ((peer, cpu), memory) in peers.iter().zip(cpu).zip(memory) {
        let median = median(cpu);
        println!(
            "{:26}{median:>12.2} µs{:>11.2}{:>15.1} KiB",
            peer.server.kind.name(),
            median / axum,
            memory / 1024.0,
        );
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
