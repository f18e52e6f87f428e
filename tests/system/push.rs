//! Tests pushes to the group, a room, a user, and a user in a room.

use glance_host::Host;
use glance_host::testing::TestViewer;
use glance_host::viewer::Sidebar;
use glance_sdk::ErrorKind;
use glance_sdk::client::Client;
use glance_sdk::model::UiUpdate;
use glance_sdk::prelude::*;
use serde_json::json;

use crate::add_on::{Pager, add_on, always, data, incidents};

#[tokio::test]
async fn push_reaches_exactly_its_targets() {
    let host = Host::start().await;
    let (one, two) = (host.room("one").await, host.room("two").await);
    let member = host.user("member", |_| {}).await;
    let add_on = host.install_everywhere(add_on(&Pager::new(1))).await;
    let client = add_on.client().await;

    let mut viewers = [
        one.viewer("member").await,
        one.viewer("other").await,
        two.viewer("member").await,
    ];
    for viewer in &mut viewers {
        assert_eq!(
            viewer.glance::<incidents>().await.label_text(),
            "1 incidents"
        );
    }

    client.group().push::<incidents>(data(2)).await.unwrap();
    assert_eq!(shown(&client, &mut viewers, 102).await, [2, 2, 2]);
    client
        .room(one.room.id)
        .push::<incidents>(data(3))
        .await
        .unwrap();
    assert_eq!(shown(&client, &mut viewers, 103).await, [3, 3, 2]);
    client
        .user(member.id)
        .push::<incidents>(data(4))
        .await
        .unwrap();
    assert_eq!(shown(&client, &mut viewers, 104).await, [4, 3, 4]);
    client
        .room(one.room.id)
        .user(member.id)
        .push::<incidents>(data(5))
        .await
        .unwrap();
    assert_eq!(shown(&client, &mut viewers, 105).await, [5, 3, 4]);
}

/// Returns the data of the viewers after all previous pushes have arrived: a marker is pushed to
/// all of them afterwards, in another glance.
async fn shown(client: &Client, viewers: &mut [TestViewer; 3], mark: u32) -> [u32; 3] {
    client.group().push::<always>(data(mark)).await.unwrap();
    let text = format!("{mark} incidents");
    let mut seen = [0; 3];
    for (viewer, seen) in viewers.iter_mut().zip(&mut seen) {
        let sidebar = viewer.label("always", &text).await;
        let label = sidebar.line("incidents").unwrap().label_text();
        *seen = label.strip_suffix(" incidents").unwrap().parse().unwrap();
    }
    seen
}

#[tokio::test]
async fn push_replaces_all_data_and_conditions_follow() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(4))).await;
    let client = add_on.client().await;
    let mut viewer = room.viewer("member").await;
    viewer.glance::<incidents>().await;

    client
        .room(room.room.id)
        .push::<incidents>(data(0))
        .await
        .unwrap();
    viewer
        .wait_for(|sidebar| sidebar.line("incidents").is_none())
        .await;

    client
        .room(room.room.id)
        .push::<incidents>(data(2))
        .await
        .unwrap();
    assert_eq!(
        viewer.glance::<incidents>().await.label_text(),
        "2 incidents"
    );

    let without_metadata = GlanceData::new(label!("no metadata"));
    client
        .room(room.room.id)
        .push::<incidents>(without_metadata)
        .await
        .unwrap();
    viewer
        .wait_for(|sidebar| sidebar.line("incidents").is_none())
        .await;
}

#[tokio::test]
async fn one_push_may_carry_several_glances() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(1))).await;
    let mut viewer = room.viewer("member").await;
    viewer.settled().await;

    let mut update = UiUpdate::one("incidents", data(7));
    update
        .glance
        .extend(UiUpdate::one("always", data(8)).glance);
    add_on
        .client()
        .await
        .room(room.room.id)
        .update(&update)
        .await
        .unwrap();

    let sidebar = viewer.label("always", "8 incidents").await;
    assert_eq!(
        sidebar.line("incidents").unwrap().label_text(),
        "7 incidents"
    );
}

#[tokio::test]
async fn later_viewer_sees_result_of_query() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(4))).await;
    let mut early = room.viewer("early").await;
    early.glance::<incidents>().await;
    let client = add_on.client().await;
    let here = client.room(room.room.id);
    here.push::<incidents>(data(7)).await.unwrap();
    early.label("incidents", "7 incidents").await;
    let mut late = room.viewer("late").await;
    assert_eq!(late.glance::<incidents>().await.label_text(), "4 incidents");
}

