//! Tests `cargo glance install`, `remove` and `list` against running hosts, with and without
//! sign-in.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use glance_host::sign_in::SignIn;
use glance_host::{Clock, Host};
use glance_sdk::axum::Router;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::response::Redirect;
use glance_sdk::axum::routing::{any, delete, get, post};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

/// The longest wait for a state before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn glance(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-glance"));
    command
        .args(arguments)
        .env_remove("GLANCE_HOST_TOKEN")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    glance(arguments, variables).output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns the output of a successful command.
async fn printed(arguments: &[&str]) -> String {
    let ended = run(arguments, &[]).await;
    assert!(ended.status.success(), "{ended:?}");
    text(&ended.stdout)
}

async fn printed_json(arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(&[arguments, &["--json"]].concat()).await).unwrap()
}

/// Asserts that a command fails with this code. Returns its message.
fn assert_fails(ended: &Output, code: &str) -> String {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let said = text(&ended.stderr);
    assert!(said.starts_with(&format!("error[{code}]: ")), "{said}");
    assert!(said.contains("\n  help: "), "{said}");
    said
}

async fn serve(router: impl FnOnce(&str) -> Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = router(&base);
    tokio::spawn(async move { glance_sdk::axum::serve(listener, router).await });
    base
}

fn descriptor(base: &str) -> Value {
    json!({
        "key": "com.example.builds", "name": "Builds", "description": "Counts broken builds.",
        "links": { "self": format!("{base}/") },
        "capabilities": {
            "installable": { "callbackUrl": format!("{base}/installed") },
            "hipchatApiConsumer": { "scopes": ["send_notification"] },
        },
    })
}

/// An add-on that accepts an installation after `gate` has a permit, and counts its removals.
#[derive(Clone)]
struct AddOn {
    gate: Arc<Semaphore>,
    asked: Arc<Semaphore>,
    removed: Arc<AtomicUsize>,
    url: String,
}

impl AddOn {
    async fn serve(permits: usize) -> Self {
        let (gate, asked) = (
            Arc::new(Semaphore::new(permits)),
            Arc::new(Semaphore::new(0)),
        );
        let removed = Arc::new(AtomicUsize::new(0));
        let mut add_on = Self {
            gate,
            asked,
            removed,
            url: String::new(),
        };
        let (at_gate, count) = (add_on.clone(), add_on.clone());
        let base = serve(|base| {
            let document = descriptor(base).to_string();
            let accept = post(async move || {
                at_gate.asked.add_permits(1);
                at_gate.gate.acquire().await.unwrap().forget();
                StatusCode::NO_CONTENT
            });
            let leave = delete(async move || {
                count.removed.fetch_add(1, Ordering::SeqCst);
                StatusCode::NO_CONTENT
            });
            Router::new()
                .route("/", get(async move || document))
                .route("/installed", accept)
                .route("/installed/{id}", leave)
        });
        add_on.url = format!("{}/", base.await);
        add_on
    }
}

