//! Jira's webhook deliveries.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use glance_sdk::axum::body::Bytes;
use glance_sdk::axum::extract::DefaultBodyLimit;
use glance_sdk::axum::http::{HeaderMap, StatusCode};
use glance_sdk::axum::response::{IntoResponse, Response};
use glance_sdk::axum::routing::MethodRouter;
use glance_sdk::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use crate::Blockers;
use crate::issues::{Issue, Sprint};

/// Jira caps a delivery at 25 MB.
const MAX_DELIVERY_BYTES: usize = 25 * 1000 * 1000;

/// What teams call the priority; the second is Jira Cloud's own.
const BLOCKING: [&str; 2] = ["Blocker", "Highest"];

pub(crate) fn route() -> MethodRouter<Blockers> {
    post(deliver).layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES))
}

/// Takes a delivery: 204 once it is stored, and for events that do not matter here.
async fn deliver(
    State(app): State<Blockers>,
    pusher: Pusher,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let signature = headers.get("X-Hub-Signature");
    let signature = signature.and_then(|value| value.to_str().ok());
    if !is_signed(&app.jira, signature, &body) {
        return Ok((StatusCode::UNAUTHORIZED, "wrong or missing signature").into_response());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    app.issues.delivered(i64::try_from(now)?).await?;
    let (at, news) = match parse(&body) {
        Ok(parsed) => parsed,
        Err(problem) => return Ok((StatusCode::BAD_REQUEST, problem).into_response()),
    };
    let projects = match news {
        News::Issue(issue) => app.issues.record(issue, at).await?,
        News::Sprint(sprint) => app.issues.record_sprint(sprint, at).await?,
        News::Other => Vec::new(),
    };
    for project in projects {
        for (oauth_id, room) in app.rooms.showing(&project).await? {
            app.push(&pusher, &oauth_id, room).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Whether `signature` is the HMAC of the raw body, compared in constant time.
fn is_signed(key: &hmac::Key, signature: Option<&str>, body: &[u8]) -> bool {
    signature
        .and_then(|signature| signature.strip_prefix("sha256="))
        .and_then(|digits| hex::decode(digits).ok())
        .is_some_and(|tag| hmac::verify(key, body, &tag).is_ok())
}

/// What a delivery tells.
#[derive(Debug, PartialEq)]
enum News {
    Issue(Issue),
    Sprint(Sprint),
    Other,
}

#[derive(Deserialize)]
struct Delivery {
    /// When it happened, in milliseconds since 1970. Deliveries may come in another order.
    timestamp: i64,
    #[serde(rename = "webhookEvent")]
    event: String,
    issue: Option<Payload>,
    sprint: Option<SprintPayload>,
}

#[derive(Deserialize)]
struct Payload {
    id: String,
    key: String,
    #[serde(rename = "self")]
    link: String,
    fields: Fields,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    summary: String,
    project: Project,
    issuetype: Named,
    priority: Option<Named>,
    status: Status,
    /// Every Jira has its sprints in a field of another number.
    #[serde(flatten)]
    others: HashMap<String, Value>,
}

#[derive(Deserialize)]
struct Project {
    key: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Status {
    #[serde(rename = "statusCategory")]
    category: Category,
}

#[derive(Deserialize)]
struct Category {
    key: String,
}

#[derive(Deserialize)]
struct SprintPayload {
    id: i64,
    state: String,
}

impl From<SprintPayload> for Sprint {
    fn from(sprint: SprintPayload) -> Self {
        Self {
            id: sprint.id,
            is_active: sprint.state.eq_ignore_ascii_case("active"),
        }
    }
}

/// Every issue event carries the issue as it is then: whether it blocks is read from there, so
/// there is no list of what may change. When a sprint starts or is closed, its issues have no event.
fn parse(body: &[u8]) -> Result<(i64, News), String> {
    let delivery: Delivery =
        serde_json::from_slice(body).map_err(|cause| format!("no event of Jira: {cause}"))?;
    let missing = |what| format!("the event {} has no {what}", delivery.event);
    let news = match delivery.event.as_str() {
        "jira:issue_created" | "jira:issue_updated" | "jira:issue_deleted" => {
            let is_deleted = delivery.event == "jira:issue_deleted";
            let payload = delivery.issue.ok_or_else(|| missing("issue"))?;
            News::Issue(issue(payload, is_deleted))
        }
        "sprint_started" | "sprint_updated" | "sprint_closed" => {
            let sprint = delivery.sprint.ok_or_else(|| missing("sprint"))?;
            News::Sprint(sprint.into())
        }
        _ => News::Other,
    };
    Ok((delivery.timestamp, news))
}

fn issue(payload: Payload, is_deleted: bool) -> Issue {
    let fields = payload.fields;
    let priority = fields.priority.map(|priority| priority.name);
    let base = payload
        .link
        .split_once("/rest/")
        .map_or("", |(base, _)| base);
    let custom = fields.others.iter();
    let custom = custom.filter(|(name, _)| name.starts_with("customfield_"));
    Issue {
        id: payload.id,
        url: format!("{base}/browse/{}", payload.key),
        key: payload.key,
        project: fields.project.key,
        summary: fields.summary,
        is_blocker: fields.issuetype.name == "Bug"
            && priority.is_some_and(|priority| BLOCKING.contains(&priority.as_str()))
            && fields.status.category.key != "done",
        is_deleted,
        sprints: custom.flat_map(|(_, value)| sprints(value)).collect(),
    }
}

/// The sprints in a field; none where it is another field.
fn sprints(field: &Value) -> Vec<Sprint> {
    let values = field.as_array().into_iter().flatten();
    let sprint = |value: &Value| match value {
        Value::String(text) => greenhopper(text),
        Value::Object(object) if object.contains_key("boardId") => {
            let payload = SprintPayload::deserialize(value).ok()?;
            Some(payload.into())
        }
        _ => None,
    };
    values.filter_map(sprint).collect()
}

/// A sprint as Jira Server writes it: `com.atlassian.greenhopper...Sprint@1f[id=7,state=ACTIVE,...]`.
fn greenhopper(text: &str) -> Option<Sprint> {
    let (class, members) = text.split_once('[')?;
    if !class.contains(".greenhopper.") {
        return None;
    }
    // The first counts: a name, which may hold anything, comes after these two.
    let member = |name: &str| {
        let mut members = members.split(',');
        members.find_map(|member| member.strip_prefix(name)?.strip_prefix('='))
    };
    Some(Sprint {
        id: member("id")?.parse().ok()?,
        is_active: member("state")? == "ACTIVE",
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_right_signature_over_the_raw_body_passes() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"It's a Secret to Everybody");
        // The value of GitHub's documentation, from which Jira has the scheme.
        let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_signed(&key, Some(right), b"Hello, World!"));
        for (signature, body) in [
            (Some(right), "Hello, World"),
            (Some(&right[7..]), "Hello, World!"),
            (Some(&right[..40]), "Hello, World!"),
            (Some("sha256="), "Hello, World!"),
            (Some("sha1=zz"), "Hello, World!"),
            (None, "Hello, World!"),
        ] {
            assert!(
                !is_signed(&key, signature, body.as_bytes()),
                "{signature:?}"
            );
        }
    }

    #[test]
    fn sprints_are_found_in_both_forms_and_in_no_other_field() {
        let server = |members: &str| {
            json!([format!(
                "com.atlassian.greenhopper.service.sprint.Sprint@1f[{members}]"
            )])
        };
        let sprint = |id, is_active| vec![Sprint { id, is_active }];
        for (field, found) in [
            (
                json!([{ "id": 7, "state": "active", "boardId": 1 }]),
                sprint(7, true),
            ),
            (
                json!([{ "id": 7, "state": "closed", "boardId": 1 }]),
                sprint(7, false),
            ),
            (
                server("id=7,rapidViewId=1,state=ACTIVE,name=Sprint 4, state=CLOSED"),
                sprint(7, true),
            ),
            (
                server("id=7,rapidViewId=1,state=FUTURE,name=x,state=ACTIVE"),
                sprint(7, false),
            ),
            (server("id=x,state=ACTIVE"), vec![]),
            (json!(["state=ACTIVE,[id=7,state=ACTIVE]"]), vec![]),
            (json!([{ "id": 7, "state": "active" }]), vec![]),
            (
                json!([{ "id": "7", "state": "active", "boardId": 1 }, null, 3, "x"]),
                vec![],
            ),
            (json!("x"), vec![]),
            (json!(null), vec![]),
        ] {
            assert_eq!(sprints(&field), found, "{field}");
        }
    }
}
