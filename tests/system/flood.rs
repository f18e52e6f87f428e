//! Tests hundreds of faulty add-ons in one room: each affects only its own glance.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use glance_host::Host;
use glance_sdk::axum::Router;
use glance_sdk::axum::body::{Body, Bytes};
use glance_sdk::axum::http::header;
use glance_sdk::axum::response::{IntoResponse, Redirect, Response};
use glance_sdk::axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::add_on::{Pager, add_on, always, data};
use crate::by_hand::serve;

/// Enough hanging add-ons to occupy all concurrent calls at first.
const HANGING: usize = 150;
const OF_EACH_OTHER: usize = 20;

const CORS: [(&str, &str); 1] = [("access-control-allow-origin", "*")];

/// Serves an endless body, and counts connections and bytes.
struct Endless {
    open: Arc<watch::Sender<usize>>,
    read: Arc<AtomicUsize>,
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.open.send_modify(|open| *open -= 1);
    }
}

fn endless(open: &Arc<watch::Sender<usize>>, read: &Arc<AtomicUsize>) -> Response {
    open.send_modify(|open| *open += 1);
    let body = Endless {
        open: Arc::clone(open),
        read: Arc::clone(read),
    };
    let stream = futures_util::stream::unfold(body, async |body| {
        body.read.fetch_add(64 * 1024, Ordering::SeqCst);
        let chunk = Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 * 1024]));
        Some((chunk, body))
    });
    (CORS, Body::from_stream(stream)).into_response()
}

/// Starts a server that accepts connections, and closes them when a request arrives.
async fn crashing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let _ = connection.readable().await;
        }
    });
    url
}

#[tokio::test]
async fn hundreds_of_faulty_add_ons_affect_only_their_glances() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let hanging = Arc::new(watch::Sender::new(0_usize));
    let open = Arc::new(watch::Sender::new(0_usize));
    let (read, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = serve(|_| {
        let hangs = Arc::clone(&hanging);
        let (open, read, requests) = (Arc::clone(&open), Arc::clone(&read), Arc::clone(&requests));
        let hang = async move || {
            hangs.send_modify(|hanging| *hanging += 1);
            pending::<()>().await;
        };
        let huge = async move || {
            requests.fetch_add(1, Ordering::SeqCst);
            endless(&open, &read)
        };
        let lie = async || ([(header::CONTENT_TYPE, "application/json")], CORS, "<p>{}");
        let round = async || Redirect::to("/round");
        Router::new()
            .route("/hang", get(hang))
            .route("/huge", get(huge))
            .route("/lie", get(lie))
            .route("/round", get(round))
    })
    .await;
    let crash = crashing().await;
    let kinds = [
        ("hang", HANGING, format!("{server}/hang")),
        ("huge", OF_EACH_OTHER, format!("{server}/huge")),
        ("lie", OF_EACH_OTHER, format!("{server}/lie")),
        ("round", OF_EACH_OTHER, format!("{server}/round")),
        ("crash", OF_EACH_OTHER, crash),
    ];
    for (kind, many, url) in &kinds {
        for n in 0..*many {
            let descriptor = json!({
                "key": format!("com.example.{kind}.{n}"), "name": kind, "description": "Bad.",
                "links": { "self": url },
                "capabilities": { "glance": [{
                    "key": format!("{kind}.{n}"), "name": { "value": kind }, "queryUrl": url,
                    "icon": { "url": url, "url@2x": url },
                }] },
            });
            room.install_url(&format!("data:,{descriptor}"))
                .await
                .unwrap();
        }
    }
    let good = room.install(add_on(&Pager::new(4))).await;

    let mut viewer = room.viewer("member").await;
    assert_eq!(viewer.glance::<always>().await.label_text(), "4 incidents");
    let sidebar = viewer.sidebar();
    assert!(sidebar.loading > 0, "it showed while the others hang");
    let page = glance_host::testing::http_client()
        .get(host.room_url(&room.room))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), reqwest::StatusCode::OK);
    assert!(viewer.sidebar().loading > 0, "and so did the page");

    let mut second = room.viewer("another").await;
    assert_eq!(second.glance::<always>().await.label_text(), "4 incidents");
    good.client()
        .await
        .room(room.room.id)
        .push::<always>(data(9))
        .await
        .unwrap();
    viewer.label("always", "9 incidents").await;
    second.label("always", "9 incidents").await;

    let is_bad = |key: &str| kinds[1..].iter().any(|(kind, ..)| key.starts_with(kind));
    let sidebar = viewer
        .wait_for(|sidebar| {
            let bad = sidebar.lines.iter().filter(|line| is_bad(&line.key));
            bad.filter(|line| line.is_failed()).count() == 4 * OF_EACH_OTHER
        })
        .await;
    assert_eq!(sidebar.line("always").unwrap().label_text(), "9 incidents");

    assert!(requests.load(Ordering::SeqCst) >= OF_EACH_OTHER);
    open.subscribe().wait_for(|open| *open == 0).await.unwrap();
    let each = read.load(Ordering::SeqCst) / requests.load(Ordering::SeqCst);
    assert!(
        each < 32 << 20,
        "the host hung up after {each} bytes of an endless answer"
    );
    hanging
        .subscribe()
        .wait_for(|hanging| *hanging >= 128)
        .await
        .unwrap();
}
