//! Generates `src/glances.rs` of the new crate.

use std::collections::BTreeSet;

use glance_sdk::model::{Audience, Glance};

use super::Original;
use super::code::{Names, attribute, literal};
use super::conditions::{self, When};
use super::models::Models;

/// The glances in `src/glances.rs`.
pub(super) struct Glances {
    /// The function names in the order of the descriptor.
    pub(super) functions: Vec<String>,
    /// The functions whose glances show in a room without further action: they have a query and no
    /// conditions.
    pub(super) shown: Vec<String>,
    code: String,
    constants: String,
    imports: BTreeSet<&'static str>,
    uses_json: bool,
}

impl Glances {
    pub(super) fn of(original: &Original, names: &mut Names) -> Self {
        let mut models = Models::new(&original.addresses, "json");
        let mut glances = Self {
            functions: Vec::new(),
            shown: Vec::new(),
            code: String::new(),
            constants: String::new(),
            imports: BTreeSet::new(),
            uses_json: false,
        };
        for glance in original.descriptor.capabilities.glances() {
            let function = names.function(&glance.key, "glance");
            if glance.query_url.is_some() && glance.conditions().is_empty() {
                glances.shown.push(function.clone());
            }
            let when = conditions::when(&glance.key, glance.conditions(), names);
            glances.code += &code(glance, &function, when, original, &mut models);
            glances.functions.push(function);
        }
        glances.uses_json = models.uses_json;
        glances.imports = models.imports;
        glances.constants = models.constants;
        glances
    }

    pub(super) fn uses_json(&self) -> bool {
        self.uses_json
    }

    /// Returns the file, if it is needed.
    pub(super) fn source(&self) -> Option<String> {
        if self.functions.is_empty() {
            return None;
        }
        let mut source =
            "//! The glances. Each shows its name until you change its function.\n\n".to_owned();
        if !self.imports.is_empty() {
            let imports: Vec<_> = self.imports.iter().copied().collect();
            source += &format!("use glance_sdk::model::{{{}}};\n", imports.join(", "));
        }
        source += "use glance_sdk::prelude::*;\n\n";
        if self.uses_json {
            source += "use crate::original::json;\n\n";
        }
        Some(source + &self.constants + self.code.trim_end() + "\n")
    }
}

fn code(
    glance: &Glance,
    function: &str,
    when: Option<When>,
    original: &Original,
    models: &mut Models<'_>,
) -> String {
    let key = &glance.key;
    let icon = |url: &str| literal(original.addresses.image(url));
    let mut arguments = vec![
        format!("key = {}", literal(key)),
        format!("name = {}", literal(&glance.name.value)),
        format!("icon = {}", icon(&glance.icon.url)),
    ];
    if let Some(dense) = glance
        .icon
        .url_2x
        .as_ref()
        .filter(|dense| **dense != glance.icon.url)
    {
        arguments.push(format!("icon_2x = {}", icon(dense)));
    }
    if let Some(target) = glance.target.as_ref().and_then(|target| target.key()) {
        arguments.push(format!("target = {}", literal(target)));
    }
    if let Some(weight) = glance.weight {
        arguments.push(format!("weight = {weight}"));
    }
    if let Some(audience @ (Audience::Room | Audience::Person)) = &glance.audience {
        arguments.push(format!("audience = {}", literal(audience.as_str())));
    }
    if let (Some(Audience::Room), Some(age)) = (&glance.audience, glance.max_age) {
        arguments.push(format!("max_age = {age}"));
    }
    match (&when, &glance.conditions) {
        (Some(when), _) => arguments.push(format!("when({})", when.expression)),
        (None, Some(conditions)) => {
            let conditions: Vec<_> = conditions
                .iter()
                .map(|one| models.condition(key, one))
                .collect();
            arguments.push(format!("conditions = [{}]", conditions.join(", ")));
        }
        (None, None) => {}
    }
    let structs = when.as_ref().map_or("", |when| &when.structs);
    let (answer, metadata) = match when.as_ref().filter(|when| !when.metadata.is_empty()) {
        Some(when) => (
            format!("GlanceData<{}>", when.metadata),
            format!(".metadata({})", when.sample),
        ),
        None => ("GlanceData".to_owned(), String::new()),
    };
    let pushed = match glance.query_url {
        Some(_) => "",
        None => {
            "///\n/// Hosts do not query it: the descriptor has no `queryUrl`, so only pushes deliver its data.\n"
        }
    };
    let name = literal(&glance.name.value);
    format!(
        "{structs}/// The glance `{key}`.\n{pushed}{}\npub async fn {function}() -> {answer} {{\n    \
         GlanceData::new(Label::text({name})){metadata}\n}}\n\n",
        attribute("glance", &arguments)
    )
}
