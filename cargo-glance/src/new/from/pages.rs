//! Generates `src/pages.rs` of the new crate.

use super::Original;
use super::addresses::BROWSER;
use super::code::{Names, literal};

/// The pages in `src/pages.rs`.
pub(super) struct Pages {
    pub(super) panels: Vec<String>,
    pub(super) dialogs: Vec<String>,
    pub(super) external: Vec<String>,
    pub(super) configuration: Option<String>,
    pub(super) administration: Option<String>,
    /// The path and the function of the home page, if the crate serves one.
    pub(super) homepage: Option<(String, String)>,
    /// The pages for browsers after an installation, an update or a removal: the member of
    /// `installable`, the path, and the function.
    pub(super) visits: Vec<(&'static str, &'static str, String)>,
    code: String,
}

impl Pages {
    pub(super) fn of(original: &Original, names: &mut Names) -> Self {
        let descriptor = &original.descriptor;
        let capabilities = &descriptor.capabilities;
        let mut code = String::new();
        let mut page = |key: &str, suffix: &str, about: &str, heading: &str| {
            let function = names.function(key, suffix);
            let heading = literal(heading);
            code += &format!(
                "/// {about}\npub(crate) async fn {function}() -> Html<String> {{\n    page({heading})\n}}\n\n"
            );
            function
        };
        let panels = capabilities.web_panels().iter().map(|panel| {
            let about = format!("The web panel `{}`.", panel.key);
            page(&panel.key, "panel", &about, &panel.name.value)
        });
        let panels = panels.collect();
        let dialogs = capabilities.dialogs().iter().map(|dialog| {
            let about = format!("The dialog `{}`.", dialog.key);
            page(&dialog.key, "dialog", &about, &dialog.title.value)
        });
        let dialogs = dialogs.collect();
        let external = capabilities.external_pages().iter().map(|one| {
            let about = format!("The external page `{}`.", one.key);
            let name = one.name.as_ref().map_or(&one.key, |name| &name.value);
            page(&one.key, "page", &about, name)
        });
        let external = external.collect();
        let name = &descriptor.name;
        let configuration = capabilities.configurable.is_some().then(|| {
            let about = "The page on which people configure the add-on.";
            page("configuration", "page", about, &format!("{name}: settings"))
        });
        let administration = capabilities.admin_page.is_some().then(|| {
            let about = "The page on which administrators of the group manage the add-on.";
            page(
                "administration",
                "page",
                about,
                &format!("{name}: administration"),
            )
        });
        let links = descriptor.links.as_ref();
        let homepage = links.and_then(|links| links.homepage.as_deref());
        let homepage = homepage.and_then(|url| original.addresses.homepage(url).1);
        let homepage = homepage.map(|path| {
            let about = "The home page, which everybody may read.";
            (path.to_owned(), page("home", "page", about, name))
        });
        let mut visits = Vec::new();
        if let Some(installable) = capabilities
            .installable
            .as_ref()
            .filter(|_| !original.addresses.by_browser)
        {
            let urls = [
                (&installable.installed_url, "installation", "was installed"),
                (&installable.uninstalled_url, "removal", "was removed"),
                (&installable.updated_url, "update", "was updated"),
            ];
            for ((member, path), (url, key, done)) in BROWSER.into_iter().zip(urls) {
                if url.is_some() {
                    let about =
                        format!("The page for browsers after the {key}, which everybody may read.");
                    let function = page(
                        &format!("after-{key}"),
                        "page",
                        &about,
                        &format!("{name} {done}."),
                    );
                    visits.push((member, path, function));
                }
            }
        }
        Self {
            panels,
            dialogs,
            external,
            configuration,
            administration,
            homepage,
            visits,
            code,
        }
    }

    /// Returns the file, if it is needed.
    pub(super) fn source(&self) -> Option<String> {
        if self.code.is_empty() {
            return None;
        }
        Some(format!(
            r#"//! The pages. Hosts sign the requests that open them: extract a `SignedRequest` or a `Viewer` to identify the
//! person and the room.

use glance_sdk::axum::response::Html;
use glance_sdk::label::Escaped;

{}/// A page with a heading, until it has a content of its own.
fn page(heading: &str) -> Html<String> {{
    let heading = Escaped(heading);
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{{heading}}</title>\n<h1>{{heading}}</h1>\n"
    ))
}}
"#,
            self.code
        ))
    }
}
