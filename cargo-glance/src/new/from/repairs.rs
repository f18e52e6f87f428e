//! Replaces declarations that the SDK refuses or that no host could use.

use glance_sdk::model::Event;
use serde_json::{Value, json};

use super::Change;

/// Turns an existing descriptor into that of a crate, and records the changes.
pub(super) fn repair(document: &mut Value, changes: &mut Vec<Change>, name: &str, title: &str) {
    let mut repairs = Repairs { document, changes };
    let key = format!("com.example.{name}");
    repairs.fill(
        "key",
        &key,
        "The key is missing, by which hosts identify add-ons.",
    );
    repairs.fill("name", title, "The name is missing.");
    if repairs.document.is_object() && repairs.document.get("description").is_none() {
        let description = repairs.document["name"].clone();
        repairs.set(
            "/description",
            description,
            "The description is missing; the name replaces it.",
        );
    }
    repairs.installable();
    repairs.webhooks();
    repairs.unsigned_pages();
    repairs.targets();
}

struct Repairs<'a> {
    document: &'a mut Value,
    changes: &'a mut Vec<Change>,
}

impl Repairs<'_> {
    fn fill(&mut self, member: &str, value: &str, why: &str) {
        let is_missing = match self.document.get(member) {
            None => self.document.is_object(),
            Some(value) => value == "",
        };
        if is_missing {
            self.set(&format!("/{member}"), value.into(), why);
        }
    }

    fn set(&mut self, pointer: &str, value: Value, why: &str) {
        change(self.document, self.changes, pointer, Some(value), why);
    }

    fn remove(&mut self, pointer: &str, why: &str) {
        change(self.document, self.changes, pointer, None, why);
    }

    /// Removes an entry of a capability, and the whole list if it was the only entry.
    fn remove_entry(&mut self, name: &str, at: usize, why: &str) {
        match self.list(name).len() {
            1 => self.remove(&format!("/capabilities/{name}"), why),
            _ => self.remove(&format!("/capabilities/{name}/{at}"), why),
        }
    }

    /// Returns a capability if it is a list.
    fn list(&self, name: &str) -> &[Value] {
        let list = self.document["capabilities"][name].as_array();
        list.map_or(&[], Vec::as_slice)
    }

    fn installable(&mut self) {
        if self.document.is_object() && self.document.get("capabilities").is_none() {
            self.set("/capabilities", json!({}), "The capabilities are missing.");
        }
        let capabilities = self.document.get("capabilities");
        let is_missing = capabilities.is_some_and(|capabilities| {
            capabilities.is_object() && capabilities.get("installable").is_none()
        });
        if is_missing {
            let why = "`installable` is missing, so no host could send the add-on its secret.";
            self.set("/capabilities/installable", json!({}), why);
        }
    }

    fn webhooks(&mut self) {
        let webhook = &self.document["capabilities"]["webhook"];
        if webhook.is_object() {
            let list = json!([webhook]);
            let why = "The webhook is not in a list, but HipChat's schema requires one.";
            self.set("/capabilities/webhook", list, why);
        }
        // From the end, so that removing an entry does not move the remaining ones.
        for at in (0..self.list("webhook").len()).rev() {
            let webhook = &self.list("webhook")[at];
            let pointer = format!("/capabilities/webhook/{at}");
            let event = webhook["event"].as_str().map(Event::from);
            let is_known = !matches!(event, Some(Event::Unknown(_)));
            let has_text = matches!(event, Some(Event::RoomMessage | Event::RoomNotification));
            let has_pattern = webhook.get("pattern").is_some();
            let is_signed = webhook["authentication"] == "jwt";
            if !webhook.is_object() || event.is_none() {
                continue;
            }
            if !is_known {
                self.remove_entry("webhook", at, "No host knows the event of this webhook.");
                continue;
            }
            if has_pattern && !has_text {
                let why = "A pattern applies to messages only.";
                self.remove(&format!("{pointer}/pattern"), why);
            }
            if !is_signed {
                let why = "The webhook is not signed, so anybody could call it; the SDK accepts signed calls only.";
                self.set(&format!("{pointer}/authentication"), "jwt".into(), why);
            }
        }
    }

    fn unsigned_pages(&mut self) {
        let pages = ["webPanel", "dialog"].map(|name| (name, self.list(name).len()));
        let places = pages.iter().flat_map(|(name, count)| {
            (0..*count).map(move |at| format!("/capabilities/{name}/{at}/authentication"))
        });
        let places = places.chain(["/capabilities/configurable/authentication".to_owned()]);
        for pointer in places.collect::<Vec<_>>() {
            let authentication = self.document.pointer(&pointer);
            if authentication.is_some_and(|kind| kind.is_string() && kind != "jwt") {
                let why = "The page is opened without a signature, so the viewer is unknown; pages of the SDK \
                       are signed.";
                self.remove(&pointer, why);
            }
        }
    }

    /// Removes targets that open nothing.
    fn targets(&mut self) {
        let pages = ["webPanel", "dialog", "externalPage"];
        let pages = pages.iter().flat_map(|name| self.list(name));
        let keys: Vec<Value> = pages.map(|page| page["key"].clone()).collect();
        let key = |target: &Value| match target.get("key") {
            Some(key) => key.clone(),
            None => target.clone(),
        };
        let opens = |target: &Value| keys.contains(&key(target));
        for at in 0..self.list("glance").len() {
            let target = self.list("glance")[at].get("target");
            if target.is_some_and(|target| !opens(target)) {
                let why = "The target is not a page of the add-on, so a click opens nothing.";
                self.remove(&format!("/capabilities/glance/{at}/target"), why);
            }
        }
        // An action may open a glance, which opens its own target.
        let glances = self.list("glance").iter();
        let glances: Vec<Value> = glances.map(|glance| glance["key"].clone()).collect();
        for at in (0..self.list("action").len()).rev() {
            let target = self.list("action")[at].get("target");
            if target.is_some_and(|target| !opens(target) && !glances.contains(&key(target))) {
                let why = "The action's target is not a page of the add-on, so it opens nothing.";
                self.remove_entry("action", at, why);
            }
        }
    }
}

/// Changes the document at a pointer whose parent exists, and records the change.
pub(super) fn change(
    document: &mut Value,
    changes: &mut Vec<Change>,
    pointer: &str,
    value: Option<Value>,
    why: &str,
) {
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    match (document.pointer_mut(parent), &value) {
        (Some(Value::Object(members)), Some(value)) => {
            members.insert(name.to_owned(), value.clone());
        }
        (Some(Value::Object(members)), None) => {
            members.remove(name);
        }
        (Some(Value::Array(list)), None) => {
            if let Some(at) = name.parse().ok().filter(|at| *at < list.len()) {
                list.remove(at);
            }
        }
        _ => return,
    }
    changes.push(Change {
        pointer: pointer.to_owned(),
        value,
        why: why.to_owned(),
    });
}
