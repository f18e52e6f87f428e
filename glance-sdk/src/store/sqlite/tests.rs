use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Barrier;

use rusqlite::StatementStatus;
use tempfile::TempDir;

use super::*;
use crate::store::conformance;

fn installation(id: &str) -> Installation {
    let data = InstallationData::new(
        id.into(),
        "secret".into(),
        "http://h/v2/capabilities",
        1.into(),
    );
    Installation::new(
        data,
        Endpoints::new("http://h/v2/oauth/token", "http://h/v2/"),
    )
}

fn file() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sqlite");
    (folder, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_store_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let files = std::sync::atomic::AtomicUsize::new(0);
    let make = async || {
        let number = files.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        SqliteStore::open(folder.path().join(format!("{number}.sqlite"))).unwrap()
    };
    conformance::check(make).await;
    conformance::check_sharing(make).await;
}

#[tokio::test]
async fn reopened_store_contains_everything() {
    let (_folder, file) = file();
    let store = SqliteStore::open(&file).unwrap();
    store.put(&installation("one")).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&file).unwrap();
    let found = store.get(&"one".into()).await.unwrap().unwrap();
    assert_eq!(found.data.oauth_secret.expose(), "secret");
}

/// Opens a connection like a process in the middle of a change.
fn locked(file: &std::path::Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

#[tokio::test]
async fn put_waits_for_writer_and_lookup_does_not() {
    let (_folder, file) = file();
    let store = SqliteStore::open(&file).unwrap();
    store.put(&installation("one")).await.unwrap();
    let other = locked(&file);
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.put(&installation("two")).await }
    });
    while store.writer.try_lock().is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(store.get(&"one".into()).await.unwrap().is_some());
    assert!(!waiting.is_finished());
    other.execute_batch("COMMIT").unwrap();
    waiting.await.unwrap().unwrap();
    assert!(store.get(&"two".into()).await.unwrap().is_some());
}

#[tokio::test]
async fn locked_file_is_a_storage_error() {
    let (_folder, file) = file();
    let store = SqliteStore::open(&file).unwrap();
    let other = locked(&file);
    let error = store.put(&installation("one")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    other.execute_batch("COMMIT").unwrap();
    store.put(&installation("one")).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn removed_or_replaced_file_is_a_storage_error() {
    let (folder, file) = file();
    let store = SqliteStore::open(&file).unwrap();
    let aside = folder.path().join("aside.sqlite");
    std::fs::rename(&file, &aside).unwrap();
    for is_replaced in [false, true] {
        if is_replaced {
            std::fs::write(&file, "").unwrap();
        }
        let put = store.put(&installation("one")).await;
        assert_eq!(put.unwrap_err().kind(), ErrorKind::Storage);
        let get = store.get(&"one".into()).await;
        assert_eq!(get.unwrap_err().kind(), ErrorKind::Storage);
    }
    std::fs::rename(&aside, &file).unwrap();
    store.put(&installation("one")).await.unwrap();
}

#[cfg(unix)]
#[test]
fn file_is_readable_by_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, file) = file();
    SqliteStore::open(&file).unwrap();
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o077,
        0
    );
}

#[test]
fn other_file_is_refused_and_unchanged() {
    let (_folder, file) = file();
    std::fs::write(&file, "this is not a database, it is a letter to a friend").unwrap();
    let error = SqliteStore::open(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(format!("{error:#}").contains("a.sqlite"), "{error}");
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .starts_with("this is not")
    );
}

/// Creates the file as the first version did, with the installations `a` in room 7 and `b`.
fn first_version(file: &std::path::Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection
        .execute_batch(
            r#"CREATE TABLE installation (
                oauth_id TEXT PRIMARY KEY,
                oauth_secret TEXT NOT NULL,
                data TEXT NOT NULL,
                token_url TEXT NOT NULL,
                api_url TEXT NOT NULL
            ) STRICT;
            INSERT INTO installation VALUES
                ('a', 's', '{"oauthId":"a","oauthSecret":"s","capabilitiesUrl":"c","groupId":1,"roomId":"7"}', 't', 'u'),
                ('b', 's', '{"oauthId":"b","oauthSecret":"s","capabilitiesUrl":"c","groupId":18446744073709551615}', 't', 'u');"#,
        )
        .unwrap();
    connection
}

