//! The notifications about critical alerts.

use glance_sdk::label::Escaped;
use glance_sdk::model::notification::{AttributeStyle, AttributeValue};
use glance_sdk::model::{Card, CardStyle, Color, Notification};

use super::Alert;

/// Announces firing alerts in a single notification, so that many alerts do not flood the room.
pub(crate) fn firing(new: &[Alert]) -> Option<Notification> {
    let critical = ("CRITICAL", AttributeStyle::LozengeError);
    let notification = of(new, "Critical", "", critical)?;
    Some(notification.color(Color::Red).notify())
}

/// Announces resolved alerts, without alerting people.
pub(crate) fn resolved(over: &[Alert]) -> Option<Notification> {
    let resolved = ("RESOLVED", AttributeStyle::LozengeSuccess);
    let notification = of(over, "Resolved", "-resolved", resolved)?;
    Some(notification.color(Color::Green))
}

fn of(
    alerts: &[Alert],
    word: &str,
    suffix: &str,
    (status, style): (&str, AttributeStyle),
) -> Option<Notification> {
    let (alert, others) = alerts.split_first()?;
    let started_at = alert.started_at.unwrap_or_default();
    let id = format!("{}-{started_at}{suffix}", alert.fingerprint);
    let mut card = Card::new(CardStyle::Application, id, &alert.summary);
    card.url.clone_from(&alert.url);
    if !alert.description.is_empty() {
        card = card.description(alert.description.as_str());
    }
    let mut card = card
        .attribute("Alert", &alert.name)
        .attribute("Severity", AttributeValue::from(status).style(style));
    let mut message = format!("{word}: {}", Escaped(&alert.summary));
    if !others.is_empty() {
        let more = format!("{} more", others.len());
        message = format!("{message}, and {more}");
        card = card.attribute("With it", more);
    }
    // HTML, because in plain text a host would find mentions in text from others.
    Some(Notification::html(message).card(card))
}
