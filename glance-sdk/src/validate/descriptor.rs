//! The rules of a capabilities descriptor.

use std::collections::HashSet;

use serde_json::Value;

use super::condition::{Place, conditions};
use super::found::Found;
use super::object::{Measure, Need, Object, quoted};
use super::{Problem, Severity};
use crate::model::{Event, Glance, Scope};

/// The limit on the glances of a descriptor.
const MOST_GLANCES: usize = 10;

/// Checks a capabilities descriptor like a host before an installation.
///
/// A document without an [`Error`](Severity::Error) can be parsed as a
/// [`Descriptor`](crate::model::Descriptor).
///
/// ```
/// use glance_sdk::validate::descriptor;
///
/// let document = serde_json::json!({
///     "key": "com.example.ci",
///     "name": "CI",
///     "description": "Shows builds.",
///     "links": { "self": "https://ci.example.com/" },
///     "capabilities": { "glance": [{ "key": "a b", "name": { "value": "Builds" } }] }
/// });
/// let pointers: Vec<_> = descriptor(&document).into_iter().map(|problem| problem.pointer).collect();
/// assert!(pointers.contains(&"/capabilities/glance/0/key".to_owned()));
/// assert!(pointers.contains(&"/capabilities/glance/0/icon".to_owned()));
/// ```
pub fn descriptor(document: &Value) -> Vec<Problem> {
    let mut found = Found::default();
    if let Some(mut top) = Object::top(document, &mut found) {
        let targets = top_members(&mut top);
        targets.dangling(&mut found);
    }
    found.into_problems()
}

fn top_members(top: &mut Object<'_>) -> Targets {
    let mut targets = Targets::default();
    if top.members.contains_key("modules") && !top.members.contains_key("capabilities") {
        let message = "this is a descriptor of Jira or Confluence, which has `modules` where one of \
                       HipChat has `capabilities`; give the address of the HipChat add-on's descriptor";
        top.report(
            "modules",
            "other-product",
            Severity::Error,
            message.to_owned(),
        );
        return targets;
    }
    top.filled("key");
    top.filled("name");
    top.string("description", Need::Advised);
    top.object("links", Need::Advised, |links| {
        links.url("self", Need::Required);
        links.lesser_url("homepage");
    });
    top.object("vendor", Need::Optional, |vendor| {
        vendor.string("name", Need::Required);
        vendor.string("url", Need::Required);
        vendor.only(&["name", "url"]);
    });
    if let Some(version) = top.string("apiVersion", Need::Optional)
        && !is_api_version(version)
    {
        let message = format!(
            "`apiVersion` is \"{}\", it must be two numbers with a colon between, such as 1:1",
            quoted(version)
        );
        top.report("apiVersion", "bad-version", Severity::Warning, message);
    }
    top.object("capabilities", Need::Optional, |capabilities| {
        setup(capabilities);
        glances(capabilities, &mut targets);
        pages(capabilities, &mut targets);
        actions(capabilities, &mut targets);
        webhooks(capabilities);
    });
    targets
}

/// Checks a glance for its creation at run time.
///
/// ```
/// use glance_sdk::model::{Glance, Icon};
/// use glance_sdk::validate;
///
/// let glance = Glance::new("build/7", "Build 7", Icon::new("https://ci.example.com/b.svg"));
/// let problems = validate::glance(&serde_json::to_value(&glance)?);
/// assert_eq!(problems[0].pointer, "/key");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn glance(document: &Value) -> Vec<Problem> {
    let mut found = Found::default();
    if let Some(mut entry) = Object::top(document, &mut found) {
        glance_members(&mut entry);
        entry.target(Need::Optional);
    }
    found.into_problems()
}

/// Checks a webhook for its creation at run time.
///
/// ```
/// use glance_sdk::validate;
///
/// let problems = validate::webhook(&serde_json::json!({
///     "event": "room_message", "url": "https://ci.example.com/said", "pattern": 7
/// }));
/// assert_eq!(problems[0].pointer, "/pattern");
/// ```
pub fn webhook(document: &Value) -> Vec<Problem> {
    let mut found = Found::default();
    if let Some(mut entry) = Object::top(document, &mut found) {
        webhook_members(&mut entry);
    }
    found.into_problems()
}

/// Checks an action for its creation at run time.
///
/// ```
/// use glance_sdk::model::{Action, ActionLocation};
/// use glance_sdk::validate;
///
/// let action = Action::new("close", "", ActionLocation::Message, "close-dialog");
/// let problems = validate::action(&serde_json::to_value(&action)?);
/// assert_eq!(problems[0].pointer, "/name/value");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn action(document: &Value) -> Vec<Problem> {
    let mut found = Found::default();
    if let Some(mut entry) = Object::top(document, &mut found) {
        action_members(&mut entry);
    }
    found.into_problems()
}

/// The targets of clicks, and the keys that exist.
#[derive(Default)]
struct Targets {
    references: Vec<(String, String)>,
    openable: HashSet<String>,
    /// An action may open a glance, which opens its own target.
    glances: HashSet<String>,
}

