//! Generates Rust expressions for parts of a descriptor: builders of the SDK if they are
//! equivalent, otherwise JSON.

use std::collections::BTreeSet;

use glance_sdk::model::{
    Action, ActionLocation, Condition, Dialog, DialogAction, DialogOptions, DialogSize,
    ExternalPage, Icon, Match, NamedSize, Picture, Target, Text, WebPanel,
};
use serde::Serialize;
use serde_json::Value;

use super::addresses::Addresses;
use super::code::{Names, json_lines, json_literal, literal, snake};

/// The maximum depth of composite conditions as code.
const MAX_DEPTH: usize = 3;

/// The maximum length of a literal within an expression, in characters: rustfmt gives up if a
/// literal does not fit into a line.
const MAX_LITERAL: usize = 60;

/// Writes expressions, and collects the items that they use.
pub(super) struct Models<'a> {
    addresses: &'a Addresses,
    /// The constants in the expressions, and their names.
    pub(super) constants: String,
    names: Names,
    /// The used types of `glance_sdk::model`.
    pub(super) imports: BTreeSet<&'static str>,
    /// Whether an expression parses JSON.
    pub(super) uses_json: bool,
    /// The path of the function that parses JSON.
    json: &'static str,
}

impl<'a> Models<'a> {
    pub(super) fn new(addresses: &'a Addresses, json: &'static str) -> Self {
        Self {
            addresses,
            constants: String::new(),
            names: Names::default(),
            imports: BTreeSet::new(),
            uses_json: false,
            json,
        }
    }

    /// Returns an expression of a text, through a constant if it is long.
    pub(super) fn text(&mut self, text: &str, name: &str) -> String {
        let literal = literal(text);
        match literal.chars().count() > MAX_LITERAL {
            true => self.constant(name, &literal),
            false => literal,
        }
    }

    fn constant(&mut self, name: &str, literal: &str) -> String {
        let name = self.names.constant(name);
        self.constants += &format!("const {name}: &str = {literal};\n\n");
        name
    }

    /// Returns an expression of this type that is parsed from JSON; `key` identifies the item.
    pub(super) fn json(&mut self, kind: &'static str, key: &str, part: &impl Serialize) -> String {
        self.uses_json = true;
        self.imports.insert(kind);
        // Serializing a model cannot fail: its maps have strings as keys.
        let value = serde_json::to_value(part).unwrap_or_default();
        let mut literal = json_literal(&value);
        if literal.chars().count() > MAX_LITERAL {
            literal = self.constant(&format!("{key}-{}", snake(kind)), &json_lines(&value));
        }
        format!("{}::<{kind}>({literal})", self.json)
    }

    fn image(&mut self, url: &str) -> String {
        self.text(self.addresses.image(url), "image")
    }

    pub(super) fn icon(&mut self, icon: &Icon) -> Option<String> {
        if !icon.extra.is_empty() {
            return None;
        }
        self.imports.insert("Icon");
        let url = self.image(&icon.url);
        Some(match &icon.url_2x {
            Some(dense) if *dense == icon.url => format!("Icon::new({url})"),
            Some(dense) => {
                let dense = self.image(dense);
                format!("Icon::new({url}).with_2x({dense})")
            }
            None => format!("Icon::new({url}).without_2x()"),
        })
    }

    pub(super) fn picture(&mut self, picture: &Picture) -> String {
        match picture {
            Picture::Url(url) => self.image(url),
            Picture::Icon(icon) => match self.icon(icon) {
                Some(icon) => icon,
                None => self.json("Picture", "avatar", picture),
            },
            other => self.json("Picture", "avatar", other),
        }
    }

    /// Returns a web panel whose URL the SDK fills in.
    pub(super) fn web_panel(&mut self, panel: &WebPanel) -> String {
        let mut panel = panel.clone();
        panel.url = query(&panel.url);
        let is_plain = panel.location == "hipchat.sidebar.right"
            && panel.authentication.is_none()
            && panel.extra.is_empty()
            && panel.icon.as_ref().is_none_or(|icon| icon.extra.is_empty())
            && panel
                .conditions
                .as_ref()
                .is_none_or(|list| !list.is_empty());
        if text(&panel.name).is_none() || !is_plain {
            return self.json("WebPanel", &panel.key, &panel);
        }
        let name = self.text(&panel.name.value, &format!("{}-name", panel.key));
        self.imports.insert("WebPanel");
        let url = self.text(&panel.url, &format!("{}-query", panel.key));
        let mut code = format!("WebPanel::new({}, {name}, {url})", literal(&panel.key));
        if let Some(icon) = panel.icon.as_ref().and_then(|icon| self.icon(icon)) {
            code += &format!(".icon({icon})");
        }
        code += &self.weight(panel.weight);
        code += &self.conditions(&panel.key, panel.conditions());
        code
    }