#[tokio::test]
async fn file_of_first_version_is_migrated_to_rooms_and_groups() {
    let (_folder, file) = file();
    first_version(&file);
    for _opening in ["migrates", "has nothing to do"] {
        let store = SqliteStore::open(&file).unwrap();
        let in_room = store.in_room(7.into()).await.unwrap();
        assert_eq!(in_room.len(), 1);
        assert_eq!(in_room[0].oauth_id().as_str(), "a");
        let in_group = store.in_group(u64::MAX.into()).await.unwrap();
        assert_eq!(in_group.len(), 1);
        assert_eq!(in_group[0].oauth_id().as_str(), "b");
    }
}

/// The file as the version before removal checks created it.
#[tokio::test]
async fn file_of_second_version_is_migrated_to_origins() {
    let (_folder, file) = file();
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch(
            r#"CREATE TABLE installation (
                oauth_id TEXT PRIMARY KEY,
                oauth_secret TEXT NOT NULL,
                data TEXT NOT NULL,
                token_url TEXT NOT NULL,
                api_url TEXT NOT NULL,
                group_id INTEGER NOT NULL DEFAULT 0,
                room_id INTEGER
            ) STRICT;
            CREATE INDEX installation_by_room ON installation (room_id, oauth_id);
            CREATE INDEX installation_by_group ON installation (group_id, oauth_id);
            INSERT INTO installation VALUES
                ('a', 's', '{"oauthId":"a","oauthSecret":"s","capabilitiesUrl":"HTTPS://Chat.example:443/c","groupId":1}', 't', 'u', 1, NULL),
                ('b', 's', '{"oauthId":"b","oauthSecret":"s","groupId":1,"roomId":7}', 't', 'u', 1, 7);
            PRAGMA user_version = 2;"#,
        )
        .unwrap();
    drop(connection);
    let store = SqliteStore::open(&file).unwrap();
    assert_eq!(store.count(None).await.unwrap(), 2);
    let of_chat = store.count(Some("https://chat.example"));
    assert_eq!(of_chat.await.unwrap(), 1);
    for id in ["a", "b"] {
        let stored = store.get(&id.into()).await.unwrap().unwrap();
        assert_eq!(stored.data.oauth_secret.expose(), "s");
        let check = store.removal_check(&id.into()).await.unwrap();
        assert_eq!(check, Some(RemovalCheck::default()));
    }
}

