//! Tests Ctrl-C while a command waits for another program.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use glance_host::testing::FaultHost;
use glance_sdk::prelude::*;
use glance_sdk::store::Installation;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// The longest wait for a state before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn glance(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-glance"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for name in ["HOST", "PORT", "BASE_URL", "ALLOW_NETWORKS"] {
        command.env_remove(name);
    }
    command.spawn().unwrap()
}

/// Presses Ctrl-C: the command reports it, and ends with the exit code of shells.
async fn interrupt(process: Child) {
    let id = process.id().unwrap().to_string();
    let kill = Command::new("kill").args(["-INT", &id]).status().await;
    assert!(kill.unwrap().success());
    let ended = tokio::time::timeout(PATIENCE, process.wait_with_output()).await;
    let ended = ended.unwrap().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(
        (ended.status.code(), ended.status.signal()),
        (Some(130), None),
        "{said}"
    );
    assert!(
        said.contains("error[interrupted]: interrupted\n  help: "),
        "{said}"
    );
    assert!(!said.contains("panicked"), "{said}");
}

/// The messages from the add-on to the test.
#[derive(Debug, PartialEq)]
enum Heard {
    Query,
    Removal,
}

#[derive(Clone)]
struct Tell(Arc<mpsc::UnboundedSender<Heard>>);

/// Never responds.
#[glance(key = "slow", name = "Slow", icon = "/icon.svg")]
async fn slow(State(tell): State<Tell>) -> GlanceData {
    tell.0.send(Heard::Query).unwrap();
    std::future::pending().await
}

#[tokio::test]
async fn interrupted_simulation_removes_its_installation() {
    let (tell, mut heard) = mpsc::unbounded_channel();
    let add_on = AddOn::new("com.example.slow", "Slow")
        .state(Tell(Arc::new(tell)))
        .glance::<slow>()
        .on_uninstall(|tell: Tell, _: Installation| async move { tell.0.send(Heard::Removal) });
    let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let installations = server.add_on().installations().clone();
    let url = format!("{}/", server.base_url());
    tokio::spawn(server.run(std::future::pending()));

    let process = glance(&["simulate", "query", &url, "slow"]);
    let next = tokio::time::timeout(PATIENCE, heard.recv()).await;
    assert_eq!(next.unwrap(), Some(Heard::Query));
    let here = installations.list().await.unwrap();
    assert_eq!(here.len(), 1);
    interrupt(process).await;
    let next = tokio::time::timeout(PATIENCE, heard.recv()).await;
    assert_eq!(next.unwrap(), Some(Heard::Removal));
    assert!(installations.list().await.unwrap().is_empty());
}

/// Starts a server that accepts a connection and never responds.
async fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

async fn called(listener: &TcpListener) -> TcpStream {
    let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await;
    accepted.unwrap().unwrap().0
}

#[tokio::test]
async fn interrupted_doctor_exits_at_once() {
    let (listener, url) = silent().await;
    let process = glance(&["doctor", &url]);
    let _open = called(&listener).await;
    interrupt(process).await;
}

#[tokio::test]
async fn interrupted_replay_exits_at_once_and_keeps_recording() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quick.jsonl");
    let host = FaultHost::start().await;
    let recording = host.record_to(&file).unwrap();
    let room = host.room("ops").await;
    let add_on = room.install(AddOn::new("com.example.quick", "Quick")).await;
    add_on.stop().await;
    recording.finish().unwrap();
    let recorded = std::fs::read_to_string(&file).unwrap();
    assert!(recorded.contains("\"purpose\""), "{recorded}");

    let (listener, url) = silent().await;
    let process = glance(&["replay", file.to_str().unwrap(), &url]);
    let _open = called(&listener).await;
    interrupt(process).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), recorded);
}