    /// Returns a dialog whose URL the SDK fills in.
    pub(super) fn dialog(&mut self, dialog: &Dialog) -> String {
        let mut dialog = dialog.clone();
        dialog.url = query(&dialog.url);
        let is_plain = dialog.authentication.is_none() && dialog.extra.is_empty();
        if text(&dialog.title).is_none() || !is_plain {
            return self.json("Dialog", &dialog.key, &dialog);
        }
        let options = match &dialog.options {
            Some(options) => self.options(options).map(Some),
            None => Some(None),
        };
        let Some(options) = options else {
            return self.json("Dialog", &dialog.key, &dialog);
        };
        self.imports.insert("Dialog");
        let title = self.text(&dialog.title.value, &format!("{}-title", dialog.key));
        let url = self.text(&dialog.url, &format!("{}-query", dialog.key));
        let mut code = format!("Dialog::new({}, {title}, {url})", literal(&dialog.key));
        if let Some(options) = options {
            code += &format!(".options({options})");
        }
        code
    }

    fn options(&mut self, options: &DialogOptions) -> Option<String> {
        let mut code = "DialogOptions::default()".to_owned();
        let mut imports = vec!["DialogOptions"];
        if !options.extra.is_empty() {
            return None;
        }
        if let Some(style) = &options.style {
            imports.push("DialogStyle");
            let style = match style.as_str() {
                "normal" => "DialogStyle::Normal".to_owned(),
                "warning" => "DialogStyle::Warning".to_owned(),
                other => format!("DialogStyle::from({})", literal(other)),
            };
            code += &format!(".style({style})");
        }
        if let Some(size) = &options.size {
            let (import, size) = size_code(size)?;
            imports.push(import);
            code += &format!(".size({size})");
        }
        if let Some(action) = &options.primary_action {
            imports.push("DialogAction");
            code += &format!(".primary_action({})", button(action)?);
        }
        if let Some(actions) = &options.secondary_actions {
            let buttons: Option<Vec<_>> = actions.iter().map(button).collect();
            let buttons = buttons?;
            if !buttons.is_empty() {
                imports.push("DialogAction");
            }
            code += &format!(".secondary_actions([{}])", buttons.join(", "));
        }
        if let Some(hint) = &options.hint {
            code += &format!(".hint({})", text(hint)?);
        }
        if let Some(filter) = &options.filter {
            let placeholder = filter.placeholder.as_ref().and_then(text)?;
            if !filter.extra.is_empty() {
                return None;
            }
            imports.push("DialogFilter");
            code += &format!(".filter(DialogFilter::new({placeholder}))");
        }
        self.imports.extend(imports);
        Some(code)
    }

    /// Returns an external page whose URL the SDK fills in.
    pub(super) fn external_page(&mut self, page: &ExternalPage) -> String {
        let mut page = page.clone();
        page.url = query(&page.url);
        if page.name.is_some() || !page.extra.is_empty() {
            return self.json("ExternalPage", &page.key, &page);
        }
        self.imports.insert("ExternalPage");
        let url = self.text(&page.url, &format!("{}-query", page.key));
        format!("ExternalPage::new({}, {url})", literal(&page.key))
    }

    pub(super) fn action(&mut self, action: &Action) -> String {
        let target = match &action.target {
            Target::Key(key) => Some(literal(key)),
            _ => None,
        };
        let is_plain = action.extra.is_empty()
            && action
                .conditions
                .as_ref()
                .is_none_or(|list| !list.is_empty());
        let (Some(_), Some(target), true) = (text(&action.name), target, is_plain) else {
            return self.json("Action", &action.key, action);
        };
        let name = self.text(&action.name.value, &format!("{}-name", action.key));
        self.imports.extend(["Action", "ActionLocation"]);
        let location = match &action.location {
            ActionLocation::Message => "ActionLocation::Message".to_owned(),
            ActionLocation::Input => "ActionLocation::Input".to_owned(),
            other => format!("ActionLocation::from({})", literal(other.as_str())),
        };
        let mut code = format!(
            "Action::new({}, {name}, {location}, {target})",
            literal(&action.key)
        );
        code += &self.weight(action.weight);
        code += &self.conditions(&action.key, action.conditions());
        code
    }

    fn weight(&self, weight: Option<i64>) -> String {
        weight.map_or_else(String::new, |weight| format!(".weight({weight})"))
    }

    fn conditions(&mut self, key: &str, conditions: &[Condition]) -> String {
        let mut code = String::new();
        for condition in conditions {
            code += &format!(".condition({})", self.condition(key, condition));
        }
        code
    }

    /// Returns a condition of the item with this key.
    pub(super) fn condition(&mut self, key: &str, condition: &Condition) -> String {
        match condition_code(condition, 0) {
            Some((code, has_match)) => {
                self.imports.insert("Condition");
                if has_match {
                    self.imports.insert("Match");
                }
                if code.contains("ConditionName::") {
                    self.imports.insert("ConditionName");
                }
                code
            }
            None => self.json("Condition", key, condition),
        }
    }
}

