//! What `/healthz` and `/readyz` answer.

use std::fs;

use serde_json::{Value, json};

use crate::add_on::AddOn;
use crate::process::{Server, program_with_file_size};

/// Larger than a new database with its write-ahead log, in KiB.
const FILE_SIZE: usize = 1024;

async fn answer(server: &Server, path: &str) -> (u16, Value) {
    let answer = server.client.get(server.url(path)).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn full_disk_leaves_the_host_alive_and_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "listen = \"127.0.0.1:0\"\nlimits.messages = 10000\nlimits.requests = 10000\n";
    fs::write(folder.path().join("glance-host.toml"), settings).unwrap();
    let server = Server::run(program_with_file_size(folder.path(), FILE_SIZE)).await;
    assert_eq!(
        answer(&server, "/healthz").await,
        (200, json!({ "status": "ok" }))
    );
    assert_eq!(
        answer(&server, "/readyz").await,
        (200, json!({ "status": "ready" }))
    );

    let add_on = AddOn::serve().await;
    let installed = server.install(&add_on.url("quiet")).await.unwrap();
    assert!(installed.is_success(), "{installed}");
    let (id, secret) = add_on.installation("quiet");
    let token = server.token(&id, &secret).await.unwrap();
    let text = "x".repeat(9000);
    let mut written = 0;
    let refused = loop {
        match server.notify(&token, &text).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < FILE_SIZE, "the disk is never full");
    };
    assert!(refused.status().unwrap().is_server_error(), "{refused}");

    let impaired = json!(["the database cannot be written"]);
    let alive = json!({ "status": "impaired", "impaired": impaired });
    assert_eq!(answer(&server, "/healthz").await, (200, alive));
    let ready = json!({ "status": "not ready", "impaired": impaired });
    assert_eq!(answer(&server, "/readyz").await, (503, ready));
    let history = server.get(&token, "/v2/room/1/history").await.unwrap();
    assert!(history.to_string().contains(&text), "reading goes on");
    server.stop().await;

    let server = Server::start(folder.path(), "").await;
    assert_eq!(
        answer(&server, "/readyz").await,
        (200, json!({ "status": "ready" }))
    );
    server.notify(&token, "more").await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn host_that_shuts_down_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), "").await;
    let mut asking = server.begin_request("GET /readyz HTTP/1.1\r\n").await;
    server.signal("TERM").await;
    server.refuses_connections().await;
    let answer = asking.end_request().await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("the host is shutting down"), "{answer}");
    assert!(server.ended().await.success());
}
