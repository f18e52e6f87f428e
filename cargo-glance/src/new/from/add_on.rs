//! Generates `src/lib.rs` of the new crate, the add-on itself.

use std::collections::BTreeSet;

use glance_sdk::model::{AdminPage, Configurable, Dialog, Picture, Scope, WebPanel};

use super::Original;
use super::code::literal;
use super::edits::Edits;
use super::glances::Glances;
use super::models::{Models, query, text};
use super::pages::Pages;
use super::webhooks::Webhooks;

pub(super) struct Library {
    pub(super) text: String,
    pub(super) uses_json: bool,
}

pub(super) fn library(
    original: &Original,
    glances: &Glances,
    pages: &Pages,
    webhooks: &Webhooks,
    edits: &Edits,
) -> Library {
    let descriptor = &original.descriptor;
    let capabilities = &descriptor.capabilities;
    let mut models = Models::new(&original.addresses, "original::json");
    let mut calls = Vec::new();
    describe(original, &mut models, &mut calls);
    let functions = glances.functions.iter();
    calls.extend(functions.map(|function| format!(".glance::<glances::{function}>()")));
    for (panel, function) in capabilities.web_panels().iter().zip(&pages.panels) {
        let bare = WebPanel::new(&panel.key, &panel.name.value, &panel.url);
        calls.push(if *panel == bare && query(&panel.url).is_empty() {
            let key = literal(&panel.key);
            let name = models.text(&panel.name.value, &format!("{}-name", panel.key));
            format!(".web_panel({key}, {name}, get(pages::{function}))")
        } else {
            format!(".page({}, get(pages::{function}))", models.web_panel(panel))
        });
    }
    for (dialog, function) in capabilities.dialogs().iter().zip(&pages.dialogs) {
        let bare = Dialog::new(&dialog.key, &dialog.title.value, &dialog.url);
        calls.push(if *dialog == bare && query(&dialog.url).is_empty() {
            let key = literal(&dialog.key);
            let title = models.text(&dialog.title.value, &format!("{}-title", dialog.key));
            format!(".dialog({key}, {title}, get(pages::{function}))")
        } else {
            format!(".page({}, get(pages::{function}))", models.dialog(dialog))
        });
    }
    for (page, function) in capabilities.external_pages().iter().zip(&pages.external) {
        let name = page.name.as_ref().filter(|name| text(name).is_some());
        let is_simple = page.extra.is_empty() && query(&page.url).is_empty();
        calls.push(match name.filter(|_| is_simple) {
            Some(name) => {
                let key = literal(&page.key);
                let name = models.text(&name.value, &format!("{}-name", page.key));
                format!(".external_page({key}, {name}, get(pages::{function}))")
            }
            None => format!(
                ".page({}, get(pages::{function}))",
                models.external_page(page)
            ),
        });
    }
    if let (Some(page), Some(function)) = (&capabilities.configurable, &pages.configuration) {
        let mut page = page.clone();
        page.url = query(&page.url);
        let is_simple = page == Configurable::new("");
        calls.push(if is_simple {
            format!(".configuration_page(get(pages::{function}))")
        } else {
            let page = models.json("Configurable", "configuration", &page);
            format!(".page({page}, get(pages::{function}))")
        });
    }
    if let (Some(page), Some(function)) = (&capabilities.admin_page, &pages.administration) {
        let mut page = page.clone();
        page.url = query(&page.url);
        let is_simple = page == AdminPage::new("");
        calls.push(if is_simple {
            format!(".admin_page(get(pages::{function}))")
        } else {
            let page = models.json("AdminPage", "administration", &page);
            format!(".page({page}, get(pages::{function}))")
        });
    }
    for action in capabilities.actions() {
        calls.push(format!(".action({})", models.action(action)));
    }
    let functions = webhooks.functions.iter();
    calls.extend(functions.map(|function| format!(".webhook::<webhooks::{function}>()")));
    let homepage = pages
        .homepage
        .iter()
        .map(|(path, function)| (path.as_str(), function));
    let visits = pages
        .visits
        .iter()
        .map(|(_, path, function)| (*path, function));
    for (path, function) in homepage.chain(visits) {
        calls.push(format!(".route({}, get(pages::{function}))", literal(path)));
    }
    for path in files(original, pages) {
        let path = literal(&path);
        calls.push(format!(
            ".asset({path}, \"image/svg+xml\", include_bytes!(\"../icon.svg\"))"
        ));
    }
    if !edits.is_empty() {
        calls.push(".edit_descriptor(original::restore)".to_owned());
    }

    let name = models.text(&descriptor.name, "name");
    let key = models.text(&descriptor.key, "key");
    let has_json = models.uses_json || glances.uses_json();
    let mut text = "//! An add-on that declares the same as `descriptor.json`. Each handler responds with its name: replace one after\n\
                    //! the other.\n\n".to_owned();
    let is_there = |source: Option<String>| source.is_some();
    for (name, has, visibility) in [
        ("glances", is_there(glances.source()), "pub "),
        ("original", edits.source(has_json).is_some(), ""),
        ("pages", is_there(pages.source()), ""),
        ("webhooks", is_there(webhooks.source()), "pub "),
    ] {
        if has {
            text += &format!("{visibility}mod {name};\n");
        }
    }
    let imports: BTreeSet<_> = models.imports.iter().copied().collect();
    if !imports.is_empty() {
        let imports: Vec<_> = imports.into_iter().collect();
        text += &format!("\nuse glance_sdk::model::{{{}}};", imports.join(", "));
    }
    text += &format!(
        "\nuse glance_sdk::prelude::*;\n\n{constants}/// The add-on.\npub fn add_on() -> AddOn {{\n    AddOn::new({key}, {name})\n",
        constants = models.constants
    );
    for call in calls {
        text += &format!("        {call}\n");
    }
    text += "}\n";
    Library {
        text,
        uses_json: models.uses_json,
    }
}

