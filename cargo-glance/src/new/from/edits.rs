//! Generates `src/original.rs` of the new crate: the declarations of the original without a method
//! of `AddOn`.

use glance_sdk::model::{Capabilities, Descriptor, Extra, Glance, Installable, Target, Webhook};
use serde_json::Value;

use super::Original;
use super::code::{json_literal, literal};
use super::models::text;
use super::pages::Pages;
use super::webhooks::{Webhooks, takes_name};

/// Statements over `descriptor`.
#[derive(Default)]
pub(super) struct Edits {
    code: String,
    uses_json: bool,
}

impl Edits {
    pub(super) fn of(original: &Original, webhooks: &Webhooks, pages: &Pages) -> Self {
        let mut edits = Self::default();
        edits.top(&original.descriptor);
        edits.capabilities(&original.descriptor.capabilities);
        if let Some(installable) = &original.descriptor.capabilities.installable {
            edits.installable(installable, pages);
        }
        for glance in original.descriptor.capabilities.glances() {
            edits.glance(glance);
        }
        edits.webhooks(original.descriptor.capabilities.webhooks(), webhooks);
        edits
    }

    pub(super) fn is_empty(&self) -> bool {
        self.code.is_empty()
    }

    /// Returns the file, if it is needed, and whether it contains the function that parses JSON.
    pub(super) fn source(&self, needs_json: bool) -> Option<(String, bool)> {
        let uses_json = needs_json || self.uses_json;
        if self.is_empty() && !uses_json {
            return None;
        }
        let mut source = "//! Declarations of the original without a method of `AddOn`. Remove those that you do not need.\n\n".to_owned();
        if !self.is_empty() {
            source += "use glance_sdk::model::Descriptor;\n";
        }
        if uses_json {
            source += "use serde::de::DeserializeOwned;\n";
        }
        if !self.is_empty() {
            source += &format!(
                "\n/// Completes the descriptor that the SDK writes.\npub(crate) fn restore(descriptor: &mut Descriptor) {{\n{}}}\n",
                self.code
            );
        }
        if uses_json {
            source += "\n/// Parses a part of the descriptor.\n///\n/// # Panics\n///\n/// Panics if the text is not JSON of this type.\n\
                       pub(crate) fn json<T: DeserializeOwned>(text: &str) -> T {\n    \
                       serde_json::from_str(text).expect(\"a part of the descriptor\")\n}\n";
        }
        Some((source, uses_json))
    }

    fn line(&mut self, line: &str) {
        self.code += &format!("    {line}\n");
    }

    /// Inserts members without a type.
    fn extra(&mut self, place: &str, extra: &Extra) -> String {
        let mut code = String::new();
        for (name, value) in extra {
            self.uses_json = true;
            let (name, value) = (literal(name), json_literal(value));
            code += &format!("{place}.insert({name}.to_owned(), json({value}));\n");
        }
        code
    }

    fn insert(&mut self, place: &str, extra: &Extra) {
        let code = self.extra(place, extra);
        code.lines().for_each(|line| self.line(line));
    }

    /// Adds statements about the content of an `Option`.
    fn within(&mut self, head: &str, statements: &str) {
        if !statements.is_empty() {
            self.line(&format!("if let Some({head} {{"));
            statements
                .lines()
                .for_each(|statement| self.line(&format!("    {statement}")));
            self.line("}");
        }
    }

    fn top(&mut self, descriptor: &Descriptor) {
        if let Some(version) = &descriptor.api_version {
            let version = literal(version);
            self.line(&format!(
                "descriptor.api_version = Some({version}.to_owned());"
            ));
        }
        self.insert("descriptor.extra", &descriptor.extra);
        if let Some(links) = &descriptor.links {
            let statements = self.extra("links.extra", &links.extra);
            self.within("links) = &mut descriptor.links", &statements);
        }
        if let Some(vendor) = &descriptor.vendor {
            let statements = self.extra("vendor.extra", &vendor.extra);
            self.within("vendor) = &mut descriptor.vendor", &statements);
        }
    }

