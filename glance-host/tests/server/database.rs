//! Tests the program with a database that it cannot use, or cannot write.

use std::fs;
use std::path::Path;

use reqwest::{Client, Method, RequestBuilder, Response};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::add_on::AddOn;
#[cfg(target_os = "linux")]
use crate::process::program_with_file_size;
use crate::process::{Server, program};

/// Larger than a new database with its write-ahead log, in KiB.
#[cfg(target_os = "linux")]
const FILE_SIZE: usize = 1024;

const SETTINGS: &str = "limits.messages = 10000\nlimits.requests = 10000\n";

/// Starts and stops a host in this folder, which leaves a database there.
async fn create_database(folder: &Path) -> Connection {
    Server::start(folder, "").await.stop().await;
    Connection::open(folder.join("glance-host-data/host.sqlite")).unwrap()
}

#[tokio::test]
async fn database_of_a_newer_host_is_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let database = create_database(folder.path()).await;
    database.pragma_update(None, "user_version", 1_000).unwrap();
    drop(database);
    let data = folder.path().join("glance-host-data");
    let before = fs::read(data.join("host.sqlite")).unwrap();
    for argument in [Some("--check"), None] {
        let output = program(folder.path())
            .args(argument)
            .output()
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error.lines().count(), 1, "{error}");
        for part in [
            "the host's database glance-host-data/host.sqlite cannot be used: a newer host wrote it (version 1000; \
             this host, ",
            "): install the newer host, or restore the backup made before the update",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert!(fs::read(data.join("host.sqlite")).unwrap() == before);
        for left in ["host.sqlite-wal", "host.sqlite-shm"] {
            assert!(!data.join(left).exists(), "{left}");
        }
    }
}

/// The event stream of a room's page.
struct Page {
    events: Response,
    received: String,
}

impl Page {
    async fn open(rig: &Rig) -> Self {
        let events = rig.request(Method::GET, "/rooms/1/events").send().await;
        let events = events.unwrap();
        assert_eq!(events.status(), 200);
        let received = String::new();
        Self { events, received }
    }

