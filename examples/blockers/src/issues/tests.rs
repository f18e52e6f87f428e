use std::path::Path;

use rusqlite::Connection;

use super::*;
use crate::rooms::Rooms;
use crate::schema;

const ACTIVE: Sprint = Sprint {
    id: 7,
    is_active: true,
};

fn open(data: &Path) -> (Issues, Rooms) {
    let database = Database::open(&data.join("a.sqlite"), schema::STEPS).unwrap();
    (Issues(database.clone()), Rooms(database))
}

fn issue(id: &str, key: &str, project_id: Option<&str>) -> Issue {
    let (project, _) = key.split_once('-').unwrap();
    Issue {
        id: id.to_owned(),
        key: key.to_owned(),
        project: project.to_owned(),
        project_id: project_id.map(str::to_owned),
        summary: "Crash".to_owned(),
        url: format!("https://jira.example.com/browse/{key}"),
        is_blocker: true,
        sprints: vec![ACTIVE],
    }
}

fn project(id: &str, key: &str, state: ProjectState) -> Project {
    Project {
        id: id.to_owned(),
        key: Some(key.to_owned()),
        state,
    }
}

async fn keys(issues: &Issues, project: &str) -> Vec<String> {
    let blockers = issues.blockers_in(project).await.unwrap();
    blockers.into_iter().map(|blocker| blocker.key).collect()
}

#[tokio::test]
async fn deleted_issue_or_sprint_stays_deleted() {
    let data = tempfile::tempdir().unwrap();
    let (issues, _) = open(data.path());
    assert_eq!(
        issues.delete("1".to_owned(), 50).await.unwrap(),
        Projects::from([String::new()])
    );
    issues.record(issue("1", "WID-1", None), 90).await.unwrap();
    issues.record(issue("2", "WID-2", None), 10).await.unwrap();
    assert_eq!(keys(&issues, "WID").await, ["WID-2"]);

    let changed = issues.delete_sprint(7, 20).await.unwrap();
    assert_eq!(changed, Projects::from(["WID".to_owned()]));
    assert!(keys(&issues, "WID").await.is_empty());
    issues.record_sprint(ACTIVE, 30).await.unwrap();
    issues.record(issue("3", "WID-3", None), 40).await.unwrap();
    assert!(keys(&issues, "WID").await.is_empty());
}

#[tokio::test]
async fn blockers_of_removed_project_do_not_count() {
    let data = tempfile::tempdir().unwrap();
    let (issues, _) = open(data.path());
    issues
        .record(issue("1", "WID-1", Some("3")), 10)
        .await
        .unwrap();
    for (at, state, is_late, shown) in [
        (20, ProjectState::Gone, false, 0),
        // This delivery is from before the deletion.
        (15, ProjectState::Present, true, 0),
        (30, ProjectState::Present, false, 1),
        (25, ProjectState::Gone, true, 1),
    ] {
        let changed = issues
            .record_project(project("3", "WID", state), at)
            .await
            .unwrap();
        assert_eq!(changed.is_empty(), is_late, "{at}");
        assert_eq!(keys(&issues, "WID").await.len(), shown, "{at}");
    }
    // A project without a key, which is not stored yet.
    for id in ["3", "4"] {
        let gone = Project {
            id: id.to_owned(),
            key: None,
            state: ProjectState::Gone,
        };
        issues.record_project(gone, 40).await.unwrap();
    }
    assert!(keys(&issues, "WID").await.is_empty());
    issues
        .record(issue("2", "GAD-2", Some("4")), 30)
        .await
        .unwrap();
    assert!(keys(&issues, "GAD").await.is_empty());
}

#[tokio::test]
async fn issues_and_rooms_follow_renamed_project() {
    let data = tempfile::tempdir().unwrap();
    let (issues, rooms) = open(data.path());
    let (oauth_id, room) = ("one".into(), 1.into());
    rooms
        .choose(&oauth_id, room, Some("WID".to_owned()))
        .await
        .unwrap();
    issues
        .record(issue("1", "WID-1", Some("3")), 10)
        .await
        .unwrap();
    issues
        .record(issue("2", "WID-12", Some("3")), 10)
        .await
        .unwrap();
    let renamed = project("3", "GADGET", ProjectState::Present);
    let changed = issues.record_project(renamed, 20).await.unwrap();
    assert_eq!(
        changed,
        Projects::from(["WID".to_owned(), "GADGET".to_owned()])
    );
    assert_eq!(keys(&issues, "GADGET").await, ["GADGET-1", "GADGET-12"]);
    let blockers = issues.blockers_in("GADGET").await.unwrap();
    assert_eq!(blockers[1].url, "https://jira.example.com/browse/GADGET-12");
    let chosen = rooms.get(&oauth_id, room).await.unwrap().project;
    assert_eq!(chosen.as_deref(), Some("GADGET"));

    // An issue with the new key arrives first, and one with the old key last.
    issues
        .record(issue("2", "NEW-12", Some("3")), 40)
        .await
        .unwrap();
    for (key, at) in [("NEW", 30), ("GADGET", 25)] {
        let renamed = project("3", key, ProjectState::Present);
        issues.record_project(renamed, at).await.unwrap();
    }
    assert_eq!(keys(&issues, "NEW").await, ["NEW-1", "NEW-12"]);
    let chosen = rooms.get(&oauth_id, room).await.unwrap().project;
    assert_eq!(chosen.as_deref(), Some("NEW"));
}

#[tokio::test]
async fn first_schema_version_is_migrated() {
    let data = tempfile::tempdir().unwrap();
    let before = Connection::open(data.path().join("a.sqlite")).unwrap();
    before.execute_batch(schema::STEPS[0]).unwrap();
    before
        .execute_batch(
            "INSERT INTO issue VALUES ('1', 'WID-1', 'WID', 'Crash', 'https://j/browse/WID-1', 1, 0, 10);
             INSERT INTO planned VALUES ('1', 7);
             INSERT INTO sprint VALUES (7, 1, 10);
             INSERT INTO room VALUES ('one', 1, 'WID', 1)",
        )
        .unwrap();
    let (issues, rooms) = open(data.path());
    assert_eq!(keys(&issues, "WID").await, ["WID-1"]);
    assert_eq!(rooms.showing("WID").await.unwrap().len(), 1);
    let gone = project("3", "WID", ProjectState::Gone);
    issues.record_project(gone, 20).await.unwrap();
    assert!(keys(&issues, "WID").await.is_empty());
}

/// Another process writes between two deliveries, and the newer one counts.
#[tokio::test]
async fn two_processes_keep_newest_delivery() {
    let data = tempfile::tempdir().unwrap();
    let (one, other) = (open(data.path()).0, open(data.path()).0);
    let done = || Issue {
        is_blocker: false,
        ..issue("1", "WID-1", None)
    };
    one.record(issue("1", "WID-1", None), 10).await.unwrap();
    other.record(done(), 30).await.unwrap();
    one.record(issue("1", "WID-1", None), 20).await.unwrap();
    for issues in [&one, &other] {
        assert!(keys(issues, "WID").await.is_empty());
    }
}
