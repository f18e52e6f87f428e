use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::routing::get;
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;

use super::*;
use crate::Host;
use crate::viewer::LineState;

/// Lets time pass, and nothing wait for it.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_query_is_given_up_after_ten_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let glance = |key: &str| {
        json!({
            "key": key, "name": { "value": key }, "queryUrl": format!("{base}/{key}"),
            "icon": { "url": format!("{base}/i.png"), "url@2x": format!("{base}/i.png") },
        })
    };
    let descriptor = json!({
        "key": "com.example.slow", "name": "Slow", "description": "Slow.",
        "links": { "self": base },
        "capabilities": { "installable": {}, "glance": [glance("hangs"), glance("quick")] },
    });
    let descriptor = descriptor.to_string();
    let arrived = Arc::new(Notify::new());
    let asked = Arc::clone(&arrived);
    let hangs = async move || {
        asked.notify_one();
        std::future::pending::<()>().await;
    };
    let times = Arc::new(AtomicU32::new(0));
    let quick = async move || {
        let label = format!("time {}", times.fetch_add(1, Ordering::Relaxed));
        let data = json!({ "label": { "type": "html", "value": label } });
        ([("Access-Control-Allow-Origin", "*")], data.to_string())
    };
    let router = Router::new()
        .route("/", get(async move || descriptor))
        .route("/hangs", get(hangs))
        .route("/quick", get(quick));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let host = Host::start().await;
    let room = host.room("ops").await;
    room.install_url(&base).await.unwrap();
    let mut viewer = room.viewer("ann").await;
    let sidebar = viewer.label("quick", "time 0").await;
    arrived.notified().await;
    pass(Duration::from_secs(9)).await;
    // An answer that comes after it.
    viewer.retry(sidebar.line("quick").unwrap());
    let sidebar = viewer.label("quick", "time 1").await;
    assert_eq!(sidebar.line("hangs").unwrap().state, LineState::Loading);
    pass(Duration::from_secs(1)).await;
    let sidebar = viewer.settled().await;
    let problem = "It gave no answer within 10 seconds.".to_owned();
    let state = &sidebar.line("hangs").unwrap().state;
    assert_eq!(*state, LineState::Failed { problem });
}

/// Nothing was sent to it, so it may be called again.
#[tokio::test(start_paused = true)]
async fn an_add_on_that_takes_no_connection_cannot_be_reached() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let busy = socket.listen(1).unwrap();
    let address = busy.local_addr().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..2 {
        waiting.push(TcpStream::connect(address).await.unwrap());
    }
    let client = Client::of_tests().unwrap();
    let request = client.post(format!("http://{address}/"));
    let answer = exchange(request, Duration::from_secs(10), 1000).await;
    assert!(
        matches!(answer, Err(NoAnswer::Unreachable(_))),
        "{answer:?}"
    );
}