#[tokio::test]
async fn failed_glance_recovers_by_retry_or_push() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let pager = Pager::new(4);
    pager.break_down(true);
    let add_on = room.install(add_on(&pager)).await;
    let mut viewer = room.viewer("member").await;
    let sidebar = viewer
        .wait_for(|sidebar| {
            sidebar.lines.iter().all(|l| l.is_failed()) && !sidebar.lines.is_empty()
        })
        .await;
    assert_eq!(
        sidebar.lines.len(),
        2,
        "a failed glance shows whatever its condition says"
    );
    assert_eq!(sidebar.line("incidents").unwrap().name, "Incidents");

    pager.break_down(false);
    let queries_before = pager.queries();
    viewer.retry(sidebar.line("incidents").unwrap());
    assert_eq!(
        viewer.glance::<incidents>().await.label_text(),
        "4 incidents"
    );
    assert_eq!(
        pager.queries(),
        queries_before + 1,
        "only the one that was asked for"
    );
    assert!(viewer.sidebar().line("always").unwrap().is_failed());

    add_on
        .client()
        .await
        .group()
        .push::<always>(data(9))
        .await
        .unwrap();
    assert_eq!(viewer.glance::<always>().await.label_text(), "9 incidents");
}

#[tokio::test]
async fn invalid_push_is_refused() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let add_on = room.install(add_on(&Pager::new(1))).await;
    let client = add_on.client().await;

    let unknown_room = client.room(999).push::<incidents>(data(1)).await;
    assert_eq!(unknown_room.unwrap_err().kind(), ErrorKind::NotFound);
    let unknown_user = client.user(999).push::<incidents>(data(1)).await;
    assert_eq!(unknown_user.unwrap_err().kind(), ErrorKind::NotFound);
    let unknown_key = client.group().update(&UiUpdate::one("nope", data(1))).await;
    assert_eq!(unknown_key.unwrap_err().kind(), ErrorKind::NotFound);
    let other_room = client
        .room(other.room.id)
        .push::<incidents>(data(1))
        .await
        .unwrap_err();
    assert_eq!(other_room.kind(), ErrorKind::NotFound);

    // Two glances at once, so that a refused push has no partial effect.
    let mut viewer = room.viewer("member").await;
    viewer.glance::<incidents>().await;
    let mut half = UiUpdate::one("incidents", data(50));
    half.glance.extend(UiUpdate::one("nope", data(1)).glance);
    client.room(room.room.id).update(&half).await.unwrap_err();
    client
        .room(room.room.id)
        .push::<always>(data(8))
        .await
        .unwrap();
    let sidebar = viewer.label("always", "8 incidents").await;
    assert_eq!(
        sidebar.line("incidents").unwrap().label_text(),
        "1 incidents"
    );
}

#[tokio::test]
async fn tolerated_pushes_of_old_add_ons_are_accepted() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(1))).await;
    let mut viewer = room.viewer("member").await;
    viewer.glance::<always>().await;

    let without_value =
        json!({ "glance": [{ "key": "always", "content": { "label": { "type": "html" } } }] });
    let update: UiUpdate = serde_json::from_value(without_value).unwrap();
    add_on
        .client()
        .await
        .room(room.room.id)
        .update(&update)
        .await
        .unwrap();
    viewer.label("always", "Always").await;
}

#[tokio::test]
async fn updated_add_on_is_queried_for_failed_glances() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let (pager, other) = (Pager::new(4), Pager::new(1));
    let installed = room.install(add_on(&pager)).await;
    let other_add_on = AddOn::new("com.example.other", "Other")
        .state(other.clone())
        .glance::<incidents>()
        .asset("/siren.svg", "image/svg+xml", b"<svg/>");
    room.install(other_add_on).await;
    pager.break_down(true);
    other.break_down(true);
    let mut viewer = room.viewer("member").await;
    let all_failed = |sidebar: &Sidebar| {
        sidebar.lines.len() == 3 && sidebar.lines.iter().all(|line| line.is_failed())
    };
    viewer.wait_for(all_failed).await;

    pager.break_down(false);
    other.break_down(false);
    let queries_before = other.queries();
    let installed = installed.installed();
    host.update(installed, &installed.descriptor_url)
        .await
        .unwrap();
    viewer.label("always", "4 incidents").await;
    assert_eq!(
        other.queries(),
        queries_before,
        "only the one that was introduced"
    );
}
