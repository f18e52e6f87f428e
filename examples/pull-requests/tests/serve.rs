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
    let mut command = Command::new(env!("CARGO_BIN_EXE_pull-requests"));
    command
        .env("DATA_DIR", data)
        .env("PORT", port.to_string())
        .env("BASE_URL", "https://add-on.example.com/pulls/")
        .env("GITHUB_WEBHOOK_SECRET", "secret")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
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
    let port = free_port();
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
        descriptor["links"]["self"],
        "https://add-on.example.com/pulls/"
    );
    let glance = &descriptor["capabilities"]["glance"][1];
    assert_eq!(
        glance["queryUrl"],
        "https://add-on.example.com/pulls/glance/pull-requests"
    );
    assert_eq!(
        glance["icon"]["url"],
        "https://add-on.example.com/pulls/icon.svg"
    );
    assert_eq!(
        glance["conditions"],
        serde_json::json!([{
            "condition": "glance_matches",
            "params": { "metadata": [
                { "attr": "isConfigured", "eq": true },
                { "attr": "count", "gt": 0 },
            ] },
        }])
    );

    let id = process.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .unwrap()
            .success()
    );
    let status = tokio::time::timeout(PATIENCE, process.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn start_failures_are_reported() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();

    let mut without_secret = program(data.path(), 0);
    without_secret.env_remove("GITHUB_WEBHOOK_SECRET");
    let mut no_port = program(data.path(), 0);
    no_port.env("PORT", "many");
    for (mut command, words) in [
        (program(data.path(), port), "Choose another PORT"),
        (program(&file, 0), "the data folder"),
        (without_secret, "set GITHUB_WEBHOOK_SECRET"),
        (no_port, "PORT is \"many\", which is not a port"),
    ] {
        let ended = tokio::time::timeout(PATIENCE, command.output())
            .await
            .unwrap()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{words}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
