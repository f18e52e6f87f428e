//! Parses messages of Alertmanager's webhook.
//!
//! It supports every version since 0.15 (2018), and programs that imitate Alertmanager. It skips an
//! alert that it cannot parse; the other alerts of the message count.

use std::collections::BTreeMap;

use glance_sdk::json;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::alerts::{Alert, News};

/// Longer texts are truncated.
const MAX_TEXT_CHARS: usize = 500;

/// Alertmanager's fingerprints have 16 digits; other senders may use more.
const MAX_FINGERPRINT_BYTES: usize = 200;

/// A message about one group of alerts. Alerts that it does not contain may have been omitted, or
/// be newer than the message, so their absence has no meaning.
pub(crate) struct Message {
    pub(crate) news: Vec<News>,
    /// The number of entries that are not alerts.
    pub(crate) unread: usize,
    /// The number of alerts that Alertmanager omitted.
    pub(crate) truncated: u64,
}

/// Parses a message that arrived at `now`, in milliseconds since 1970. The error describes an
/// invalid message.
pub(crate) fn read(body: &[u8], now: i64) -> Result<Message, String> {
    let document: Value = json::from_slice(body)
        .map_err(|cause| format!("this is not a message of Alertmanager: {cause}"))?;
    let alerts = match document.get("alerts") {
        Some(Value::Array(alerts)) => alerts.as_slice(),
        Some(Value::Null) => &[],
        Some(_) => return Err("`alerts` is not a list".to_owned()),
        None => return Err("the message has no `alerts`".to_owned()),
    };
    let receiver = document["receiver"].as_str().unwrap_or_default();
    let read = alerts.iter().map(|alert| news(alert, receiver, now));
    let news: Vec<_> = read.flatten().collect();
    Ok(Message {
        unread: alerts.len() - news.len(),
        news,
        truncated: document["truncatedAlerts"].as_u64().unwrap_or_default(),
    })
}

/// Returns the state in an entry of the message, if the entry is an alert.
fn news(entry: &Value, receiver: &str, now: i64) -> Option<News> {
    let entry = entry.as_object()?;
    let labels = texts(entry.get("labels"));
    let fingerprint = match entry.get("fingerprint").and_then(Value::as_str) {
        Some(given) if !given.is_empty() && given.len() <= MAX_FINGERPRINT_BYTES => {
            given.to_owned()
        }
        _ if labels.is_empty() => return None,
        _ => fingerprint(&labels),
    };
    let started_at = entry.get("startsAt").and_then(milliseconds);
    let ended_at = entry.get("endsAt").and_then(milliseconds);
    let is_firing = match entry.get("status") {
        Some(Value::String(status)) if status.eq_ignore_ascii_case("firing") => true,
        Some(Value::String(status)) if status.eq_ignore_ascii_case("resolved") => false,
        // An alert that ends in the future is firing: the end is the time at which it expires
        // unless it is repeated.
        None | Some(Value::Null) => ended_at.is_none_or(|ended_at| ended_at > now),
        Some(_) => return None,
    };
    if !is_firing {
        // The clocks of two Prometheus servers may differ: an alert does not end before it starts.
        let ended_at = ended_at.unwrap_or(now).max(started_at.unwrap_or(i64::MIN));
        return Some(News::Resolved {
            fingerprint,
            ended_at,
        });
    }
    let alert = alert(entry, &labels, fingerprint, started_at);
    let mut labels: Vec<_> = labels.into_iter().collect();
    // Thus a room can watch a receiver like a label.
    let name = unquoted(receiver);
    if name != receiver {
        labels.push(("receiver".to_owned(), name));
    }
    labels.push(("receiver".to_owned(), receiver.to_owned()));
    Some(News::Firing { alert, labels })
}

fn alert(
    entry: &Map<String, Value>,
    labels: &BTreeMap<String, String>,
    fingerprint: String,
    started_at: Option<i64>,
) -> Alert {
    let annotations = texts(entry.get("annotations"));
    let text = |texts: &BTreeMap<String, String>, name| {
        let text = texts.get(name).map(|text| text.trim())?;
        (!text.is_empty()).then(|| text.chars().take(MAX_TEXT_CHARS).collect::<String>())
    };
    let name = text(labels, "alertname").unwrap_or_else(|| "An alert".to_owned());
    let severity = labels
        .get("severity")
        .map_or("", |severity| severity.trim());
    let url = entry.get("generatorURL").and_then(Value::as_str);
    Alert {
        summary: text(&annotations, "summary").unwrap_or_else(|| name.clone()),
        // Kubernetes' own rules used `message` until 2020.
        description: text(&annotations, "description")
            .or_else(|| text(&annotations, "message"))
            .unwrap_or_default(),
        name,
        severity: severity.into(),
        url: url.filter(|url| is_link(url)).map(str::to_owned),
        started_at,
        fingerprint,
    }
}

/// Returns the members of an object with non-empty text. Alertmanager itself drops empty labels.
fn texts(object: Option<&Value>) -> BTreeMap<String, String> {
    let members = object.and_then(Value::as_object).into_iter().flatten();
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    members
        .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
        .filter(|(_, text)| !text.is_empty())
        .collect()
}

/// Returns Alertmanager's fingerprint of these labels: FNV-1a of the names and values, in order.
/// Versions before 0.19 did not send it; thus an alert keeps its fingerprint when Alertmanager is
/// updated.
fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let texts = labels.iter().flat_map(|(name, value)| [name, value]);
    let bytes = texts.flat_map(|text| text.bytes().chain([0xff]));
    let hash = bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    format!("{hash:016x}")
}

/// Parses a time, unless it is the year 1, Go's zero value.
fn milliseconds(time: &Value) -> Option<i64> {
    let at = OffsetDateTime::parse(time.as_str()?, &Rfc3339).ok()?;
    (at.year() > 1).then(|| at.unix_timestamp() * 1000 + i64::from(at.millisecond()))
}

/// Returns the name of a receiver. Alertmanager escapes it for a regular expression: `chat\.prod`.
fn unquoted(receiver: &str) -> String {
    let mut name = String::with_capacity(receiver.len());
    let mut rest = receiver.chars().peekable();
    while let Some(char) = rest.next() {
        let quoted = rest.next_if(|next| char == '\\' && r"\.+*?()|[]{}^$".contains(*next));
        name.push(quoted.unwrap_or(char));
    }
    name
}

fn is_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

#[cfg(test)]
mod tests;
