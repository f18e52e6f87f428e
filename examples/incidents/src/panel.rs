//! The panel, with the firing alerts that the room watches, the choice of labels, and the webhook.

use std::fmt::Write as _;

use glance_sdk::addon::LocalTime;
use glance_sdk::axum::Form;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::response::{Html, IntoResponse, Response};
use glance_sdk::label::Escaped;
use glance_sdk::prelude::*;
use serde::Deserialize;

use crate::alerts::{Label, Place};
use crate::{App, labels, push};

const STYLE: &str = include_str!("panel.css");

const MAX_SHOWN: usize = 100;

const MAX_LABELS: usize = 100;

pub(crate) async fn show(
    State(app): State<App>,
    request: SignedRequest,
) -> Result<Response, Failure> {
    match place(&request) {
        Some(place) => page(&app, &request, &place, None).await,
        None => Ok(no_room()),
    }
}

#[derive(Deserialize)]
pub(crate) struct Choice {
    watched: String,
}

pub(crate) async fn save(
    State(app): State<App>,
    request: SignedRequest,
    pusher: Pusher,
    Form(choice): Form<Choice>,
) -> Result<Response, Failure> {
    let Some(place) = place(&request) else {
        return Ok(no_room());
    };
    match check(&choice) {
        Ok(labels) => {
            app.alerts.watch(&place, labels).await?;
            push(&app, &pusher, &place).await?;
            page(&app, &request, &place, None).await
        }
        Err(problem) => page(&app, &request, &place, Some((problem, choice))).await,
    }
}

fn place(request: &SignedRequest) -> Option<Place> {
    Some((request.oauth_id().clone(), request.room_id()?))
}

fn no_room() -> Response {
    (StatusCode::BAD_REQUEST, "this panel belongs to a room").into_response()
}

fn check(choice: &Choice) -> Result<Vec<Label>, String> {
    let lines = choice.watched.lines().map(str::trim);
    let labels = lines.filter(|line| !line.is_empty()).map(|line| {
        labels::parse(line).ok_or_else(|| {
            format!(
                "\"{line}\" is not a label. Write name=value, one per line, and put a name with other \
                 characters than letters, digits and _ : . / - in double quotes."
            )
        })
    });
    let labels = labels.collect::<Result<Vec<_>, _>>()?;
    match labels.len() {
        0..=MAX_LABELS => Ok(labels),
        many => Err(format!(
            "These are {many} labels; choose at most {MAX_LABELS}."
        )),
    }
}

/// Renders the page; after a refused choice with the input and the problem.
async fn page(
    app: &App,
    request: &SignedRequest,
    place: &Place,
    refused: Option<(String, Choice)>,
) -> Result<Response, Failure> {
    let watched = app.alerts.watched(place).await?;
    let firing = app.alerts.firing_in(place).await?;
    let mut list = String::new();
    for alert in firing.iter().take(MAX_SHOWN) {
        let summary = Escaped(&alert.summary);
        let _ = match &alert.url {
            Some(url) => write!(
                list,
                r#"<li><a href="{}" target="_blank" rel="noreferrer">{summary}</a>"#,
                Escaped(url)
            ),
            None => write!(list, "<li>{summary}"),
        };
        let _ = write!(
            list,
            "<br><small>{severity}, {name}, started {started_at}</small></li>",
            severity = alert.severity.as_str(),
            name = Escaped(&alert.name),
            started_at = LocalTime(alert.started_at.unwrap_or_default().div_euclid(1000)),
        );
    }
    let heading = match (watched.len(), firing.len()) {
        (0, _) => "Choose the labels that this room watches.".to_owned(),
        (_, 0) => "No alerts are firing.".to_owned(),
        (_, count) if count > MAX_SHOWN => format!("{count} open, the worst {MAX_SHOWN} of them"),
        (_, count) => format!("{count} open"),
    };
    let (status, problem, watched) = match refused {
        Some((problem, choice)) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!(
                r#"<p class="problem" role="alert">{}</p>"#,
                Escaped(problem)
            ),
            choice.watched,
        ),
        None => {
            let lines: Vec<_> = watched.iter().map(labels::print).collect();
            (StatusCode::OK, String::new(), lines.join("\n"))
        }
    };
    let scripts = request.live_scripts().await?;
    let delivery = match app.alerts.delivered_at().await? {
        Some(at) => format!("Last delivery: {}", LocalTime(at)),
        None => "No delivery yet.".to_owned(),
    };
    let page = format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Incidents</title>
<style>{STYLE}</style>
{scripts}
<h1 data-live="heading" aria-live="polite">{heading}</h1>
<ul data-live="alerts">{list}</ul>
<form method="post">
  {problem}
  <label for="watched">Labels of alerts, <code>name=value</code>, one per line; alerts need one of them.
    <code>receiver=name</code> stands for a receiver.</label>
  <textarea id="watched" name="watched" rows="4" spellcheck="false">{watched}</textarea>
  <button id="save">Save</button>
</form>
<footer>
<p><b>Webhook in Alertmanager</b><br>
URL <code>{url}</code></p>
<p data-live="delivery">{delivery}</p>
</footer>
"#,
        url = Escaped(&request.absolute_url("/hooks/alertmanager")),
        watched = Escaped(watched),
    );
    Ok((status, Html(page)).into_response())
}
