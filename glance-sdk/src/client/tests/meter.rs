//! Tests the metrics of calls, tokens and pushes.

use super::*;
use crate::test_recorder::TestRecorder;

// The test runs on one thread, because the recorder belongs to that thread.
#[tokio::test]
async fn calls_tokens_and_pushes_are_counted() {
    let kept = TestRecorder::default();
    let _recorder = ::metrics::set_default_local_recorder(&kept);
    let busy = StatusCode::SERVICE_UNAVAILABLE.into_response();
    let bad = StatusCode::BAD_REQUEST.into_response();
    let (client, _) = scripted(vec![busy, bad]).await;
    client.group().glances().remove("g").await.unwrap_err();

    let store = crate::store::MemoryStore::default();
    crate::store::InstallationStore::put(&store, client.installation())
        .await
        .unwrap();
    let pusher = Pusher::new(Installations::new(Arc::new(store)).unwrap());
    for data in [1, 2, 2] {
        pusher
            .push_raw(&"id".into(), To::Group, "g", json!(data))
            .unwrap();
    }
    pusher
        .push_raw(&"nobody".into(), To::Group, "g", json!(1))
        .unwrap();
    pusher.flush().await;
    pusher
        .push_raw(&"id".into(), To::Group, "g", json!(2))
        .unwrap();
    pusher.flush().await;

    let recorded = kept.all();
    let recorded: Vec<_> = recorded
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert_eq!(
        recorded,
        [
            ("glance_call_seconds", 2),
            ("glance_calls_total outcome=ok", 1),
            ("glance_calls_total outcome=refused", 1),
            ("glance_pushes_total outcome=dropped", 1),
            ("glance_pushes_total outcome=merged", 2),
            ("glance_pushes_total outcome=sent", 1),
            ("glance_pushes_total outcome=unchanged", 1),
            ("glance_pushes_waiting", 0),
            ("glance_retries_total", 1),
            ("glance_tokens_total outcome=ok", 2),
        ]
    );
}

#[tokio::test]
async fn post_that_did_not_arrive_is_retried() {
    let kept = TestRecorder::default();
    let _recorder = ::metrics::set_default_local_recorder(&kept);
    let (tokens, _) = scripted(Vec::new()).await;
    let mut installation = tokens.installation().clone();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    installation.endpoints.api_url = format!("http://{address}/v2/");
    let http = crate::client::http::Http::new(EgressPolicy::internet().allow_loopback()).unwrap();
    let client = Client::new(http, installation, Default::default(), Arc::default(), None);

    let pushing = tokio::spawn(async move { push(&client).await });
    while !kept.all().contains_key("glance_retries_total") {
        tokio::task::yield_now().await;
    }
    let listener = TcpListener::bind(address).await.unwrap();
    let accept = post(async || StatusCode::NO_CONTENT);
    let router = Router::new().route("/v2/addon/ui", accept);
    tokio::spawn(async move { axum::serve(listener, router).await });
    pushing.await.unwrap().unwrap();
}
