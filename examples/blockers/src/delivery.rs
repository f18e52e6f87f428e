//! Reads a delivery of Jira Cloud, Data Center or Server.
//!
//! The event's name decides what is read: a delivery may be of any event, and miss whatever does not matter
//! for it.

use glance_sdk::json;
use serde_json::{Map, Value};

use crate::issues::{Issue, Project, ProjectState, Sprint};
use crate::sprint_field;

/// What teams call the priority; the second is Jira Cloud's own.
const BLOCKING: [&str; 2] = ["Blocker", "Highest"];

/// What Jira calls statuses in which an issue is done, where it does not tell their category.
const DONE: [&str; 3] = ["Done", "Closed", "Resolved"];

/// What a delivery tells.
#[derive(Debug, PartialEq)]
pub(crate) enum News {
    Issue(Issue),
    /// The issue with this id.
    IssueDeleted(String),
    Sprint(Sprint),
    /// The sprint with this id.
    SprintDeleted(i64),
    Project(Project),
    Other,
}

/// Reads what happened, and when, in milliseconds since 1970: deliveries may come in another order. Says
/// what is wrong where the delivery is none.
///
/// Every issue event carries the issue as it is then: whether it blocks is read from there, so there is no
/// list of what may change. When a sprint starts or is closed, its issues have no event, nor when their
/// project gets another key or is deleted.
pub(crate) fn read(body: &[u8]) -> Result<(i64, News), String> {
    if body.is_empty() {
        let problem = "the delivery is empty: turn off \"Exclude body\" of the webhook in Jira";
        return Err(problem.to_owned());
    }
    let delivery: Value =
        json::from_slice(body).map_err(|cause| format!("this is no event of Jira: {cause}"))?;
    let Some(event) = delivery["webhookEvent"].as_str() else {
        return Err("this is no event of Jira: it has no `webhookEvent`".to_owned());
    };
    let news = match event {
        "jira:issue_created" | "jira:issue_updated" => issue(&delivery["issue"]).map(News::Issue),
        "jira:issue_deleted" => id(&delivery["issue"]["id"])
            .map(News::IssueDeleted)
            .ok_or("issue.id"),
        "sprint_started" | "sprint_updated" | "sprint_closed" => sprint(event, &delivery["sprint"]),
        "sprint_deleted" => number(&delivery["sprint"]["id"])
            .map(News::SprintDeleted)
            .ok_or("sprint.id"),
        _ => match project_state(event) {
            Some(state) => project(&delivery["project"], state).map(News::Project),
            None => Ok(News::Other),
        },
    };
    let news = news.map_err(|missing| format!("the event {event} has no `{missing}`"))?;
    let Some(at) = number(&delivery["timestamp"]) else {
        return match news {
            News::Other => Ok((0, news)),
            _ => Err(format!("the event {event} has no `timestamp`")),
        };
    };
    Ok((at, news))
}

fn issue(issue: &Value) -> Result<Issue, &'static str> {
    let id = id(&issue["id"]).ok_or("issue.id")?;
    let key = issue["key"].as_str().ok_or("issue.key")?;
    let fields = issue["fields"].as_object().ok_or("issue.fields")?;
    let project = field(fields, "project");
    let project_key = project["key"].as_str();
    // The key of an issue is that of its project and a number.
    let of_issue = || key.rsplit_once('-').map_or(key, |(project, _)| project);
    let summary = field(fields, "summary").as_str().unwrap_or_default().trim();
    let link = issue["self"].as_str().unwrap_or_default();
    let base = link.split_once("/rest/").map_or("", |(base, _)| base);
    let custom = fields.iter();
    let custom = custom.filter(|(name, _)| name.starts_with("customfield_"));
    Ok(Issue {
        id,
        key: key.to_owned(),
        project: project_key.unwrap_or_else(of_issue).to_owned(),
        project_id: self::id(&project["id"]),
        summary: if summary.is_empty() { key } else { summary }.to_owned(),
        url: format!("{base}/browse/{key}"),
        is_blocker: is_blocker(fields),
        sprints: custom
            .flat_map(|(_, value)| sprint_field::sprints(value))
            .collect(),
    })
}

fn is_blocker(fields: &Map<String, Value>) -> bool {
    let name = |of: &str| field(fields, of)["name"].as_str().unwrap_or_default();
    name("issuetype") == "Bug" && BLOCKING.contains(&name("priority")) && !is_done(fields)
}

/// By the status's category, which Jira has since version 6.2.
fn is_done(fields: &Map<String, Value>) -> bool {
    let status = field(fields, "status");
    match status["statusCategory"]["key"].as_str() {
        Some(category) => category == "done",
        None => {
            let name = status["name"].as_str().unwrap_or_default();
            !field(fields, "resolution").is_null() || DONE.contains(&name)
        }
    }
}

fn sprint(event: &str, sprint: &Value) -> Result<News, &'static str> {
    let id = number(&sprint["id"]).ok_or("sprint.id")?;
    let is_active = match (event, sprint["state"].as_str()) {
        ("sprint_started", _) => true,
        ("sprint_closed", _) => false,
        (_, Some(state)) => state.eq_ignore_ascii_case("active"),
        // Something about it has changed, and not whether it is under way.
        (_, None) => return Ok(News::Other),
    };
    Ok(News::Sprint(Sprint { id, is_active }))
}

/// What the event means for the project's issues.
fn project_state(event: &str) -> Option<ProjectState> {
    match event {
        "project_created"
        | "project_updated"
        | "project_restored_deleted"
        | "project_restored_archived" => Some(ProjectState::Present),
        "project_deleted" | "project_soft_deleted" | "project_archived" => Some(ProjectState::Gone),
        _ => None,
    }
}

fn project(project: &Value, state: ProjectState) -> Result<Project, &'static str> {
    let key = project["key"].as_str().map(str::to_owned);
    if key.is_none() && state == ProjectState::Present {
        return Err("project.key");
    }
    Ok(Project {
        id: id(&project["id"]).ok_or("project.id")?,
        key,
        state,
    })
}

fn field<'f>(fields: &'f Map<String, Value>, name: &str) -> &'f Value {
    fields.get(name).unwrap_or(&Value::Null)
}

/// An id, which Jira writes as text in issues and as a number in projects.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests;
