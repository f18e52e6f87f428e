//! Tests that the glance eventually exists if and only if a project is chosen, despite failures.

use std::time::Duration;

use ::blockers::{blockers, set_up};
use glance_sdk::glance::Glance;
use reqwest::StatusCode;

use crate::setting::{Setting, event};

/// The longest wait for a state before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

const NOT_YET: &str = "has not accepted it yet";

#[tokio::test]
async fn owner_is_asked_while_no_project_is_chosen() {
    let setting = Setting::new().await;
    setting.deliver(&event("created", 1, 0, "active")).await;
    let mut owner = setting.room.viewer("owner").await;
    let mut member = setting.room.viewer("member").await;
    owner.label(set_up::KEY, "Choose a Jira project").await;
    assert!(member.settled().await.lines.is_empty());
    assert!(!setting.has_line().await);

    assert_eq!(setting.choose("WID").await.0, StatusCode::OK);
    for viewer in [&mut owner, &mut member] {
        let sidebar = viewer.label(blockers::KEY, "1 blocker in WID").await;
        let line = sidebar.line(blockers::KEY).unwrap();
        assert_eq!(line.target.as_ref().unwrap().key, "blockers-panel");
    }
    owner
        .wait_for(|sidebar| sidebar.line(set_up::KEY).is_none())
        .await;

    assert_eq!(setting.choose("").await.0, StatusCode::OK);
    assert!(!setting.has_line().await);
    owner.label(set_up::KEY, "Choose a Jira project").await;
    member.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn refused_glance_is_reported_and_created_later() {
    let setting = Setting::new().await;
    setting.deliver(&event("created", 1, 0, "active")).await;
    setting.fill_the_room().await;
    let (status, page) = setting.choose("WID").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains(NOT_YET), "{page}");
    let mut owner = setting.room.viewer("owner").await;
    owner.label(set_up::KEY, "Choose a Jira project").await;

    setting.make_room().await;
    owner.label(blockers::KEY, "1 blocker in WID").await;
    owner
        .wait_for(|sidebar| sidebar.line(set_up::KEY).is_none())
        .await;
    assert!(!setting.page().await.contains(NOT_YET));
}

#[tokio::test]
async fn next_process_settles_remaining_rooms() {
    let setting = Setting::new().await;
    setting.deliver(&event("created", 1, 0, "active")).await;
    setting.fill_the_room().await;
    setting.keeping_up.abort();
    setting.choose("WID").await;
    setting.make_room().await;
    assert!(!setting.has_line().await);

    let (installations, pusher) = (setting.add_on.installations(), setting.add_on.pusher());
    let next = setting
        .reopened()
        .keep_up(installations.clone(), pusher.clone());
    let next = tokio::spawn(next);
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(blockers::KEY, "1 blocker in WID").await;
    next.abort();
}

/// The state after a process ended between the host's response and storing it.
#[tokio::test]
async fn host_may_be_ahead_of_database() {
    let setting = Setting::new().await;
    let client = setting.add_on.client().await;
    let glances = || client.room(setting.room.room.id).glances();
    glances().create_registered::<blockers>().await.unwrap();
    let (_, page) = setting.choose("WID").await;
    assert!(!page.contains(NOT_YET), "{page}");
    assert!(setting.has_line().await);

    glances().remove(blockers::KEY).await.unwrap();
    let (_, page) = setting.choose("").await;
    assert!(!page.contains(NOT_YET), "{page}");
    assert!(!setting.has_line().await);
}

#[tokio::test]
async fn glance_follows_add_on_to_new_url() {
    let setting = Setting::choosing("WID").await;
    setting.deliver(&event("created", 1, 0, "active")).await;
    let installed = setting.add_on.installed();

    let app = setting.reopened();
    let server = app.add_on().unwrap();
    let server = server.listen("127.0.0.1", 0, None).await.unwrap();
    let base_url = server.base_url().to_owned();
    let (installations, pusher) = (
        server.add_on().installations().clone(),
        server.add_on().pusher().clone(),
    );
    tokio::spawn(server.run(std::future::pending()));
    tokio::spawn(app.keep_up(installations.clone(), pusher));
    setting
        .host
        .update(installed, &format!("{base_url}/"))
        .await
        .unwrap();

    let client = installations.client(setting.add_on.oauth_id()).await;
    let client = client.unwrap();
    let query_url = Some(format!("{base_url}/glance/blockers"));
    let leads_there = async {
        loop {
            let glances = client.room(setting.room.room.id).glances();
            if glances.get(blockers::KEY).await.unwrap().query_url == query_url {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, leads_there).await.unwrap();
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(blockers::KEY, "1 blocker in WID").await;
}

#[tokio::test]
async fn rooms_are_removed_with_installation() {
    let setting = Setting::choosing("WID").await;
    let gone = setting.add_on.oauth_id();
    setting.host.uninstall(gone).await.unwrap();
    let again = setting.reopened();
    let again = setting.room.install(again.add_on().unwrap()).await;
    let mut owner = setting.room.viewer("owner").await;
    let sidebar = owner.label(set_up::KEY, "Choose a Jira project").await;
    assert!(sidebar.line(blockers::KEY).is_none());
    drop(again);
}
