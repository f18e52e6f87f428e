//! Tests how the program starts and ends.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(60);

fn program(data: &std::path::Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_incidents"));
    command
        .env("DATA_DIR", data)
        .env("PORT", port.to_string())
        .env("BASE_URL", "https://add-on.example.com/x/")
        .env("ALERTMANAGER_WEBHOOK_SECRET", "secret")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn program_serves_at_configured_address_until_terminated() {
    serves_until_terminated(Stdio::piped).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn unwritable_log_does_not_stop_program() {
    let full = || std::fs::File::options().write(true).open("/dev/full");
    serves_until_terminated(|| full().unwrap().into()).await;
}

async fn serves_until_terminated(output: impl Fn() -> Stdio) {
    let data = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut command = program(data.path(), port);
    command.stdout(output()).stderr(output());
    let mut process = command.spawn().unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    let descriptor = async {
        loop {
            if let Ok(answer) = glance_host::testing::http_client().get(&url).send().await {
                return answer.json::<Value>().await.unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    let descriptor = tokio::time::timeout(PATIENCE, descriptor).await.unwrap();
    assert_eq!(
        descriptor["capabilities"]["glance"][1]["queryUrl"],
        "https://add-on.example.com/x/glance/incidents"
    );

    let id = process.id().unwrap().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(told.unwrap().success());
    let ended = tokio::time::timeout(PATIENCE, process.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(0));
}

#[tokio::test]
async fn start_failures_are_reported() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let mut unset = program(data.path(), 0);
    unset.env_remove("ALERTMANAGER_WEBHOOK_SECRET");
    for (mut command, words) in [
        (program(&file, 0), "the data folder"),
        (unset, "set ALERTMANAGER_WEBHOOK_SECRET"),
    ] {
        let ended = tokio::time::timeout(PATIENCE, command.output()).await;
        let ended = ended.unwrap().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{words}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