#[tokio::test]
async fn add_ons_are_installed_listed_and_removed_locally() {
    let host = Host::start().await;
    let (ops, dev) = (host.room("ops").await.room, host.room("dev").await.room);
    let add_on = AddOn::serve(3).await;
    let listed = printed(&["list", "--host", host.base_url()]).await;
    assert_eq!(
        listed,
        format!("No add-on is installed on {}.\n", host.base_url())
    );

    let install = ["install", &add_on.url, "--host", host.base_url(), "--room"];
    let said = printed(&[&install[..], &["ops"]].concat()).await;
    for words in [
        "Installed Builds (com.example.builds)\n",
        &format!("in      the room ops of {}\n", host.base_url()),
        "may     send_notification (Write notifications into rooms)\n",
        &format!("/rooms/{}/integrations#", ops.id),
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let again = printed(&[&install[..], &["ops"]].concat()).await;
    assert!(
        again.starts_with("Installed already, with this descriptor: Builds"),
        "{again}"
    );
    let id = dev.id.to_string();
    let second = printed_json(&[&install[..], &[&id]].concat()).await;
    assert_eq!(
        (&second["outcome"], &second["installation"]["room"]["name"]),
        (&json!("installed"), &json!("dev"))
    );

    let listed = printed(&["list", "--host", host.base_url()]).await;
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    assert!(
        lines[0].starts_with("NAME    KEY                 IN"),
        "{listed}"
    );
    assert!(
        lines[1].contains("the room dev") && lines[2].contains("the room ops"),
        "{listed}"
    );
    let of_ops = printed_json(&["list", "--host", host.base_url(), "--room", "ops"]).await;
    assert_eq!(of_ops.as_array().unwrap().len(), 1);
    assert_eq!(of_ops[0]["state"], "installed");

    let remove = ["remove", "com.example.builds", "--host", host.base_url()];
    let said = assert_fails(&run(&remove, &[]).await, "ambiguous");
    for one in printed_json(&["list", "--host", host.base_url()])
        .await
        .as_array()
        .unwrap()
    {
        let room = one["room"]["name"].as_str().unwrap();
        assert!(
            said.contains(&format!(
                "{}  in the room {room}",
                one["id"].as_str().unwrap()
            )),
            "{said}"
        );
    }
    let said = printed(&[&remove[..], &["--room", "dev"]].concat()).await;
    assert_eq!(
        said,
        format!("Removed Builds from the room dev of {}\n", host.base_url())
    );
    let id = of_ops[0]["id"].as_str().unwrap();
    let removed = printed_json(&["remove", id, "--host", host.base_url()]).await;
    assert_eq!(
        (&removed["told"], &removed["installation"]["id"]),
        (&json!(true), &json!(id))
    );
    assert_eq!(add_on.removed.load(Ordering::SeqCst), 2);
    assert_fails(&run(&remove, &[]).await, "no-installation");
    assert_fails(
        &run(&["remove", id, "--host", host.base_url()], &[]).await,
        "no-installation",
    );
}

/// Creates a token for the host's first person.
async fn create_token(host: &Host, name: &str, days: &str) -> String {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let post = |path: &str, form: &[(&str, &str)]| {
        let request = client.post(format!("{}{path}", host.base_url()));
        request.header("origin", host.base_url()).form(form)
    };
    let signed_in = post("/sign-in", &[("name", "Ann")]).send().await.unwrap();
    let cookie = signed_in.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    let cookie = cookie.split(';').next().unwrap();
    let created = post("/tokens", &[("name", name), ("days", days)]).header("cookie", cookie);
    let html = created.send().await.unwrap().text().await.unwrap();
    let (_, behind) = html.split_once("value=\"glance_admin_").unwrap();
    format!("glance_admin_{}", behind.split_once('"').unwrap().0)
}

#[tokio::test]
async fn host_with_sign_in_accepts_token_of_variable_or_file() {
    let clock = Clock::standing_at(1_700_000_000);
    let host = Host::builder()
        .port(0)
        .sign_in(SignIn::Name)
        .clock(clock.clone());
    let host = host.start().await.unwrap();
    let token = create_token(&host, "deploy", "2").await;
    let revoked = create_token(&host, "old", "90").await;
    host.state()
        .revoke_admin_token(2, clock.now())
        .await
        .unwrap();
    let add_on = AddOn::serve(1).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let file = file.to_str().unwrap();
    let list = ["list", "--host", host.base_url()];

    let said = assert_fails(&run(&list, &[]).await, "no-token");
    assert!(
        said.contains(&format!("{}/tokens", host.base_url())),
        "{said}"
    );
    let install = ["install", &add_on.url, "--host", host.base_url()];
    let ended = run(&install, &[("GLANCE_HOST_TOKEN", &token)]).await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(
        text(&ended.stdout).contains("in      all rooms of "),
        "{ended:?}"
    );
    let with_file = [&list[..], &["--token-file", file]].concat();
    let ended = run(&with_file, &[("GLANCE_HOST_TOKEN", "glance_admin_1_wrong")]).await;
    assert!(
        ended.status.success() && text(&ended.stdout).contains("Builds"),
        "{ended:?}"
    );

    let secret = token.rsplit_once('_').unwrap().1;
    for (token, code) in [
        ("glance_admin_1_wrong", "wrong-token"),
        (&revoked, "token-revoked"),
        ("ghp_secretofanother", "no-token"),
        (secret, "no-token"),
    ] {
        let ended = run(&list, &[("GLANCE_HOST_TOKEN", token)]).await;
        let said = assert_fails(&ended, code);
        assert!(!said.contains(token), "{said}");
    }
    let missing = run(&[&list[..], &["--token-file", "missing"]].concat(), &[]).await;
    assert_fails(&missing, "no-token");
    clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    let said = assert_fails(&run(&with_file, &[]).await, "token-expired");
    assert!(said.contains("the token deploy has expired"), "{said}");
    let elsewhere = [
        "list",
        "--host",
        "http://chat.example.com",
        "--token-file",
        file,
    ];
    assert_fails(&run(&elsewhere, &[]).await, "plain-http");
    // No argument accepts a token.
    let given = run(&[&list[..], &["--token", &token]].concat(), &[]).await;
    assert_eq!(given.status.code(), Some(2));
}

#[tokio::test]
async fn additional_permissions_need_approval_by_digest() {
    let host = Host::start().await;
    let text_of = |scopes: &[&str]| {
        let document = json!({
            "key": "com.example.data", "name": "Data", "description": "d",
            "links": { "self": "https://a.example/" },
            "capabilities": { "hipchatApiConsumer": { "scopes": scopes } },
        });
        format!("data:,{document}")
    };
    let (one, two) = (
        text_of(&["view_room"]),
        text_of(&["view_room", "manage_rooms"]),
    );
    let first = ["install", &one, "--host", host.base_url()];
    assert!(printed(&first).await.starts_with("Installed Data"));
    let more = ["install", &two, "--host", host.base_url()];
    let said = assert_fails(&run(&more, &[]).await, "needs-approval");
    assert!(said.contains("asks for more now: manage_rooms"), "{said}");
    let (_, digest) = said.trim().rsplit_once("--approve ").unwrap();
    let wrong = run(&[&more[..], &["--approve=wrong"]].concat(), &[]).await;
    assert_fails(&wrong, "descriptor-changed");
    let approve = format!("--approve={digest}");
    let said = printed(&[&more[..], &[&approve]].concat()).await;
    assert!(
        said.starts_with("Updated Data") && said.contains("manage_rooms"),
        "{said}"
    );
}

#[tokio::test]
async fn failures_have_code_and_remedy() {
    let host = Host::start().await;
    host.room("ops").await;
    let add_on = AddOn::serve(0).await;
    let jira = r#"{"key": "k", "name": "J", "baseUrl": "https://j.example", "modules": {}}"#;
    let others = serve(|base| {
        let to = format!("{base}/jira");
        Router::new().route("/jira", get(async move || jira)).route(
            "/admin/v1/{*rest}",
            any(async move || Redirect::temporary(&to)),
        )
    })
    .await;
    let own = host.base_url();
    let jira = format!("{others}/jira");
    for (arguments, code) in [
        (&["list", "--host", "http://127.0.0.1:1"][..], "no-answer"),
        (&["list", "--host", "nowhere"], "bad-url"),
        (&["list", "--host", "http://127.0.0.1/rooms"], "bad-url"),
        (&["list", "--host", &add_on.url], "not-a-host"),
        (&["list", "--host", &others], "redirected"),
        (&["list", "--host", own, "--room", "none"], "no-room"),
        (&["install", "add-on.json", "--host", own], "bad-url"),
        (
            &["install", "http://127.0.0.1:1/", "--host", own],
            "no-answer",
        ),
        (
            &["install", &add_on.url, "--host", own, "--room", "none"],
            "no-room",
        ),
        (&["install", &jira, "--host", own], "bad-descriptor"),
        (&["remove", "none", "--host", own], "no-installation"),
        (
            &["remove", "a/../b", "--host", own, "--room", "ops"],
            "no-installation",
        ),
        (
            &["remove", "none", "--host", "http://127.0.0.1:1"],
            "no-answer",
        ),
    ] {
        let said = assert_fails(&run(arguments, &[]).await, code);
        if code == "bad-descriptor" {
            assert!(said.contains("descriptor of Jira or Confluence"), "{said}");
        }
    }
    assert_eq!(host.state().count_installations().await.unwrap(), 0);
}

fn interrupt(process: &Child) {
    let id = i32::try_from(process.id().unwrap()).unwrap();
    let id = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
}

/// Starts an installation that waits for its add-on, and interrupts it once.
async fn interrupted_install(host: &Host, add_on: &AddOn) -> Child {
    let arguments = ["install", &add_on.url, "--host", host.base_url()];
    let mut process = glance(&arguments, &[]).spawn().unwrap();
    let asked = tokio::time::timeout(PATIENCE, add_on.asked.acquire());
    asked.await.unwrap().unwrap().forget();
    interrupt(&process);
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let said = lines.next_line().await.unwrap().unwrap();
    assert!(said.starts_with("Waiting for the host"), "{said}");
    process.stderr = Some(lines.into_inner().into_inner());
    process
}

#[tokio::test]
async fn ctrl_c_undoes_running_installation() {
    let host = Host::start().await;
    let add_on = AddOn::serve(0).await;
    let process = interrupted_install(&host, &add_on).await;
    add_on.gate.add_permits(1);
    let ended = tokio::time::timeout(PATIENCE, process.wait_with_output());
    let ended = ended.await.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    let said = text(&ended.stderr);
    assert!(said.contains("the add-on is removed again"), "{said}");
    assert_eq!(add_on.removed.load(Ordering::SeqCst), 1);
    assert_eq!(host.state().count_installations().await.unwrap(), 0);
}

#[tokio::test]
async fn second_ctrl_c_exits_at_once() {
    let host = Host::start().await;
    let add_on = AddOn::serve(0).await;
    let process = interrupted_install(&host, &add_on).await;
    interrupt(&process);
    let ended = tokio::time::timeout(PATIENCE, process.wait_with_output());
    let ended = ended.await.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    assert!(
        text(&ended.stderr).contains("cargo glance list"),
        "{ended:?}"
    );
    let list = ["list", "--host", host.base_url()];
    assert_eq!(printed_json(&list).await[0]["state"], "installing");
    add_on.gate.add_permits(1);
    let installed = async { while printed_json(&list).await[0]["state"] != "installed" {} };
    tokio::time::timeout(PATIENCE, installed).await.unwrap();
}
