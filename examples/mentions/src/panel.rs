//! The panel, with the mentions of each of the room's words, the choice of words, and the stream.

use std::fmt::Write as _;

use glance_sdk::axum::Form;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::response::{Html, IntoResponse, Response};
use glance_sdk::label::Escaped;
use glance_sdk::prelude::*;
use serde::Deserialize;

use crate::text::{MAX_WORD_CHARS, Word};
use crate::{Mentions, push};

const STYLE: &str = include_str!("panel.css");

const MAX_WORDS: usize = 20;

/// The separators between words on various keyboards.
const SEPARATORS: [char; 9] = [',', ';', '،', '؛', '、', '，', '；', '､', '\u{200b}'];

pub(crate) async fn show(
    State(app): State<Mentions>,
    request: SignedRequest,
) -> Result<Response, Failure> {
    page(&app, &request, None).await
}

#[derive(Deserialize)]
pub(crate) struct RoomForm {
    words: String,
}

pub(crate) async fn save(
    State(app): State<Mentions>,
    request: SignedRequest,
    pusher: Pusher,
    Form(form): Form<RoomForm>,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return page(&app, &request, None).await;
    };
    let words = match check(&form.words) {
        Ok(words) => words,
        Err(problem) => return page(&app, &request, Some((problem, form))).await,
    };
    let place = (request.oauth_id().clone(), room);
    app.choices.replace(place.clone(), words).await?;
    push(&pusher, &place, &app.mentioned(&place).await?)?;
    page(&app, &request, None).await
}

fn check(text: &str) -> Result<Vec<Word>, String> {
    let words = text.split(|c: char| c.is_whitespace() || SEPARATORS.contains(&c));
    let words = words.filter(|word| !word.is_empty()).map(|word| {
        Word::new(word).ok_or_else(|| {
            let word: String = word.chars().take(2 * MAX_WORD_CHARS).collect();
            format!(
                "\"{word}\" is not a word of at most {MAX_WORD_CHARS} characters. Use letters and \
                 digits, one word per line."
            )
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

/// Renders the page; after a refused choice with the input and the problem.
async fn page(
    app: &Mentions,
    request: &SignedRequest,
    refused: Option<(String, RoomForm)>,
) -> Result<Response, Failure> {
    let Some(room) = request.room_id() else {
        return Ok((StatusCode::BAD_REQUEST, "this panel belongs to a room").into_response());
    };
    let scripts = request.live_scripts().await?;
    let place = (request.oauth_id().clone(), room);
    let mentioned = app.mentioned(&place).await?;
    let (status, problem, words) = match refused {
        Some((problem, form)) => {
            let problem = format!(
                r#"<p class="problem" role="alert">{}</p>"#,
                Escaped(problem)
            );
            (StatusCode::UNPROCESSABLE_ENTITY, problem, form.words)
        }
        None => {
            let words: Vec<_> = mentioned.iter().map(|(word, _)| word.as_str()).collect();
            (StatusCode::OK, String::new(), words.join("\n"))
        }
    };
    let mut list = String::new();
    for (word, count) in &mentioned {
        let _ = write!(list, "<li><b>{count}</b> <bdi>{}</bdi></li>", Escaped(word));
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
{scripts}
<h1 data-live="heading" aria-live="polite">{heading}</h1>
<ul data-live="words">{list}</ul>
<form method="post">
  {problem}
  <label for="words">Words, one per line</label>
  <textarea id="words" name="words" rows="4" spellcheck="false" dir="auto">{words}</textarea>
  <button id="save">Save</button>
</form>
<p><small>Counting begins when a word is chosen, and anew when the add-on starts.</small></p>
<footer>
<b>Stream</b>
<div data-live="stream">{stream}</div>
</footer>
"#,
        words = Escaped(words),
        stream = app.feed(),
    );
    Ok((status, Html(page)).into_response())
}
