//! Shows what host and add-on call of each other, one line a call.

use glance_host::testing::{CallStream, Exchange, Party, Purpose};
use glance_sdk::printable::printable;
use serde_json::Value;

use super::terminal::{Source, Terminal};
use crate::style::Style;

/// How much of an answer is shown, in characters.
const LONGEST: usize = 300;

/// Shows calls until it is dropped.
pub(super) async fn show(mut calls: CallStream, terminal: Terminal) {
    loop {
        let call = calls.next().await;
        terminal.line(Source::Host, line(&call, terminal));
    }
}

fn line(call: &Exchange, terminal: Terminal) -> String {
    let direction = match call.from == Party::Host {
        true => "->",
        false => "<-",
    };
    let purpose = serde_json::to_value(call.purpose).unwrap_or_default();
    let purpose = purpose.as_str().unwrap_or_default().to_owned();
    let (status, style) = match call.status {
        Some(status @ ..400) => (status.to_string(), Style::Green),
        Some(status) => (status.to_string(), Style::Red),
        None => ("no answer".to_owned(), Style::Red),
    };
    let status = terminal.paint(style, status);
    let note = match note(call) {
        Some(note) => format!("  {}", printable(&note).at_most(LONGEST)),
        None => String::new(),
    };
    let path = printable(call.path());
    format!(
        "{direction} {purpose:<12} {} {path}  {status}{note}",
        call.method
    )
}

/// Describes a call beyond its status: the label that a query returned, the event of a webhook, or the
/// reason of a refusal.
fn note(call: &Exchange) -> Option<String> {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    match (call.status, call.purpose) {
        (Some(..400), Purpose::Query) => text(&call.answer["label"]["value"]),
        (Some(..400), Purpose::Webhook) => text(&call.body["event"]),
        (Some(..400), _) => None,
        _ => text(&call.answer),
    }
}
