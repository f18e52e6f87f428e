//! Tests how `cargo glance demo` starts, ends and fails.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use glance_host::Host;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The longest wait for a state before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

struct Demo {
    process: Child,
    output: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
    room: String,
    add_ons: Vec<u32>,
}

fn demo(data: &Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-glance"));
    command
        .arg("demo")
        .arg("--data")
        .arg(data)
        .arg("--port")
        .arg(port.to_string());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // All processes run on this machine, so they need no proxy.
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        command.env(name, "http://127.0.0.1:1");
    }
    for name in ["ALL_PROXY", "all_proxy"] {
        command.env(name, "socks5://127.0.0.1:1");
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    command
}

impl Demo {
    /// Starts the demo and waits until it prints the room's URL.
    async fn start(data: &Path) -> Self {
        let mut process = demo(data, 0).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut demo = Self {
            process,
            output,
            said: Vec::new(),
            room: String::new(),
            add_ons: Vec::new(),
        };
        let started = async {
            while let Some(line) = demo.output.next_line().await.unwrap() {
                if let Some((_, id)) = line.split_once(", process ") {
                    demo.add_ons.push(id.trim_end_matches(')').parse().unwrap());
                }
                if let Some(room) = line.strip_prefix("Open    ") {
                    demo.room = room.to_owned();
                }
                let is_ready = line == "Ctrl-C ends.";
                demo.said.push(line);
                if is_ready {
                    return;
                }
            }
            panic!("the demo ended: {:#?}", demo.said);
        };
        tokio::time::timeout(PATIENCE, started).await.unwrap();
        demo
    }

    /// Waits until the room's page has received a glance of each example.
    async fn shows_all(&self) {
        let labels = [
            "<b>4</b> open pull requests",
            "<b>2</b> blockers in WID",
            "</b> mentions of rust in an hour",
            "<b>3</b> open incidents",
        ];
        let mut events = glance_host::testing::http_client()
            .get(format!("{}/events", self.room))
            .send()
            .await
            .unwrap();
        let mut seen = String::new();
        let told = async {
            while !labels.iter().all(|label| seen.contains(label)) {
                let chunk = events.chunk().await.unwrap().unwrap();
                seen.push_str(&String::from_utf8_lossy(&chunk));
            }
        };
        tokio::time::timeout(PATIENCE, told).await.unwrap();
    }

    async fn signal(&mut self, signal: &str) -> Option<i32> {
        let id = self.process.id().unwrap().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .await
                .unwrap()
                .success()
        );
        let status = tokio::time::timeout(PATIENCE, self.process.wait())
            .await
            .unwrap();
        status.unwrap().code()
    }

    /// Waits until the add-ons' processes have ended.
    async fn add_ons_are_gone(&self) {
        assert_eq!(self.add_ons.len(), 4, "{:#?}", self.said);
        let gone = async {
            for id in &self.add_ons {
                let mut probe = Command::new("kill");
                probe.args(["-0", &id.to_string()]).stderr(Stdio::null());
                while probe.status().await.unwrap().success() {
                    tokio::task::yield_now().await;
                }
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.unwrap();
    }
}

#[tokio::test]
async fn demo_shows_each_example_and_leaves_no_processes() {
    let data = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(data.path()).await;
    demo.shows_all().await;
    let page = glance_host::testing::http_client()
        .get(&demo.room)
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);

    // An open page must not prevent the demo from ending.
    let _open = glance_host::testing::http_client()
        .get(format!("{}/events", demo.room))
        .send()
        .await
        .unwrap();
    assert_eq!(demo.signal("-INT").await, Some(0));
    demo.add_ons_are_gone().await;
}

#[tokio::test]
async fn second_start_finds_data_even_after_kill() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Demo::start(data.path()).await;
    first.shows_all().await;
    assert_eq!(first.signal("-KILL").await, None);
    first.add_ons_are_gone().await;

    let mut second = Demo::start(data.path()).await;
    assert!(
        second.said.iter().any(|line| line.starts_with("Found ")),
        "{:#?}",
        second.said
    );
    second.shows_all().await;
    assert_eq!(second.signal("-TERM").await, Some(0));
    second.add_ons_are_gone().await;
}

