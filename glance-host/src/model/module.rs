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
