//! More connections than the program may have open files.

use std::fs;

use reqwest::StatusCode;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::process::{Server, program_with_files};

/// How many files it may have open.
const FILES: usize = 100;

#[tokio::test]
async fn it_refuses_connections_before_its_files_run_out_and_takes_more_once_some_ended() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "listen = \"127.0.0.1:0\"\n";
    fs::write(folder.path().join("glance-host.toml"), settings).unwrap();
    let mut server = Server::run(program_with_files(folder.path(), FILES)).await;
    let address = server.base_url.strip_prefix("http://").unwrap();
    let mut silent = Vec::new();
    for _ in 0..FILES {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let said = server.logged("connection refused: ").await;
    let said = said["message"].as_str().unwrap();
    assert!(said.contains("LimitNOFILE"), "{said}");
    let mut answer = String::new();
    let mut last = silent.pop().unwrap();
    last.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
    drop(silent);
    loop {
        // The program may not have seen yet that they ended.
        let answer = server.client.get(server.url("/healthz")).send().await;
        match answer.map(|answer| answer.status()) {
            Ok(StatusCode::OK) => break,
            Ok(StatusCode::SERVICE_UNAVAILABLE) | Err(_) => tokio::task::yield_now().await,
            Ok(status) => panic!("{status}"),
        }
    }
    server.stop().await;
}
