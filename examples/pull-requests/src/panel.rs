//! The panel: the room's open pull requests, and which repositories it has chosen.

use std::fmt::Write as _;

use glance_sdk::axum::Form;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::response::{Html, IntoResponse, Response};
use glance_sdk::label::Escaped;
use glance_sdk::prelude::*;
use serde::Deserialize;

use crate::pulls::Settings;
use crate::{App, push};

const STYLE: &str = include_str!("panel.css");

pub(crate) async fn show(
    State(app): State<App>,
    request: SignedRequest,
) -> Result<Response, Failure> {
    page(&app, &request, None).await
}

#[derive(Deserialize)]
pub(crate) struct Choice {
    repositories: String,
    stale_days: String,
}

pub(crate) async fn save(
    State(app): State<App>,
    request: SignedRequest,
    pusher: Pusher,
    Form(choice): Form<Choice>,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return page(&app, &request, None).await;
    };
    let settings = match check(&choice) {
        Ok(settings) => settings,
        Err(problem) => return page(&app, &request, Some((problem, choice))).await,
    };
    app.pulls
        .configure(request.oauth_id(), room, settings)
        .await?;
    push(&app, &pusher, request.oauth_id(), room).await?;
    page(&app, &request, None).await
}

fn check(choice: &Choice) -> Result<Settings, String> {
    let stale_days = choice.stale_days.trim();
    let stale_days = stale_days
        .parse()
        .ok()
        .filter(|days| (1..=365).contains(days))
        .ok_or_else(|| format!("\"{stale_days}\" is no number of days from 1 to 365."))?;
    let words = choice
        .repositories
        .split([',', ' ', '\n', '\r', '\t'])
        .filter(|word| !word.is_empty());
    let repositories: Vec<String> = words.map(ToOwned::to_owned).collect();
    match repositories.iter().find(|name| !is_repository(name)) {
        Some(name) => Err(format!(
            "\"{name}\" is no repository. Write owner/name, one a line."
        )),
        None => Ok(Settings {
            repositories,
            stale_days,
        }),
    }
}

fn is_repository(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    name.split_once('/')
        .is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

/// The page, after a refused choice with what was written and what is wrong with it.
async fn page(
    app: &App,
    request: &SignedRequest,
    refused: Option<(String, Choice)>,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return Ok((StatusCode::BAD_REQUEST, "this panel belongs to a room").into_response());
    };
    let status = if refused.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let summary = app.pulls.summary(request.oauth_id(), room).await?;
    let (problem, choice) = match refused {
        Some((problem, choice)) => (problem, choice),
        None => {
            let settings = app.pulls.settings(request.oauth_id(), room).await?;
            let choice = Choice {
                repositories: settings.repositories.join("\n"),
                stale_days: settings.stale_days.to_string(),
            };
            (String::new(), choice)
        }
    };

    let mut list = String::new();
    for pull in app.pulls.open_in(request.oauth_id(), room).await? {
        let _ = write!(
            list,
            r#"<li><a href="{url}" target="_blank" rel="noreferrer">{title}</a>{draft}<br>
               <small>{repository} #{number}</small></li>"#,
            url = Escaped(if pull.url.starts_with("https://") {
                &pull.url
            } else {
                "#"
            }),
            title = Escaped(&pull.title),
            draft = if pull.is_draft { " <em>draft</em>" } else { "" },
            repository = Escaped(&pull.repository),
            number = pull.number,
        );
    }
    let heading = match (summary.is_configured, summary.count, summary.drafts) {
        (false, ..) => "Choose the repositories of this room.".to_owned(),
        (true, count, 0) => format!("{count} open"),
        (true, count, drafts) => format!("{count} open, {drafts} in draft"),
    };
    let problem = match problem.as_str() {
        "" => String::new(),
        problem => format!(
            r#"<p class="problem" role="alert">{}</p>"#,
            Escaped(problem)
        ),
    };
    Ok((
        status,
        Html(format!(
            r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pull requests</title>
<style>{STYLE}</style>
<h1>{heading}</h1>
<ul>{list}</ul>
<form method="post">
  {problem}
  <label for="repositories">Repositories, <code>owner/name</code>, one a line</label>
  <textarea id="repositories" name="repositories" rows="4" spellcheck="false">{repositories}</textarea>
  <label for="stale_days">Stale after days</label>
  <input id="stale_days" name="stale_days" type="number" min="1" max="365" required value="{stale_days}">
  <button>Save</button>
</form>
"#,
            repositories = Escaped(&choice.repositories),
            stale_days = Escaped(&choice.stale_days),
        )),
    )
        .into_response())
}
