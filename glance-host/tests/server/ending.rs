//! How the program ends.

use std::path::Path;

use reqwest::Response;
use tokio::sync::oneshot;

use crate::add_on::AddOn;
use crate::process::Server;

/// A host in whose room somebody looks, and whose first add-on is being told what the second said.
async fn start(folder: &Path, add_on: &AddOn) -> (Server, Response, oneshot::Sender<()>) {
    let server = Server::start(folder, "").await;
    for name in ["one", "two"] {
        let installed = server.install(&add_on.url(name)).await.unwrap();
        assert!(installed.is_success(), "{installed}");
    }
    let events = server.client.get(server.url("/rooms/1/events"));
    let page = events.send().await.unwrap();
    let (id, secret) = add_on.installation("two");
    let token = server.token(&id, &secret).await.unwrap();
    let answer = add_on.hold();
    server.notify(&token, "hello").await.unwrap();
    add_on.called(1).await;
    (server, page, answer)
}

#[tokio::test]
async fn asked_to_end_it_finishes_what_is_under_way() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let add_on = AddOn::serve().await;
        let (mut server, page, answer) = start(folder.path(), &add_on).await;
        server.signal(signal).await;
        page.text().await.unwrap();
        answer.send(()).unwrap();
        assert_eq!(server.ended().await.code(), Some(0));
        server.logged("ended").await;

        let again = Server::start(folder.path(), "").await;
        let (id, secret) = add_on.installation("one");
        let token = again.token(&id, &secret).await.unwrap();
        let history = again.get(&token, "/v2/room/1/history").await.unwrap();
        assert!(history.to_string().contains("\"heard\""), "{history}");
        again.stop().await;
    }
}

#[tokio::test]
async fn asked_again_it_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let add_on = AddOn::serve().await;
    let (mut server, page, answer) = start(folder.path(), &add_on).await;
    server.signal("TERM").await;
    // The page's stream ends after the host began to wait for a second signal.
    page.text().await.unwrap();
    server.signal("TERM").await;
    assert_eq!(server.ended().await.code(), Some(130));
    server.logged("ended at once").await;
    drop(answer);
}

#[tokio::test]
async fn it_waits_no_longer_than_its_settings_say() {
    let folder = tempfile::tempdir().unwrap();
    let add_on = AddOn::serve().await;
    let (server, ..) = start(folder.path(), &add_on).await;
    server.stop().await;
    let settings = "shutdown_seconds = 0";
    let mut server = Server::start(folder.path(), settings).await;
    let (id, secret) = add_on.installation("two");
    let token = server.token(&id, &secret).await.unwrap();
    let _never = add_on.hold();
    server.notify(&token, "hello").await.unwrap();
    add_on.called(2).await;
    server.signal("TERM").await;
    assert_eq!(server.ended().await.code(), Some(0));
    server.logged("the host ended before everything").await;
}
