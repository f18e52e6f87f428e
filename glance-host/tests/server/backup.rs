//! Copies of the database, and hosts that restore them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::task::JoinSet;

use crate::add_on::AddOn;
use crate::process::{Server, program, said};

const SETTINGS: &str = "[limits]\nrequests = 1000000\nmessages = 1000000";

/// How many writers work while the database is copied.
const WRITERS: usize = 4;

/// Runs a command in the folder of a host.
async fn run(folder: &Path, arguments: &[&str]) -> (String, String, bool) {
    said(program(folder).args(arguments)).await
}

async fn backup(folder: &Path, file: &Path) {
    let (out, err, is_good) = run(folder, &["backup", file.to_str().unwrap()]).await;
    assert!(is_good, "{err}");
    assert_eq!(out, format!("Copied the database to {}.\n", file.display()));
}

/// Puts a copy into the data folder of a host that does not run.
fn restore(folder: &Path, copy: &Path) {
    let data = folder.join("glance-host-data");
    fs::create_dir_all(&data).unwrap();
    for name in ["host.sqlite", "host.sqlite-wal", "host.sqlite-shm"] {
        let file = data.join(name);
        assert!(!file.exists() || fs::remove_file(file).is_ok());
    }
    fs::copy(copy, data.join("host.sqlite")).unwrap();
}

fn epoch(folder: &Path) -> String {
    let database = Connection::open(folder.join("glance-host-data/host.sqlite")).unwrap();
    let epoch = database.query_row("SELECT epoch FROM team", [], |row| row.get(0));
    epoch.unwrap()
}

/// Installs an add-on that posts, and another, which listens. Returns the token of the first.
async fn install(server: &Server, add_on: &AddOn) -> String {
    for name in ["quiet-teller", "listener"] {
        let status = server.install(&add_on.url(name)).await.unwrap();
        assert!(status.is_success(), "{status}");
    }
    let (id, secret) = add_on.installation("quiet-teller");
    server.token(&id, &secret).await.unwrap()
}

