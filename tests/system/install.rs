//! Tests installations and removals.

use std::sync::Arc;

use glance_host::testing::TestRoom;
use glance_host::{Conflict, Host, InstallError};
use glance_sdk::ErrorKind;
use glance_sdk::axum::Router;
use glance_sdk::axum::routing::{get, post};
use tokio::sync::{Notify, Semaphore};

use crate::add_on::{Pager, add_on, always, incidents};
use crate::by_hand::{descriptor, serve};

/// Returns whether a room has no installations.
pub(crate) async fn is_empty(host: &Host, room: &TestRoom) -> bool {
    let state = host.state();
    state
        .installations_in(room.room.id)
        .await
        .unwrap()
        .is_empty()
}

#[tokio::test]
async fn installed_add_on_shows_glances_and_opens_panel() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(4))).await;

    let mut viewer = room.viewer("member").await;
    let line = viewer.glance::<incidents>().await;
    assert_eq!(line.label_text(), "4 incidents");
    assert_eq!(line.lozenge(), Some(("error", "OPEN")));
    let keys: Vec<_> = viewer
        .settled()
        .await
        .lines
        .iter()
        .map(|line| line.key.clone())
        .collect();
    assert_eq!(keys, ["incidents", "always"], "by weight");
    let target = viewer.glance::<always>().await.target.clone().unwrap();
    assert_eq!(
        (target.add_on.as_str(), target.key.as_str()),
        ("com.example.incidents", "list")
    );

    let url = host
        .panel_url(&room.room, add_on.installed(), "list")
        .await
        .unwrap();
    let page = glance_host::testing::http_client()
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(page, "user Some(UserId(1)) in room Some(RoomId(1))");
}

#[tokio::test]
async fn add_on_is_in_its_room_only() {
    let host = Host::start().await;
    let ops = host.room("ops").await;
    let other = host.room("other").await;
    let _add_on = ops.install(add_on(&Pager::new(4))).await;

    assert_eq!(other.viewer("member").await.settled().await.lines.len(), 0);
}

#[tokio::test]
async fn global_add_on_is_in_every_room() {
    let host = Host::start().await;
    let rooms = [host.room("one").await, host.room("two").await];
    let add_on = host.install_everywhere(add_on(&Pager::new(4))).await;
    assert!(add_on.installed().room_id.is_none());

    for room in rooms {
        assert_eq!(
            room.viewer("member")
                .await
                .glance::<incidents>()
                .await
                .label_text(),
            "4 incidents"
        );
    }
}

#[tokio::test]
async fn open_room_updates_its_add_ons() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let mut viewer = room.viewer("member").await;
    assert!(viewer.sidebar().lines.is_empty());

    let add_on = room.install(add_on(&Pager::new(4))).await;
    viewer.glance::<incidents>().await;
    assert_eq!(add_on.installations().list().await.unwrap().len(), 1);

    assert!(host.uninstall(add_on.oauth_id()).await.unwrap());
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
    assert!(
        add_on.installations().list().await.unwrap().is_empty(),
        "the add-on was told"
    );
    assert!(!host.uninstall(add_on.oauth_id()).await.unwrap());
}

#[tokio::test]
async fn removed_installation_is_refused() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(4))).await;
    let client = add_on.client().await;
    client
        .room(room.room.id)
        .push::<incidents>(crate::add_on::data(1))
        .await
        .unwrap();

    host.uninstall(add_on.oauth_id()).await.unwrap();
    let refused = client
        .room(room.room.id)
        .push::<incidents>(crate::add_on::data(2))
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unauthorized);
    let gone = add_on.installations().client(add_on.oauth_id()).await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotInstalled);
}

#[tokio::test]
async fn unreachable_add_on_is_removed() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(4))).await;
    let id = add_on.oauth_id().clone();
    add_on.stop().await;

    assert!(host.uninstall(&id).await.unwrap());
    assert!(host.state().installation(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn same_add_on_is_not_installed_twice() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let first = room.install(add_on(&Pager::new(4))).await;

    for attempt in [
        room.try_install(add_on(&Pager::new(1))).await.map(drop),
        host.install_global(&format!("{}/", first.base_url()))
            .await
            .map(drop),
    ] {
        assert!(
            matches!(attempt, Err(InstallError::AlreadyInstalled { .. })),
            "{attempt:?}"
        );
    }
    assert_eq!(
        room.viewer("member")
            .await
            .glance::<incidents>()
            .await
            .label_text(),
        "4 incidents"
    );
}

#[tokio::test]
async fn pending_installation_blocks_second_one() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let (requested, answer) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let asking = (Arc::clone(&requested), Arc::clone(&answer));
    let url = serve(move |base| {
        let descriptor = descriptor(base).to_string();
        let installed = async move || {
            asking.0.notify_one();
            asking.1.acquire().await.unwrap().forget();
        };
        Router::new()
            .route("/", get(async || descriptor))
            .route("/installed", post(installed))
    })
    .await;
    for is_first_in_room in [true, false] {
        let install = async |in_room: bool| match in_room {
            true => room.install_url(&url).await,
            false => host.install_global(&url).await,
        };
        let second = async {
            requested.notified().await;
            let refused = install(!is_first_in_room).await;
            answer.add_permits(1);
            refused
        };
        let (first, second) = tokio::join!(install(is_first_in_room), second);
        let under_way = Conflict::UnderWay;
        assert!(
            matches!(&second, Err(InstallError::AlreadyInstalled { conflict, .. }) if *conflict == under_way),
            "{second:?}"
        );
        assert!(host.uninstall(&first.unwrap().oauth_id).await.unwrap());
    }
}
