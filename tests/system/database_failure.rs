//! What the host answers while its database fails.

use std::time::Duration;

use glance_host::{Clock, Host};
use reqwest::{Method, StatusCode};
use rusqlite::Connection;

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
            text.contains("cannot reach its database now"),
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
