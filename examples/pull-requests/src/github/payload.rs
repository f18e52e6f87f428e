//! Parses the relevant parts of a delivery's payload, which depend on GitHub's `X-GitHub-Event`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::pulls::{Delivery, News, PullRequest};
use crate::repositories::Repository;

/// Parses the payload of an event. Never refuses irrelevant events, regardless of their content.
///
/// # Errors
///
/// Returns a sentence for the person who reads GitHub's list of deliveries.
pub(super) fn read(event: &str, json: &[u8]) -> Result<Delivery, String> {
    match event {
        "pull_request" => pull_request(json),
        "repository" => repository(json),
        "ping" => ping(json),
        "organization" => Ok(organization(json)),
        _ => Ok(other(json)),
    }
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    glance_sdk::json::from_slice(json).map_err(|cause| cause.to_string())
}

/// Every action contains the current pull request, including whether it is open, so opening,
/// closing, reopening, drafting and future actions need no list.
fn pull_request(json: &[u8]) -> Result<Delivery, String> {
    let PullRequestEvent {
        action,
        pull_request,
        repository,
    } = parse(json).map_err(|cause| format!("not a pull_request event: {cause}"))?;
    let seconds = |text: &str| {
        seconds(text).ok_or_else(|| format!("{text:?} in the pull request is not a date"))
    };
    let opened_at = seconds(&pull_request.created_at)?;
    Ok(Delivery {
        news: News::PullRequest(PullRequest {
            number: pull_request.number,
            title: pull_request.title.unwrap_or_default(),
            url: pull_request.html_url.unwrap_or_default(),
            is_open: pull_request.state == "open",
            is_draft: pull_request.draft.unwrap_or_default(),
            opened_at,
            updated_at: match pull_request.updated_at {
                Some(updated_at) => seconds(&updated_at)?,
                None => opened_at,
            },
            action: action.unwrap_or_default(),
        }),
        repository: Some(repository.into()),
    })
}

fn repository(json: &[u8]) -> Result<Delivery, String> {
    let RepositoryEvent {
        action,
        repository,
        changes,
    } = parse(json).map_err(|cause| format!("not a repository event: {cause}"))?;
    let mut repository = Repository::from(repository);
    match action.as_str() {
        "archived" => repository.is_archived = Some(true),
        "unarchived" => repository.is_archived = Some(false),
        _ => {}
    }
    repository.former_name = changes.and_then(|changes| changes.former(&repository.full_name));
    Ok(Delivery {
        repository: Some(repository),
        news: match action.as_str() {
            "deleted" => News::RepositoryDeleted,
            "created" => News::RepositoryCreated,
            _ => News::Other,
        },
    })
}

/// Handles the first delivery of a webhook. A webhook without the required event is silent later,
/// so this is the time to report it.
fn ping(json: &[u8]) -> Result<Delivery, String> {
    let events = parse::<Ping>(json).ok().map(|ping| ping.hook.events);
    let has_event = |events: &Vec<String>| {
        let mut events = events.iter();
        events.any(|event| event == "pull_request" || event == "*")
    };
    match events {
        Some(events) if !has_event(&events) => Err(
            "this webhook does not send pull requests. Edit it on GitHub: choose \"Let me select \
             individual events\", then check \"Pull requests\" and \"Repositories\""
                .to_owned(),
        ),
        _ => Ok(other(json)),
    }
}

fn organization(json: &[u8]) -> Delivery {
    let news = match parse::<OrganizationEvent>(json) {
        Ok(event) if event.action == "renamed" => News::OwnerRenamed {
            from: event.changes.login.from,
            to: event.organization.login,
        },
        _ => News::Other,
    };
    Delivery {
        repository: None,
        news,
    }
}

fn other(json: &[u8]) -> Delivery {
    let repository = parse::<AnyEvent>(json).ok();
    Delivery {
        repository: repository.map(|event| event.repository.into()),
        news: News::Other,
    }
}

fn seconds(text: &str) -> Option<i64> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(at.unix_timestamp())
}

#[derive(Deserialize)]
struct PullRequestEvent {
    action: Option<String>,
    pull_request: PullRequestPayload,
    repository: RepositoryPayload,
}

#[derive(Deserialize)]
struct PullRequestPayload {
    number: u32,
    title: Option<String>,
    html_url: Option<String>,
    state: String,
    draft: Option<bool>,
    created_at: String,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct RepositoryEvent {
    action: String,
    repository: RepositoryPayload,
    #[serde(default, deserialize_with = "lenient")]
    changes: Option<Changes>,
}

#[derive(Deserialize)]
struct AnyEvent {
    repository: RepositoryPayload,
}

#[derive(Deserialize)]
struct RepositoryPayload {
    id: Option<i64>,
    full_name: String,
    /// Seconds in some events, a date in most.
    #[serde(default, deserialize_with = "lenient")]
    updated_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    archived: Option<bool>,
}

impl From<RepositoryPayload> for Repository {
    fn from(payload: RepositoryPayload) -> Self {
        Self {
            github_id: payload.id,
            full_name: payload.full_name,
            former_name: None,
            updated_at: payload.updated_at.as_deref().and_then(seconds),
            is_archived: payload.archived,
        }
    }
}

#[derive(Deserialize)]
struct Changes {
    repository: Option<RepositoryChanges>,
    owner: Option<OwnerChanges>,
}

#[derive(Deserialize)]
struct RepositoryChanges {
    name: Option<Former>,
}

#[derive(Deserialize)]
struct OwnerChanges {
    from: FormerOwner,
}

#[derive(Deserialize)]
struct FormerOwner {
    user: Option<Owner>,
    organization: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    login: String,
}

impl Changes {
    /// Returns the previous name of the repository.
    fn former(self, full_name: &str) -> Option<String> {
        let (owner, name) = full_name.split_once('/')?;
        let former_name = self.repository.and_then(|changes| changes.name);
        let former_owner = self.owner.map(|changes| changes.from);
        let former_owner = former_owner.and_then(|from| from.user.or(from.organization));
        if former_name.is_none() && former_owner.is_none() {
            return None;
        }
        let name = former_name.map_or(name.to_owned(), |former| former.from);
        let owner = former_owner.map_or(owner.to_owned(), |former| former.login);
        Some(format!("{owner}/{name}"))
    }
}

#[derive(Deserialize)]
struct Former {
    from: String,
}

#[derive(Deserialize)]
struct Ping {
    hook: Hook,
}

#[derive(Deserialize)]
struct Hook {
    events: Vec<String>,
}

#[derive(Deserialize)]
struct OrganizationEvent {
    action: String,
    changes: OrganizationChanges,
    organization: Owner,
}

#[derive(Deserialize)]
struct OrganizationChanges {
    login: Former,
}

/// Deserializes a value, and ignores values of other types.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

#[cfg(test)]
mod tests;
