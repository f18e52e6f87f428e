//! The panel: how often each of the room's words was mentioned, and which words it has chosen.

use std::fmt::Write as _;

use glance_sdk::axum::Form;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::response::{Html, IntoResponse, Response};
use glance_sdk::label::Escaped;
use glance_sdk::prelude::*;
use serde::Deserialize;

use crate::{Mentions, glance_data, mentions, text};

const STYLE: &str = include_str!("panel.css");

const MAX_WORDS: usize = 20;

const MAX_WORD_CHARS: usize = 40;

pub(crate) async fn show(
    State(app): State<Mentions>,
    request: SignedRequest,
) -> Result<Response, Failure> {
    page(&app, &request, None).await
}

#[derive(Deserialize)]
pub(crate) struct Choice {
    words: String,
}

pub(crate) async fn save(
    State(app): State<Mentions>,
    request: SignedRequest,
    pusher: Pusher,
    Form(choice): Form<Choice>,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return page(&app, &request, None).await;
    };
    let words = match check(&choice.words) {
        Ok(words) => words,
        Err(problem) => return page(&app, &request, Some((problem, choice))).await,
    };
    let place = (request.oauth_id().clone(), room);
    app.choices.replace(place.clone(), words).await?;
    let data = glance_data(&app.mentioned(&place).await?);
    pusher.push::<mentions>(request.oauth_id(), To::Room(room), data)?;
    page(&app, &request, None).await
}

fn check(words: &str) -> Result<Vec<String>, String> {
    let words = words.split([',', ' ', '\n', '\r', '\t']);
    let words = words.filter(|word| !word.is_empty()).map(|word| {
        text::as_word(word)
            .filter(|word| word.chars().count() <= MAX_WORD_CHARS)
            .ok_or_else(|| {
                format!("\"{word}\" is no word of at most {MAX_WORD_CHARS} letters and digits.")
            })
    });
    let words = words.collect::<Result<Vec<_>, _>>()?;
    match words.len() {
        0..=MAX_WORDS => Ok(words),
        many => Err(format!(
            "These are {many} words; choose at most {MAX_WORDS}."
        )),
    }
}

/// The page, after a refused choice with what was written and what is wrong with it.
async fn page(
    app: &Mentions,
    request: &SignedRequest,
    refused: Option<(String, Choice)>,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return Ok((StatusCode::BAD_REQUEST, "this panel belongs to a room").into_response());
    };
    let place = (request.oauth_id().clone(), room);
    let mentioned = app.mentioned(&place).await?;
    let (status, problem, words) = match refused {
        Some((problem, choice)) => {
            let problem = format!(
                r#"<p class="problem" role="alert">{}</p>"#,
                Escaped(problem)
            );
            (StatusCode::UNPROCESSABLE_ENTITY, problem, choice.words)
        }
        None => {
            let words: Vec<_> = mentioned.iter().map(|(word, _)| word.as_str()).collect();
            (StatusCode::OK, String::new(), words.join("\n"))
        }
    };
    let mut list = String::new();
    for (word, count) in &mentioned {
        let _ = write!(list, "<li><b>{count}</b> {}</li>", Escaped(word));
    }
    let heading = match mentioned.is_empty() {
        true => "Choose the words of this room.",
        false => "Mentions in the past hour",
    };
    let page = format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mentions</title>
<style>{STYLE}</style>
<h1>{heading}</h1>
<ul>{list}</ul>
<form method="post">
  {problem}
  <label for="words">Words, one a line</label>
  <textarea id="words" name="words" rows="4" spellcheck="false">{words}</textarea>
  <button>Save</button>
</form>
<p><small>Counting begins when a word is chosen, and anew when the add-on starts.</small></p>
"#,
        words = Escaped(words),
    );
    Ok((status, Html(page)).into_response())
}
