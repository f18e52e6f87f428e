//! Servers of a benchmark, each a process of its own, and how they are asked.

#![allow(dead_code, reason = "no benchmark uses all of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use glance_host::Builder;

pub(crate) const CONNECTIONS: usize = 64;

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Serves a host with a room where the add-on is installed. Prints its address, the room and the installation.
pub(crate) async fn serve_host(host: Builder, descriptor_url: &str) {
    let host = host.port(0).rate_limit(u32::MAX).start().await.unwrap();
    let room = host.open_room("incidents").await.unwrap();
    let installed = host.install(&room, descriptor_url).await.unwrap();
    let address = host.base_url().trim_start_matches("http://");
    println!("{address} {} {}", room.id, installed.oauth_id);
    std::future::pending::<()>().await;
}

/// This benchmark's executable, started as a server. It ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts the executable with the arguments `serve` and these. It prints its address first.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        Self { child, address }
    }

    /// Microseconds of CPU time the process has used.
    pub(crate) fn cpu(&self) -> f64 {
        cpu(&self.child.id().to_string())
    }

    /// Bytes of memory that the process occupies.
    pub(crate) fn memory(&self) -> f64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
        kilobytes.parse::<f64>().unwrap() * 1_024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Microseconds of CPU time a process has used. Linux counts them in hundredths of a second.
pub(crate) fn cpu(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = |nth| -> f64 { fields.split_whitespace().nth(nth).unwrap().parse().unwrap() };
    (ticks(11) + ticks(12)) * 10_000.0
}

/// Sends so many requests over each of [`CONNECTIONS`] connections: these in turn. All answers are
/// equally long.
pub(crate) fn ask(address: &str, per_connection: usize, requests: &[String]) {
    let mut streams: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_nodelay(true).unwrap();
            stream
        })
        .collect();
    let mut requests = requests.iter().cycle();
    let mut answer = vec![0; 4_096];
    let mut length = 0;
    for _ in 0..per_connection {
        for (stream, request) in streams.iter_mut().zip(&mut requests) {
            stream.write_all(request.as_bytes()).unwrap();
        }
        for stream in &mut streams {
            if length == 0 {
                // One small answer comes in one piece.
                length = stream.read(&mut answer).unwrap();
            } else {
                stream.read_exact(&mut answer[..length]).unwrap();
            }
            let text = String::from_utf8_lossy(&answer[..length]);
            assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        }
    }
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
