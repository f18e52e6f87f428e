//! Tests `cargo glance simulate` and `cargo glance doctor` against add-ons in this process.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::{Output, Stdio};

use glance_host::Host;
use glance_sdk::axum::response::Html;
use glance_sdk::model::webhook::RoomMessage;
use glance_sdk::model::{Action, ActionLocation, Notification};
use glance_sdk::prelude::*;
use glance_sdk::store::{InstallationStore, SqliteStore};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

async fn run(arguments: &[&str], input: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-glance"));
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for name in [
        "HOST",
        "PORT",
        "BASE_URL",
        "ALLOW_NETWORKS",
        "GLANCE_SECRET_KEYS",
    ] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    // A command that reads no input may have ended already.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    process.wait_with_output().await.unwrap()
}

async fn simulate(arguments: &[&str], input: &str) -> Output {
    run(&[&["simulate"], arguments].concat(), input, &[]).await
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[derive(Serialize, GlanceMetadata)]
struct Builds {
    broken: u32,
}

#[glance(key = "builds", name = "Builds", icon = "/icon.svg", target = "panel", when(broken > 0))]
async fn builds(State(broken): State<u32>) -> GlanceData<Builds> {
    GlanceData::new(label!("<b>{broken}</b> broken builds")).metadata(Builds { broken })
}

/// Returns a page with a form, whose token is where the output cuts a long body.
async fn form(request: SignedRequest) -> Html<String> {
    let field = request.page_token_field();
    Html(format!(
        "<p>{}</p><form method=post>{field}</form>{}",
        "x".repeat(3_850),
        request.page_token()
    ))
}

async fn panel() -> Html<&'static str> {
    Html("<!doctype html><title>Builds</title>")
}

/// Serves an add-on that stores its installations in this file. Returns its URL.
async fn serve(broken: u32, store: SqliteStore) -> String {
    let add_on = AddOn::new("com.example.builds", "Builds")
        .description("Counts broken builds.")
        .state(broken)
        .store(store)
        .glance::<builds>()
        .web_panel("panel", "Builds", get(panel));
    let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let base_url = server.base_url().to_owned();
    tokio::spawn(server.run(std::future::pending()));
    format!("{base_url}/")
}

#[tokio::test]
async fn query_explains_visibility_and_removes_installation() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("store.sqlite")).unwrap();
    let url = serve(2, store.clone()).await;
    let ended = simulate(&["query", &url], "").await;
    assert!(ended.status.success(), "{ended:?}");
    let said = text(&ended.stdout);
    assert!(
        said.contains("/glance/builds?signed_request={{signed}}"),
        "{said}"
    );
    assert!(said.contains("good shown: all conditions hold"), "{said}");
    assert_eq!(store.count(None).await.unwrap(), 0);

    let empty = SqliteStore::open(folder.path().join("empty.sqlite")).unwrap();
    let ended = simulate(&["query", &serve(0, empty).await, "builds", "--json"], "").await;
    let shown: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(shown["exchanges"][0]["answer"]["status"], 200);
    let verdicts = shown["verdicts"].as_array().unwrap();
    let last = verdicts.last().unwrap();
    assert_eq!(last["text"], "hidden: `broken` is 0, needs > 0");

    let ended = simulate(&["query", &url, "other"], "").await;
    assert!(
        text(&ended.stderr).starts_with("error[no-glance]: "),
        "{ended:?}"
    );
    assert!(
        text(&ended.stderr).contains("help: use one of these: builds"),
        "{ended:?}"
    );
    assert_eq!(store.count(None).await.unwrap(), 0);
}

#[tokio::test]
async fn install_shows_each_call_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("store.sqlite")).unwrap();
    let url = serve(2, store.clone()).await;
    let ended = simulate(&["install", &url, "--json"], "").await;
    assert!(ended.status.success(), "{ended:?}");
    let shown: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let calls: Vec<_> = shown["exchanges"].as_array().unwrap().iter().collect();
    let is_there = |method: &str, part: &str| {
        calls.iter().any(|call| {
            let request = &call["request"];
            request["method"] == method && request["url"].as_str().unwrap().contains(part)
        })
    };
    assert!(
        is_there("POST", "/installed") && is_there("DELETE", "/installed/"),
        "{shown:#}"
    );
    assert!(is_there("POST", "/oauth/token"), "{shown:#}");
    let body = calls
        .iter()
        .find_map(|call| call["request"]["body"]["oauthSecret"].as_str());
    assert_eq!(body, Some("{{secret}}"));
    assert_eq!(store.count(None).await.unwrap(), 0);
}

