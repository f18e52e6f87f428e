//! Tests the small commands of `cargo glance`: tokens, schemas, completions, recordings.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use glance_sdk::auth::{SigningKey, now};
use glance_sdk::model::{Claims, InstallationData};
use glance_sdk::prelude::*;
use glance_sdk::store::{Endpoints, Installation, InstallationStore, SqliteStore};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// The longest wait for a state before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn glance(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-glance"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn run(arguments: &[&str], input: &str) -> Output {
    let mut process = glance(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    process.wait_with_output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[glance(key = "builds", name = "Builds", icon = "/icon.svg")]
async fn builds(State(broken): State<u32>) -> GlanceData {
    GlanceData::new(label!("<b>{broken}</b> broken builds"))
}

/// Serves an add-on until the test ends. Returns its URL.
async fn serve(broken: u32) -> String {
    let add_on = AddOn::new("com.example.builds", "Builds").state(broken);
    let add_on = add_on.glance::<builds>();
    let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let base_url = server.base_url().to_owned();
    tokio::spawn(server.run(std::future::pending()));
    base_url
}

#[tokio::test]
async fn tokens_are_shown_and_verified_with_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.sqlite");
    let store = SqliteStore::open(&file).unwrap();
    let secret = "0123456789abcdef0123456789abcdef01234567";
    let data = InstallationData::new(
        "known".into(),
        secret.into(),
        "https://h.example/v2/capabilities",
        1.into(),
    );
    let endpoints = Endpoints::new("https://h.example/v2/oauth/token", "https://h.example/v2/");
    store
        .put(&Installation::new(data, endpoints))
        .await
        .unwrap();
    let file = file.to_str().unwrap();
    let signed = |issuer: &str, secret: &str, from: i64| {
        let mut claims = Claims::new(issuer.to_owned().into(), now() + from, now() + from + 3600);
        claims.sub = Some("42".to_owned());
        SigningKey::new(&secret.into()).sign(&claims)
    };
    let inspect = ["token", "inspect", "--store", file, "--json"];

    let good = signed("known", secret, 0);
    let url = format!("https://a.example/glances/builds?signed_request={good}&x=1");
    let ended = run(&inspect, &url).await;
    assert!(ended.status.success(), "{ended:?}");
    let shown: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(
        (&shown["signature"], &shown["accepted"]),
        (&"good".into(), &true.into())
    );
    assert_eq!(shown["claims"]["sub"], "42");

    for (token, why) in [
        (
            signed("known", "another secret of an installation", 0),
            "another secret",
        ),
        (signed("unknown", secret, 0), "does not have"),
        (signed("known", secret, -9000), "expired"),
    ] {
        let ended = run(&inspect, &token).await;
        assert_eq!(ended.status.code(), Some(1));
        let shown: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert!(shown["problem"].as_str().unwrap().contains(why), "{shown}");
        assert!(text(&ended.stderr).starts_with("error[token-refused]"));
        // Without a store the signature cannot be verified, but the token is still shown.
        let ended = run(&["token", "inspect"], &token).await;
        assert!(ended.status.success(), "{ended:?}");
        assert!(text(&ended.stdout).contains("signature     not checked"));
    }

    let ended = run(&inspect, "no token").await;
    assert!(
        text(&ended.stderr).starts_with("error[no-token]"),
        "{ended:?}"
    );
    let missing = folder.path().join("missing.sqlite");
    let ended = run(
        &["token", "inspect", "--store", missing.to_str().unwrap()],
        &good,
    )
    .await;
    assert!(
        text(&ended.stderr).starts_with("error[no-store]"),
        "{ended:?}"
    );
    assert!(!missing.exists());
}

