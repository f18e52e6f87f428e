//! Tests a file that several processes use, and a failing file.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use example_database::Database;
use glance_sdk::ErrorKind;
use rusqlite::{Connection, TransactionBehavior};

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS counter (value INTEGER NOT NULL);
    INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counter)",
];

/// Starts this test's program as the second process.
const FILE: &str = "GLANCE_TEST_COUNTER";

const ROUNDS: i64 = 50;

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sqlite");
    (folder, file)
}

/// Opens another connection with the write lock, like a process in the middle of a change.
fn locked(file: &Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

/// Reads, and writes a value that depends on it, like a handler.
async fn increment(database: &Database) -> glance_sdk::Result<()> {
    database
        .write(|transaction| {
            let value: i64 =
                transaction.query_row("SELECT value FROM counter", [], |row| row.get(0))?;
            transaction.execute("UPDATE counter SET value = ?1", [value + 1])?;
            Ok(())
        })
        .await
}

async fn value(database: &Database) -> glance_sdk::Result<i64> {
    database
        .read(|transaction| {
            transaction.query_row("SELECT value FROM counter", [], |row| row.get(0))
        })
        .await
}

#[tokio::test]
async fn concurrent_processes_lose_no_update() {
    if let Some(file) = std::env::var_os(FILE) {
        let database = Database::open(Path::new(&file), SCHEMA).unwrap();
        for _ in 0..ROUNDS {
            increment(&database).await.unwrap();
        }
        return;
    }
    let (_folder, file) = file();
    let others: Vec<_> = (0..3)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["concurrent_processes_lose_no_update", "--exact"])
                .env(FILE, &file)
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    // Opens the new file at the same time as the others.
    let database = Database::open(&file, SCHEMA).unwrap();
    for _ in 0..ROUNDS {
        increment(&database).await.unwrap();
    }
    for mut other in others {
        assert!(other.wait().unwrap().success());
    }
    assert_eq!(value(&database).await.unwrap(), 4 * ROUNDS);
}

#[tokio::test]
async fn write_waits_for_lock_and_read_does_not() {
    let (_folder, file) = file();
    let database = Database::open(&file, SCHEMA).unwrap();
    let other = locked(&file);
    let (waits, started) = mpsc::channel();
    let waiting = tokio::spawn({
        let database = database.clone();
        async move {
            waits.send(()).unwrap();
            increment(&database).await
        }
    });
    tokio::task::spawn_blocking(move || started.recv().unwrap())
        .await
        .unwrap();
    assert_eq!(value(&database).await.unwrap(), 0);
    assert!(!waiting.is_finished());
    other
        .execute_batch("UPDATE counter SET value = 10; COMMIT")
        .unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(value(&database).await.unwrap(), 11);
}

#[tokio::test]
async fn locked_file_is_a_storage_error() {
    let (_folder, file) = file();
    let database = Database::open(&file, SCHEMA).unwrap();
    let other = locked(&file);
    let error = increment(&database).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    other.execute_batch("ROLLBACK").unwrap();
    increment(&database).await.unwrap();
}

#[tokio::test]
async fn full_disk_loses_no_stored_data() {
    let (_folder, file) = file();
    let database = Database::open(&file, SCHEMA).unwrap();
    increment(&database).await.unwrap();
    let fill = database
        .write(|transaction| {
            transaction.execute("UPDATE counter SET value = 7", [])?;
            transaction.execute_batch("PRAGMA max_page_count = 1")?;
            transaction.execute_batch(
                "CREATE TABLE large (text TEXT); INSERT INTO large VALUES (zeroblob(1000000))",
            )
        })
        .await;
    let error = fill.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(format!("{error:#}").contains("full"), "{error}");
    assert_eq!(value(&database).await.unwrap(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn removed_or_replaced_file_is_a_storage_error() {
    let (folder, file) = file();
    let database = Database::open(&file, SCHEMA).unwrap();
    let aside = folder.path().join("aside.sqlite");
    std::fs::rename(&file, &aside).unwrap();
    for replaced in [false, true] {
        if replaced {
            std::fs::write(&file, "").unwrap();
        }
        let error = increment(&database).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(format!("{error:#}").contains("a.sqlite"), "{error}");
        assert_eq!(
            value(&database).await.unwrap_err().kind(),
            ErrorKind::Storage
        );
    }
    std::fs::rename(&aside, &file).unwrap();
    increment(&database).await.unwrap();
    assert_eq!(value(&database).await.unwrap(), 1);
}

#[tokio::test]
async fn cache_is_refreshed_after_other_process_wrote() {
    let (_folder, file) = file();
    let (one, other) = (
        Database::open(&file, SCHEMA).unwrap(),
        Database::open(&file, SCHEMA).unwrap(),
    );
    let read = async |since| {
        one.read_since(since, |transaction| {
            transaction.query_row("SELECT value FROM counter", [], |row| row.get::<_, i64>(0))
        })
        .await
        .unwrap()
    };
    let (version, value) = read(None).await.unwrap();
    assert_eq!(value, 0);
    assert_eq!(read(Some(version)).await, None);
    for database in [&other, &one] {
        increment(database).await.unwrap();
        let (_, value) = read(Some(version)).await.unwrap();
        assert!(value > 0);
    }
}

#[test]
fn earlier_version_is_migrated_and_newer_refused() {
    let (_folder, file) = file();
    let before = Connection::open(&file).unwrap();
    before
        .execute_batch(
            "CREATE TABLE counter (value INTEGER NOT NULL); INSERT INTO counter VALUES (3)",
        )
        .unwrap();
    let newer = [
        SCHEMA[0],
        "ALTER TABLE counter ADD COLUMN name TEXT NOT NULL DEFAULT 'x'",
    ];
    for _opening in ["upgrades", "has nothing to do"] {
        Database::open(&file, &newer).unwrap();
        let row = before.query_row("SELECT value, name FROM counter", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
        assert_eq!(row.unwrap(), (3, "x".to_owned()));
    }
    let problem = Database::open(&file, SCHEMA).unwrap_err();
    assert!(problem.contains("version 2"), "{problem}");
}

#[test]
fn failed_step_leaves_file_unchanged() {
    let (_folder, file) = file();
    Database::open(&file, SCHEMA).unwrap();
    let broken = [SCHEMA[0], "DELETE FROM counter; nonsense"];
    assert!(Database::open(&file, &broken).is_err());
    let mut connection = Connection::open(&file).unwrap();
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Deferred)
        .unwrap();
    let count: i64 = transaction
        .query_row("SELECT count(*) FROM counter", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}
