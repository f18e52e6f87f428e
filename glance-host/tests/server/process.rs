//! A process of `glance-host` in a folder of its own.

use std::fs;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::browser::Browser;

/// How long a test waits for a state before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program in this folder, with no settings but those it finds there.
pub(crate) fn program(folder: &Path) -> Command {
    command(env!("CARGO_BIN_EXE_glance-host"), folder)
}

/// The same, with no more open files than these.
pub(crate) fn program_with_files(folder: &Path, files: usize) -> Command {
    limited(folder, &format!("ulimit -n {files}"))
}

/// The same, where no file may grow larger than this, in KiB, until [`Server::free_space`]: writing fails as on a full
/// disk.
pub(crate) fn program_with_file_size(folder: &Path, size: usize) -> Command {
    // The signal would end the program; `sh` counts blocks of 512 bytes.
    limited(folder, &format!("trap '' XFSZ; ulimit -S -f {}", 2 * size))
}

fn limited(folder: &Path, limit: &str) -> Command {
    let mut command = command("sh", folder);
    let script = format!("{limit}; exec \"$0\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_glance-host")]);
    command
}

fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GLANCE_HOST_") {
            command.env_remove(name);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What it said, on standard output and standard error, and whether it was content.
pub(crate) async fn said(command: &mut Command) -> (String, String, bool) {
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        text(output.stdout),
        text(output.stderr),
        output.status.success(),
    )
}

/// A host that listens.
pub(crate) struct Server {
    process: Child,
    /// Where people reach it.
    pub(crate) base_url: String,
    /// Where it listens.
    address: String,
    pub(crate) client: Client,
    log: Arc<Mutex<Vec<String>>>,
    lines: watch::Receiver<usize>,
    reading: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it with these settings, on any port.
    pub(crate) async fn start(folder: &Path, settings: &str) -> Self {
        let settings = format!("listen = \"127.0.0.1:0\"\n{settings}");
        fs::write(folder.join("glance-host.toml"), settings).unwrap();
        Self::run(program(folder)).await
    }

    pub(crate) async fn run(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (count, lines) = watch::channel(0);
        let kept = Arc::clone(&log);
        let reading = tokio::spawn(async move {
            while let Some(line) = stderr.next_line().await.unwrap() {
                kept.lock().unwrap().push(line);
                count.send_modify(|count| *count += 1);
            }
        });
        let mut server = Self {
            process,
            base_url: String::new(),
            address: String::new(),
            client: glance_host::testing::http_client(),
            log,
            lines,
            reading: Some(reading),
        };
        let listening = server.logged("listening at ").await;
        let message = listening["message"].as_str().unwrap();
        server.base_url = message.strip_prefix("listening at ").unwrap().to_owned();
        server.address = format!("http://{}", listening["address"].as_str().unwrap());
        server
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The first line of the log whose message begins so, once it is there.
    pub(crate) async fn logged(&mut self, message: &str) -> Value {
        let find = |log: Vec<String>| {
            log.iter()
                .map(|line| serde_json::from_str::<Value>(line).unwrap())
                .find(|line| {
                    line["message"]
                        .as_str()
                        .unwrap_or_default()
                        .starts_with(message)
                })
        };
        let log = Arc::clone(&self.log);
        let waiting = async {
            loop {
                if let Some(line) = find(log.lock().unwrap().clone()) {
                    return line;
                }
                if self.lines.changed().await.is_err() {
                    return find(log.lock().unwrap().clone())
                        .unwrap_or_else(|| panic!("it ended: {:#?}", log.lock().unwrap()));
                }
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("no {message:?} in {:#?}", self.log()))
    }

    /// Sends it a signal, such as `TERM`.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.process.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Lifts the limit of [`program_with_file_size`].
    #[cfg(target_os = "linux")]
    pub(crate) async fn free_space(&self) {
        let id = self.process.id().unwrap().to_string();
        let mut lift = Command::new("prlimit");
        lift.args(["--pid", &id, "--fsize=unlimited:unlimited"]);
        assert!(lift.status().await.unwrap().success());
    }

    /// The memory it has, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let id = self.process.id().unwrap();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How it ended, once it has.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let status = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let status = status.unwrap().unwrap();
        if let Some(reading) = self.reading.take() {
            reading.await.unwrap();
        }
        status
    }

    /// Closes the reading end of its log, so that no further line can be written.
    pub(crate) async fn close_log(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.abort();
            assert!(reading.await.unwrap_err().is_cancelled());
        }
    }

    /// Lets it end as a service manager does.
    pub(crate) async fn stop(mut self) {
        self.signal("TERM").await;
        let status = self.ended().await;
        assert!(status.success(), "{status}: {:#?}", self.log());
    }

    /// Connects and sends the beginning of a request's head.
    pub(crate) async fn begin_request(&self, beginning: &str) -> Begun {
        let address = self.address.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        Begun {
            stream,
            host: address.to_owned(),
        }
    }

    /// Waits until it takes no more connections.
    pub(crate) async fn refuses_connections(&self) {
        let address = self.address.strip_prefix("http://").unwrap();
        let refused = async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, refused).await.unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// The browser of a person at this machine.
    pub(crate) fn browser(&self) -> Browser {
        Browser::at(&self.address)
    }

    /// Installs what stands at this address in the first room, as a person's browser does.
    pub(crate) async fn install(&self, descriptor: &str) -> reqwest::Result<StatusCode> {
        self.browser().install(1, descriptor).await
    }
}

/// A request whose head has begun.
pub(crate) struct Begun {
    stream: TcpStream,
    host: String,
}

impl Begun {
    /// Ends the head; returns the answer and reads until the connection is closed.
    pub(crate) async fn end_request(&mut self) -> String {
        let rest = format!("host: {}\r\n\r\n", self.host);
        self.stream.write_all(rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// What an add-on asks for.
impl Server {
    /// A token by client credentials.
    pub(crate) async fn token(&self, id: &str, secret: &str) -> reqwest::Result<String> {
        let request = self.client.post(self.url("/v2/oauth/token"));
        let grant = [("grant_type", "client_credentials")];
        let request = request.basic_auth(id, Some(secret)).form(&grant);
        let answer: Value = request.send().await?.error_for_status()?.json().await?;
        Ok(answer["access_token"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> reqwest::Result<Value> {
        let request = self.client.get(self.url(path)).bearer_auth(token);
        request.send().await?.error_for_status()?.json().await
    }

    /// Sends JSON; the answer is not looked at.
    pub(crate) async fn send(
        &self,
        method: Method,
        token: &str,
        path: &str,
        body: &Value,
    ) -> reqwest::Result<()> {
        let request = self.client.request(method, self.url(path));
        let answer = request.bearer_auth(token).json(body).send().await?;
        answer.error_for_status().map(drop)
    }

    /// Writes a notification into the first room.
    pub(crate) async fn notify(&self, token: &str, text: &str) -> reqwest::Result<()> {
        let body = json!({ "message": text, "message_format": "text" });
        self.send(Method::POST, token, "/v2/room/1/notification", &body)
            .await
    }
}
