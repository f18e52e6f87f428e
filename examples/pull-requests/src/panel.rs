//! The panel, with the room's open pull requests, the choice of repositories, and the webhook.

mod form;
mod list;

use glance_sdk::addon::LocalTime;
use glance_sdk::axum::Form;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::response::{Html, IntoResponse, Response};
use glance_sdk::label::Escaped;
use glance_sdk::prelude::*;

use crate::rooms::{Chosen, Settings};
use crate::{App, push};

use form::{Change, Choice, RoomForm};

const STYLE: &str = include_str!("panel.css");

pub(crate) async fn show(
    State(app): State<App>,
    request: SignedRequest,
) -> Result<Response, Failure> {
    page(&app, &request, None).await
}

pub(crate) async fn save(
    State(app): State<App>,
    request: SignedRequest,
    pusher: Pusher,
    Form(form): Form<RoomForm>,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return page(&app, &request, None).await;
    };
    let oauth_id = request.oauth_id();
    match form.read() {
        Ok(Change::Choose {
            repositories,
            stale_days,
        }) => {
            app.rooms
                .configure(oauth_id, room, repositories, stale_days)
                .await?;
        }
        Ok(Change::Remove { repository, number }) => {
            app.rooms.remove(oauth_id, room, repository, number).await?;
        }
        Ok(Change::Restore) => app.rooms.restore(oauth_id, room).await?,
        Err(refused) => return page(&app, &request, Some(refused)).await,
    }
    push(&app, &pusher, oauth_id, room).await?;
    page(&app, &request, None).await
}

/// Renders the page; after a refused choice with the input and the problem.
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
    let oauth_id = request.oauth_id();
    let summary = app.summary(oauth_id, room).await?;
    let settings = app.rooms.settings(oauth_id, room).await?;
    let pulls = app.pulls.open_in(oauth_id, room).await?;
    let delivered_at = app.pulls.delivered_at().await?;
    let scripts = request.live_scripts().await?;
    let (problem, choice) = match refused {
        Some((problem, choice)) => {
            let problem = Escaped(problem);
            let problem = format!(r#"<p class="problem" role="alert">{problem}</p>"#);
            (problem, choice)
        }
        None => (String::new(), Choice::from(&settings)),
    };
    let heading = match (summary.is_configured, summary.count, summary.drafts) {
        (false, ..) => "Choose the repositories of this room.".to_owned(),
        (true, count, 0) => format!("{count} open"),
        (true, count, drafts) => format!("{count} open, {drafts} in draft"),
    };
    let page = format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pull requests</title>
<style>{STYLE}</style>
{scripts}
<h1 data-live="heading" aria-live="polite">{heading}</h1>
<div data-live="pulls">{list}</div>
<form method="post">
  {problem}
  <label for="repositories">Repositories, <code>owner/name</code>, one per line</label>
  <textarea id="repositories" name="repositories" rows="4" spellcheck="false">{repositories}</textarea>
  <label for="stale_days">Stale after days</label>
  <input id="stale_days" name="stale_days" type="number" min="1" max="365" required value="{stale_days}">
  <button id="save">Save</button>
</form>
<footer>
<p><b>Webhook on GitHub</b><br>
Payload URL <code>{url}</code><br>
Events: Pull requests, Repositories</p>
<p data-live="deliveries">{deliveries}</p>
</footer>
"#,
        list = list::html(&pulls, settings.removed),
        repositories = Escaped(&choice.repositories),
        stale_days = Escaped(&choice.stale_days),
        url = Escaped(&request.absolute_url("/hooks/github")),
        deliveries = deliveries(delivered_at, &settings),
    );
    Ok((status, Html(page)).into_response())
}

/// Returns the times of deliveries: the last one of all, and the last one of each of the room's
/// repositories.
fn deliveries(last: Option<i64>, settings: &Settings) -> String {
    let last = match last {
        Some(at) => format!("Last delivery: {}", LocalTime(at)),
        None => "No delivery yet.".to_owned(),
    };
    let of = |chosen: &Chosen| {
        let state = match chosen.delivered_at {
            _ if chosen.is_deleted => "deleted on GitHub".to_owned(),
            _ if chosen.is_archived => "archived on GitHub".to_owned(),
            Some(at) => LocalTime(at).to_string(),
            None => "no delivery yet".to_owned(),
        };
        format!("<br>\n{}: {state}", Escaped(&chosen.full_name))
    };
    last + &settings.repositories.iter().map(of).collect::<String>()
}
