//! What a page that reads nothing costs, while an add-on pushes all it may.
#![cfg(target_os = "linux")]

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::add_on::AddOn;
use crate::process::Server;

/// How many pushes fill what lies between the host and the page, and then what the host keeps for it.
const PUSHES: usize = 500;

/// How much memory they may cost, in KiB: each of them has 32.
const ALLOWED: u64 = 100 * 1024;

#[tokio::test]
async fn pushes_that_a_page_does_not_read_cost_little_more_than_their_text() {
    let folder = tempfile::tempdir().unwrap();
    let add_on = AddOn::serve().await;
    let server = Server::start(folder.path(), "[limits]\nrequests = 10000").await;
    let installed = server.install(&add_on.url("quiet")).await.unwrap();
    assert!(installed.is_success());
    let (id, secret) = add_on.installation("quiet");
    let token = server.token(&id, &secret).await.unwrap();

    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address = server.base_url.strip_prefix("http://").unwrap();
    let mut page = socket.connect(address.parse().unwrap()).await.unwrap();
    let request = format!("GET /rooms/1/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
    page.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let name = loop {
        assert_ne!(page.read_buf(&mut read).await.unwrap(), 0);
        let read = String::from_utf8_lossy(&read);
        if let Some((_, rest)) = read.split_once("\"page\":\"")
            && let Some((name, _)) = rest.split_once('"')
        {
            break name.to_owned();
        }
    };
    let frames = server.url(&format!("/rooms/1/pages/{name}/frames"));
    let followed = json!({ "addOns": ["com.example.quiet"] });
    let follow = server.client.post(frames).json(&followed).send().await;
    assert_eq!(follow.unwrap().status(), StatusCode::NO_CONTENT);

    let before = server.memory();
    // As values each of these takes hundreds of bytes, as text eight.
    let metadata: Value = (0..4_000).map(|_| json!({ "a": 0 })).collect();
    let content = json!({ "label": {}, "metadata": metadata });
    let push = json!({ "glance": [{ "key": "declared-0", "content": content }] });
    for _ in 0..PUSHES {
        let pushed = server.send(Method::POST, &token, "/v2/addon/ui/room/1", &push);
        pushed.await.unwrap();
    }
    let grown = server.memory().saturating_sub(before);
    assert!(grown < ALLOWED, "{grown} KiB");
    drop(page);
    server.stop().await;
}
