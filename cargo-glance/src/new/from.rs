//! `--from`: creates a crate with the declarations of an existing descriptor.

mod add_on;
mod addresses;
mod code;
mod conditions;
mod edits;
mod glances;
mod models;
mod pages;
mod repairs;
mod test;
mod webhooks;

use glance_sdk::json::{self, Document};
use glance_sdk::model::Descriptor;
use glance_sdk::printable::printable;
use glance_sdk::validate::{self, Problem, Severity};
use serde_json::Value;

use crate::descriptor_source::{self, PLACEHOLDER_BASE_URL};
use crate::error::CommandError;
use addresses::Addresses;
use code::Names;

/// The limit on webhooks, pages and actions together. Nobody would read a longer generated file.
const MAX_PARTS: usize = 100;

/// The first paragraph of the new crate's README.
const ABOUT: &str = "A chat add-on that declares the same as `descriptor.json`, from which it was created. \
                     Each handler responds with its name; replace one after the other.";

/// An existing descriptor, as a crate can declare it.
pub(super) struct Original {
    /// The source of the descriptor, for messages.
    source: String,
    /// The original document, with the placeholders of a template filled in.
    document: Value,
    changes: Vec<Change>,
    addresses: Addresses,
    /// The descriptor with the changes, and with the URLs that the SDK serves.
    descriptor: Descriptor,
}

/// A difference between the crate and the original, with the reason.
pub(super) struct Change {
    /// A JSON pointer into the original, after the previous changes.
    pub(super) pointer: String,
    /// The new value; `None` removes the old one.
    pub(super) value: Option<Value>,
    /// The reason in one sentence, without text of the descriptor.
    pub(super) why: String,
}