/// Adds the calls for description, vendor, links and other facts about the add-on.
fn describe(original: &Original, models: &mut Models<'_>, calls: &mut Vec<String>) {
    let descriptor = &original.descriptor;
    if let Some(description) = &descriptor.description {
        calls.push(format!(
            ".description({})",
            models.text(description, "description")
        ));
    }
    if let Some(vendor) = &descriptor.vendor {
        let name = models.text(&vendor.name, "vendor");
        calls.push(format!(
            ".vendor({name}, {})",
            models.text(&vendor.url, "vendor-url")
        ));
    }
    let links = descriptor.links.as_ref();
    if let Some(homepage) = links.and_then(|links| links.homepage.as_deref()) {
        let (homepage, _) = original.addresses.homepage(homepage);
        calls.push(format!(".homepage({})", models.text(homepage, "homepage")));
    }
    if let Some(consumer) = &descriptor.capabilities.hipchat_api_consumer {
        if let Some(avatar) = &consumer.avatar {
            calls.push(format!(".avatar({})", models.picture(avatar)));
        }
        if let Some(name) = &consumer.from_name {
            calls.push(format!(".from_name({})", models.text(name, "from-name")));
        }
        let scopes: Vec<_> = consumer.scopes.iter().map(scope).collect();
        if !scopes.is_empty() {
            models.imports.insert("Scope");
        }
        calls.push(format!(".scopes([{}])", scopes.join(", ")));
    }
    if let Some(installable) = &descriptor.capabilities.installable {
        if let Some(is_allowed) = installable.allow_room {
            calls.push(format!(".allow_room({is_allowed})"));
        }
        if let Some(is_allowed) = installable.allow_global {
            calls.push(format!(".allow_global({is_allowed})"));
        }
        if original.addresses.by_browser {
            calls.push(".installs_by_browser()".to_owned());
        }
    }
}

fn scope(scope: &Scope) -> String {
    let variant = match scope {
        Scope::SendNotification => "SendNotification",
        Scope::SendMessage => "SendMessage",
        Scope::ViewRoom => "ViewRoom",
        Scope::AdminRoom => "AdminRoom",
        Scope::ViewGroup => "ViewGroup",
        Scope::AdminGroup => "AdminGroup",
        Scope::ManageRooms => "ManageRooms",
        Scope::ViewMessages => "ViewMessages",
        Scope::ImportData => "ImportData",
        other => return format!("Scope::from({})", literal(other.as_str())),
    };
    format!("Scope::{variant}")
}

/// Returns the add-on's own images.
fn files(original: &Original, pages: &Pages) -> BTreeSet<String> {
    let capabilities = &original.descriptor.capabilities;
    let glances = capabilities.glances().iter().map(|glance| &glance.icon);
    let panels = capabilities
        .web_panels()
        .iter()
        .filter_map(|panel| panel.icon.as_ref());
    let mut urls: Vec<&str> = Vec::new();
    for icon in glances.chain(panels) {
        urls.push(&icon.url);
        urls.extend(icon.url_2x.as_deref());
    }
    let consumer = capabilities.hipchat_api_consumer.as_ref();
    match consumer.and_then(|consumer| consumer.avatar.as_ref()) {
        Some(Picture::Url(url)) => urls.push(url),
        Some(Picture::Icon(icon)) => {
            urls.push(&icon.url);
            urls.extend(icon.url_2x.as_deref());
        }
        _ => {}
    }
    let homepage = pages.homepage.as_ref().map(|(path, _)| path.as_str());
    let files = urls
        .into_iter()
        .filter_map(|url| original.addresses.file(url));
    files
        .map(|(path, _)| path.to_owned())
        .filter(|path| Some(path.as_str()) != homepage)
        .collect()
}