impl Targets {
    fn dangling(self, found: &mut Found) {
        let openable = self.openable;
        let dangling = self
            .references
            .into_iter()
            .filter(|(_, key)| !openable.contains(key));
        for (pointer, key) in dangling {
            let message = format!(
                "no web panel, dialog or external page has the key `{}`, so a click opens \
                 nothing; declare one or correct the target",
                quoted(&key)
            );
            found.push(Problem {
                pointer,
                code: "dangling-target",
                severity: Severity::Warning,
                message,
                place: None,
            });
        }
    }
}

fn setup(capabilities: &mut Object<'_>) {
    capabilities.object("installable", Need::Optional, |installable| {
        installable.boolean("allowRoom");
        installable.boolean("allowGlobal");
        for address in [
            "callbackUrl",
            "updateCallbackUrl",
            "installedUrl",
            "uninstalledUrl",
            "updatedUrl",
        ] {
            installable.url(address, Need::Optional);
        }
    });
    capabilities.object("hipchatApiConsumer", Need::Optional, |consumer| {
        for (index, scope) in consumer.strings("scopes").into_iter().enumerate() {
            if let Scope::Unknown(scope) = Scope::from(scope) {
                consumer.report_at(
                    &["scopes", &index.to_string()],
                    "unknown-value",
                    format!(
                        "no host knows the scope `{}`; remove it or correct it",
                        quoted(&scope)
                    ),
                );
            }
        }
        consumer.string("fromName", Need::Optional);
        avatar(consumer);
    });
    capabilities.object("configurable", Need::Optional, |page| {
        page.url("url", Need::Required);
        authentication(page);
        page.boolean("allowAccessToRoomAdmins");
    });
    capabilities.object("adminPage", Need::Optional, |page| {
        page.url("url", Need::Required);
    });
    capabilities.object("oauth2Consumer", Need::Optional, |consumer| {
        consumer.strings("redirectionUrls");
    });
    capabilities.object("oauth2Provider", Need::Optional, |provider| {
        provider.lesser_url("authorizationUrl");
        provider.lesser_url("tokenUrl");
    });
}

fn avatar(consumer: &mut Object<'_>) {
    match consumer.members.get("avatar") {
        None => {}
        Some(Value::String(_)) => consumer.lesser_url("avatar"),
        Some(Value::Object(_)) => consumer.object("avatar", Need::Optional, |avatar| {
            avatar.text("url", Need::Required, Measure::Characters, usize::MAX);
            avatar.text("url@2x", Need::Optional, Measure::Characters, usize::MAX);
        }),
        Some(_) => consumer.wrong_type_as(
            Severity::Warning,
            "avatar",
            "an address, or an object with a `url`",
        ),
    }
}

fn glances(capabilities: &mut Object<'_>, targets: &mut Targets) {
    let mut declared = 0;
    capabilities.list("glance", |entry| {
        declared += 1;
        glance_members(entry);
        entry.unique_key(&mut targets.glances);
        targets.references.extend(entry.target(Need::Optional));
    });
    if declared > MOST_GLANCES {
        let message = format!(
            "{declared} glances are declared, a descriptor may have {MOST_GLANCES}; create the \
             others at runtime"
        );
        capabilities.report("glance", "too-many-glances", Severity::Error, message);
    }
}

fn glance_members(entry: &mut Object<'_>) {
    entry.extension_key(Need::Required);
    entry.localised("name", Need::Required);
    icon(entry, Need::Required);
    entry.url("queryUrl", Need::Optional);
    entry.whole_number("weight");
    let audience = entry.one_of(
        "audience",
        Need::Optional,
        Severity::Warning,
        &["person", "room"],
    );
    entry.seconds("maxAge", Glance::MAX_AGE_SECONDS);
    if audience != Some("room") && entry.members.contains_key("maxAge") {
        entry.report(
            "maxAge",
            "no-effect",
            Severity::Warning,
            "`maxAge` counts only with the `audience` \"room\"; remove it".to_owned(),
        );
    }
    conditions(entry, Place::Glance);
}

fn icon(entry: &mut Object<'_>, need: Need) {
    entry.object("icon", need, |icon| {
        icon.string("url", Need::Required);
        icon.string("url@2x", Need::Advised);
    });
}

fn authentication(entry: &mut Object<'_>) {
    entry.one_of(
        "authentication",
        Need::Optional,
        Severity::Warning,
        &["jwt", "none"],
    );
}

fn pages(capabilities: &mut Object<'_>, targets: &mut Targets) {
    // A target may name any of the three, so their keys share one namespace.
    let keys = &mut targets.openable;
    capabilities.list("webPanel", |entry| {
        entry.extension_key(Need::Required);
        entry.unique_key(keys);
        entry.localised("name", Need::Required);
        entry.page_url();
        entry.one_of(
            "location",
            Need::Required,
            Severity::Warning,
            &["hipchat.sidebar.right"],
        );
        icon(entry, Need::Optional);
        entry.whole_number("weight");
        authentication(entry);
        conditions(entry, Place::WebPanel);
    });
    capabilities.list("dialog", |entry| {
        entry.extension_key(Need::Required);
        entry.unique_key(keys);
        entry.localised("title", Need::Required);
        entry.page_url();
        authentication(entry);
        entry.object("options", Need::Optional, dialog_options);
    });
    capabilities.list("externalPage", |entry| {
        entry.extension_key(Need::Required);
        entry.unique_key(keys);
        entry.localised("name", Need::Optional);
        entry.page_url();
        entry.only(&["key", "name", "url"]);
    });
}