#[test]
fn file_of_newer_version_is_refused() {
    let (_folder, file) = file();
    SqliteStore::open(&file).unwrap();
    let connection = Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteStore::open(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(format!("{error:#}").contains("newer version"), "{error}");
}

#[tokio::test]
async fn concurrent_openings_migrate_once() {
    const OPENINGS: usize = 8;
    let (folder, file) = file();
    let connection = first_version(&file);
    connection
        .pragma_update(None, "journal_mode", "wal")
        .unwrap();
    // Until all openings have begun, none can write, so each may find the old version.
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Barrier::new(OPENINGS + 1);
    std::thread::scope(|scope| {
        for _ in 0..OPENINGS {
            scope.spawn(|| {
                begun.wait();
                SqliteStore::open(&file).unwrap();
            });
        }
        begun.wait();
        connection.execute_batch("COMMIT").unwrap();
    });
    let changes_of_schema = |connection: &Connection| -> i64 {
        connection
            .pragma_query_value(None, "schema_version", |row| row.get(0))
            .unwrap()
    };
    let alone = folder.path().join("alone.sqlite");
    drop(first_version(&alone));
    SqliteStore::open(&alone).unwrap();
    let alone = Connection::open(alone).unwrap();
    assert_eq!(changes_of_schema(&connection), changes_of_schema(&alone));
    let store = SqliteStore::open(&file).unwrap();
    assert_eq!(store.count(None).await.unwrap(), 2);
    assert_eq!(store.in_room(7.into()).await.unwrap().len(), 1);
}

/// Measures the work of a query in steps of SQLite's virtual machine, without a clock.
fn steps(connection: &Connection, query: &str, parameters: impl rusqlite::Params) -> (usize, i32) {
    let mut statement = connection.prepare(query).unwrap();
    let rows = statement.query_map(parameters, read).unwrap().count();
    let scanned = statement.get_status(StatementStatus::FullscanStep);
    let sorted = statement.get_status(StatementStatus::Sort);
    assert_eq!((sorted, query), (0, query));
    assert!(
        query == FIRST_PAGE || scanned == 0,
        "{scanned} rows scanned by {query}"
    );
    (rows, statement.get_status(StatementStatus::VmStep))
}

#[test]
fn no_query_scans_a_large_store() {
    let number = 1_000_000;
    let (_folder, file) = file();
    let store = SqliteStore::open(&file).unwrap();
    let connection = store.reader.lock().unwrap();
    connection
        .execute(
            "WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number LIMIT ?1)
             INSERT INTO installation
                 (oauth_id, oauth_secret, data, token_url, api_url, group_id, room_id)
             SELECT printf('id %08d', n), 'secret',
                 json_object('oauthId', printf('id %08d', n), 'oauthSecret', 'secret',
                     'capabilitiesUrl', 'http://h/v2/capabilities', 'groupId', n / 20, 'roomId', n / 2),
                 'http://h/v2/oauth/token', 'http://h/v2/', n / 20, n / 2
             FROM number",
            [number],
        )
        .unwrap();
    let middle = format!("id {:08}", number / 2);
    let plan = |query: &str| -> String {
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {query}"))
            .unwrap();
        let lines = statement.raw_query().mapped(|row| row.get::<_, String>(3));
        lines.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    for (query, index) in [
        (GET, "sqlite_autoindex_installation_1 (oauth_id=?)"),
        (NEXT_PAGE, "sqlite_autoindex_installation_1 (oauth_id>?)"),
        (IN_ROOM, "installation_by_room (room_id=?)"),
        (IN_GROUP, "installation_by_group (group_id=?)"),
    ] {
        assert_eq!(
            plan(query),
            format!("SEARCH installation USING INDEX {index}")
        );
    }

    for (query, index) in [
        (
            COUNT_OF_ORIGIN,
            "SEARCH installation USING COVERING INDEX installation_by_origin (origin=?)",
        ),
        (
            removal_checks::DUE,
            "SEARCH installation USING INDEX installation_by_removal_due (removal_due_at<?)",
        ),
    ] {
        assert_eq!(plan(query), index);
    }
    for (query, index) in [
        (
            sharing::SWEEP_REQUESTS,
            "used_request_by_expiry (expires_at<?)",
        ),
        (sharing::COUNT_REQUESTS, "PRIMARY KEY (oauth_id=?)"),
    ] {
        assert!(plan(query).contains(index), "{}", plan(query));
    }

    let most = |rows: i32| 40 + 20 * rows;
    for (rows, (found, steps)) in [
        (1, steps(&connection, GET, [&middle])),
        (2, steps(&connection, IN_ROOM, [number / 4])),
        (20, steps(&connection, IN_GROUP, [number / 40])),
        (100, steps(&connection, FIRST_PAGE, [100])),
        (100, steps(&connection, NEXT_PAGE, params![100, middle])),
    ] {
        assert_eq!(found, rows as usize);
        assert!(
            steps <= most(rows),
            "{steps} steps for {rows} of {number} installations"
        );
    }
}

const CRASHING: &str = "GLANCE_TEST_CRASHING_STORE";

/// Runs in a child process until it is killed.
#[tokio::main]
async fn put_until_killed(file: &str) {
    let store = SqliteStore::open(file).unwrap();
    let mut puts = tokio::task::JoinSet::new();
    for task in 0..4 {
        let store = store.clone();
        puts.spawn(async move {
            for number in 0.. {
                let id = format!("{}-{task}-{number}", std::process::id());
                store.put(&installation(&id)).await.unwrap();
                writeln!(std::io::stdout(), "\nkept {id}").unwrap();
            }
        });
    }
    puts.join_all().await;
}

#[test]
fn acknowledged_changes_survive_kill() {
    if let Ok(file) = std::env::var(CRASHING) {
        put_until_killed(&file);
        return;
    }
    let (_folder, file) = file();
    let mut kept = Vec::new();
    for round in 1..=4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg(concat!(
                "store::sqlite::tests::",
                "acknowledged_changes_survive_kill"
            ))
            .env(CRASHING, &file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut heard = 0;
        for line in lines.map(Result::unwrap) {
            if let Some(id) = line.strip_prefix("kept ") {
                kept.push(id.to_owned());
                heard += 1;
                if heard == 17 * round {
                    child.kill().unwrap();
                }
            }
        }
        assert!(!child.wait().unwrap().success());
        assert!(heard >= 17 * round, "the child ended before it was killed");
    }
    let store = SqliteStore::open(&file).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for id in &kept {
        let found = runtime.block_on(store.get(&id.as_str().into())).unwrap();
        assert_eq!(found.unwrap().oauth_id().as_str(), id);
    }
    let connection = store.reader.lock().unwrap();
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}