/// Creates a data folder of the demo's earlier version, which had only pull requests.
#[tokio::test]
async fn new_examples_are_installed_beside_existing_ones() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Demo::start(data.path()).await;
    first.shows_all().await;
    assert_eq!(first.signal("-INT").await, Some(0));
    let host = Host::builder().port(0).data(data.path()).start().await;
    let host = host.unwrap();
    let room = host.open_room("Demo").await.unwrap();
    for installed in host.state().installations_in(room.id).await.unwrap() {
        let name = installed.descriptor.key.replace("glance.example.", "");
        if name != "pull-requests" {
            host.uninstall(&installed.oauth_id).await.unwrap();
            for file in [
                format!("{name}.sqlite"),
                format!("{name}-installations.sqlite"),
            ] {
                std::fs::remove_file(data.path().join(file)).unwrap();
            }
        }
    }
    host.shutdown().await;

    let second = Demo::start(data.path()).await;
    assert!(
        second.said.iter().any(|line| line.starts_with("Found ")),
        "{:#?}",
        second.said
    );
    second.shows_all().await;
}

#[tokio::test]
async fn start_failures_are_one_sentence() {
    let data = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let file = data.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let broken = data.path().join("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("host.sqlite"), "no database ".repeat(100)).unwrap();
    let half = data.path().join("half");
    std::fs::create_dir(&half).unwrap();
    std::fs::write(
        half.join("pull-requests.sqlite"),
        "no database ".repeat(100),
    )
    .unwrap();

    let used = data.path().join("used");
    let user = Host::builder().port(0).data(&used).start().await.unwrap();

    for (folder, port, code, words) in [
        (data.path(), port, "port-taken", "another --port"),
        (
            used.as_path(),
            0,
            "data-in-use",
            "stop it first, or choose another --data",
        ),
        (file.as_path(), 0, "no-data", "the data folder"),
        (broken.as_path(), 0, "no-data", "host.sqlite cannot be used"),
        (half.as_path(), 0, "add-on-failed", "pull-requests.sqlite"),
    ] {
        let ended = tokio::time::timeout(PATIENCE, demo(folder, port).output())
            .await
            .unwrap()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{words}: {said}");
        // The failing add-on prints the reason before.
        let last = said.rsplit("error[").next().unwrap();
        assert!(last.starts_with(&format!("{code}]: ")), "{said}");
        assert!(last.contains("\n  help: "), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    user.shutdown().await;
}

/// People may also start the demo's examples by hand.
#[tokio::test]
async fn examples_started_by_hand_name_missing_variables() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "x").unwrap();
    for (data, secret, code) in [
        (data.path(), None, "no-secret"),
        (file.as_path(), Some("s3cret-of-a-test"), "no-data"),
    ] {
        let mut example = Command::new(env!("CARGO_BIN_EXE_cargo-glance"));
        example
            .args(["example", "incidents", "--port", "0", "--host"])
            .args(["http://127.0.0.1:1", "--data"])
            .arg(data)
            .env_remove("ALERTMANAGER_WEBHOOK_SECRET")
            .stdin(Stdio::null());
        if let Some(secret) = secret {
            example.env("ALERTMANAGER_WEBHOOK_SECRET", secret);
        }
        let ended = tokio::time::timeout(PATIENCE, example.output())
            .await
            .unwrap()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.starts_with(&format!("error[{code}]: ")), "{said}");
        assert!(
            said.contains("\n  help: ") && !said.contains("s3cret"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn help_has_descriptions() {
    for (arguments, words) in [
        (&["--help"][..], "demo"),
        (&["glance", "demo", "--help"], "--data <DIR>"),
        (&["demo", "--help"], "--port <PORT>"),
    ] {
        let ended = Command::new(env!("CARGO_BIN_EXE_cargo-glance"))
            .args(arguments)
            .output()
            .await
            .unwrap();
        assert!(ended.status.success());
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(said.contains(words), "{said}");
    }
}
