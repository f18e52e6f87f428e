//! Shows the calls between host and add-on, one line per call.

use glance_host::calls::{CallStream, Exchange, Party, Purpose};
use glance_sdk::evaluate::{DataState, Facts, Program};
use glance_sdk::model::Descriptor;
use glance_sdk::printable::printable;
use reqwest::Url;
use serde_json::Value;
use tokio::sync::watch;

use super::terminal::{Source, Terminal};
use crate::style::Style;

/// The maximum length of a shown response, in characters.
const LONGEST: usize = 300;

/// Shows calls until it is dropped.
pub(super) async fn show(
    mut calls: CallStream,
    installed: watch::Receiver<Option<Descriptor>>,
    terminal: Terminal,
) {
    loop {
        let call = calls.next().await;
        let line = line(&call, installed.borrow().as_ref(), terminal);
        terminal.line(Source::Host, line);
    }
}

fn line(call: &Exchange, descriptor: Option<&Descriptor>, terminal: Terminal) -> String {
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
    let note = match note(call, descriptor) {
        Some(note) => format!("  {}", printable(&note).at_most(LONGEST)),
        None => String::new(),
    };
    let path = printable(call.path());
    format!(
        "{direction} {purpose:<12} {} {path}  {status}{note}",
        call.method
    )
}

/// Describes a call beyond its status: the label of a query and the reason why it is hidden, the
/// event of a webhook, or the reason of a refusal.
fn note(call: &Exchange, descriptor: Option<&Descriptor>) -> Option<String> {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    match (call.status, call.purpose) {
        (Some(..400), Purpose::Query) => {
            let label = text(&call.answer["label"]["value"])?;
            Some(match descriptor.and_then(|one| why_hidden(call, one)) {
                Some(why) => format!("{label}  ({why})"),
                None => label,
            })
        }
        (Some(..400), Purpose::Webhook) => text(&call.body["event"]),
        (Some(..400), _) => None,
        _ => text(&call.answer),
    }
}

/// Explains why the room's owner, the person at this machine, does not see the glance of this
/// query. Returns `None` for a visible glance, and for a glance that is not in the descriptor.
fn why_hidden(call: &Exchange, descriptor: &Descriptor) -> Option<String> {
    let mut glances = descriptor.capabilities.glances().iter();
    let glance = glances.find(|glance| {
        let url = glance
            .query_url
            .as_ref()
            .and_then(|url| url.parse::<Url>().ok());
        url.is_some_and(|url| url.path() == call.path())
    })?;
    let mut facts = Facts::default();
    facts.room_is_public = true;
    facts.user_is_admin = true;
    facts.user_is_room_owner = true;
    let facts = facts.metadata(call.answer.get("metadata"));
    let program = Program::new(glance.conditions.as_deref().unwrap_or_default());
    let outcome = program.explain(DataState::Ready, &facts);
    (!outcome.shown).then(|| outcome.to_string())
}