/// Returns the query of a page's URL, from its question mark on.
pub(super) fn query(url: &str) -> String {
    url.find('?')
        .map_or_else(String::new, |at| url[at..].to_owned())
}

/// Returns the expression of a text without a translation key.
pub(super) fn text(text: &Text) -> Option<String> {
    (text.i18n.is_none() && text.extra.is_empty()).then(|| literal(&text.value))
}

fn size_code(size: &DialogSize) -> Option<(&'static str, String)> {
    match size {
        DialogSize::Named(name) => {
            let variant = match name {
                NamedSize::Small => "Small",
                NamedSize::Medium => "Medium",
                NamedSize::Large => "Large",
                NamedSize::Xlarge => "Xlarge",
                other => {
                    let name = literal(other.as_str());
                    return Some(("NamedSize", format!("NamedSize::from({name})")));
                }
            };
            Some(("NamedSize", format!("NamedSize::{variant}")))
        }
        DialogSize::Custom(size) if size.extra.is_empty() => {
            let pixels = |length: &str| {
                let number: u32 = length.strip_suffix("px")?.parse().ok()?;
                (format!("{number}px") == length).then_some(number)
            };
            let (width, height) = (pixels(&size.width)?, pixels(&size.height)?);
            Some((
                "DialogSize",
                format!("DialogSize::pixels({width}, {height})"),
            ))
        }
        _ => None,
    }
}

fn button(action: &DialogAction) -> Option<String> {
    if !action.extra.is_empty() {
        return None;
    }
    let mut code = format!("DialogAction::new({})", text(&action.name)?);
    if let Some(key) = &action.key {
        code += &format!(".key({})", literal(key));
    }
    match action.enabled {
        Some(true) => code += ".enabled()",
        Some(false) => code += ".disabled()",
        None => {}
    }
    Some(code)
}

/// Returns the condition as the SDK's functions create it, and whether it compares an attribute.
fn condition_code(condition: &Condition, depth: usize) -> Option<(String, bool)> {
    match condition {
        Condition::Simple(simple) if simple.extra.is_empty() && simple.invert.is_none() => {
            let name = match simple.condition.as_str() {
                "glance_matches" => "GlanceMatches",
                "room_is_public" => "RoomIsPublic",
                "user_is_admin" => "UserIsAdmin",
                "user_is_guest" => "UserIsGuest",
                "user_is_room_owner" => "UserIsRoomOwner",
                "card_matches" => "CardMatches",
                "message_contains_link" => "MessageContainsLink",
                "message_matches" => "MessageMatches",
                "message_sent_by_current_user" => "MessageSentByCurrentUser",
                _ => return None,
            };
            let Some(params) = &simple.params else {
                return Some((format!("Condition::named(ConditionName::{name})"), false));
            };
            let function = match name {
                "GlanceMatches" => "glance_matches",
                "CardMatches" => "card_matches",
                _ => return None,
            };
            let entries = params
                .metadata
                .as_ref()
                .filter(|_| params.extra.is_empty())?;
            let entries: Option<Vec<_>> = entries.iter().map(entry).collect();
            let entries = entries.filter(|entries| !entries.is_empty())?.join(", ");
            Some((format!("Condition::{function}([{entries}])"), true))
        }
        Condition::Composite(composite) if composite.extra.is_empty() && depth < MAX_DEPTH => {
            let function = match composite.kind.as_ref()?.as_str() {
                "and" => "all",
                "or" => "any",
                _ => return None,
            };
            let inner: Option<Vec<_>> = composite
                .conditions
                .iter()
                .map(|condition| condition_code(condition, depth + 1))
                .collect();
            let inner = inner.filter(|inner| !inner.is_empty())?;
            let has_match = inner.iter().any(|(_, has_match)| *has_match);
            let inner: Vec<_> = inner.into_iter().map(|(code, _)| code).collect();
            Some((
                format!("Condition::{function}([{}])", inner.join(", ")),
                has_match,
            ))
        }
        _ => None,
    }
}

fn entry(entry: &Match) -> Option<String> {
    if !entry.extra.is_empty() {
        return None;
    }
    let (operator, value) = match (&entry.eq, &entry.lt, &entry.gt) {
        (Some(value), None, None) => ("eq", value),
        (None, Some(value), None) => ("lt", value),
        (None, None, Some(value)) => ("gt", value),
        _ => return None,
    };
    let value = scalar(value)?;
    Some(format!(
        "Match::{operator}({}, {value})",
        literal(&entry.attr)
    ))
}

/// Returns the expression of a string, a Boolean or a number.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(literal(text)),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => match number.as_i64() {
            Some(whole) if i32::try_from(whole).is_ok() => Some(whole.to_string()),
            Some(whole) => Some(format!("{whole}_i64")),
            None if number.is_f64() => number.as_f64().map(|real| format!("{real:?}")),
            None => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Cuts a text to this many characters.
pub(super) fn text_within(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
