//! Parses deliveries of Jira Cloud, Data Center and Server.
//!
//! The event's name decides which members are parsed: deliveries may be of any event, and may omit
//! irrelevant members.

use glance_sdk::json;
use serde_json::{Map, Value};

use crate::issues::{Issue, Project, ProjectState, Sprint};
use crate::sprint_field;

/// The names of the blocking priority; the second is Jira Cloud's own.
const BLOCKING: [&str; 2] = ["Blocker", "Highest"];

/// Jira's status names for resolved issues, used if the category is missing.
const DONE: [&str; 3] = ["Done", "Closed", "Resolved"];

/// The content of a delivery.
#[derive(Debug, PartialEq)]
pub(crate) enum News {
    Issue(Issue),
    /// The issue with this id was deleted.
    IssueDeleted(String),
    Sprint(Sprint),
    /// The sprint with this id was deleted.
    SprintDeleted(i64),
    Project(Project),
    Other,
}

/// Parses a delivery. Returns the change and its time in milliseconds since 1970, because
/// deliveries may arrive out of order. The error describes an invalid delivery.
///
/// Every issue event contains the current issue, which tells whether it blocks, so no list of
/// possible changes is needed. If a sprint starts or is closed, its issues have no event; neither
/// do they if their project is renamed or deleted.
pub(crate) fn read(body: &[u8]) -> Result<(i64, News), String> {
    if body.is_empty() {
        let problem = "the delivery is empty: turn off \"Exclude body\" of the webhook in Jira";
        return Err(problem.to_owned());
    }
    let delivery: Value =
        json::from_slice(body).map_err(|cause| format!("this is not an event of Jira: {cause}"))?;
    let Some(event) = delivery["webhookEvent"].as_str() else {
        return Err("this is not an event of Jira: it has no `webhookEvent`".to_owned());
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
    // An issue's key consists of the project's key and a number.
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

/// Decides by the status's category, which Jira has since version 6.2.
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
        // A property of the sprint changed, but not whether it is active.
        (_, None) => return Ok(News::Other),
    };
    Ok(News::Sprint(Sprint { id, is_active }))
}

/// Returns the state of the project after the event.
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

/// Returns an id, which is text in issues and a number in projects.
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