/// The files of a crate.
pub(super) struct Crate {
    /// Paths with texts.
    pub(super) files: Vec<(&'static str, String)>,
    /// The README's table of source files: a path with a description.
    pub(super) described: Vec<[&'static str; 2]>,
    pub(super) about: String,
    pub(super) uses_json: bool,
    pub(super) uses_tracing: bool,
}

impl Original {
    /// Reads a descriptor for the crate with this name.
    pub(super) async fn read(source: &str, name: &str, title: &str) -> Result<Self, CommandError> {
        let mut bytes = descriptor_source::read(source).await?;
        if !descriptor_source::is_url(source) {
            (bytes, _) = descriptor_source::fill(bytes, PLACEHOLDER_BASE_URL, "read");
        }
        Self::parse(source, &bytes, name, title)
    }

    fn parse(source: &str, bytes: &[u8], name: &str, title: &str) -> Result<Self, CommandError> {
        let shown = printable(source);
        let document = Document::read(bytes).map_err(|cause| {
            CommandError::new(
                "not-json",
                format!("{shown} is not JSON: {cause}"),
                "use a descriptor; `cargo glance validate` marks the place",
            )
        })?;
        let document = document.into_value();
        let foreign = validate::descriptor(&document);
        if let Some(problem) = foreign.iter().find(|one| one.code == "other-product") {
            return Err(refusal(source, problem, 1));
        }
        let mut repaired = document.clone();
        let mut changes = Vec::new();
        repairs::repair(&mut repaired, &mut changes, name, title);
        let addresses = Addresses::of(&repaired);
        addresses.repair_icons(&mut repaired, &mut changes);
        addresses::serve(&mut repaired);
        let mut problems = validate::descriptor(&repaired);
        problems.retain(|problem| problem.severity == Severity::Error);
        if let [first, ..] = &problems[..] {
            return Err(refusal(source, first, problems.len()));
        }
        let descriptor: Descriptor = json::from_str(&repaired.to_string())
            .map_err(|cause| unusable(source, &format!("it is invalid: {cause}")))?;
        let written = serde_json::to_value(&descriptor).unwrap_or_default();
        if repaired != written {
            return Err(unusable(source, "the SDK does not preserve all of it"));
        }
        let capabilities = &descriptor.capabilities;
        let long = capabilities
            .glances()
            .iter()
            .find(|glance| glance.name.value.encode_utf16().count() > 100);
        if let Some(glance) = long {
            let what = format!(
                "the name of the glance `{}` has more than 100 UTF-16 units",
                glance.key
            );
            return Err(unusable(source, &what));
        }
        let parts = capabilities.webhooks().len()
            + capabilities.web_panels().len()
            + capabilities.dialogs().len()
            + capabilities.external_pages().len()
            + capabilities.actions().len();
        if parts > MAX_PARTS {
            let what = format!(
                "it declares {parts} webhooks, pages and actions, but a crate may have at most {MAX_PARTS}"
            );
            return Err(unusable(source, &what));
        }
        Ok(Self {
            source: shown.to_string(),
            document,
            changes,
            addresses,
            descriptor,
        })
    }

    /// Returns the source of the descriptor.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Returns the differences between the crate and the original.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Counts the declared parts, as in "2 glances, 1 webhook".
    pub(super) fn summary(&self) -> String {
        let capabilities = &self.descriptor.capabilities;
        let counts = [
            (capabilities.glances().len(), "glance"),
            (capabilities.web_panels().len(), "web panel"),
            (capabilities.dialogs().len(), "dialog"),
            (capabilities.external_pages().len(), "external page"),
            (capabilities.actions().len(), "action"),
            (capabilities.webhooks().len(), "webhook"),
        ];
        let parts: Vec<_> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}{}", if *count == 1 { "" } else { "s" }))
            .collect();
        match parts.is_empty() {
            true => "no glances, pages or webhooks".to_owned(),
            false => parts.join(", "),
        }
    }

    /// Generates the source files of the crate with the Rust name `krate`.
    pub(super) fn generate(&self, krate: &str) -> Crate {
        let mut names = Names::default();
        let glances = glances::Glances::of(self, &mut names);
        let pages = pages::Pages::of(self, &mut names);
        let webhooks = webhooks::Webhooks::of(self, &mut names);
        let edits = edits::Edits::of(self, &webhooks, &pages);
        let library = add_on::library(self, &glances, &pages, &webhooks, &edits);
        let test = test::test(self, krate, &glances);

        let mut files = vec![
            ("src/lib.rs", library.text),
            ("tests/descriptor.rs", test),
            ("descriptor.json", format!("{:#}\n", self.document)),
        ];
        let mut described = vec![["src/lib.rs", "the declarations of the add-on"]];
        let mut add = |path, text: Option<String>, about| {
            if let Some(text) = text {
                files.push((path, text));
                described.push([path, about]);
            }
        };
        let uses_tracing = !webhooks.is_empty();
        let original = edits.source(library.uses_json || glances.uses_json());
        let uses_json = original.as_ref().is_some_and(|(_, uses_json)| *uses_json);
        add(
            "src/glances.rs",
            glances.source(),
            "the glances with their data",
        );
        add(
            "src/pages.rs",
            pages.source(),
            "the pages that the host opens",
        );
        add(
            "src/webhooks.rs",
            webhooks.source(),
            "the handlers of events in rooms",
        );
        add(
            "src/original.rs",
            original.map(|(text, _)| text),
            "declarations without a method in the SDK",
        );
        described.push(["src/main.rs", "serves the add-on"]);
        described.push([
            "tests/descriptor.rs",
            "compares the add-on's descriptor with `descriptor.json`",
        ]);
        Crate {
            files,
            described,
            about: self.about(),
            uses_json,
            uses_tracing,
        }
    }

    fn about(&self) -> String {
        let mut about = ABOUT.to_owned();
        if !self.changes.is_empty() {
            about += "\n\nIt differs from the original in declarations that the SDK would refuse, or that no \
                      host could use:\n";
            for change in &self.changes {
                about += &format!("\n- `{}`: {}", change.pointer, change.why);
            }
        }
        about
    }
}

fn refusal(source: &str, first: &Problem, count: usize) -> CommandError {
    let what = match count {
        1 => format!("hosts or the SDK refuse it: {first}"),
        _ => format!("hosts or the SDK refuse it for {count} reasons; the first: {first}"),
    };
    unusable(source, &what)
}

fn unusable(source: &str, what: &str) -> CommandError {
    let shown = printable(source);
    CommandError::new(
        "no-descriptor",
        format!("cannot create a crate from {shown}: {what}"),
        format!("fix the descriptor; `cargo glance validate {shown}` lists its problems"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EVERYTHING: &str = include_str!("../../tests/fixtures/everything.json");

    /// Collects the pointers of all values in a document.
    fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Object(members) => members.iter().for_each(|(name, inner)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(inner, &format!("{at}/{name}"), found);
            }),
            Value::Array(entries) => entries
                .iter()
                .enumerate()
                .for_each(|(index, inner)| pointers(inner, &format!("{at}/{index}"), found)),
            _ => {}
        }
    }