#[tokio::test]
async fn schemas_and_completions_are_printed() {
    let ended = run(&["schema", "descriptor"], "").await;
    let schema: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(schema, glance_sdk::schema::descriptor());
    let ended = run(&["schema", "glance-data"], "").await;
    let schema: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(schema, glance_sdk::schema::glance_data());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = run(&["completions", shell], "").await;
        assert!(ended.status.success(), "{ended:?}");
        let script = text(&ended.stdout);
        assert!(
            script.contains("cargo-glance") && script.contains("validate"),
            "{shell}"
        );
    }
}

#[tokio::test]
async fn every_help_has_an_example() {
    for command in [
        &[][..],
        &["demo"],
        &["dev"],
        &["new"],
        &["validate"],
        &["token"],
        &["token", "inspect"],
        &["simulate"],
        &["simulate", "query"],
        &["simulate", "push"],
        &["simulate", "webhook"],
        &["simulate", "action"],
        &["simulate", "install"],
        &["doctor"],
        &["install"],
        &["remove"],
        &["list"],
        &["schema"],
        &["record"],
        &["replay"],
        &["completions"],
    ] {
        let ended = run(&[command, &["--help"]].concat(), "").await;
        assert!(ended.status.success());
        let help = text(&ended.stdout);
        let example = help
            .split("Example")
            .nth(1)
            .unwrap_or_else(|| panic!("{command:?}: {help}"));
        assert!(
            example.contains(&format!("cargo glance {}", command.join(" "))),
            "{help}"
        );
    }
}

async fn record(file: &Path, add_on: &str) {
    let mut recording = glance(&["record"])
        .arg(file)
        .arg(format!("{add_on}/"))
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(recording.stdout.take().unwrap()).lines();
    let open = lines.next_line().await.unwrap().unwrap();
    let room = open.strip_prefix("Open    ").unwrap();
    let mut events = glance_host::testing::http_client()
        .get(format!("{room}/events"))
        .send()
        .await
        .unwrap();
    let mut told = String::new();
    while !told.contains("broken builds") {
        told += &text(&events.chunk().await.unwrap().unwrap());
    }
    // The data is not flushed to the file yet.
    assert!(!file.exists());
    let id = recording.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .await
            .unwrap()
            .success()
    );
    assert!(recording.wait().await.unwrap().success());
}

#[tokio::test]
async fn recordings_are_replayed_and_differences_fail() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("builds.jsonl");
    let add_on = serve(2).await;
    let recorded = tokio::time::timeout(PATIENCE, record(&file, &add_on));
    recorded.await.unwrap();
    let path = file.to_str().unwrap();
    let lines = std::fs::read_to_string(&file).unwrap();
    assert!(lines.contains("\"purpose\":\"query\"") && lines.contains("\"purpose\":\"removal\""));

    let (same, other) = (serve(2).await, serve(3).await);
    let ended = run(&["replay", path, &same], "").await;
    assert!(ended.status.success(), "{ended:?}");
    let ended = run(&["replay", path, &other, "--json"], "").await;
    assert_eq!(ended.status.code(), Some(1));
    let differences: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(differences[0]["pointer"], "/answer/label/value");
    assert!(text(&ended.stderr).starts_with("error[differs]"));
    let ended = run(&["replay", path, &other, "--ignore", "/answer/label"], "").await;
    assert!(ended.status.success(), "{ended:?}");

    // A recording that cannot start leaves the file unchanged, and creates no other files.
    for (arguments, code) in [
        (&["record", path, &format!("{same}/")][..], "file-exists"),
        (
            &["record", path, "http://127.0.0.1:1/", "--force"],
            "not-installed",
        ),
        (&["record", path, "nowhere", "--force"], "bad-url"),
        (&["replay", "missing.jsonl", &same], "no-recording"),
        (&["replay", path, "nowhere"], "bad-url"),
    ] {
        let ended = run(arguments, "").await;
        assert_eq!(ended.status.code(), Some(1));
        let said = text(&ended.stderr);
        assert!(said.starts_with(&format!("error[{code}]: ")), "{said}");
        assert!(said.contains("\n  help: "), "{said}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), lines);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