    /// Completes once it was told of this label.
    async fn shows(&mut self, label: &str) {
        while !self.received.contains(label) {
            let bytes = self.events.chunk().await.unwrap().unwrap();
            self.received.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
}

/// A host with an add-on.
struct Rig {
    server: Server,
    add_on: AddOn,
    token: String,
}

impl Rig {
    async fn new(server: Server) -> Self {
        let add_on = AddOn::serve().await;
        let installed = server.install(&add_on.url("quiet")).await.unwrap();
        assert!(installed.is_success(), "{installed}");
        let (id, secret) = add_on.installation("quiet");
        let token = server.token(&id, &secret).await.unwrap();
        Self {
            server,
            add_on,
            token,
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        Client::request(&self.server.client, method, self.server.url(path))
    }

    /// Returns the status of a push to a glance in the first room.
    fn push(&self, label: &str) -> RequestBuilder {
        let data = json!({ "label": { "type": "html", "value": label } });
        let body = json!({ "glance": [{ "key": "declared-0", "content": data }] });
        let push = self.request(Method::POST, "/v2/addon/ui/room/1");
        push.bearer_auth(&self.token).json(&body)
    }

    fn notify(&self, text: &str) -> RequestBuilder {
        let body = json!({ "message": text, "message_format": "text" });
        let notify = self.request(Method::POST, "/v2/room/1/notification");
        notify.bearer_auth(&self.token).json(&body)
    }

    /// Returns what a page sends when a person writes a message.
    fn write_message(&self, text: &str) -> RequestBuilder {
        let write = self.request(Method::POST, "/rooms/1/timeline");
        let write = write.header("origin", &self.server.base_url);
        let write = write.header("sec-fetch-site", "same-origin");
        write.json(&json!({ "text": text }))
    }

    fn remove_add_on(&self) -> RequestBuilder {
        let (id, _) = self.add_on.installation("quiet");
        self.request(Method::DELETE, &format!("/admin/v1/installations/{id}"))
    }

    /// Sends requests that change something, and checks that each is refused and says what to do.
    async fn refuses_changes(&self) {
        for (request, message) in [
            (
                self.push("refused"),
                "The host cannot write its database now; reading still works. Try again",
            ),
            (
                self.notify("refused"),
                "The host cannot write its database now; reading still works. Try again",
            ),
            (
                self.remove_add_on(),
                "the host cannot write its database now; reading still works",
            ),
            (
                self.write_message("refused"),
                "The host cannot write its database now; reading still works. Its log says more.",
            ),
        ] {
            let answer = request.send().await.unwrap();
            let url = answer.url().clone();
            assert_eq!(answer.status(), 503, "{url}");
            assert_eq!(answer.headers()["retry-after"], "5", "{url}");
            let text = answer.text().await.unwrap();
            assert!(text.contains(message), "{url}: {text}");
        }
    }

    /// Reads pages, both APIs and the beginning of an event stream.
    async fn answers_reads(&self, label: &str) {
        for (path, expected) in [
            ("/", "Lobby"),
            ("/rooms/1", label),
            ("/messages", "Messages"),
            ("/v2/room/1", "Lobby"),
            ("/admin/v1/installations", "com.example.quiet"),
        ] {
            let request = self.request(Method::GET, path);
            let request = match path.starts_with("/v2") {
                true => request.bearer_auth(&self.token),
                false => request,
            };
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            let text = answer.text().await.unwrap();
            assert!(text.contains(expected), "{path}: {text}");
        }
        let mut page = Page::open(self).await;
        page.shows(label).await;
    }

    async fn status(&self, request: RequestBuilder) -> u16 {
        request.send().await.unwrap().status().as_u16()
    }

    async fn texts(&self) -> Vec<String> {
        let path = "/v2/room/1/history?max-results=1000";
        let history = self.server.get(&self.token, path).await.unwrap();
        let items = history["items"].as_array().unwrap();
        let texts = items.iter().map(|item| item["message"].as_str().unwrap());
        texts.map(ToOwned::to_owned).collect()
    }

    async fn ready(&self) -> (u16, Value) {
        let answer = self.request(Method::GET, "/readyz").send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn full_disk_refuses_changes_answers_reads_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("listen = \"127.0.0.1:0\"\n{SETTINGS}");
    fs::write(folder.path().join("glance-host.toml"), settings).unwrap();
    let server = Server::run(program_with_file_size(folder.path(), FILE_SIZE)).await;
    let rig = Rig::new(server).await;
    assert_eq!(rig.status(rig.push("acknowledged")).await, 204);
    let mut acknowledged = Vec::new();
    // Small messages fill the space that is too small for a large one.
    for length in [9_000, 1] {
        loop {
            let text = format!("{} {}", "x".repeat(length), acknowledged.len());
            match rig.status(rig.notify(&text)).await {
                204 => acknowledged.push(text),
                status => {
                    assert_eq!(status, 503);
                    break;
                }
            }
            assert!(acknowledged.len() < FILE_SIZE, "the disk is never full");
        }
    }
    // A push may need less space than a message.
    while rig.status(rig.push("acknowledged")).await == 204 {}
    rig.refuses_changes().await;
    let (status, body) = rig.ready().await;
    assert_eq!(status, 503, "{body}");
    assert_eq!(body["impaired"][0], "the database cannot be written");
    rig.answers_reads("acknowledged").await;

    rig.server.free_space().await;
    // Nobody writes, so a probe of the host finds that it can write again.
    while rig.ready().await.0 != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(rig.texts().await, acknowledged);
    assert_eq!(rig.status(rig.notify("more")).await, 204);
    assert_eq!(rig.status(rig.push("recovered")).await, 204);
    assert_eq!(rig.status(rig.write_message("hello")).await, 201);
    acknowledged.extend(["more".to_owned(), "hello".to_owned()]);
    let Rig {
        server,
        add_on,
        token,
    } = rig;
    server.stop().await;

    let server = Server::start(folder.path(), SETTINGS).await;
    let rig = Rig {
        server,
        add_on,
        token,
    };
    assert_eq!(rig.texts().await, acknowledged);
    rig.answers_reads("recovered").await;
    assert_eq!(rig.status(rig.remove_add_on()).await, 200);
    rig.server.stop().await;
}

#[tokio::test]
async fn locked_database_refuses_changes_answers_reads_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(Server::start(folder.path(), SETTINGS).await).await;
    assert_eq!(rig.status(rig.push("acknowledged")).await, 204);
    let mut page = Page::open(&rig).await;
    page.shows("acknowledged").await;
    let other = Connection::open(folder.path().join("glance-host-data/host.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    tokio::join!(rig.refuses_changes(), rig.answers_reads("acknowledged"));
    assert_eq!(rig.ready().await.0, 503);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(rig.status(rig.push("recovered")).await, 204);
    assert_eq!(rig.ready().await.0, 200);
    rig.answers_reads("recovered").await;
    page.shows("recovered").await;
    let received = &page.received;
    assert!(!received.contains("refused"), "{received}");
    drop(page);
    rig.server.stop().await;

    // A host does not start with a database that another program has locked.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let output = program(folder.path()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    let expected = "cannot be used: another program has locked it: end that program first";
    assert!(error.contains(expected), "{error}");
}

#[tokio::test]
async fn database_that_cannot_be_written_is_refused() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    let folder = tempfile::tempdir().unwrap();
    drop(create_database(folder.path()).await);
    let data = folder.path().join("glance-host-data");
    let file = data.join("host.sqlite");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    let before = fs::read(&file).unwrap();
    for argument in [Some("--check"), None] {
        let mut command = program(folder.path());
        // The permissions do not bind root, so nobody runs the host then.
        const NOBODY: u32 = 65_534;
        if fs::metadata(&file).unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
            for path in [folder.path(), &data, &data.join("host.lock")] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        }
        let output = command.args(argument).output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error.lines().count(), 1, "{error}");
        let expected =
            "host.sqlite cannot be used: the host must read and write it (Permission denied";
        assert!(error.contains(expected), "{error}");
        assert!(fs::read(&file).unwrap() == before);
    }
}
