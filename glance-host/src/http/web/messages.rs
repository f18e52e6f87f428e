//! The private messages of add-ons to the person.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use glance_sdk::model::MessageFormat;
use serde_json::{Value, json};

use super::pages::{PageError, render, who};
use super::room_access::Person;
use crate::content::{html, label, wire};
use crate::http::state::AppState;
use crate::model::PrivateMessage;

/// The number of messages on the page.
const PAGE: usize = 100;

/// Lists the messages, the newest first, and marks them as read.
pub(super) async fn list(
    State(app): State<AppState>,
    Person(user): Person,
) -> Result<Response, PageError> {
    let at_most = PAGE as u32 + 1;
    let kept = app.storage.private_messages(user.id, at_most).await?;
    let newest = kept.iter().rev().take(PAGE);
    let values = json!({
        "group": app.info.group.name,
        "who": who(&app, &user),
        "messages": newest.map(|message| shown(&app, message)).collect::<Vec<_>>(),
        "has_more": kept.len() > PAGE,
    });
    if let Some(newest) = kept.last().filter(|newest| !newest.is_read) {
        app.storage.mark_read(user.id, &newest.id).await?;
    }
    Ok(render(StatusCode::OK, "messages.html", values))
}

/// Returns a message for the template: `text` contains all its words; the page's script replaces it by `html` if
/// there is any.
fn shown(app: &AppState, message: &PrivateMessage) -> Value {
    let (text, html) = match message.format {
        MessageFormat::Html => {
            let clean = html::message(&message.text);
            let images = app.image_urls.of(&message.from);
            (
                label::text(&clean),
                Some(html::proxy_pictures(&clean, images)),
            )
        }
        _ => (message.text.clone(), None),
    };
    let initial = message.sender_name.trim().chars().next().unwrap_or('?');
    json!({
        "sender": message.sender_name,
        "initial": initial.to_uppercase().to_string(),
        "at": wire::date(message.at),
        "text": text,
        "html": html,
        "notify": message.notify,
        "is_read": message.is_read,
    })
}