fn dialog_options(options: &mut Object<'_>) {
    options.one_of(
        "style",
        Need::Optional,
        Severity::Warning,
        &["normal", "warning"],
    );
    dialog_size(options);
    options.object("primaryAction", Need::Optional, dialog_action);
    options.list("secondaryActions", dialog_action);
    if options
        .members
        .get("secondaryActions")
        .is_some_and(is_empty_list)
    {
        options.report(
            "secondaryActions",
            "empty-list",
            Severity::Warning,
            "`secondaryActions` is empty; some hosts then show no button to close the dialog with"
                .to_owned(),
        );
    }
    options.localised("hint", Need::Optional);
    options.object("filter", Need::Optional, |filter| {
        filter.localised("placeholder", Need::Optional);
    });
    options.only(&[
        "style",
        "size",
        "primaryAction",
        "secondaryActions",
        "hint",
        "filter",
    ]);
}

fn dialog_action(action: &mut Object<'_>) {
    action.localised("name", Need::Required);
    action.boolean("enabled");
    action.string("key", Need::Optional);
}

/// Hosts replace an invalid size by the default size, so it is only a warning.
fn dialog_size(options: &mut Object<'_>) {
    match options.members.get("size") {
        None => {}
        Some(Value::String(_)) => {
            options.one_of(
                "size",
                Need::Optional,
                Severity::Warning,
                &["small", "medium", "large", "xlarge"],
            );
        }
        Some(Value::Object(size)) => {
            for name in ["width", "height"] {
                let length = size.get(name).and_then(Value::as_str);
                let (code, found) = match length {
                    None => ("wrong-type", "no string"),
                    Some(length) if !is_length(length) => ("bad-length", length),
                    Some(_) => continue,
                };
                options.report_at(
                    &["size", name],
                    code,
                    format!(
                        "`{name}` is {}, it must be a number with px or %",
                        quoted(found)
                    ),
                );
            }
        }
        Some(_) => options.wrong_type_as(
            Severity::Warning,
            "size",
            "small, medium, large, xlarge, or an object with `width` and `height`",
        ),
    }
}

fn actions(capabilities: &mut Object<'_>, targets: &mut Targets) {
    let mut keys = HashSet::new();
    capabilities.list("action", |entry| {
        entry.unique_key(&mut keys);
        let target = action_members(entry);
        let target = target.filter(|(_, key)| !targets.glances.contains(key));
        targets.references.extend(target);
    });
}

/// Checks an action. Returns its target.
fn action_members(entry: &mut Object<'_>) -> Option<(String, String)> {
    entry.extension_key(Need::Required);
    entry.localised("name", Need::Required);
    entry.one_of(
        "location",
        Need::Required,
        Severity::Warning,
        &["hipchat.message.action", "hipchat.input.action"],
    );
    let target = entry.target(Need::Required);
    entry.whole_number("weight");
    conditions(entry, Place::Action);
    target
}

fn webhooks(capabilities: &mut Object<'_>) {
    let mut keys = HashSet::new();
    capabilities.list_or_one("webhook", |webhook| {
        webhook.unique_key(&mut keys);
        webhook_members(webhook);
    });
}

fn webhook_members(webhook: &mut Object<'_>) {
    webhook.extension_key(Need::Optional);
    webhook.string("name", Need::Optional);
    webhook.url("url", Need::Required);
    webhook.string("pattern", Need::Optional);
    authentication(webhook);
    let event = webhook.string("event", Need::Required).map(Event::from);
    if let Some(Event::Unknown(event)) = &event {
        let message = format!(
            "no host knows the event `{}`, so nothing is ever posted; correct it",
            quoted(event)
        );
        webhook.report("event", "unknown-value", Severity::Warning, message);
    }
    let has_text = matches!(
        event,
        None | Some(Event::RoomMessage | Event::RoomNotification | Event::Unknown(_))
    );
    if !has_text && webhook.members.contains_key("pattern") {
        webhook.report(
            "pattern",
            "no-effect",
            Severity::Warning,
            "`pattern` counts for messages only; remove it".to_owned(),
        );
    }
}

fn is_api_version(version: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.chars().all(char::is_numeric);
    version
        .split_once(':')
        .is_some_and(|(from, to)| number(from) && number(to))
}

fn is_empty_list(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

fn is_length(text: &str) -> bool {
    let number = text.strip_suffix("px").or_else(|| text.strip_suffix('%'));
    number.is_some_and(|number| number.parse::<f64>().is_ok_and(|number| number > 0.0))
}
