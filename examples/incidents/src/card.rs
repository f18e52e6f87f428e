//! What the room is told of new critical alerts.

use glance_sdk::label::Escaped;
use glance_sdk::model::notification::{Attribute, AttributeStyle, AttributeValue};
use glance_sdk::model::{Card, CardStyle, Color, Notification};
use glance_sdk::prelude::*;

use crate::alerts::{Alert, Place};

/// One notification for all of them, so that a storm of alerts does not flood the room.
pub(crate) fn of(new: &[Alert]) -> Option<Notification> {
    let (alert, others) = new.split_first()?;
    let id = format!("{}-{}", alert.fingerprint, alert.started_at);
    let mut card = Card::new(CardStyle::Application, id, &alert.summary);
    card.url.clone_from(&alert.url);
    if !alert.description.is_empty() {
        card.description = Some(alert.description.as_str().into());
    }
    let mut severity = AttributeValue::from("CRITICAL");
    severity.style = Some(AttributeStyle::LozengeError);
    let mut attributes = vec![
        Attribute::new("Alert", &alert.name),
        Attribute::new("Severity", severity),
    ];
    let mut message = format!("Critical: {}", Escaped(&alert.summary));
    if !others.is_empty() {
        let more = format!("{} more", others.len());
        message = format!("{message}, and {more}");
        attributes.push(Attribute::new("With it", more));
    }
    card.attributes = Some(attributes);
    // As HTML, because in plain text a host would find mentions in what others wrote.
    Some(
        Notification::html(message)
            .color(Color::Red)
            .notify()
            .card(card),
    )
}

/// Sends it once. Where the host does not take it the log says so; the glance says the rest.
pub(crate) async fn send(
    installations: Installations,
    (oauth_id, room): Place,
    notification: Notification,
) {
    let send = async {
        let client = installations.client(&oauth_id).await?;
        client.room(room).notify(&notification).await
    };
    if let Err(error) = send.await {
        let message = notification.message;
        tracing::warn!("room {room} was not told \"{message}\": {error}");
    }
}
