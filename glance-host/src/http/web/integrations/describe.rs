//! Describes what a descriptor requests and adds, in plain words.

use glance_sdk::evaluate::Program;
use glance_sdk::model::{ActionLocation, Descriptor, Event};
use serde_json::{Value, json};

use crate::content::pattern;
use crate::content::pattern::{MAX_IN_ACTIONS, PatternBudget};
use crate::http::api::capabilities;
use crate::service::install::approval::{scopes, was_told};

/// Returns what people must know before they approve; `old` is what they approved before, and an update moves the
/// add-on to these origins.
pub(super) fn descriptor(
    descriptor: &Descriptor,
    old: Option<&Descriptor>,
    origins: &[String],
) -> Value {
    let before = old.map(scopes).unwrap_or_default();
    let requested: Vec<_> = scopes(descriptor)
        .iter()
        .map(|scope| {
            json!({
                "id": scope.as_str(),
                "what": capabilities::describe(scope).unwrap_or("Opens nothing on this host"),
                "is_new": old.is_some() && !before.contains(scope),
            })
        })
        .collect();
    json!({
        "key": descriptor.key,
        "name": descriptor.name,
        "description": descriptor.description,
        "vendor": descriptor.vendor.as_ref().map(|vendor| json!({
            "name": vendor.name,
            // Some frameworks swap the two.
            "url": Some(&vendor.url).filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        })),
        "scopes": requested,
        "adds": adds(descriptor, old, origins),
    })
}

fn adds(descriptor: &Descriptor, old: Option<&Descriptor>, origins: &[String]) -> Vec<Value> {
    let has = &descriptor.capabilities;
    let line = |text: String, note: Option<String>| json!({ "text": text, "note": note });
    let plain = |text: &str| line(text.to_owned(), None);
    let glances = has.glances().iter().map(|one| plain(&one.name.value));
    let panels = has.web_panels().iter().map(|one| plain(&one.name.value));
    let dialogs = has.dialogs().iter().map(|one| plain(&one.title.value));
    let pages = has
        .external_pages()
        .iter()
        .map(|one| plain(one.name.as_ref().map_or(&one.key, |name| &name.value)));
    let mut budget = PatternBudget::default();
    let actions = has.actions().iter().map(|one| {
        let place = match one.location {
            _ if !budget.covers(&Program::new(one.conditions())) => Some(format!(
                "never offered, as its add-on's actions look for more than {MAX_IN_ACTIONS} patterns"
            )),
            ActionLocation::Message => Some("on messages".to_owned()),
            ActionLocation::Input => Some("beside the input field".to_owned()),
            _ => None,
        };
        line(one.name.value.clone(), place)
    });
    let webhooks = has.webhooks().iter().map(|one| {
        let note = one
            .pattern
            .as_deref()
            .map(|pattern| match pattern::check(pattern) {
                Ok(()) => format!("only what matches {pattern}"),
                Err(error) => error.to_string(),
            });
        let mut line = line(event(&one.event).to_owned(), note);
        line["is_new"] = old.is_some_and(|old| !was_told(old, one)).into();
        line
    });
    let answers = has.webhooks().iter().any(|one| may_answer(&one.event));
    let answers = answers.then(|| plain("It may answer in the room"));
    let settings = has.configurable.iter().map(|_| plain("To set it up"));
    let admin = has.admin_page.iter().map(|_| plain("For administrators"));
    let moves = origins.iter().map(|origin| {
        let mut line = plain(origin);
        line["is_new"] = true.into();
        line
    });
    let kinds: [(&str, Vec<Value>); 8] = [
        ("Moves to", moves.collect()),
        ("Glances", glances.collect()),
        ("Panels", panels.collect()),
        ("Dialogs", dialogs.collect()),
        ("Pages", pages.collect()),
        ("Actions", actions.collect()),
        ("Is told", webhooks.chain(answers).collect()),
        ("Settings", settings.chain(admin).collect()),
    ];
    let shown = kinds.into_iter().filter(|(_, lines)| !lines.is_empty());
    shown
        .map(|(what, lines)| json!({ "what": what, "lines": lines }))
        .collect()
}

/// Returns whether the host posts the answer of a webhook, which needs no scope.
fn may_answer(event: &Event) -> bool {
    !matches!(event, Event::RoomArchived | Event::RoomDeleted)
}

fn event(event: &Event) -> &str {
    match event {
        Event::RoomArchived => "That a room is archived",
        Event::RoomCreated => "That a room is made",
        Event::RoomDeleted => "That a room is deleted",
        Event::RoomEnter => "Who comes into a room",
        Event::RoomExit => "Who leaves a room",
        Event::RoomFileUpload => "Files that people share",
        Event::RoomMessage => "What people write",
        Event::RoomNotification => "What other add-ons write",
        Event::RoomTopicChange => "New topics of a room",
        Event::RoomUnarchived => "That a room is in use again",
        other => other.as_str(),
    }
}
