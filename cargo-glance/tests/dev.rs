//! Tests `cargo glance dev` with a new crate, built into the target folder of this test.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// The longest wait for a state before a test fails; the first build takes minutes on a busy
/// machine.
const PATIENCE: Duration = Duration::from_secs(1200);

const MAIN: &str = r#"
use glance_sdk::prelude::*;

#[glance(key = "builds", name = "Builds", icon = "/icon.svg")]
async fn builds() -> GlanceData {
    GlanceData::new(label!("<b>{}</b> builds", 1))
}

#[derive(Serialize, GlanceMetadata)]
struct Open {
    open: u32,
}

#[glance(key = "quiet", name = "Quiet", icon = "/icon.svg", when(open > 0))]
async fn quiet() -> GlanceData<Open> {
    GlanceData::new(label!("<b>0</b> open")).metadata(Open { open: 0 })
}

#[tokio::main]
async fn main() -> glance_sdk::Result<()> {
    println!("process {}", std::process::id());
    AddOn::new("com.example.dev-check", "Dev check")
        .glance::<builds>()
        .glance::<quiet>()
        .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg"))
        .serve()
        .await
}
"#;

/// Creates a crate that depends on this checkout's SDK.
fn a_crate(folder: &Path, name: &str) -> PathBuf {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let root = folder.join(name);
    std::fs::create_dir_all(root.join("src")).unwrap();
    let sdk = checkout.join("glance-sdk");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [workspace]\n\n[dependencies]\nglance-sdk = {{ path = {sdk:?} }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n\
         tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n"
    );
    std::fs::write(root.join("Cargo.toml"), manifest).unwrap();
    std::fs::copy(checkout.join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
    std::fs::write(root.join("src/main.rs"), MAIN).unwrap();
    std::fs::write(
        root.join("icon.svg"),
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
    )
    .unwrap();
    root
}

/// Removes the dependencies of the crate that take long to build.
fn without_dependencies(root: &Path) {
    std::fs::write(root.join("src/main.rs"), "fn main() {}").unwrap();
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let manifest = manifest.split("[dependencies]").next().unwrap().to_owned();
    std::fs::write(root.join("Cargo.toml"), manifest).unwrap();
}

fn dev(folder: &Path, arguments: &[&str]) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_cargo-glance"));
    let target = program.parent().unwrap().parent().unwrap();
    let mut command = Command::new(program);
    command
        .args(["dev", "--port", "0"])
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

struct Dev {
    process: Child,
    lines: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
}

impl Dev {
    fn start(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let output = process.stdout.take().unwrap();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (counted, count) = watch::channel(0);
        let kept = Arc::clone(&lines);
        tokio::spawn(async move {
            let mut output = BufReader::new(output).lines();
            while let Some(line) = output.next_line().await.unwrap() {
                kept.lock().unwrap().push(line);
                counted.send_modify(|count| *count += 1);
            }
        });
        Self {
            process,
            lines,
            count,
        }
    }

    fn in_crate(folder: &Path, data: &Path) -> Self {
        let mut command = dev(folder, &["--data"]);
        command.arg(data);
        Self::start(command)
    }

    fn said(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Returns the first line with this start, beginning at `from`, and the number of lines up to
    /// it.
    async fn line(&mut self, from: usize, start: &str) -> (usize, String) {
        let waiting = async {
            loop {
                self.count.borrow_and_update();
                let said = self.said();
                let mut lines = said.iter().enumerate().skip(from);
                if let Some((at, line)) = lines.find(|(_, line)| line.starts_with(start)) {
                    return (at + 1, line.clone());
                }
                self.count.changed().await.unwrap();
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("no line starts with {start:?}: {:#?}", self.said()))
    }

    /// Returns the process id of the running add-on.
    fn add_on(&self) -> u32 {
        let said = self.said();
        let id = said
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix("add-on | process "));
        id.unwrap().parse().unwrap()
    }

    async fn signal(&mut self, signal: &str) -> Option<i32> {
        let id = self.process.id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.await.unwrap().success());
        let status = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        status.unwrap().unwrap().code()
    }
}

async fn is_gone(id: u32) {
    let gone = async {
        let probe = || {
            let mut probe = Command::new("kill");
            probe.args(["-0", &id.to_string()]).stderr(Stdio::null());
            probe
        };
        while probe().status().await.unwrap().success() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

/// A room's page, with the events that it received.
struct Page {
    events: reqwest::Response,
    told: String,
}

impl Page {
    async fn open(room: &str) -> Self {
        let events = glance_host::testing::http_client().get(format!("{room}/events"));
        Self {
            events: events.send().await.unwrap(),
            told: String::new(),
        }
    }

    async fn shows(&mut self, words: &str) {
        let told = async {
            while !self.told.contains(words) {
                let chunk = self.events.chunk().await.unwrap().unwrap();
                self.told.push_str(&String::from_utf8_lossy(&chunk));
            }
        };
        tokio::time::timeout(PATIENCE, told).await.unwrap();
    }
}

#[tokio::test]
async fn saved_code_is_rebuilt_and_broken_code_keeps_old_program() {
    let folder = tempfile::tempdir().unwrap();
    let root = a_crate(folder.path(), "dev-check-saves");
    let mut dev = Dev::in_crate(&root, &folder.path().join("data"));
    let (_, open) = dev.line(0, "Open ").await;
    let room = open.trim_start_matches("Open").trim().to_owned();
    dev.line(0, "Ready ").await;
    let mut page = Page::open(&room).await;
    page.shows("<b>1</b> builds").await;
    dev.line(
        0,
        "host   | -> query        GET /glance/builds  200  <b>1</b> builds",
    )
    .await;
    dev.line(
        0,
        "host   | -> query        GET /glance/quiet  200  <b>0</b> open  (hidden: `open` is 0, needs > 0)",
    )
    .await;
    dev.line(0, "host   | <- token        POST /v2/oauth/token  200")
        .await;
    let first = dev.add_on();

    let source = root.join("src/main.rs");
    let at = dev.said().len();
    std::fs::write(&source, MAIN.replace("GlanceData::new", "GlanceData::old")).unwrap();
    dev.line(at, "Saved   src/main.rs").await;
    dev.line(at, "build  | error[E0599]").await;
    let (at, failed) = dev.line(at, "Failed ").await;
    assert!(failed.contains("keeps running"), "{failed}");
    Page::open(&room).await.shows("<b>1</b> builds").await;
    assert_eq!(dev.add_on(), first);

    let changed = MAIN.replace("\"<b>{}</b> builds\", 1", "\"<b>{}</b> builds\", 2");
    let changed = changed.replace("name = \"Builds\"", "name = \"Builds of today\"");
    std::fs::write(&source, changed).unwrap();
    let (_, difference) = dev.line(at, "Changed ").await;
    assert!(
        difference.ends_with("\"Builds\" -> \"Builds of today\""),
        "{difference}"
    );
    dev.line(at, "Ready ").await;
    // The page that is still open, not a new one.
    page.shows("<b>2</b> builds").await;
    is_gone(first).await;

    let second = dev.add_on();
    assert_ne!(first, second);
    assert_eq!(dev.signal("-INT").await, Some(0));
    is_gone(second).await;
    let last = dev.said().pop().unwrap();
    assert!(last.starts_with("Stopped "), "{last}");
    assert!(!dev.said().concat().contains('\u{1b}'));

    // A later start finds the installation, and a kill leaves no processes behind.
    let mut again = Dev::in_crate(&root, &folder.path().join("data"));
    again.line(0, "Ready ").await;
    let (_, open) = again.line(0, "Open ").await;
    Page::open(open.trim_start_matches("Open").trim())
        .await
        .shows("<b>2</b> builds")
        .await;
    let third = again.add_on();
    assert_eq!(again.signal("-KILL").await, None);
    is_gone(third).await;
}

#[tokio::test]
async fn ctrl_c_during_build_stops_cargo_and_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let root = a_crate(folder.path(), "dev-check-build");
    let script = root.join("script");
    // A build script that runs until it is killed.
    let build = format!(
        "fn main() {{ std::fs::write({script:?}, std::process::id().to_string()).unwrap(); \
         loop {{ std::thread::park() }} }}"
    );
    std::fs::write(root.join("build.rs"), build).unwrap();
    without_dependencies(&root);
    let mut command = dev(&root, &["--data"]);
    command.arg(folder.path().join("data"));
    // A separate target folder, so that the build waits for no other.
    command.env("CARGO_TARGET_DIR", folder.path().join("target"));
    let mut dev = Dev::start(command);
    let id = async {
        loop {
            let id = std::fs::read_to_string(&script).unwrap_or_default();
            if let Ok(id) = id.parse::<u32>() {
                return id;
            }
            tokio::task::yield_now().await;
        }
    };
    let id = tokio::time::timeout(PATIENCE, id).await.unwrap();
    assert_eq!(dev.signal("-INT").await, Some(0));
    is_gone(id).await;
}

#[tokio::test]
async fn add_ons_with_one_target_folder_have_separate_data() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    let mut running = Vec::new();
    for name in ["dev-check-one", "dev-check-two"] {
        let root = a_crate(folder.path(), name);
        without_dependencies(&root);
        let mut command = dev(&root, &[]);
        command.env("CARGO_TARGET_DIR", &target);
        let mut dev = Dev::start(command);
        let (_, host) = dev.line(0, "Host ").await;
        let data = target.join("glance-dev").join(name);
        assert!(
            host.ends_with(&format!("(data in {})", data.display())),
            "{host}"
        );
        running.push(dev);
    }
    for mut dev in running {
        assert_eq!(dev.signal("-INT").await, Some(0));
    }
}

#[tokio::test]
async fn start_failures_have_code_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let root = a_crate(folder.path(), "dev-check-refused");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let used = folder.path().join("used");
    let builder = glance_host::Host::builder().port(0).data(&used);
    let user = builder.start().await.unwrap();
    let used = used.display().to_string();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let broken = a_crate(folder.path(), "dev-check-broken");
    std::fs::write(broken.join("Cargo.toml"), "[package]\nname = 7").unwrap();
    let library = a_crate(folder.path(), "dev-check-library");
    std::fs::rename(library.join("src/main.rs"), library.join("src/lib.rs")).unwrap();
    for (at, arguments, code, help) in [
        (&empty, &[][..], "no-crate", "cargo glance new NAME"),
        (&broken, &[], "bad-manifest", "fix"),
        (&library, &[], "no-program", "src/main.rs"),
        (
            &root,
            &["--bin", "x"],
            "no-program",
            "--bin: dev-check-refused",
        ),
        (&root, &["--package", "x"], "no-package", "members"),
        (&root, &["--watch", "nowhere"], "no-watch", "--watch"),
        (&root, &["--data", &used], "data-in-use", "--data"),
    ] {
        let ended = dev(at, arguments).output().await.unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.starts_with(&format!("error[{code}]: ")), "{said}");
        let remedy = said.split("\n  help: ").nth(1).unwrap();
        assert!(remedy.contains(help), "{said}");
    }
    let program = env!("CARGO_BIN_EXE_cargo-glance");
    let data = folder.path().join("other");
    let mut ended = Command::new(program);
    ended
        .args(["dev", "--port", &port, "--data"])
        .arg(data)
        .current_dir(&root);
    let ended = ended.output().await.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.starts_with("error[port-taken]: "), "{said}");
    user.shutdown().await;
}