    fn capabilities(&mut self, capabilities: &Capabilities) {
        match &capabilities.hipchat_api_consumer {
            None => self.line("descriptor.capabilities.hipchat_api_consumer = None;"),
            Some(consumer) => {
                let statements = self.extra("consumer.extra", &consumer.extra);
                let head = "consumer) = &mut descriptor.capabilities.hipchat_api_consumer";
                self.within(head, &statements);
            }
        }
        for (name, is_empty) in [
            (
                "glance",
                capabilities.glance.as_ref().is_some_and(Vec::is_empty),
            ),
            (
                "web_panel",
                capabilities.web_panel.as_ref().is_some_and(Vec::is_empty),
            ),
            (
                "dialog",
                capabilities.dialog.as_ref().is_some_and(Vec::is_empty),
            ),
            (
                "external_page",
                capabilities
                    .external_page
                    .as_ref()
                    .is_some_and(Vec::is_empty),
            ),
            (
                "action",
                capabilities.action.as_ref().is_some_and(Vec::is_empty),
            ),
        ] {
            if is_empty {
                self.line(&format!(
                    "descriptor.capabilities.{name} = Some(Vec::new());"
                ));
            }
        }
        if capabilities.webhook.is_some() && capabilities.webhooks().is_empty() {
            self.line("descriptor.capabilities.webhook = Some(Vec::new().into());");
        }
        let typed = [
            (
                "oauth2_consumer",
                capabilities
                    .oauth2_consumer
                    .as_ref()
                    .map(serde_json::to_value),
            ),
            (
                "oauth2_provider",
                capabilities
                    .oauth2_provider
                    .as_ref()
                    .map(serde_json::to_value),
            ),
        ];
        for (name, value) in typed {
            if let Some(Ok(value)) = value {
                self.uses_json = true;
                let value = json_literal(&value);
                self.line(&format!("descriptor.capabilities.{name} = json({value});"));
            }
        }
        self.insert("descriptor.capabilities.extra", &capabilities.extra);
    }

    fn installable(&mut self, installable: &Installable, pages: &Pages) {
        let mut statements = self.extra("installable.extra", &installable.extra);
        for (member, path, _) in &pages.visits {
            let member = match *member {
                "installedUrl" => "installed_url",
                "uninstalledUrl" => "uninstalled_url",
                _ => "updated_url",
            };
            statements += &format!(
                "installable.{member} = Some({}.to_owned());\n",
                literal(path)
            );
        }
        self.within(
            "installable) = &mut descriptor.capabilities.installable",
            &statements,
        );
    }

    fn glance(&mut self, glance: &Glance) {
        let mut statements = String::new();
        if glance.query_url.is_none() {
            statements += "glance.query_url = None;\n";
        }
        if glance.icon.url_2x.is_none() {
            statements += "glance.icon.url_2x = None;\n";
        }
        statements += &self.extra("glance.icon.extra", &glance.icon.extra);
        if text(&glance.name).is_none() {
            statements += &self.assign("glance.name", &glance.name);
        }
        if let Some(target @ (Target::Object(_) | Target::Other(_))) = &glance.target {
            statements += &self.assign("glance.target", target);
        }
        statements += &self.extra("glance.extra", &glance.extra);
        let head = format!("glance) = descriptor.glance_mut({})", literal(&glance.key));
        self.within(&head, &statements);
    }

    fn assign(&mut self, place: &str, value: &impl serde::Serialize) -> String {
        self.uses_json = true;
        let value: Value = serde_json::to_value(value).unwrap_or_default();
        format!("{place} = json({});\n", json_literal(&value))
    }

    fn webhooks(&mut self, list: &[Webhook], webhooks: &Webhooks) {
        for (webhook, key) in list.iter().zip(&webhooks.keys) {
            let mut statements = self.extra("webhook.extra", &webhook.extra);
            if let Some(name) = webhook.name.as_deref().filter(|name| !takes_name(name)) {
                statements += &format!("webhook.name = Some({}.to_owned());\n", literal(name));
            }
            if webhook.pattern.as_deref() == Some("") {
                statements += "webhook.pattern = Some(String::new());\n";
            }
            if !statements.is_empty() {
                self.line("for webhook in descriptor.capabilities.webhooks_mut() {");
                self.line(&format!(
                    "    if webhook.key.as_deref() == Some({}) {{",
                    literal(key)
                ));
                statements
                    .lines()
                    .for_each(|statement| self.line(&format!("        {statement}")));
                self.line("    }");
                self.line("}");
            }
        }
        let own = list.iter().filter(|webhook| webhook.key.is_some()).count();
        if own == list.len() {
            return;
        }
        self.line("// The SDK derives the URL from the key; the original has no key.");
        self.line("for webhook in descriptor.capabilities.webhooks_mut() {");
        if own == 0 {
            self.line("    webhook.key = None;");
        } else {
            let without: Vec<_> = list
                .iter()
                .zip(&webhooks.keys)
                .filter(|(webhook, _)| webhook.key.is_none())
                .map(|(_, key)| literal(key))
                .collect();
            let keys = without.join(" | ");
            self.line(&format!(
                "    if matches!(webhook.key.as_deref(), Some({keys})) {{"
            ));
            self.line("        webhook.key = None;");
            self.line("    }");
        }
        self.line("}");
    }
}
