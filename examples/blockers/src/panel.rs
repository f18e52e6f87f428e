//! The panel, with the blockers of the room's project, the choice of the project, and the webhook.

use std::fmt::Write as _;

use glance_sdk::addon::LocalTime;
use glance_sdk::axum::Form;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::response::{Html, IntoResponse, Response};
use glance_sdk::label::Escaped;
use glance_sdk::prelude::*;
use serde::Deserialize;

use crate::Blockers;

const STYLE: &str = include_str!("panel.css");

/// The message of a page whose room is not settled yet.
const UNSETTLED: &str = "Saved. The chat has not accepted it yet; the add-on retries.";

pub(crate) async fn show(
    State(app): State<Blockers>,
    request: SignedRequest,
) -> Result<Response, Failure> {
    page(&app, &request, None).await
}

#[derive(Deserialize)]
pub(crate) struct Choice {
    project: String,
}

pub(crate) async fn save(
    State(app): State<Blockers>,
    request: SignedRequest,
    installations: Installations,
    pusher: Pusher,
    Form(choice): Form<Choice>,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return page(&app, &request, None).await;
    };
    let project = match check(&choice.project) {
        Ok(project) => project,
        Err(problem) => return page(&app, &request, Some((problem, choice))).await,
    };
    let oauth_id = request.oauth_id();
    app.rooms.choose(oauth_id, room, project).await?;
    if let Err(failure) = app.settle(&installations, &pusher, oauth_id, room).await {
        tracing::warn!(%failure, "settling a room failed");
        app.behind.notify_one();
    }
    page(&app, &request, None).await
}

fn check(project: &str) -> Result<Option<String>, String> {
    let project = project.trim();
    let key = project.to_ascii_uppercase();
    let is_key = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    match key.as_bytes() {
        [] => Ok(None),
        [b'A'..=b'Z', rest @ ..] if rest.len() < 80 && rest.iter().all(|b| is_key(*b)) => {
            Ok(Some(key))
        }
        _ => Err(format!(
            "\"{project}\" is not a project key. Enter the part before the number of an issue."
        )),
    }
}

/// Renders the page; after a refused choice with the input and the problem.
async fn page(
    app: &Blockers,
    request: &SignedRequest,
    refused: Option<(String, Choice)>,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return Ok((StatusCode::BAD_REQUEST, "this panel belongs to a room").into_response());
    };
    let room = app.rooms.get(request.oauth_id(), room).await?;
    let chosen = room.project.unwrap_or_default();
    let blockers = app.issues.blockers_in(&chosen).await?;
    let mut list = String::new();
    for blocker in &blockers {
        let _ = write!(
            list,
            r#"<li><a href="{url}" target="_blank" rel="noreferrer">{summary}</a><br>
               <small>{key}</small></li>"#,
            url = Escaped(if is_link(&blocker.url) {
                &blocker.url
            } else {
                "#"
            }),
            summary = Escaped(&blocker.summary),
            key = Escaped(&blocker.key),
        );
    }
    let heading = match (chosen.as_str(), blockers.len()) {
        ("", _) => "Choose the project of this room.".to_owned(),
        (_, 0) => "Nothing blocks the sprint.".to_owned(),
        (_, count) => format!("{count} open in the current sprint"),
    };
    let (status, problem, project) = match refused {
        Some((problem, choice)) => (StatusCode::UNPROCESSABLE_ENTITY, problem, choice.project),
        None if room.is_settled => (StatusCode::OK, String::new(), chosen),
        None => (StatusCode::OK, UNSETTLED.to_owned(), chosen),
    };
    let problem = match problem.as_str() {
        "" => String::new(),
        problem => format!(
            r#"<p class="problem" role="alert">{}</p>"#,
            Escaped(problem)
        ),
    };
    let scripts = request.live_scripts().await?;
    let delivery = match app.issues.delivered_at().await? {
        Some(at) => format!("Last delivery: {}", LocalTime(at)),
        None => "No delivery yet.".to_owned(),
    };
    let page = format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Blockers</title>
<style>{STYLE}</style>
{scripts}
<h1 data-live="heading" aria-live="polite">{heading}</h1>
<ul data-live="blockers">{list}</ul>
<form method="post">
  {problem}
  <label for="project">Key of the Jira project; none hides the line</label>
  <input id="project" name="project" autocomplete="off" spellcheck="false" value="{project}">
  <button id="save">Save</button>
</form>
<footer>
<p><b>Webhook in Jira</b><br>
URL <code>{url}</code><br>
Events: issues, sprints and projects</p>
<p data-live="delivery">{delivery}</p>
</footer>
"#,
        project = Escaped(project),
        url = Escaped(&request.absolute_url("/hooks/jira")),
    );
    Ok((status, Html(page)).into_response())
}

fn is_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
