//! The private messages of add-ons to the person.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use glance_sdk::model::MessageFormat;
use serde_json::{Value, json};

use super::pages::{PageError, render, who};
use super::room_access::Person;
use crate::content::image_urls::ImageUrls;
use crate::content::{html, label, wire};
use crate::model::PrivateMessage;
use crate::model::host_info::HostInfo;
use crate::service::private_messages::PrivateMessages;
use crate::service::sign_in::SignInState;

/// The number of messages on the page.
const PAGE: usize = 100;

/// Lists the messages, the newest first, and marks them as read.
pub(super) async fn list(
    State(private_messages): State<PrivateMessages>,
    State(info): State<Arc<HostInfo>>,
    State(sign_in): State<Arc<SignInState>>,
    State(image_urls): State<Arc<ImageUrls>>,
    Person(user): Person,
) -> Result<Response, PageError> {
    let at_most = PAGE as u32 + 1;
    let messages = private_messages.read(user.id, at_most).await?;
    let newest = messages.iter().rev().take(PAGE);
    let values = json!({
        "group": info.group.name,
        "who": who(&sign_in, &user),
        "messages": newest.map(|message| shown(&image_urls, message)).collect::<Vec<_>>(),
        "has_more": messages.len() > PAGE,
    });
    Ok(render(StatusCode::OK, "messages.html", values))
}

/// Returns a message for the template: `text` contains all its words; the page's script replaces it by `html` if
/// there is any.
fn shown(image_urls: &ImageUrls, message: &PrivateMessage) -> Value {
    let (text, html) = match message.format {
        MessageFormat::Html => {
            let clean = html::message(&message.text);
            let images = image_urls.of(&message.from);
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
