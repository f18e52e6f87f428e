//! Alertmanager's webhook messages.

use std::collections::BTreeMap;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use glance_sdk::axum::Json;
use glance_sdk::axum::extract::{DefaultBodyLimit, FromRequestParts};
use glance_sdk::axum::http::request::Parts;
use glance_sdk::axum::http::{StatusCode, header};
use glance_sdk::axum::routing::MethodRouter;
use glance_sdk::prelude::*;
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::alerts::{Alert, News};
use crate::{App, card, push};

/// Room for some ten thousand alerts; Alertmanager's `max_alerts` keeps its messages smaller.
const MAX_MESSAGE_BYTES: usize = 25 * 1000 * 1000;

/// Of longer texts the rest is cut off.
const MAX_TEXT_CHARS: usize = 500;

pub(crate) fn route() -> MethodRouter<App> {
    post(take).layer(DefaultBodyLimit::max(MAX_MESSAGE_BYTES))
}

/// Takes a message: 204 once it is stored. Until then Alertmanager sends it again.
async fn take(
    _: Authorized,
    State(app): State<App>,
    installations: Installations,
    pusher: Pusher,
    Json(message): Json<Message>,
) -> Result<StatusCode, Failure> {
    if message.truncated_alerts > 0 {
        let left_out = message.truncated_alerts;
        tracing::warn!(
            left_out,
            "Alertmanager left out alerts: raise its max_alerts"
        );
    }
    let news = message.alerts.into_iter();
    let news = news
        .map(|payload| payload.read(&message.receiver))
        .collect();
    let now = OffsetDateTime::now_utc().unix_timestamp();
    for place in app.alerts.record(news, now).await? {
        push(&app, &pusher, &place).await?;
        let new = app.alerts.tell(&place).await?;
        if let Some(notification) = card::of(&new) {
            // Alertmanager need not wait for the host.
            tokio::spawn(card::send(installations.clone(), place, notification));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The request brings Alertmanager's secret. As an extractor it refuses before the body is read.
struct Authorized;

impl FromRequestParts<App> for Authorized {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let secret = app.alertmanager.expose().as_bytes();
        let given = parts.headers.get(header::AUTHORIZATION);
        given
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
            .and_then(|given| verify_slices_are_equal(given, secret).ok())
            .map(|()| Self)
            .ok_or((StatusCode::UNAUTHORIZED, "wrong or missing secret"))
    }
}

/// A message is about one group of alerts. What it does not name may have been left out, or be
/// newer than the message: nothing follows from that.
#[derive(Deserialize)]
struct Message {
    receiver: String,
    #[serde(default, rename = "truncatedAlerts")]
    truncated_alerts: u64,
    alerts: Vec<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    status: Status,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "milliseconds")]
    starts_at: i64,
    /// The year 1 while it fires.
    #[serde(deserialize_with = "milliseconds")]
    ends_at: i64,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Firing,
    Resolved,
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let at = OffsetDateTime::parse(&text, &Rfc3339)
        .map_err(|cause| serde::de::Error::custom(format!("{text:?} is no date: {cause}")))?;
    Ok(at.unix_timestamp() * 1000 + i64::from(at.millisecond()))
}

fn is_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

impl Payload {
    fn read(self, receiver: &str) -> News {
        if let Status::Resolved = self.status {
            return News::Resolved {
                fingerprint: self.fingerprint,
                ended_at: self.ends_at,
            };
        }
        let text = |texts: &BTreeMap<String, String>, name| {
            let text = texts.get(name).map(|text| text.trim())?;
            (!text.is_empty()).then(|| text.chars().take(MAX_TEXT_CHARS).collect::<String>())
        };
        let name = text(&self.labels, "alertname").unwrap_or_else(|| "An alert".to_owned());
        let severity = self.labels.get("severity").map_or("", String::as_str);
        let alert = Alert {
            summary: text(&self.annotations, "summary").unwrap_or_else(|| name.clone()),
            description: text(&self.annotations, "description").unwrap_or_default(),
            name,
            severity: severity.into(),
            url: Some(self.generator_url).filter(|url| is_link(url)),
            started_at: self.starts_at,
            fingerprint: self.fingerprint,
        };
        let mut labels: Vec<_> = self.labels.into_iter().collect();
        // So a room can watch a receiver as it watches a label.
        labels.push(("receiver".to_owned(), receiver.to_owned()));
        News::Firing { alert, labels }
    }
}
