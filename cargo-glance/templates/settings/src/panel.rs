//! The panel, with the room's note and a form.

use glance_sdk::axum::Form;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::response::{Html, IntoResponse, Response};
use glance_sdk::label::Escaped;
use glance_sdk::prelude::*;
use serde::Deserialize;

use crate::{Notes, data, {{ glance }}};

/// The maximum length of a note, in characters.
const MAX_CHARS: usize = 200;

/// Returns the page. The host signs the request that opens it; the page's script sends the page
/// token instead.
pub(crate) async fn show(
    State(notes): State<Notes>,
    request: SignedRequest,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return Ok(outside_a_room());
    };
    let note = notes.get(request.oauth_id(), room)?.unwrap_or_default();
    let page = format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="token" content="{token}">
<title>{{ title }}</title>
<script src="../panel.js" defer></script>
<form>
  <label for="text">The note of this room</label>
  <input id="text" name="text" maxlength="{MAX_CHARS}" value="{note}">
  <button>Save</button>
  <output role="status"></output>
</form>
"#,
        token = Escaped(&request.page_token()),
        note = Escaped(&note),
    );
    Ok(Html(page).into_response())
}

#[derive(Deserialize)]
pub(crate) struct NoteForm {
    text: String,
}

/// Saves the note and pushes it to everyone in the room.
pub(crate) async fn save(
    State(notes): State<Notes>,
    request: SignedRequest,
    pusher: Pusher,
    Form(form): Form<NoteForm>,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return Ok(outside_a_room());
    };
    let text = form.text.trim();
    if text.chars().count() > MAX_CHARS {
        let problem = format!("A note may have at most {MAX_CHARS} characters.");
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, problem).into_response());
    }
    notes.set(request.oauth_id(), room, text)?;
    let note = Some(text).filter(|text| !text.is_empty());
    pusher.push::<{{ glance }}>(request.oauth_id(), To::Room(room), data(note))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn outside_a_room() -> Response {
    (StatusCode::BAD_REQUEST, "this panel belongs to a room").into_response()
}