#[tokio::test]
async fn existing_installation_is_used_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.sqlite");
    let url = serve(2, SqliteStore::open(&file).unwrap()).await;
    let file = file.to_str().unwrap();
    let ended = simulate(&["query", &url, "--store", file], "").await;
    assert!(
        text(&ended.stderr).starts_with("error[no-installation]: "),
        "{ended:?}"
    );

    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install_url(&url).await.unwrap();
    let mut viewer = room.viewer("ann").await;
    viewer.glance::<builds>().await;
    let ended = simulate(&["query", &url, "--store", file, "--json"], "").await;
    assert!(ended.status.success(), "{ended:?}");
    let secret = installed.oauth_secret.expose();
    assert!(!text(&ended.stdout).contains(secret));

    let data =
        r#"{"label": {"type": "html", "value": "<b>7</b> pushed"}, "metadata": {"broken": 7}}"#;
    let ended = simulate(&["push", &url, "builds", "-", "--store", file], data).await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(
        text(&ended.stdout).contains("good shown: all conditions hold"),
        "{ended:?}"
    );
    viewer.label("builds", "7 pushed").await;
    let ended = simulate(&["push", &url, "builds", "-", "--store", file], "{}").await;
    assert!(
        text(&ended.stderr).starts_with("error[invalid]: "),
        "{ended:?}"
    );
    assert!(
        !host
            .state()
            .installations_in(room.room.id)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn simulation_failures_have_code_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("store.sqlite")).unwrap();
    let url = serve(2, store.clone()).await;
    for (arguments, code) in [
        (&["query", "http://127.0.0.1:1/"][..], "not-installed"),
        (&["query", "nowhere"], "bad-url"),
        (&["query", &url, "--store", "missing.sqlite"], "no-store"),
        (&["action", &url], "no-action"),
        (&["webhook", &url, "room_message"], "no-webhook"),
        (&["install", "http://127.0.0.1:1/"], "not-installed"),
        (&["push", &url, "builds", "missing.json"], "no-file"),
    ] {
        let ended = simulate(arguments, "").await;
        assert_eq!(ended.status.code(), Some(1));
        let said = text(&ended.stderr);
        assert!(said.starts_with(&format!("error[{code}]: ")), "{said}");
        assert!(said.contains("\n  help: "), "{said}");
    }
    assert_eq!(store.count(None).await.unwrap(), 0);
}

#[glance(key = "builds.3", name = "Build 3", icon = "/icon.svg")]
async fn build_3() -> GlanceData {
    GlanceData::new(label!("Build 3 runs"))
}

#[tokio::test]
async fn runtime_glance_cannot_be_simulated() {
    let add_on = AddOn::new("com.example.builds", "Builds").runtime_glance::<build_3>();
    let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let url = format!("{}/", server.base_url());
    tokio::spawn(server.run(std::future::pending()));
    let data = r#"{"label": {"type": "html", "value": "x"}}"#;
    let ended = simulate(&["push", &url, "builds.3", "-"], data).await;
    let said = text(&ended.stderr);
    assert!(
        said.starts_with("error[no-glance]: the descriptor has no glance \"builds.3\""),
        "{said}"
    );
    assert!(said.contains("at run time"), "{said}");
    assert!(said.contains("help: look at the glance"), "{said}");
}

fn finding<'f>(findings: &'f Value, subject: &str, level: &str) -> &'f Value {
    let mut all = findings.as_array().unwrap().iter();
    let found = all.find(|one| one["subject"] == subject && one["level"] == level);
    found.unwrap_or_else(|| panic!("no {level} finding about {subject}: {findings:#}"))
}

#[tokio::test]
async fn doctor_finds_problems() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.sqlite");
    let url = serve(2, SqliteStore::open(&file).unwrap()).await;
    let host = Host::start().await;
    host.room("ops").await.install_url(&url).await.unwrap();
    let file = file.to_str().unwrap();

    let good = [
        "doctor",
        &url,
        "--store",
        file,
        "--host",
        host.base_url(),
        "--json",
    ];
    let ended = run(&good, "", &[]).await;
    assert!(ended.status.success(), "{ended:?}");
    let findings: Value = serde_json::from_slice(&ended.stdout).unwrap();
    for subject in [
        "descriptor",
        "clock",
        "cors",
        "host",
        "store",
        "allow-hosts",
    ] {
        finding(&findings, subject, "good");
    }

    for (arguments, variables, subject) in [
        (&["doctor", "http://127.0.0.1:1"][..], &[][..], "add-on"),
        (&["doctor", "nowhere"], &[], "base-url"),
        (&["doctor"], &[("HOST", "0.0.0.0")], "base-url"),
        (
            &["doctor", &url],
            &[("GLANCE_SECRET_KEYS", "short")],
            "secrets",
        ),
        (&["doctor", &url, "--store", "missing.sqlite"], &[], "store"),
        (
            &["doctor", &url, "--host", host.base_url()],
            &[("ALLOW_NETWORKS", "x")],
            "allow-hosts",
        ),
    ] {
        let ended = run(&[arguments, &["--json"]].concat(), "", variables).await;
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(
            text(&ended.stderr).starts_with("error[unwell]: "),
            "{ended:?}"
        );
        let findings: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert!(finding(&findings, subject, "bad")["help"].is_string());
    }
    let ended = run(
        &["doctor", &url],
        "",
        &[("HTTPS_PROXY", "http://user:word@127.0.0.1:9")],
    )
    .await;
    let said = text(&ended.stdout);
    assert!(
        said.contains("HTTPS_PROXY is set") && !said.contains("word"),
        "{said}"
    );
}

