use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::routing::get;
use glance_sdk::model::{Descriptor, Event};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;

use super::*;
use crate::Host;
use crate::service::viewer::LineState;

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
    let url = format!("http://{address}/").parse().unwrap();
    let (client, request) = client.request(Method::POST, url).build().unwrap();
    let answer = client
        .exchange(request, Duration::from_secs(10), 1000)
        .await;
    assert!(
        matches!(answer, Err(NoAnswer::Unreachable(_))),
        "{answer:?}"
    );
}

#[test]
fn a_token_is_added_to_any_address() {
    for (address, expected) in [
        (
            "https://a.example/x",
            "https://a.example/x?signed_request=t",
        ),
        ("https://a.example", "https://a.example/?signed_request=t"),
        (
            "https://a.example/x?",
            "https://a.example/x?signed_request=t",
        ),
        (
            "https://a.example/x?a=1&b",
            "https://a.example/x?a=1&b&signed_request=t",
        ),
        (
            "https://a.example/x?a=%20%2b+c;d",
            "https://a.example/x?a=%20%2b+c;d&signed_request=t",
        ),
        (
            "https://a.example/x?a=&&=",
            "https://a.example/x?a=&&=&signed_request=t",
        ),
        (
            "https://a.example/x?a=?/",
            "https://a.example/x?a=?/&signed_request=t",
        ),
        (
            "https://a.example/x#f",
            "https://a.example/x?signed_request=t#f",
        ),
        (
            "https://a.example/x?a=1#f?g=2",
            "https://a.example/x?a=1&signed_request=t#f?g=2",
        ),
        (
            "HTTPS://A.Example:443/X",
            "https://a.example/X?signed_request=t",
        ),
        (
            "http://a.example:443/",
            "http://a.example:443/?signed_request=t",
        ),
        (
            "http://[::1]:8080/x",
            "http://[::1]:8080/x?signed_request=t",
        ),
        (
            "https://a.example/b/../c/./d%2F..",
            "https://a.example/c/d%2F..?signed_request=t",
        ),
        (
            "https://me:pw@a.example/x",
            "https://me:pw@a.example/x?signed_request=t",
        ),
    ] {
        let mut url = web_url(address).unwrap();
        append(&mut url, SIGNED_REQUEST, "t");
        assert_eq!(url.as_str(), expected, "{address}");
    }
    for address in [
        "ftp://a.example/",
        "javascript:alert(1)",
        "/x",
        "//a.example/x",
        "",
    ] {
        assert!(web_url(address).is_err(), "{address}");
    }
}

#[tokio::test]
async fn a_webhook_has_one_authorization_header() {
    let host = Host::start().await;
    let installed = Installed {
        oauth_id: "id".into(),
        oauth_secret: "secret".into(),
        room_id: None,
        descriptor_url: "http://127.0.0.1:1/".to_owned(),
        descriptor: Descriptor::new("key", "Name", "http://127.0.0.1:1/"),
    };
    for (site, scheme) in [
        ("", "JWT "),
        ("me:pw@", "Basic bWU6cHc="),
        ("me@", "Basic bWU6"),
    ] {
        let mut declared = Webhook::new(Event::RoomMessage, format!("http://{site}127.0.0.1:1/x"));
        declared.authentication = Some(Authentication::Jwt);
        let call = webhook(&host.shared, &installed, &declared, 1.into(), None).unwrap();
        let (_, request) = call.build().unwrap();
        let all = request.headers().get_all(AUTHORIZATION).iter();
        let all: Vec<_> = all.map(|value| value.to_str().unwrap()).collect();
        assert_eq!(all.len(), 1, "{site}: {all:?}");
        assert!(all[0].starts_with(scheme), "{site}: {all:?}");
        assert!(
            request
                .url()
                .query()
                .unwrap()
                .starts_with("signed_request=")
        );
    }
}
