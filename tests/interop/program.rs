//! A program of this folder, run as a child process.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::skipped::skipped;

/// The command that runs the program of a folder, where its packages are installed.
///
/// # Panics
///
/// Where they are not, and `GLANCE_INTEROP` names the folder.
pub(crate) fn command(folder: &str) -> Option<Command> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop")
        .join(folder);
    let node = here.join("node_modules");
    let python = here.join(".venv/bin/python");
    let (program, script): (PathBuf, _) = if node.exists() {
        ("node".into(), "main.js")
    } else if python.exists() {
        (python, "main.py")
    } else {
        let needed = std::env::var("GLANCE_INTEROP").unwrap_or_default();
        let why =
            format!("tests/interop/{folder} is not installed: tests/interop/install {folder}");
        assert!(!needed.split_whitespace().any(|one| one == folder), "{why}");
        skipped(&why);
        return None;
    };
    let mut command = Command::new(program);
    // Some believe a token of any age otherwise.
    command.env("NODE_ENV", "production");
    command.arg(script).current_dir(here);
    Some(command)
}

/// What a program prints, which ends by itself. The host goes on meanwhile.
pub(crate) async fn run(mut command: Command) -> Value {
    let ended = tokio::task::spawn_blocking(move || command.output());
    let output = ended.await.unwrap().unwrap();
    let wrote = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{wrote}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A program that serves until this is dropped; what it wrote is printed where the test fails.
pub(crate) struct Served {
    pub(crate) url: String,
    child: Child,
    wrote: Arc<Mutex<String>>,
}

impl Served {
    /// Starts it at a free port and waits until it says that it is ready.
    pub(crate) fn start(mut command: Command) -> Self {
        // The port may be taken before the program takes it.
        for _ in 0..3 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let url = format!("http://127.0.0.1:{port}");
            command.env("PORT", port.to_string());
            // Each framework's own name for it.
            for name in [
                "AC_LOCAL_BASE_URL",
                "LOCAL_BASE_URL",
                "AC_BASE_URL",
                "BASE_URL",
            ] {
                command.env(name, &url);
            }
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut out = BufReader::new(child.stdout.take().unwrap());
            let err = child.stderr.take().unwrap();
            let mut served = Self {
                url,
                child,
                wrote: Arc::default(),
            };
            served.keep(err);
            if served.is_ready(&mut out) {
                served.keep(out);
                return served;
            }
            eprintln!("{}", served.wrote.lock().unwrap());
        }
        panic!("{command:?} does not start");
    }

    fn is_ready(&mut self, out: &mut BufReader<ChildStdout>) -> bool {
        let mut line = String::new();
        while out.read_line(&mut line).unwrap() > 0 {
            if line.trim_end() == "ready" {
                return true;
            }
            self.wrote.lock().unwrap().push_str(&line);
            line.clear();
        }
        false
    }

    fn keep(&self, mut from: impl Read + Send + 'static) {
        let wrote = Arc::clone(&self.wrote);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]);
                wrote.lock().unwrap().push_str(&text);
            }
        });
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("it wrote:\n{}", self.wrote.lock().unwrap());
        }
    }
}
