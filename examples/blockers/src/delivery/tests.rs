use serde_json::json;

use super::*;

fn news(delivery: &Value) -> Result<News, String> {
    read(delivery.to_string().as_bytes()).map(|(_, news)| news)
}

fn updated(fields: Value) -> Value {
    json!({
        "timestamp": 1, "webhookEvent": "jira:issue_updated",
        "issue": {
            "id": "10001", "key": "WID-7", "self": "https://jira.example.com/rest/api/2/issue/10001",
            "fields": fields,
        },
    })
}

fn issue_of(fields: Value) -> Issue {
    match news(&updated(fields)) {
        Ok(News::Issue(issue)) => issue,
        other => panic!("{other:?}"),
    }
}

#[test]
fn irrelevant_events_may_omit_anything() {
    for event in [
        json!({ "timestamp": 1, "webhookEvent": "comment_created", "issue": { "id": "1", "key": "WID-1" } }),
        json!({ "webhookEvent": "comment_deleted", "issue": null }),
        json!({ "timestamp": 1, "webhookEvent": "sprint_created", "sprint": { "id": 7 } }),
        json!({ "timestamp": 1, "webhookEvent": "sprint_updated", "sprint": { "id": 7 } }),
        json!({ "timestamp": 1, "webhookEvent": "issuelink_created", "issueLink": {} }),
        json!({ "timestamp": 1, "webhookEvent": "jira:version_released" }),
        json!({ "timestamp": "later", "webhookEvent": "board_updated", "sprint": [] }),
        json!({ "webhookEvent": "an_event_of_a_later_day" }),
    ] {
        assert_eq!(news(&event), Ok(News::Other), "{event}");
    }
}

#[test]
fn missing_required_members_are_named() {
    for (event, missing) in [
        (json!({}), "webhookEvent"),
        (json!([]), "webhookEvent"),
        (json!({ "webhookEvent": 7 }), "webhookEvent"),
        (
            json!({ "webhookEvent": "jira:issue_created", "timestamp": 1 }),
            "issue.id",
        ),
        (
            json!({ "webhookEvent": "jira:issue_created", "timestamp": 1, "issue": { "id": "1", "key": "A-1" } }),
            "issue.fields",
        ),
        (
            json!({ "webhookEvent": "jira:issue_deleted", "timestamp": 1, "issue": {} }),
            "issue.id",
        ),
        (
            json!({ "webhookEvent": "jira:issue_deleted", "issue": { "id": "1" } }),
            "timestamp",
        ),
        (
            json!({ "webhookEvent": "sprint_closed", "timestamp": 1 }),
            "sprint.id",
        ),
        (
            json!({ "webhookEvent": "sprint_deleted", "timestamp": 1 }),
            "sprint.id",
        ),
        (
            json!({ "webhookEvent": "project_deleted", "timestamp": 1 }),
            "project.id",
        ),
        (
            json!({ "webhookEvent": "project_updated", "timestamp": 1, "project": { "id": 1 } }),
            "project.key",
        ),
    ] {
        let problem = news(&event).unwrap_err();
        assert!(problem.contains(&format!("`{missing}`")), "{problem}");
    }
    assert!(read(b"").unwrap_err().contains("Exclude body"));
    assert!(read(b"{").is_err());
}

#[test]
fn deletions_need_only_the_id() {
    for (event, expected) in [
        (
            json!({ "webhookEvent": "jira:issue_deleted", "timestamp": 1, "issue": { "id": "10001" } }),
            News::IssueDeleted("10001".to_owned()),
        ),
        (
            json!({ "webhookEvent": "jira:issue_deleted", "timestamp": "1", "issue": { "id": 10001 } }),
            News::IssueDeleted("10001".to_owned()),
        ),
        (
            json!({ "webhookEvent": "sprint_deleted", "timestamp": 1, "sprint": { "id": 7 } }),
            News::SprintDeleted(7),
        ),
        (
            json!({ "webhookEvent": "project_soft_deleted", "timestamp": 1, "project": { "id": 3 } }),
            News::Project(Project {
                id: "3".to_owned(),
                key: None,
                state: ProjectState::Gone,
            }),
        ),
    ] {
        assert_eq!(news(&event), Ok(expected), "{event}");
    }
}

#[test]
fn sprint_state_follows_from_event() {
    for (event, sprint, is_active) in [
        ("sprint_started", json!({ "id": 7 }), true),
        (
            "sprint_closed",
            json!({ "id": "7", "state": "active" }),
            false,
        ),
        (
            "sprint_updated",
            json!({ "id": 7, "state": "ACTIVE" }),
            true,
        ),
        (
            "sprint_updated",
            json!({ "id": 7, "state": "future" }),
            false,
        ),
    ] {
        let delivery = json!({ "timestamp": 1, "webhookEvent": event, "sprint": sprint });
        let expected = News::Sprint(Sprint { id: 7, is_active });
        assert_eq!(news(&delivery), Ok(expected), "{delivery}");
    }
}

#[test]
fn null_and_missing_members_of_issues_are_optional() {
    let issue = issue_of(json!({ "summary": null, "project": null, "customfield_1": {} }));
    assert_eq!(
        (issue.summary.as_str(), issue.project.as_str()),
        ("WID-7", "WID")
    );
    assert_eq!((issue.project_id, issue.is_blocker), (None, false));
    assert_eq!(issue.url, "https://jira.example.com/browse/WID-7");

    let issue = issue_of(json!({
        "summary": " Crash ", "project": { "id": "10", "key": "GAD" },
        "issuetype": { "name": "Bug" }, "priority": { "name": "Highest" }, "status": null,
        "customfield_1": ["x", { "id": "odd", "boardId": 1 }, { "id": 7, "state": "active", "boardId": 1 }],
    }));
    assert_eq!(
        (issue.summary.as_str(), issue.project.as_str()),
        ("Crash", "GAD")
    );
    assert_eq!(
        (issue.project_id.as_deref(), issue.is_blocker),
        (Some("10"), true)
    );
    assert_eq!(
        issue.sprints,
        [Sprint {
            id: 7,
            is_active: true
        }]
    );
}

#[test]
fn old_status_without_category_is_supported() {
    for (status, resolution, is_blocker) in [
        (json!({ "name": "Open" }), json!(null), true),
        (json!({ "name": "Open" }), json!({ "name": "Fixed" }), false),
        (json!({ "name": "Closed" }), json!(null), false),
        (
            json!({ "name": "Open", "statusCategory": null }),
            json!(null),
            true,
        ),
        (
            json!({ "name": "Closed", "statusCategory": { "key": "new" } }),
            json!(null),
            true,
        ),
        (
            json!({ "name": "Live", "statusCategory": { "key": "done" } }),
            json!(null),
            false,
        ),
    ] {
        let issue = issue_of(json!({
            "issuetype": { "name": "Bug" }, "priority": { "name": "Blocker" },
            "status": status, "resolution": resolution,
        }));
        assert_eq!(issue.is_blocker, is_blocker, "{status} {resolution}");
    }
}

#[test]
fn deliveries_are_parsed_like_in_browsers() {
    let body = "\u{feff}{\"timestamp\": 1, \"webhookEvent\": \"x\", \"webhookEvent\": \"jira:issue_updated\",
        \"issue\": {\"id\": \"1\", \"key\": \"A-1\", \"fields\": {\"summary\": \"\\ud83d\"}}}";
    let Ok((1, News::Issue(issue))) = read(body.as_bytes()) else {
        panic!("it is not read");
    };
    assert_eq!(issue.summary, "\u{fffd}");
}