    #[test]
    fn every_unusual_value_is_declared_or_refused() {
        let everything: Value = serde_json::from_str(EVERYTHING).unwrap();
        let mut places = Vec::new();
        pointers(&everything, "", &mut places);
        let (mut made, mut refused) = (0, 0);
        for place in &places {
            for odd in [
                json!(null),
                json!(true),
                json!(-1.5),
                json!(""),
                json!("x\"#\n{"),
                json!("none"),
                json!([]),
                json!([1]),
                json!({}),
                json!({ "key": "k", "value": "v", "url": "https://a.example/{x}" }),
            ] {
                let mut document = everything.clone();
                *document.pointer_mut(place).unwrap() = odd;
                let text = document.to_string();
                match Original::parse("d.json", text.as_bytes(), "odd", "Odd") {
                    Ok(original) => {
                        let files = original.generate("odd").files;
                        // The crate contains the original, whatever it declares itself.
                        let kept = files.iter().find(|(path, _)| *path == "descriptor.json");
                        let kept: Value = serde_json::from_str(&kept.unwrap().1).unwrap();
                        assert_eq!(kept, document);
                        made += 1;
                    }
                    Err(error) => {
                        assert_eq!(error.code(), "no-descriptor", "{place}: {error}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(made > 100 && refused > 100, "{made} and {refused}");
    }

    #[test]
    fn optional_members_that_are_null_are_kept() {
        let document = json!({
            "key": "k", "name": "N", "description": "D",
            "capabilities": {
                "installable": {},
                "dialog": [{
                    "key": "d", "title": { "value": "D" }, "url": "https://a.example/d",
                    "options": { "size": null, "more": null },
                }],
            },
        });
        let text = document.to_string();
        let original = Original::parse("d.json", text.as_bytes(), "odd", "Odd").unwrap();
        assert!(original.changes().is_empty());
        let kept = serde_json::to_value(&original.descriptor).unwrap();
        let pointer = "/capabilities/dialog/0/options";
        assert_eq!(kept.pointer(pointer), document.pointer(pointer));
    }

    #[test]
    fn changes_contain_no_text_of_descriptor() {
        let odd = "`</a>\u{202e}\n*/";
        let document = json!({
            "capabilities": {
                "webhook": { "event": odd, "url": odd },
                "hipchatApiConsumer": { "scopes": [odd], "avatar": odd },
                "action": [{ "key": odd, "target": odd }],
            },
        });
        let mut repaired = document;
        let mut changes = Vec::new();
        repairs::repair(&mut repaired, &mut changes, "odd", "Odd");
        let addresses = Addresses::of(&repaired);
        addresses.repair_icons(&mut repaired, &mut changes);
        assert!(changes.len() > 5);
        for change in changes {
            assert!(!change.why.contains(odd) && !change.pointer.contains(odd));
        }
    }
}
