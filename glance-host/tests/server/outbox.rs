//! Webhook calls outlive a host that is killed.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::add_on::AddOn;
use crate::process::Server;

const ROUNDS: usize = 8;

const SETTINGS: &str = "[limits]\nrequests = 1000000\nmessages = 1000000";

/// Returns the token of an add-on that posts, and installs another, which listens.
async fn install(server: &Server, add_on: &AddOn) -> String {
    for name in ["quiet-teller", "listener"] {
        let status = server.install(&add_on.url(name)).await.unwrap();
        assert!(status.is_success(), "{status}");
    }
    token(server, add_on).await
}

async fn token(server: &Server, add_on: &AddOn) -> String {
    let (id, secret) = add_on.installation("quiet-teller");
    server.token(&id, &secret).await.unwrap()
}

async fn kill(mut server: Server) {
    server.signal("KILL").await;
    assert!(!server.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_calls_are_made_once_after_kill_and_the_running_one_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let add_on = AddOn::serve().await;
    let server = Server::start(folder.path(), SETTINGS).await;
    let token = install(&server, &add_on).await;
    let _never = add_on.hold();
    for text in ["running", "first", "second"] {
        server.notify(&token, text).await.unwrap();
    }
    add_on.called(1).await;
    kill(server).await;

    let mut server = Server::start(folder.path(), SETTINGS).await;
    let failed = server.logged("webhook delivery failed").await;
    let why = failed["why"].as_str().unwrap();
    assert!(why.contains("the host ended during the call"), "{why}");
    add_on.called(3).await;
    server.stop().await;

    let server = Server::start(folder.path(), SETTINGS).await;
    server.notify(&token, "third").await.unwrap();
    add_on.called(4).await;
    assert_eq!(add_on.heard(), ["running", "first", "second", "third"]);
    server.stop().await;
}

/// Posts numbers until the host is gone, so that not many wait. Returns the next number.
fn post(
    mut is_killed: watch::Receiver<bool>,
    server: Arc<Server>,
    add_on: Arc<AddOn>,
    token: String,
    first: usize,
) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let mut number = first;
        while server.notify(&token, &number.to_string()).await.is_ok() {
            number += 1;
            // Fewer than the host keeps; some numbers were skipped, or are never heard.
            tokio::select! {
                () = add_on.called(number.saturating_sub(60)) => {}
                killed = is_killed.changed() => killed.unwrap(),
            }
        }
        // It may be stored, although the host did not say so.
        number + 1
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_keep_their_order_and_are_not_repeated_over_kills() {
    let folder = tempfile::tempdir().unwrap();
    let add_on = Arc::new(AddOn::serve().await);
    let mut number = 0;
    for round in 0..ROUNDS {
        let server = Arc::new(Server::start(folder.path(), SETTINGS).await);
        let token = match round {
            0 => install(&server, &add_on).await,
            _ => token(&server, &add_on).await,
        };
        let heard = add_on.heard().len();
        let (killed, is_killed) = watch::channel(false);
        let posting = post(
            is_killed,
            Arc::clone(&server),
            Arc::clone(&add_on),
            token,
            number,
        );
        add_on.called(heard + 1 + 3 * round).await;
        server.signal("KILL").await;
        killed.send_replace(true);
        number = posting.await.unwrap();
        let mut server = Arc::into_inner(server).unwrap();
        assert!(!server.ended().await.success());
    }
    let server = Server::start(folder.path(), SETTINGS).await;
    let token = token(&server, &add_on).await;
    server.notify(&token, &number.to_string()).await.unwrap();
    let last = number.to_string();
    let mut calls = add_on.heard().len();
    while add_on.heard().last() != Some(&last) {
        calls += 1;
        add_on.called(calls).await;
    }
    let heard = add_on.heard();
    let numbers: Vec<u64> = heard.iter().map(|text| text.parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");

    // Every stored notification was heard, but for the call that each kill may have cut off before it arrived.
    let path = "/v2/room/1/history?max-results=1000";
    let history = server.get(&token, path).await.unwrap();
    assert!(history["links"]["next"].is_null(), "too many to compare");
    let is_number = |item: &&Value| item["message"] != "heard";
    let items = history["items"].as_array().unwrap();
    let stored = items.iter().filter(is_number).count();
    assert!(stored - numbers.len() <= ROUNDS, "{stored}: {numbers:?}");
    server.stop().await;
}
