//! Tests the add-on's hooks at installation, update and removal, and which hosts may install it.

use std::sync::{Arc, Mutex};

use glance_host::{Host, InstallError};
use glance_sdk::model::{Glance, Icon};
use glance_sdk::prelude::*;

use crate::add_on::incidents;
use crate::install::is_empty;

type Journal = Arc<Mutex<Vec<String>>>;

fn add_on(journal: &Journal) -> AddOn<Journal> {
    AddOn::new("com.example.hooks", "Hooks")
        .state(journal.clone())
        .on_install(async |journal: Journal, client| {
            let room = client.installation().room_id().unwrap();
            let glance = Glance::new("welcome", "Welcome", Icon::new("https://example.com/i.png"));
            client.room(room).glances().create(&glance).await?;
            journal.lock().unwrap().push(format!("installed in {room}"));
            Ok::<(), glance_sdk::Error>(())
        })
        .on_update(async |journal: Journal, client| {
            journal
                .lock()
                .unwrap()
                .push(format!("updated {}", client.installation().oauth_id()));
            Ok::<(), String>(())
        })
        .on_uninstall(async |journal: Journal, gone| {
            journal
                .lock()
                .unwrap()
                .push(format!("removed {}", gone.oauth_id()));
            Err::<(), _>("goes to the log")
        })
}

#[tokio::test]
async fn hooks_run_at_install_update_and_removal() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let journal = Journal::default();
    let installed = room.install(add_on(&journal)).await;
    let id = installed.oauth_id().clone();
    room.viewer("member")
        .await
        .wait_for(|sidebar| sidebar.line("welcome").is_some())
        .await;

    let descriptor = format!("{}/", installed.base_url());
    host.update(installed.installed(), &descriptor)
        .await
        .unwrap();
    assert!(host.uninstall(&id).await.unwrap());
    assert_eq!(
        *journal.lock().unwrap(),
        [
            format!("installed in {}", room.room.id),
            format!("updated {id}"),
            format!("removed {id}")
        ]
    );
}

#[tokio::test]
async fn failing_hook_undoes_installation() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = AddOn::new("com.example.hooks", "Hooks")
        .on_install(async |(), _| Err::<(), _>("the warehouse is closed"));
    let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let installations = server.add_on().installations().clone();
    let descriptor = format!("{}/", server.base_url());
    tokio::spawn(server.run(std::future::pending()));

    let refused = room.install_url(&descriptor).await;
    assert!(
        matches!(refused, Err(InstallError::Refused { status: 500, .. })),
        "{refused:?}"
    );
    assert!(installations.list().await.unwrap().is_empty());
    assert!(is_empty(&host, &room).await);
}

#[tokio::test]
async fn only_allowed_hosts_install() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = || AddOn::new("com.example.hooks", "Hooks");

    let other = add_on().allow_hosts(["https://chat.example.com"]);
    let refused = room.try_install(other).await.unwrap_err();
    assert!(
        matches!(refused, InstallError::Refused { status: 403, .. }),
        "{refused}"
    );
    room.install(add_on().allow_hosts([host.base_url()])).await;

    let unclear = add_on()
        .allow_hosts(["chat.example.com"])
        .build("https://add-on.example.com");
    assert!(
        unclear
            .unwrap_err()
            .to_string()
            .contains("not the URL of a host")
    );
}

#[test]
fn all_mistakes_are_reported_together() {
    let built = AddOn::new("", "Name")
        .state(crate::add_on::Pager::default())
        .glance::<incidents>()
        .glance::<incidents>()
        .web_panel("a b", "Panel", get(|| async {}))
        .glance::<crate::add_on::always>()
        .build("add-on.example.com");
    let error = built.unwrap_err();
    assert_eq!(error.kind(), glance_sdk::ErrorKind::Configuration);
    let said = error.to_string();
    for words in [
        "two glances have the key `incidents`",
        "/key: `key` is",
        "the key `a b` may have only",
        "`always` at /capabilities/glance/2/target",
        "the base URL \"add-on.example.com\" is not an absolute URL",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
