//! However a host ends while it removes installations, it and the add-ons agree afterwards.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use tokio::task::JoinSet;

use crate::add_on::AddOn;
use crate::process::Server;

const ROUNDS: usize = 6;

/// How many installations are removed at once.
const MANY: usize = 8;

const SETTINGS: &str = "[limits]\nrequests = 1000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_notice_and_end_leaves_both_sides_agreed() {
    let folder = tempfile::tempdir().unwrap();
    let add_on = AddOn::serve().await;
    for round in 0..ROUNDS {
        let mut server = Arc::new(Server::start(folder.path(), SETTINGS).await);
        let mut all = Vec::new();
        for nth in 0..MANY {
            let name = format!("quiet-{round}-{nth}");
            let status = server.install(&add_on.url(&name)).await.unwrap();
            assert!(status.is_success(), "{status}");
            all.push(add_on.installation(&name));
        }
        let before = add_on.removed().borrow().len();
        let mut removing = JoinSet::new();
        for (id, _) in all.clone() {
            let server = Arc::clone(&server);
            removing.spawn(async move {
                // The host may be gone before it answers.
                let path = format!("/rooms/1/integrations/{id}/remove");
                let _ = server.browser().request(Method::POST, &path).send().await;
            });
        }
        // At another moment in each round, from the first notice to nearly the last.
        let mut removed = add_on.removed();
        let enough = before + 1 + round * (MANY - 1) / ROUNDS;
        removed
            .wait_for(|removed| removed.len() >= enough)
            .await
            .unwrap();
        server.signal("KILL").await;
        removing.join_all().await;
        let process = Arc::get_mut(&mut server).unwrap();
        assert!(!process.ended().await.success());

        let server = Server::start(folder.path(), SETTINGS).await;
        for (id, secret) in &all {
            match server.token(id, secret).await {
                Ok(_) => assert!(
                    !removed.borrow().contains(id),
                    "the host still has what its add-on was told is removed"
                ),
                Err(error) => {
                    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
                    let told = removed.wait_for(|removed| removed.contains(id)).await;
                    assert!(told.is_ok());
                }
            }
        }
        server.stop().await;
    }
}