async fn texts(server: &Server, token: &str) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let path = format!(
            "/v2/room/1/history?max-results=1000&start-index={}",
            texts.len()
        );
        let page = server.get(token, &path).await.unwrap();
        let items = page["items"].as_array().unwrap();
        texts.extend(
            items
                .iter()
                .map(|item| item["message"].as_str().unwrap().to_owned()),
        );
        if page["links"]["next"].is_null() {
            return texts;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_has_everything_that_was_acknowledged_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let add_on = AddOn::serve().await;
    let server = Arc::new(Server::start(folder.path(), SETTINGS).await);
    let token = install(&server, &add_on).await;
    let acknowledged = Arc::new(tokio::sync::watch::channel(Vec::<String>::new()).0);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (server, token) = (Arc::clone(&server), token.clone());
        let acknowledged = Arc::clone(&acknowledged);
        writers.spawn(async move {
            for number in 0.. {
                let text = format!("{writer} says {number}");
                server.notify(&token, &text).await.unwrap();
                acknowledged.send_modify(|all| all.push(text));
            }
        });
    }
    let mut copies = Vec::new();
    for number in 0..3 {
        let mut grown = acknowledged.subscribe();
        let before = grown.wait_for(|all| all.len() > 30 * (number + 1)).await;
        let before = before.unwrap().clone();
        let copy = folder.path().join(format!("copy-{number}.sqlite"));
        backup(folder.path(), &copy).await;
        copies.push((copy, before));
    }
    writers.shutdown().await;
    Arc::into_inner(server).unwrap().stop().await;

    for (copy, before) in copies {
        let elsewhere = tempfile::tempdir().unwrap();
        restore(elsewhere.path(), &copy);
        let mut server = Server::start(elsewhere.path(), SETTINGS).await;
        server.logged("the database was restored").await;
        let found = texts(&server, &token).await;
        for text in before {
            assert!(found.contains(&text), "{text:?} is not in the copy");
        }
        server.notify(&token, "of the new host").await.unwrap();
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restored_host_drops_waiting_calls_once_and_begins_an_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let add_on = AddOn::serve().await;
    let server = Server::start(folder.path(), SETTINGS).await;
    let token = install(&server, &add_on).await;
    let held = add_on.hold();
    for text in ["running", "waiting"] {
        server.notify(&token, text).await.unwrap();
    }
    add_on.called(1).await;
    let own = folder.path().join("own.sqlite");
    backup(folder.path(), &own).await;
    let other = folder.path().join("other.sqlite");
    let database = Connection::open(folder.path().join("glance-host-data/host.sqlite")).unwrap();
    let copied = database.execute("VACUUM INTO ?1", [other.to_str().unwrap()]);
    copied.unwrap();
    drop(database);
    // The folder of a host that runs is not touched.
    let (_, err, is_good) = run(folder.path(), &["restored"]).await;
    assert!(!is_good && err.contains("another host uses"), "{err}");
    drop(held);
    add_on.called(2).await;
    server.stop().await;
    let first = epoch(folder.path());

    let (id, _) = add_on.installation("listener");
    restore(folder.path(), &own);
    let mut server = Server::start(folder.path(), SETTINGS).await;
    let warning = server.logged("the database was restored").await;
    assert_eq!(warning["level"], "WARN");
    assert_eq!(warning["dropped"], 2);
    assert_eq!(warning["installations"], format!("{id}: 2"));
    server.notify(&token, "later").await.unwrap();
    add_on.called(3).await;
    server.stop().await;
    let second = epoch(folder.path());
    assert_ne!(second, first);

    // Only the first start does it.
    let held = add_on.hold();
    let server = Server::start(folder.path(), SETTINGS).await;
    server.notify(&token, "once more").await.unwrap();
    add_on.called(4).await;
    server.notify(&token, "and again").await.unwrap();
    let killed = server.signal("KILL");
    killed.await;
    drop((held, server));
    let mut server = Server::start(folder.path(), SETTINGS).await;
    server.logged("webhook delivery failed").await;
    add_on.called(5).await;
    assert!(!server.log().join("\n").contains("was restored"));
    server.stop().await;
    assert_eq!(epoch(folder.path()), second);

    // A copy that was made in another way.
    restore(folder.path(), &other);
    let (out, err, is_good) = run(folder.path(), &["restored"]).await;
    assert!(is_good, "{err}");
    let expected = "2 webhook calls of 1 installations were dropped.";
    assert!(out.contains(expected), "{out}");
    assert_ne!(epoch(folder.path()), first);
    let server = Server::start(folder.path(), SETTINGS).await;
    server.notify(&token, "at last").await.unwrap();
    add_on.called(6).await;
    assert!(!server.log().join("\n").contains("was restored"));
    server.stop().await;
    let heard = [
        "running",
        "waiting",
        "later",
        "once more",
        "and again",
        "at last",
    ];
    assert_eq!(add_on.heard(), heard);
}

#[tokio::test]
async fn backup_refuses_existing_files_and_missing_databases() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["backup", "copy.sqlite"][..], &["restored"]] {
        let (_, err, is_good) = run(folder.path(), arguments).await;
        assert!(!is_good);
        assert!(
            err.contains("there is no database glance-host-data/host.sqlite"),
            "{err}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // A host that does not run can be copied, too.
    Server::start(folder.path(), "").await.stop().await;
    backup(folder.path(), &folder.path().join("copy.sqlite")).await;
    let before = fs::read(folder.path().join("copy.sqlite")).unwrap();
    let (_, err, is_good) = run(folder.path(), &["backup", "copy.sqlite"]).await;
    assert!(
        !is_good && err.contains("copy.sqlite exists and is not replaced"),
        "{err}"
    );
    assert!(fs::read(folder.path().join("copy.sqlite")).unwrap() == before);
    for command in ["backup", "restored"] {
        let (out, _, is_good) = run(folder.path(), &[command, "--help"]).await;
        assert!(is_good && out.contains("webhook calls"), "{out}");
    }
}
