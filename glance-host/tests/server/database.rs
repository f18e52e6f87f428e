//! What the program does with a database that it cannot use.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::process::{Server, program};

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
