//! More connections than the program may have open files.

use std::fs;

use reqwest::StatusCode;
use tokio::net::TcpStream;

use crate::process::{Server, program_with_files};

/// How many files it may have open.
const FILES: usize = 100;

#[tokio::test]
async fn it_says_that_it_can_accept_no_more_and_goes_on_once_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "listen = \"127.0.0.1:0\"\n";
    fs::write(folder.path().join("glance-host.toml"), settings).unwrap();
    let mut server = Server::run(program_with_files(folder.path(), FILES)).await;
    let address = server.base_url.strip_prefix("http://").unwrap();
    let mut silent = Vec::new();
    for _ in 0..FILES {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let said = server.logged("connection refused: too many are open").await;
    let said = said["message"].as_str().unwrap();
    assert!(said.contains("LimitNOFILE"), "{said}");
    drop(silent);
    let answer = server.client.get(server.url("/healthz")).send().await;
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
    server.stop().await;
}
