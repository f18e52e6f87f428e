//! What the host answers while its database fails.

use std::time::Duration;

use glance_host::model::{Installed, PrivateMessage};
use glance_host::viewer::LineState;
use glance_host::{Clock, Host};
use glance_sdk::model::Descriptor;
use glance_sdk::prelude::*;
use reqwest::{Method, StatusCode};
use rusqlite::Connection;

use crate::browser::Browser;
use crate::script::{LIST, Script, create_token};
use crate::sign_in::by_name;

#[tokio::test]
async fn failing_database_answers_503_with_retry_after() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::builder().data(folder.path()).start().await.unwrap();
    let room = host.open_room("ops").await.unwrap();
    let database = Connection::open(folder.path().join("host.sqlite")).unwrap();
    let rename = |from: &str, to: &str| {
        let statement = format!(
            "PRAGMA legacy_alter_table = ON; PRAGMA foreign_keys = OFF;
             ALTER TABLE \"{from}\" RENAME TO \"{to}\""
        );
        database.execute_batch(&statement).unwrap();
    };
    let client = glance_host::testing::http_client();
    let ask = |method: &Method, path: &str| {
        let request = client.request(method.clone(), format!("{}{path}", host.base_url()));
        let request = request.header("origin", host.base_url());
        let request = request.header("sec-fetch-site", "same-origin");
        let request = request.basic_auth("stranger", Some("guessed"));
        match *method {
            Method::POST => request.json(&serde_json::json!({ "addOn": "x", "key": "y" })),
            _ => request,
        }
    };
    for (method, path, table, otherwise) in [
        (
            Method::POST,
            "/v2/oauth/token".to_owned(),
            "installation",
            StatusCode::UNAUTHORIZED,
        ),
        (Method::GET, "/".to_owned(), "room", StatusCode::OK),
        (
            Method::GET,
            format!("/rooms/{}", room.id),
            "room",
            StatusCode::OK,
        ),
        (
            Method::POST,
            format!("/rooms/{}/open", room.id),
            "installation",
            StatusCode::NOT_FOUND,
        ),
    ] {
        rename(table, "gone");
        let answer = ask(&method, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.headers()["retry-after"], "5", "{path}");
        let text = answer.text().await.unwrap();
        assert!(
            text.contains("database does not work now"),
            "{path}: {text}"
        );
        assert!(!text.contains("no such table"), "{path}: {text}");
        rename("gone", table);
        let answer = ask(&method, &path).send().await.unwrap();
        assert_eq!(answer.status(), otherwise, "{path}");
    }
}

#[tokio::test]
async fn readiness_follows_the_latest_write_and_probes_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::standing_at(1_700_000_000);
    let host = Host::builder().port(0).data(folder.path());
    let host = host.clock(clock.clone()).start().await.unwrap();
    let other = Connection::open(folder.path().join("host.sqlite")).unwrap();
    let client = glance_host::testing::http_client();
    let is_ready = async || {
        let answer = client.get(format!("{}/readyz", host.base_url()));
        answer.send().await.unwrap().status() == StatusCode::OK
    };
    let advance = |seconds| clock.advance(Duration::from_secs(seconds));
    assert!(is_ready().await);
    let probed = host.state().writes().count;
    // Who holds the lock of a database keeps others from writing it.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    advance(9);
    assert!(is_ready().await, "no probe yet");
    advance(1);
    assert!(!is_ready().await);
    advance(9);
    assert!(!is_ready().await);
    other.execute_batch("ROLLBACK").unwrap();
    advance(1);
    assert!(is_ready().await);
    assert!(host.state().writes().count > probed);

    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(host.state().rename_group("Ops").await.is_err());
    advance(1);
    assert!(!is_ready().await, "a write failed");
    other.execute_batch("ROLLBACK").unwrap();
    host.state().rename_group("Ops").await.unwrap();
    advance(1);
    assert!(is_ready().await, "a write succeeded");
}

#[tokio::test]
async fn reads_work_while_what_they_note_cannot_be_stored() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::standing_at(1_700_000_000);
    let host = by_name().data(folder.path()).clock(clock.clone());
    let host = host.start().await.unwrap();
    let mut admin = Browser::signed_in(&host, "Ann").await;
    let token = create_token(&mut admin, "deploy", "90").await;
    let script = Script::of(&host, Some(&token));
    let ann = host.state().find_user("Ann").await.unwrap().unwrap();
    let writer = Installed {
        oauth_id: "id".into(),
        oauth_secret: "secret".into(),
        room_id: None,
        descriptor_url: "http://a.example/".to_owned(),
        descriptor: Descriptor::new("a", "A", "http://a.example/"),
    };
    let message = PrivateMessage::new(ann.id, &writer, "hello", "text".into(), false);
    host.state().put_private_message(&message).await.unwrap();
    let database = Connection::open(folder.path().join("host.sqlite")).unwrap();
    let tables = ["session", "private_message", "admin_token"];
    let run_for_each = |sql: &str| {
        for table in tables {
            database.execute_batch(&sql.replace("{}", table)).unwrap();
        }
    };
    run_for_each(
        "CREATE TRIGGER stop_{} BEFORE UPDATE ON {} BEGIN SELECT RAISE(ABORT, 'stop'); END",
    );
    // A session is prolonged once a day.
    clock.advance(Duration::from_secs(2 * 24 * 3600));
    let unread = || host.state().count_unread(ann.id);
    let reads = async || {
        assert_eq!(admin.status("/").await, StatusCode::OK);
        assert!(admin.text("/messages").await.contains("hello"));
        let list = script.request(Method::GET, LIST).send().await.unwrap();
        assert_eq!(list.status(), StatusCode::OK);
    };
    reads().await;
    assert_eq!(unread().await.unwrap(), 1);
    run_for_each("DROP TRIGGER stop_{}");
    reads().await;
    assert_eq!(unread().await.unwrap(), 0);
    let used = host.state().admin_token(1).await.unwrap().unwrap();
    assert_eq!(used.last_used_at, Some(clock.now()));
}

#[glance(key = "shared", name = "Shared", icon = "/i.svg", audience = "room")]
async fn shared() -> GlanceData {
    GlanceData::new(label!("2 alerts"))
}

#[tokio::test]
async fn query_that_the_host_cannot_send_fails_its_line_and_is_retried() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::builder().port(0).data(folder.path());
    let host = host.start().await.unwrap();
    let room = host.room("ops").await;
    // The query for a room is made in the name of an account that the first one creates.
    let database = Connection::open(folder.path().join("host.sqlite")).unwrap();
    database
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON user WHEN NEW.is_technical
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .unwrap();
    let add_on = AddOn::new("com.example.shared", "Shared").glance::<shared>();
    let _add_on = room.install(add_on).await;
    let mut viewer = room.viewer("ann").await;
    let sidebar = viewer
        .wait_for(|sidebar| sidebar.line("shared").is_some_and(|line| line.is_failed()))
        .await;
    let line = sidebar.line("shared").unwrap();
    let LineState::Failed { problem } = &line.state else {
        panic!("{line:?}");
    };
    let expected = "The host could not send the query; its log says why.";
    assert_eq!(problem, expected);

    database.execute_batch("DROP TRIGGER refuse").unwrap();
    viewer.retry(line);
    viewer.label("shared", "2 alerts").await;
}
