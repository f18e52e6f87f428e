//! The modules of an add-on that people can open: web panels, dialogs and external pages.

use glance_sdk::model::{Authentication, Descriptor};
use serde::Serialize;
use serde_json::{Value, json};

/// How a module opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// In the sidebar.
    Panel,
    /// In a dialog over the chat.
    Dialog,
    /// In a browser window.
    Page,
}

/// A module that can be opened.
pub(crate) struct Module<'d> {
    pub(crate) kind: Kind,
    pub(crate) name: &'d str,
    pub(crate) url: &'d str,
    pub(crate) authentication: &'d Authentication,
    /// The options of a dialog as declared.
    pub(crate) options: Value,
}

impl<'d> Module<'d> {
    /// Returns the module with this key.
    pub(crate) fn find(descriptor: &'d Descriptor, key: &str) -> Option<Self> {
        if let Some(panel) = descriptor.web_panel(key) {
            return Some(Self {
                kind: Kind::Panel,
                name: &panel.name.value,
                url: &panel.url,
                authentication: panel.authentication(),
                options: json!({}),
            });
        }
        if let Some(dialog) = descriptor.dialog(key) {
            return Some(Self {
                kind: Kind::Dialog,
                name: &dialog.title.value,
                url: &dialog.url,
                authentication: dialog.authentication(),
                options: serde_json::to_value(&dialog.options).unwrap_or_default(),
            });
        }
        let mut pages = descriptor.capabilities.external_pages().iter();
        let page = pages.find(|page| page.key == key)?;
        Some(Self {
            kind: Kind::Page,
            name: page.name.as_ref().map_or(&page.key, |name| &name.value),
            url: &page.url,
            // External pages have no member `authentication`: they are always signed.
            authentication: &Authentication::Jwt,
            options: json!({}),
        })
    }
}

/// Returns whether a key names a module.
pub(crate) fn exists(descriptor: &Descriptor, key: &str) -> bool {
    Module::find(descriptor, key).is_some()
}

/// Returns whether a key names something that opens: a module, or a glance with a target.
pub(crate) fn opens(descriptor: &Descriptor, key: &str) -> bool {
    let glance = descriptor.glance(key);
    let own = glance.and_then(|glance| glance.target.as_ref()?.key());
    exists(descriptor, key) || own.is_some_and(|own| exists(descriptor, own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_and_glances_with_targets_open() {
        let name = json!({"value": "N"});
        let glance = |key: &str, target: Value| json!({"key": key, "name": name, "icon": {"url": "", "url@2x": ""}, "target": target});
        let descriptor: Descriptor = serde_json::from_value(json!({
            "key": "a", "name": "A", "description": "", "links": {"self": "https://a.example/"},
            "capabilities": {
                "glance": [glance("opening", json!("panel")), glance("dangling", json!("none"))],
                "webPanel": [{"key": "panel", "name": name, "url": "", "location": "hipchat.sidebar.right"}],
                "dialog": [{"key": "dialog", "title": name, "url": ""}],
                "externalPage": [{"key": "other", "url": ""}, {"key": "page", "name": name, "url": ""}]
            }
        }))
        .unwrap();
        for (key, kind, does_open) in [
            ("panel", Some(Kind::Panel), true),
            ("dialog", Some(Kind::Dialog), true),
            ("page", Some(Kind::Page), true),
            ("opening", None, true),
            ("dangling", None, false),
            ("none", None, false),
        ] {
            let found = Module::find(&descriptor, key).map(|module| module.kind);
            assert_eq!(found, kind, "{key}");
            assert_eq!(exists(&descriptor, key), kind.is_some(), "{key}");
            assert_eq!(opens(&descriptor, key), does_open, "{key}");
        }
        let named = ["other", "page"].map(|key| Module::find(&descriptor, key).map(|it| it.name));
        assert_eq!(named, [Some("other"), Some("N")]);
    }
}
