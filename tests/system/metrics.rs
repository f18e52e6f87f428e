//! Tests the metrics and the health of a host.

use glance_host::Host;
use glance_host::testing::TestViewer;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::add_on::{Pager, add_on, data, incidents};
use crate::peer::Peer;

async fn value(host: &Host, name: &str) -> f64 {
    let text = host.metrics().await.unwrap();
    let name = format!("glance_host_{name} ");
    let found = text.lines().find_map(|line| line.strip_prefix(&name));
    found
        .unwrap_or_else(|| panic!("no {name}"))
        .parse()
        .unwrap()
}

async fn viewers(host: &Host) -> (f64, f64) {
    (
        value(host, "viewers").await,
        value(host, "rooms_open").await,
    )
}

#[tokio::test]
async fn calls_and_events_are_counted() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let pager = Pager::new(4);
    let add_on = room.install(add_on(&pager)).await;
    assert_eq!(value(&host, "installations").await, 1.0);
    assert_eq!(viewers(&host).await, (0.0, 0.0));

    let mut viewer: TestViewer = room.viewer("Ann").await;
    let _other = room.viewer("Ann").await;
    viewer.glance::<incidents>().await;
    assert_eq!(viewers(&host).await, (2.0, 1.0));
    let answered = "query_duration_seconds_count{outcome=\"ok\"}";
    assert!(value(&host, answered).await >= 1.0);

    let before = value(&host, "requests_total{status=\"2xx\"}").await;
    let client = add_on.client().await;
    client
        .room(room.room.id)
        .push::<incidents>(data(6))
        .await
        .unwrap();
    assert_eq!(value(&host, "pushes_total").await, 1.0);
    assert!(value(&host, "requests_total{status=\"2xx\"}").await > before);
    let url = format!("{}/v2/room", host.base_url());
    glance_host::testing::http_client()
        .get(url)
        .send()
        .await
        .unwrap();
    assert_eq!(value(&host, "requests_total{status=\"4xx\"}").await, 1.0);

    pager.break_down(true);
    room.viewer("Bob").await.settled().await;
    let failed = "query_duration_seconds_count{outcome=\"bad_answer\"}";
    assert!(value(&host, failed).await >= 1.0);
}

#[tokio::test]
async fn webhooks_are_counted_by_outcome() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let webhook = json!({ "event": "room_message", "url": "hook" });
    let peer = Peer::serve("com.example.counted", webhook).await;
    room.install_url(&peer.url).await.unwrap();
    room.says("Ann", "hello").await;
    room.delivery(|_| true).await;
    assert_eq!(
        value(&host, "webhooks_total{outcome=\"answered\"}").await,
        1.0
    );
    assert_eq!(
        value(&host, "webhooks_total{outcome=\"failed\"}").await,
        0.0
    );
}

#[tokio::test]
async fn health_check_works_with_any_host_name() {
    let host = Host::start().await;
    for (path, status) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let url = format!("{}{path}", host.base_url());
        let request = glance_host::testing::http_client()
            .get(url)
            .header("host", "balancer.example.com");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let said: Value = answer.json().await.unwrap();
        assert_eq!(said, json!({ "status": status }));
    }
}
