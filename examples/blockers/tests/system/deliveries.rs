//! Tests deliveries with Jira's signatures.

use ::blockers::blockers;
use glance_sdk::glance::Glance;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::setting::{SECRET, Setting, event, sign, sprint};

fn label(count: u32) -> String {
    match count {
        1 => "1 blocker in WID".to_owned(),
        _ => format!("{count} blockers in WID"),
    }
}

/// Returns an update that changes one property of a blocker.
fn changed(number: u32, at: i64, pointer: &str, value: Value) -> Value {
    let mut event = event("updated", number, at, "active");
    *event["issue"].pointer_mut(pointer).unwrap() = value;
    event
}

#[tokio::test]
async fn count_follows_deliveries() {
    let setting = Setting::choosing("wid").await;
    let mut viewer = setting.room.viewer("member").await;
    assert!(viewer.settled().await.lines.is_empty());

    let created = |number| event("created", number, 0, "active");
    let priority = |at, name: &str| changed(2, at, "/fields/priority/name", json!(name));
    for (delivery, shown) in [
        (created(1), 1),
        (created(2), 2),
        (priority(1, "High"), 1),
        (priority(2, "Blocker"), 2),
        (changed(2, 3, "/fields/priority", json!(null)), 1),
        (priority(4, "Highest"), 2),
        (changed(2, 5, "/fields/issuetype/name", json!("Story")), 1),
        (priority(6, "Highest"), 2),
        (
            changed(2, 7, "/fields/status/statusCategory/key", json!("done")),
            1,
        ),
        (
            changed(
                2,
                8,
                "/fields/status/statusCategory/key",
                json!("indeterminate"),
            ),
            2,
        ),
        (changed(2, 9, "/fields/customfield_10020", json!(null)), 1),
        (
            changed(
                2,
                10,
                "/fields/customfield_10020",
                json!([
                    "com.atlassian.greenhopper.service.sprint.Sprint@1f[id=7,rapidViewId=1,state=ACTIVE,name=S,7]",
                ]),
            ),
            2,
        ),
        (event("deleted", 2, 11, "active"), 1),
        (created(3), 2),
    ] {
        assert_eq!(setting.deliver(&delivery).await, StatusCode::NO_CONTENT);
        viewer.label(blockers::KEY, &label(shown)).await;
    }
    let line = viewer.glance::<blockers>().await;
    assert_eq!(line.lozenge(), Some(("error", "BLOCKED")));
    for number in [1, 3] {
        let done = changed(
            number,
            20,
            "/fields/status/statusCategory/key",
            json!("done"),
        );
        setting.deliver(&done).await;
    }
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn duplicate_and_late_deliveries_change_nothing() {
    let setting = Setting::choosing("WID").await;
    let done = changed(1, 50, "/fields/status/statusCategory/key", json!("done"));
    let reopened = event("updated", 1, 100, "active");
    for delivery in [
        &reopened,
        &reopened,
        &done,
        &event("deleted", 2, 100, "active"),
        &event("created", 2, 0, "active"),
        // A deleted issue never returns, whatever the clocks.
        &event("updated", 2, 200, "active"),
        &event("created", 3, 0, "active"),
    ] {
        assert_eq!(setting.deliver(delivery).await, StatusCode::NO_CONTENT);
    }
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(blockers::KEY, &label(2)).await;
}

#[tokio::test]
async fn blockers_count_during_their_sprint() {
    let setting = Setting::choosing("WID").await;
    let mut viewer = setting.room.viewer("member").await;
    for number in 1..=3 {
        setting
            .deliver(&event("created", number, 0, "future"))
            .await;
    }
    assert!(viewer.settled().await.lines.is_empty());
    setting.deliver(&sprint("started", "active", 10)).await;
    viewer.label(blockers::KEY, &label(3)).await;
    // An issue's event from before the start does not undo the start.
    setting.deliver(&event("created", 4, 5, "future")).await;
    viewer.label(blockers::KEY, &label(4)).await;
    setting.deliver(&sprint("closed", "closed", 20)).await;
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn deletions_remove_blockers() {
    let setting = Setting::choosing("WID").await;
    let mut viewer = setting.room.viewer("member").await;
    for number in 1..=3 {
        setting
            .deliver(&event("created", number, 0, "active"))
            .await;
    }
    viewer.label(blockers::KEY, &label(3)).await;
    let mut deleted = event("deleted", 3, 10, "active");
    deleted["issue"] = json!({ "id": deleted["issue"]["id"] });
    assert_eq!(setting.deliver(&deleted).await, StatusCode::NO_CONTENT);
    viewer.label(blockers::KEY, &label(2)).await;

    let project = |event: &str, key: &str, at: i64| {
        let mut delivery = sprint("updated", "active", at);
        delivery["webhookEvent"] = json!(event);
        delivery["project"] = json!({ "id": 1, "key": key, "name": "Widgets" });
        delivery
    };
    setting
        .deliver(&project("project_archived", "WID", 20))
        .await;
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
    setting
        .deliver(&project("project_restored_archived", "WID", 30))
        .await;
    viewer.label(blockers::KEY, &label(2)).await;
    setting
        .deliver(&project("project_updated", "GAD", 40))
        .await;
    viewer.label(blockers::KEY, "2 blockers in GAD").await;
    let page = setting.page().await;
    assert!(
        page.contains("https://jira.example.com/browse/GAD-2"),
        "{page}"
    );

    let mut deleted = sprint("deleted", "active", 50);
    deleted["sprint"] = json!({ "id": 7 });
    assert_eq!(setting.deliver(&deleted).await, StatusCode::NO_CONTENT);
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn moved_issue_counts_in_its_new_project() {
    let setting = Setting::choosing("WID").await;
    let mut viewer = setting.room.viewer("member").await;
    setting.deliver(&event("created", 1, 0, "active")).await;
    viewer.label(blockers::KEY, &label(1)).await;
    let mut moved = changed(1, 1, "/fields/project/key", json!("GAD"));
    moved["issue"]["key"] = json!("GAD-12");
    setting.deliver(&moved).await;
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;

    assert_eq!(setting.choose("GAD").await.0, StatusCode::OK);
    viewer.label(blockers::KEY, "1 blocker in GAD").await;
    assert!(
        setting
            .page()
            .await
            .contains("https://jira.example.com/browse/GAD-12")
    );
}

#[tokio::test]
async fn only_signed_deliveries_count() {
    let setting = Setting::choosing("WID").await;
    let created = event("created", 1, 0, "active");
    let text = created.to_string();
    for signature in [
        sign("guessed", &text),
        sign(SECRET, "another body"),
        sign(SECRET, &text).replace("sha256=", "sha1="),
        String::new(),
    ] {
        let status = setting.send(&signature, &created).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{signature}");
    }
    for (body, status) in [
        (
            json!({ "timestamp": 1, "webhookEvent": "jira:issue_created" }),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({ "timestamp": 1, "webhookEvent": "sprint_closed" }),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({ "webhookEvent": "jira:issue_created" }),
            StatusCode::BAD_REQUEST,
        ),
        (json!([]), StatusCode::BAD_REQUEST),
        (
            json!({ "webhookEvent": "comment_created", "issue": { "id": "1", "key": "WID-1" } }),
            StatusCode::NO_CONTENT,
        ),
        (
            json!({ "timestamp": 1, "webhookEvent": "sprint_created", "sprint": { "id": 7 } }),
            StatusCode::NO_CONTENT,
        ),
    ] {
        assert_eq!(setting.deliver(&body).await, status, "{body}");
    }
    let mut viewer = setting.room.viewer("member").await;
    assert!(viewer.settled().await.lines.is_empty());
}

#[tokio::test]
async fn panel_escapes_and_keeps_invalid_input() {
    let setting = Setting::choosing("WID").await;
    for project in ["<script>", "7UP", "WID-7", "W D", &"W".repeat(81)] {
        let (status, page) = setting.choose(project).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{project}");
        assert!(page.contains("is not a project key"), "{page}");
        assert!(!page.contains("<script>"), "{page}");
    }
    setting.deliver(&event("created", 1, 0, "active")).await;
    let page = setting.page().await;
    assert!(page.contains("1 open in the current sprint"), "{page}");
    assert!(page.contains("Crash &lt;b&gt;1&lt;/b&gt;"), "{page}");
    assert!(page.contains(r#"value="WID""#), "{page}");
}

#[tokio::test]
async fn panel_shows_webhook_url_and_last_delivery() {
    let setting = Setting::choosing("WID").await;
    let page = setting.page().await;
    let address = format!("<code>{}/hooks/jira</code>", setting.add_on.base_url());
    assert!(page.contains(&address), "{page}");
    assert!(page.contains("No delivery yet."), "{page}");
    let ignored = json!({ "timestamp": 1, "webhookEvent": "comment_created" });
    setting.deliver(&ignored).await;
    let page = setting.page().await;
    assert!(page.contains("Last delivery: <time datetime="), "{page}");
}

/// Another process is changing the database. Jira retries after the response 503.
#[tokio::test]
async fn locked_database_causes_503() {
    let setting = Setting::choosing("WID").await;
    let other = setting.lock_database();
    let created = event("created", 1, 0, "active");
    let status = setting.deliver(&created).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(setting.deliver(&created).await, StatusCode::NO_CONTENT);
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(blockers::KEY, &label(1)).await;
}
