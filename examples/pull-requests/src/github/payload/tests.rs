use serde_json::json;

use super::*;

fn event(event: &str, payload: &serde_json::Value) -> Result<Delivery, String> {
    read(event, payload.to_string().as_bytes())
}

#[test]
fn irrelevant_events_are_never_refused() {
    for payload in [
        &b""[..],
        b"{",
        b"[]",
        b"null",
        b"\xff",
        br#"{"repository":7,"hook":{"events":"x"}}"#,
        br#"{"action":"renamed","repository":{"full_name":7}}"#,
    ] {
        for name in ["ping", "push", "star", "organization", "a_new_event", ""] {
            let delivery = read(name, payload).unwrap();
            let nothing = Delivery {
                repository: None,
                news: News::Other,
            };
            assert_eq!(delivery, nothing, "{name}");
        }
        assert!(read("pull_request", payload).is_err());
        assert!(read("repository", payload).is_err());
    }
}

#[test]
fn every_event_contains_name_of_repository() {
    let payload = json!({
        "repository": { "id": 7, "full_name": "a/b", "created_at": 1, "updated_at": 1, "archived": null },
    });
    let repository = event("push", &payload).unwrap().repository.unwrap();
    assert_eq!(
        (repository.github_id, repository.full_name.as_str()),
        (Some(7), "a/b")
    );
    assert_eq!(
        (repository.updated_at, repository.is_archived),
        (None, None)
    );
}

#[test]
fn pull_request_needs_only_counted_members() {
    let payload = json!({
        "pull_request": { "number": 1, "state": "open", "created_at": "2021-08-19T12:16:32.000-04:00" },
        "repository": { "full_name": "a/b" },
    });
    let News::PullRequest(pull) = event("pull_request", &payload).unwrap().news else {
        panic!("not a pull request");
    };
    assert_eq!(
        (pull.opened_at, pull.updated_at),
        (1_629_389_792, 1_629_389_792)
    );
    assert!(pull.is_open && !pull.is_draft);
}

#[test]
fn repository_events_contain_former_names() {
    let changes = |changes: serde_json::Value| {
        let payload = json!({
            "action": "renamed",
            "changes": changes,
            "repository": { "id": 7, "full_name": "new/name" },
        });
        event("repository", &payload)
            .unwrap()
            .repository
            .unwrap()
            .former_name
    };
    for (written, former) in [
        (
            json!({ "repository": { "name": { "from": "old" } } }),
            Some("new/old"),
        ),
        (
            json!({ "owner": { "from": { "user": { "login": "old" } } } }),
            Some("old/name"),
        ),
        (
            json!({ "owner": { "from": { "organization": { "login": "old" } } } }),
            Some("old/name"),
        ),
        (json!({ "default_branch": { "from": "master" } }), None),
        (json!({ "owner": 7 }), None),
        (json!(null), None),
    ] {
        assert_eq!(changes(written.clone()).as_deref(), former, "{written}");
    }
}

#[test]
fn ping_without_pull_request_event_is_refused() {
    let ping = |events: &[&str]| event("ping", &json!({ "hook": { "events": events } }));
    assert!(ping(&["*"]).is_ok());
    assert!(ping(&["push", "pull_request"]).is_ok());
    let problem = ping(&["push"]).unwrap_err();
    assert!(problem.contains("check \"Pull requests\""), "{problem}");
}

#[test]
fn renamed_organization_has_both_names() {
    let payload = json!({
        "action": "renamed",
        "changes": { "login": { "from": "old" } },
        "organization": { "login": "new" },
    });
    let renamed = News::OwnerRenamed {
        from: "old".to_owned(),
        to: "new".to_owned(),
    };
    assert_eq!(event("organization", &payload).unwrap().news, renamed);
}
