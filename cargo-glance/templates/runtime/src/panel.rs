//! The panel, which starts and ends the room's deployment.

use glance_sdk::axum::Form;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::response::{Html, IntoResponse, Response};
use glance_sdk::label::Escaped;
use glance_sdk::prelude::*;
use serde::Deserialize;

use crate::Deployments;

/// The maximum length of a version, in characters, which fits into the glance.
const MAX_CHARS: usize = 40;

pub(crate) async fn show(State(app): State<Deployments>, request: SignedRequest) -> Response {
    page(&app, &request, StatusCode::OK, "")
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(crate) enum Change {
    Begin { version: String },
    End,
}

pub(crate) async fn change(
    State(app): State<Deployments>,
    request: SignedRequest,
    Form(change): Form<Change>,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return Ok(page(&app, &request, StatusCode::BAD_REQUEST, ""));
    };
    let client = request.client().await?;
    match change {
        Change::Begin { version } => {
            let version = version.trim();
            if version.is_empty() || version.chars().count() > MAX_CHARS {
                let problem = format!("Enter a version of 1 to {MAX_CHARS} characters.");
                return Ok(page(&app, &request, StatusCode::UNPROCESSABLE_ENTITY, &problem));
            }
            app.begin(&client, room, version).await?;
        }
        Change::End => app.end(&client, room).await?,
    }
    Ok(page(&app, &request, StatusCode::OK, ""))
}

fn page(app: &Deployments, request: &SignedRequest, status: StatusCode, problem: &str) -> Response {
    let Some(room) = request.room_id() else {
        return (status, "this panel belongs to a room").into_response();
    };
    let body = match app.version(request.oauth_id(), room) {
        Some(version) => format!(
            r#"<h1>Deploying {version}</h1>
<form method="post"><button name="do" value="end">End</button></form>"#,
            version = Escaped(&version),
        ),
        None => format!(
            r#"<h1>No deployment running</h1>
<form method="post">
  <p role="alert">{problem}</p>
  <label for="version">Version</label>
  <input id="version" name="version" maxlength="{MAX_CHARS}" required>
  <button name="do" value="begin">Begin</button>
</form>"#,
            problem = Escaped(problem),
        ),
    };
    let page = format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
{body}
"#
    );
    (status, Html(page)).into_response()
}