#[tokio::test]
async fn doctor_checks_store_of_current_folder() {
    let folder = tempfile::tempdir().unwrap();
    let doctor = async |url: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-glance"));
        command
            .args(["doctor", url, "--json"])
            .current_dir(folder.path());
        let ended = command
            .env_remove("GLANCE_SECRET_KEYS")
            .output()
            .await
            .unwrap();
        serde_json::from_slice::<Value>(&ended.stdout).unwrap()
    };
    let file = folder.path().join("com.example.builds.sqlite");
    let url = serve(2, SqliteStore::open(&file).unwrap()).await;
    let host = Host::start().await;
    host.room("ops").await.install_url(&url).await.unwrap();
    let findings = doctor(&url).await;
    let said = finding(&findings, "store", "good")["text"]
        .as_str()
        .unwrap();
    assert_eq!(said, "com.example.builds.sqlite has one installation.");

    let elsewhere = SqliteStore::open(folder.path().join("elsewhere")).unwrap();
    std::fs::remove_file(&file).unwrap();
    let findings = doctor(&serve(2, elsewhere).await).await;
    let said = finding(&findings, "store", "warning")["text"]
        .as_str()
        .unwrap();
    assert!(said.contains("no com.example.builds.sqlite"), "{said}");
}

#[webhook(event = RoomMessage, pattern = "^/count")]
async fn counted(_request: WebhookRequest<RoomMessage>) -> Notification {
    Notification::text("Counted.")
}

#[tokio::test]
async fn webhooks_and_actions_are_called_like_by_host() {
    let add_on = AddOn::new("com.example.counts", "Counts")
        .description("Counts.")
        .webhook::<counted>()
        .web_panel("panel", "Counts", get(panel))
        .action(Action::new(
            "count",
            "Count",
            ActionLocation::Message,
            "panel",
        ))
        .web_panel("form", "Vote", get(form))
        .action(Action::new("vote", "Vote", ActionLocation::Message, "form"));
    let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let url = format!("{}/", server.base_url());
    tokio::spawn(server.run(std::future::pending()));

    let called = [
        "webhook",
        &url,
        "room_message",
        "--message",
        "/count all",
        "--json",
    ];
    let ended = simulate(&called, "").await;
    assert!(ended.status.success(), "{ended:?}");
    let shown: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let call = &shown["exchanges"][0];
    assert_eq!(
        call["request"]["body"]["item"]["message"]["message"],
        "/count all"
    );
    assert_eq!(call["answer"]["body"]["message"], "Counted.");
    let ended = simulate(&["webhook", &url, "room_enter"], "").await;
    assert!(
        text(&ended.stderr).contains("it listens for these: room_message"),
        "{ended:?}"
    );

    let ended = simulate(&["action", &url, "count"], "").await;
    assert!(ended.status.success(), "{ended:?}");
    let said = text(&ended.stdout);
    assert!(
        said.contains("< content-type: text/html") && said.contains("good The page opens."),
        "{said}"
    );

    for arguments in [
        &["action", &url, "vote"][..],
        &["action", &url, "vote", "--json"],
    ] {
        let ended = simulate(arguments, "").await;
        assert!(ended.status.success(), "{ended:?}");
        let said = text(&ended.stdout);
        assert!(
            said.contains("x-acpt") && said.contains("{{token}}"),
            "{said}"
        );
        assert!(!said.contains("eyJ"), "{said}");
    }
}

#[tokio::test]
async fn descriptor_of_another_product_is_recognized() {
    let jira = r#"{"key": "k", "name": "J", "baseUrl": "https://j.example", "modules": {}}"#;
    let router = glance_sdk::axum::Router::new().route("/", get(async move || jira));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = glance_sdk::serve::HttpServer::new(listener);
    tokio::spawn(server.run(router, std::future::pending()));
    for arguments in [
        &["simulate", "install", &url][..],
        &["simulate", "query", &url],
        &["doctor", &url],
    ] {
        let ended = run(arguments, "", &[]).await;
        assert_eq!(ended.status.code(), Some(1));
        let said = text(&ended.stderr) + &text(&ended.stdout);
        assert!(said.contains("descriptor of Jira or Confluence"), "{said}");
        assert!(said.contains("help: "), "{said}");
    }
}
