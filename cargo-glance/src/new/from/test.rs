//! Generates `tests/descriptor.rs` of the new crate.

use super::Original;
use super::code::{json_literal, literal};
use super::glances::Glances;

/// Returns the test that the crate declares the same as its original, and that a host installs it.
pub(super) fn test(original: &Original, krate: &str, glances: &Glances) -> String {
    let changes = original.changes.iter().map(|change| {
        let pointer = literal(&change.pointer);
        let value = match &change.value {
            Some(value) => format!("Some({})", json_literal(value)),
            None => "None".to_owned(),
        };
        format!("    // {}\n    ({pointer}, {value}),\n", change.why)
    });
    let changes: String = changes.collect();
    let (changes, apply, helper) = match changes.is_empty() {
        true => (String::new(), "", ""),
        false => (
            format!(
                "/// Where the crate declares something else than the original: what stands there instead.\n\
                     const CHANGES: &[(&str, Option<&str>)] = &[\n{changes}];\n\n"
            ),
            "    for (pointer, value) in CHANGES {\n        change(&mut original, pointer, *value);\n    }\n",
            CHANGE,
        ),
    };
    let by_browser = match original.addresses.by_browser {
        true => {
            "\n        for name in [\"installedUrl\", \"uninstalledUrl\", \"updatedUrl\"] {\n            \
                 installable.remove(name);\n        }"
        }
        false => "",
    };
    let base = literal(original.addresses.base());
    let host = host(original, krate, glances);
    let import = if host.is_empty() {
        ""
    } else {
        "use glance_host::Host;\n"
    };
    format!(
        r#"//! The add-on declares what `descriptor.json` declares, and a host installs it.

{import}use serde_json::{{Map, Value, json}};

/// The base URL of the original.
const BASE_URL: &str = {base};

{changes}#[test]
fn descriptor_matches_original() {{
    let original = include_str!("../descriptor.json");
    let mut original: Value = serde_json::from_str(original).unwrap();
{apply}    let built = {krate}::add_on().build(BASE_URL).unwrap();
    let mut declared = serde_json::to_value(built.descriptor()).unwrap();
    hide_addresses(&mut original);
    hide_addresses(&mut declared);
    assert_eq!(declared, original);
}}

{host}/// Hides the addresses that the SDK chooses. Those of images stay: the crate serves them where the original does.
fn hide_addresses(descriptor: &mut Value) {{
    let links = member(descriptor, "links");
    links.remove("self");
    if let Some(homepage) = links.get_mut("homepage")
        && homepage.as_str().is_some_and(|url| url.starts_with(BASE_URL) || url.starts_with('/'))
    {{
        *homepage = json!("hidden");
    }}
    let capabilities = &mut descriptor["capabilities"];
    if capabilities.get("installable").is_some() {{
        let installable = member(capabilities, "installable");
        installable.remove("callbackUrl");
        installable.remove("updateCallbackUrl");{by_browser}
        for name in ["installedUrl", "uninstalledUrl", "updatedUrl"] {{
            hide(installable.get_mut(name));
        }}
    }}
    for name in ["configurable", "adminPage"] {{
        hide(capabilities.get_mut(name).and_then(|page| page.get_mut("url")));
    }}
    for (name, url) in [
        ("glance", "queryUrl"),
        ("webPanel", "url"),
        ("dialog", "url"),
        ("externalPage", "url"),
        ("webhook", "url"),
    ] {{
        let entries = capabilities.get_mut(name).and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten() {{
            hide(entry.get_mut(url));
        }}
    }}
}}

fn hide(address: Option<&mut Value>) {{
    if let Some(address) = address {{
        *address = json!("hidden");
    }}
}}

/// Returns an object in the document, and inserts it if it is missing.
fn member<'a>(document: &'a mut Value, name: &str) -> &'a mut Map<String, Value> {{
    let members = document.as_object_mut().unwrap();
    let member = members.entry(name).or_insert_with(|| json!({{}}));
    member.as_object_mut().unwrap()
}}
{helper}"#
    )
}

const CHANGE: &str = r#"
/// Sets or removes the value at a JSON pointer.
fn change(document: &mut Value, pointer: &str, value: Option<&str>) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match (document.pointer_mut(parent).unwrap(), value) {
        (Value::Object(members), Some(value)) => {
            members.insert(name.to_owned(), serde_json::from_str(value).unwrap());
        }
        (Value::Object(members), None) => {
            members.remove(name);
        }
        (Value::Array(entries), None) => {
            entries.remove(name.parse().unwrap());
        }
        (other, _) => panic!("cannot set {pointer} in {other}"),
    }
}
"#;

/// Returns the test that a host installs the add-on, and that its glances and pages respond.
fn host(original: &Original, krate: &str, glances: &Glances) -> String {
    let capabilities = &original.descriptor.capabilities;
    let installable = capabilities.installable.as_ref();
    let (for_rooms, for_groups) =
        installable.map_or((true, true), |one| (one.for_rooms(), one.for_groups()));
    let install = match (for_rooms, for_groups) {
        (true, _) => "room.install",
        (false, true) => "host.install_everywhere",
        // Nobody can install it.
        (false, false) => return String::new(),
    };
    // A test's host posts to the add-on, and has no browser.
    if original.addresses.by_browser {
        return String::new();
    }
    let panels = capabilities.web_panels().iter();
    let panels = panels
        .filter(|panel| panel.conditions().is_empty())
        .map(|panel| &panel.key);
    let dialogs = capabilities.dialogs().iter().map(|dialog| &dialog.key);
    let external = capabilities.external_pages().iter().map(|page| &page.key);
    let pages: Vec<_> = panels
        .chain(dialogs)
        .chain(external)
        .map(|key| literal(key))
        .collect();
    let mut code = format!(
        "#[tokio::test]\nasync fn a_host_installs_it() {{\n    let host = Host::start().await;\n    \
         let room = host.room(\"ops\").await;\n    let _add_on = {install}({krate}::add_on()).await;\n"
    );
    if pages.is_empty() && glances.shown.is_empty() {
        return code + "}\n\n";
    }
    let is_changed = if glances.shown.is_empty() { "" } else { "mut " };
    code += &format!("    let {is_changed}viewer = room.viewer(\"member\").await;\n");
    for glance in &glances.shown {
        code += &format!("    viewer.glance::<{krate}::glances::{glance}>().await;\n");
    }
    match &pages[..] {
        [] => {}
        [key] => {
            code += &format!("    let page = viewer.open({key}).await;\n");
            code += "    assert!(page.status().is_success(), \"{page:?}\");\n";
        }
        keys => {
            code += &format!("    for key in [{}] {{\n", keys.join(", "));
            code += "        let page = viewer.open(key).await;\n";
            code += "        assert!(page.status().is_success(), \"{key}: {page:?}\");\n    }\n";
        }
    }
    code + "}\n\n"
}
