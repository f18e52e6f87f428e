//! Sends the stored notices to rooms.

use glance_sdk::ErrorKind;
use glance_sdk::client::{Client, Method};
use glance_sdk::model::Notification;
use glance_sdk::prelude::*;
use serde_json::Value;
use time::OffsetDateTime;

use crate::App;
use crate::alerts::{Notice, Outcome, Place};

/// The maximum length of `attach_to` on hosts.
const MAX_MESSAGE_ID_CHARS: usize = 36;

/// Sends the stored notices to every room, including those that an ended process left behind.
/// Alertmanager need not wait for the hosts.
pub(crate) async fn tell_rooms(app: &App, installations: &Installations) -> Result<(), Failure> {
    for place in app.alerts.places_to_tell().await? {
        let (app, installations) = (app.clone(), installations.clone());
        tokio::spawn(async move {
            if let Err(failure) = tell(&app, &installations, &place).await {
                let room = place.1;
                tracing::warn!(%room, %failure, "cannot send notices; retrying with the next message");
            }
        });
    }
    Ok(())
}

/// Sends the notices of a room, one after the other.
async fn tell(app: &App, installations: &Installations, place: &Place) -> Result<(), Failure> {
    while let Some(notice) = app.alerts.next_notice(place, now()).await? {
        let outcome = send(installations, place, &notice).await;
        let is_postponed = matches!(outcome, Outcome::Postponed);
        app.alerts.finish_notice(notice.id, outcome, now()).await?;
        if is_postponed {
            return Err(Failure::from("the host accepts no more notifications now"));
        }
    }
    Ok(())
}

/// Sends a notice once. If the host does not accept it, the log contains the error; the glance
/// still shows the alert.
async fn send(installations: &Installations, (oauth_id, room): &Place, notice: &Notice) -> Outcome {
    let notification = &notice.notification;
    let send = async {
        let client = installations.client(oauth_id).await?;
        client.room(*room).notify(notification).await?;
        Ok::<_, glance_sdk::Error>(client)
    };
    match send.await {
        Ok(client) if !notice.is_answer => {
            Outcome::Sent(message_id(&client, *room, notification).await)
        }
        Ok(_) => Outcome::Sent(None),
        Err(error) if matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::Storage) => {
            Outcome::Postponed
        }
        Err(error) => {
            let message = &notification.message;
            tracing::warn!(%room, %message, error = %format_args!("{error:#}"), "sending a notice failed");
            Outcome::Failed
        }
    }
}

/// Returns the host's id of a notification that it just accepted. The response does not contain it,
/// so this looks for the card in the room's history; if the add-on may not read the history, the
/// follow-up is not attached.
async fn message_id(client: &Client, room: RoomId, notification: &Notification) -> Option<String> {
    let card = notification.card.as_ref()?.id.as_deref()?;
    let room = room.to_string();
    let path = ["room", &*room, "history", "latest"];
    let history: Value = match client.request(Method::Get, path).read().await {
        Ok(history) => history,
        Err(error) => {
            tracing::debug!(%room, error = %format_args!("{error:#}"), "reading the history failed; the follow-up is not attached");
            return None;
        }
    };
    let items = history["items"].as_array()?;
    let item = items
        .iter()
        .rfind(|item| card_id(item).as_deref() == Some(card))?;
    let id = item["id"].as_str()?;
    (id.chars().count() <= MAX_MESSAGE_ID_CHARS).then(|| id.to_owned())
}

/// Returns the id of an item's card, which HipChat serializes as a string of JSON.
fn card_id(item: &Value) -> Option<String> {
    let card = match &item["card"] {
        Value::String(text) => serde_json::from_str(text).ok()?,
        card => card.clone(),
    };
    Some(card["id"].as_str()?.to_owned())
}

/// Returns the time in seconds since 1970.
fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn card_is_found_in_both_forms() {
        for card in [json!({ "id": "1" }), json!("{\"id\":\"1\"}")] {
            assert_eq!(card_id(&json!({ "card": card })).as_deref(), Some("1"));
        }
        for item in [
            json!({}),
            json!({ "card": null }),
            json!({ "card": "{" }),
            json!(7),
        ] {
            assert_eq!(card_id(&item), None, "{item}");
        }
    }
}
