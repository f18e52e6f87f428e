//! Servers, schemas and databases for the tests, and a proxy that discards data.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_postgres::{Client, NoTls};

use super::PostgresStore;
use crate::skipped::skipped;

static NAMES: AtomicUsize = AtomicUsize::new(0);

pub(super) fn url_in(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        skipped(&format!("{variable} has no URL of a PostgreSQL server"));
    }
    url
}

/// Returns a name that no other test uses.
pub(super) fn name() -> String {
    let number = NAMES.fetch_add(1, Ordering::Relaxed);
    format!("glance_test_{}_{number}", std::process::id())
}

/// Adds a parameter to a URL.
pub(super) fn with(url: &str, parameter: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{parameter}")
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Creates schemas on the server of `GLANCE_POSTGRES`; `None` if the variable is not set.
pub(super) struct Server {
    pub(super) url: String,
    client: Client,
    made: std::sync::Mutex<Vec<String>>,
}

impl Server {
    pub(super) async fn find() -> Option<Self> {
        Some(Self::at(url_in("GLANCE_POSTGRES")?).await)
    }

    pub(super) async fn at(url: String) -> Self {
        Self {
            client: client(&url).await,
            url,
            made: std::sync::Mutex::default(),
        }
    }

    pub(super) async fn execute(&self, statements: &str) {
        self.client.batch_execute(statements).await.unwrap();
    }

    /// Returns the number in the first column of the first row.
    pub(super) async fn count(&self, query: &str) -> i64 {
        self.client.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Returns the texts in the first column of all rows.
    pub(super) async fn texts(&self, query: &str, of: &str) -> Vec<String> {
        let rows = self.client.query(query, &[&of]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Returns the URL of a new, empty schema.
    pub(super) async fn schema(&self) -> String {
        let name = name();
        self.execute(&format!("CREATE SCHEMA {name}")).await;
        let dropped = format!("DROP SCHEMA {name} CASCADE");
        self.made.lock().unwrap().push(dropped);
        with(&self.url, &format!("options=-csearch_path%3D{name}"))
    }

    /// Registers the name of a schema that a test creates, to remove it with the others.
    pub(super) fn new_schema(&self, name: &str) {
        let quoted = name.replace('"', "\"\"");
        let dropped = format!("DROP SCHEMA IF EXISTS \"{quoted}\" CASCADE");
        self.made.lock().unwrap().push(dropped);
    }

    /// Creates a new, empty database.
    pub(super) async fn database(&self) -> String {
        let name = name();
        self.execute(&format!("CREATE DATABASE {name}")).await;
        let dropped = format!("DROP DATABASE {name} WITH (FORCE)");
        self.made.lock().unwrap().push(dropped);
        name
    }

    pub(super) async fn store(&self) -> PostgresStore {
        PostgresStore::connect(&self.schema().await).await.unwrap()
    }

    pub(super) async fn clear(self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        for dropped in made {
            self.execute(&dropped).await;
        }
    }
}

/// A server of a single test, which may stop it.
pub(super) struct OwnServer {
    folder: PathBuf,
    _parent: tempfile::TempDir,
    pub(super) url: String,
}

impl OwnServer {
    /// Returns `None` if PostgreSQL is not installed.
    pub(super) fn start() -> Option<Self> {
        url_in("GLANCE_POSTGRES")?;
        let parent = tempfile::tempdir().unwrap();
        // If the tests run as root, the server needs another owner.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let readable = std::fs::Permissions::from_mode(0o711);
            std::fs::set_permissions(parent.path(), readable).unwrap();
        }
        let folder = parent.path().join("server");
        let printed = Self::run("start", &folder);
        Some(Self {
            url: printed.lines().next().unwrap().to_owned(),
            folder,
            _parent: parent,
        })
    }

    pub(super) fn restart(&self) {
        Self::run("restart", &self.folder);
    }

    pub(super) fn pause(&self) {
        Self::run("pause", &self.folder);
    }

    pub(super) fn resume(&self) {
        Self::run("resume", &self.folder);
    }

    fn run(command: &str, folder: &PathBuf) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/postgres");
        let done = Command::new(script)
            .arg(command)
            .arg(folder)
            .output()
            .unwrap();
        assert!(done.status.success(), "{command}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/postgres");
        let _ = Command::new(script)
            .args(["resume"])
            .arg(&self.folder)
            .output();
        let _ = Command::new(script)
            .args(["stop"])
            .arg(&self.folder)
            .output();
    }
}

/// The treatment of connections by a proxy.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Forward,
    /// Open connections transfer nothing any more, but stay open.
    SwallowOld,
    /// No connection transfers anything.
    SwallowAll,
}

/// A proxy between a store and its server that can discard data.
pub(super) struct Proxy {
    pub(super) port: u16,
    mode: watch::Sender<(Mode, usize)>,
    accepted: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts a proxy before the server at this port of loopback.
    pub(super) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mode, modes) = watch::channel((Mode::Forward, 0));
        let accepted = Arc::new(AtomicUsize::new(0));
        let number = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let number = number.fetch_add(1, Ordering::SeqCst);
                let far = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) = far.into_split();
                tokio::spawn(copy(near_read, far_write, number, modes.clone()));
                tokio::spawn(copy(far_read, near_write, number, modes.clone()));
            }
        });
        Self {
            port,
            mode,
            accepted,
        }
    }

    pub(super) fn swallow_old(&self) {
        let old = self.accepted.load(Ordering::SeqCst);
        self.mode.send_replace((Mode::SwallowOld, old));
    }

    pub(super) fn swallow_all(&self) {
        self.mode.send_replace((Mode::SwallowAll, 0));
    }
}

async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    number: usize,
    mode: watch::Receiver<(Mode, usize)>,
) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        let (mode, old) = *mode.borrow();
        let is_swallowed = mode == Mode::SwallowAll || mode == Mode::SwallowOld && number < old;
        if !is_swallowed && to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
