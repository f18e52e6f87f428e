//! Translates the conditions of a glance into `when(...)`, with the tested metadata, if the SDK
//! translates them back into exactly the same conditions.

use std::collections::BTreeMap;

use glance_sdk::metadata::{
    Attr, Attribute, Comparable, GlanceMetadata, Never, Ordered, Path, Test, written,
};
use glance_sdk::model::{Condition, ConditionName, Conjunction, Match};
use serde::Serialize;
use serde_json::Value;

use super::code::{Names, literal, snake};
use crate::new::name::KEYWORDS;

/// The limit on attributes that become fields.
const MAX_FIELDS: usize = 50;

/// The maximum depth of composites and nested fields in Rust.
const MAX_DEPTH: usize = 4;

/// A condition in Rust.
pub(super) struct When {
    /// The expression for the parentheses of `when`.
    pub(super) expression: String,
    /// The tested structs, starting with the metadata itself.
    pub(super) structs: String,
    /// The type of the metadata.
    pub(super) metadata: String,
    /// An expression of metadata for which the first comparison of each attribute holds.
    pub(super) sample: String,
}

/// Returns `None` if `when` cannot express exactly the same conditions.
pub(super) fn when(key: &str, conditions: &[Condition], names: &mut Names) -> Option<When> {
    let mut fields = Fields::default();
    for condition in conditions {
        fields.collect(condition, 0)?;
    }
    let mut root = Struct::default();
    for (attr, of) in &fields.attributes {
        let path: Vec<&str> = attr.split('.').collect();
        if path.len() > MAX_DEPTH || path.iter().any(|name| name.is_empty()) {
            return None;
        }
        root.insert(&path, of)?;
    }
    let (expression, test) = all(conditions, &root, " && ")?;
    let lowered = test.lower().ok()?;
    if serde_json::to_value(&lowered).ok()? != serde_json::to_value(conditions).ok()? {
        return None;
    }
    if root.fields.is_empty() {
        return Some(When {
            expression,
            structs: String::new(),
            metadata: String::new(),
            sample: String::new(),
        });
    }
    let mut structs = String::new();
    let (metadata, sample) = root.write(
        key,
        "Metadata",
        &format!("The metadata for the condition of `{key}`."),
        names,
        &mut structs,
    );
    Some(When {
        expression,
        structs,
        metadata,
        sample,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Text,
    Whole,
    Real,
}

impl Kind {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(_) => Some(Self::Bool),
            Value::String(_) => Some(Self::Text),
            Value::Number(number) if number.is_i64() => Some(Self::Whole),
            Value::Number(number) if number.is_f64() => Some(Self::Real),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Text => "String",
            Self::Whole => "i64",
            Self::Real => "f64",
        }
    }
}

#[derive(Debug)]
struct Field {
    kind: Kind,
    sample: String,
}

/// The attributes in comparisons.
#[derive(Default)]
struct Fields {
    attributes: BTreeMap<String, Field>,
}

impl Fields {
    fn collect(&mut self, condition: &Condition, depth: usize) -> Option<()> {
        match condition {
            Condition::Simple(simple) => {
                let params = simple.params.as_ref();
                let entries = params.and_then(|params| params.metadata.as_deref());
                for entry in entries.unwrap_or_default() {
                    self.compare(entry)?;
                }
                Some(())
            }
            Condition::Composite(composite) if depth < MAX_DEPTH => composite
                .conditions
                .iter()
                .try_for_each(|condition| self.collect(condition, depth + 1)),
            _ => None,
        }
    }

    fn compare(&mut self, entry: &Match) -> Option<()> {
        let (operator, value) = operation(entry)?;
        let kind = Kind::of(value)?;
        if operator != "==" && !matches!(kind, Kind::Whole | Kind::Real) {
            return None;
        }
        if let Some(field) = self.attributes.get(&entry.attr) {
            return (field.kind == kind).then_some(());
        }
        if self.attributes.len() == MAX_FIELDS {
            return None;
        }
        let step = match operator {
            "<" => -1,
            ">" => 1,
            _ => 0,
        };
        let sample = match (value, kind) {
            (Value::String(text), _) => format!("{}.to_owned()", literal(text)),
            (Value::Number(number), Kind::Whole) => {
                (number.as_i64()?.saturating_add(step)).to_string()
            }
            (Value::Number(number), _) => {
                let step = f64::from(i32::try_from(step).ok()?);
                format!("{:?}", number.as_f64()? + step)
            }
            (value, _) => value.to_string(),
        };
        self.attributes
            .insert(entry.attr.clone(), Field { kind, sample });
        Some(())
    }
}

/// Returns the single operator of a comparison in Rust, with its value.
fn operation(entry: &Match) -> Option<(&'static str, &Value)> {
    match (&entry.eq, &entry.lt, &entry.gt) {
        (Some(value), None, None) => Some(("==", value)),
        (None, Some(value), None) => Some(("<", value)),
        (None, None, Some(value)) => Some((">", value)),
        _ => None,
    }
}

/// A struct of metadata: its fields by their names in JSON.
#[derive(Default)]
struct Struct<'a> {
    fields: BTreeMap<String, (String, Member<'a>)>,
}

enum Member<'a> {
    Value(&'a Field),
    Struct(Struct<'a>),
}

impl<'a> Struct<'a> {
    fn insert(&mut self, path: &[&str], field: &'a Field) -> Option<()> {
        let (name, rest) = path.split_first()?;
        if !self.fields.contains_key(*name) {
            let ident = self.ident(name);
            let member = match rest {
                [] => Member::Value(field),
                _ => Member::Struct(Struct::default()),
            };
            self.fields.insert((*name).to_owned(), (ident, member));
            if rest.is_empty() {
                return Some(());
            }
        }
        match &mut self.fields.get_mut(*name)?.1 {
            Member::Struct(inner) if !rest.is_empty() => inner.insert(rest, field),
            // An attribute cannot be a value and an object at once.
            _ => None,
        }
    }

    /// Returns a field's unique name in Rust.
    fn ident(&self, name: &str) -> String {
        let mut ident = snake(name);
        if KEYWORDS.contains(&ident.as_str()) {
            ident.push('_');
        }
        let taken: Vec<&str> = self
            .fields
            .values()
            .map(|(ident, _)| ident.as_str())
            .collect();
        let mut free = ident.clone();
        let mut number = 1;
        while taken.contains(&free.as_str()) {
            number += 1;
            free = format!("{ident}_{number}");
        }
        free
    }

    /// Returns the field of an attribute, as `when` names it.
    fn access(&self, path: &[&str]) -> Option<String> {
        let (name, rest) = path.split_first()?;
        let (ident, member) = self.fields.get(*name)?;
        match member {
            Member::Value(_) if rest.is_empty() => Some(ident.clone()),
            Member::Struct(inner) => Some(format!("{ident}.{}", inner.access(rest)?)),
            Member::Value(_) => None,
        }
    }

    /// Writes the struct and its nested ones. Returns its name and an expression of its type.
    fn write(
        &self,
        key: &str,
        suffix: &str,
        about: &str,
        names: &mut Names,
        code: &mut String,
    ) -> (String, String) {
        let structure = names.structure(key, suffix);
        let (mut fields, mut values, mut inner) = (String::new(), String::new(), String::new());
        for (name, (ident, member)) in &self.fields {
            let (kind, value) = match member {
                Member::Value(field) => (field.kind.name().to_owned(), field.sample.clone()),
                Member::Struct(nested) => {
                    let key = format!("{key}-{}", snake(name));
                    nested.write(&key, "Metadata", "A part of it.", names, &mut inner)
                }
            };
            if ident != name {
                fields += &format!("    #[serde(rename = {})]\n", literal(name));
            }
            fields += &format!("    {ident}: {kind},\n");
            values += &format!("{ident}: {value}, ");
        }
        *code += &format!(
            "/// {about}\n#[derive(Serialize, GlanceMetadata)]\npub struct {structure} {{\n{fields}}}\n\n{inner}"
        );
        let value = format!("{structure} {{ {values}}}");
        (structure, value)
    }
}

fn all(conditions: &[Condition], root: &Struct<'_>, join: &str) -> Option<(String, Test)> {
    let (mut code, mut tests) = (Vec::new(), Vec::new());
    for condition in conditions {
        let (one, test) = translate(condition, root)?;
        code.push(one);
        tests.push(test);
    }
    let test = tests.into_iter().reduce(|left, right| match join {
        " || " => left.or(right),
        _ => left.and(right),
    })?;
    Some((code.join(join), test))
}

fn translate(condition: &Condition, root: &Struct<'_>) -> Option<(String, Test)> {
    match condition {
        Condition::Composite(composite) => {
            let join = match composite.kind.as_ref()? {
                Conjunction::And => " && ",
                Conjunction::Or => " || ",
                Conjunction::Unknown(_) => return None,
                _ => return None,
            };
            let (code, test) = all(&composite.conditions, root, join)?;
            Some((format!("({code})"), test))
        }
        Condition::Simple(simple) => {
            let (code, test) = match &simple.condition {
                ConditionName::GlanceMatches => {
                    let entries = simple.params.as_ref()?.metadata.as_ref()?;
                    let (mut code, mut tests) = (Vec::new(), Vec::new());
                    for entry in entries {
                        let (one, test) = compare(entry, root)?;
                        code.push(one);
                        tests.push(test);
                    }
                    (code.join(" && "), tests.into_iter().reduce(Test::and)?)
                }
                name => (host_condition(name)?.to_owned(), Test::Host(name.clone())),
            };
            match simple.invert {
                Some(true) => Some((format!("!({code})"), !test)),
                _ => Some((code, test)),
            }
        }
        _ => None,
    }
}

fn host_condition(name: &ConditionName) -> Option<&'static str> {
    match name {
        ConditionName::RoomIsPublic => Some("room::is_public"),
        ConditionName::UserIsAdmin => Some("user::is_admin"),
        ConditionName::UserIsGuest => Some("user::is_guest"),
        ConditionName::UserIsRoomOwner => Some("user::is_room_owner"),
        _ => None,
    }
}

fn compare(entry: &Match, root: &Struct<'_>) -> Option<(String, Test)> {
    let (operator, value) = operation(entry)?;
    let path: Vec<&str> = entry.attr.split('.').collect();
    let field = root.access(&path)?;
    let path = path
        .iter()
        .fold(Root::attributes(), |path, name| path.field(name));
    let attr = Attr::<Scalar>::at(path);
    let test = match operator {
        "<" => attr.less_than(value.clone()),
        ">" => attr.greater_than(value.clone()),
        _ => attr.equals(value.clone()),
    };
    let code = match value {
        Value::Bool(true) => field,
        Value::String(text) => format!("{field} == {}", literal(text)),
        Value::Number(number) if number.is_f64() => {
            format!("{field} {operator} {:?}", number.as_f64()?)
        }
        value => format!("{field} {operator} {value}"),
    };
    Some((code, test))
}

/// The root of the attributes' paths.
#[derive(Serialize)]
struct Root {}

impl Attribute for Root {
    type At = Path;
    type Null = Never;
    fn at(path: Path) -> Path {
        path
    }
}

impl GlanceMetadata for Root {}

/// An attribute of any scalar type.
struct Scalar;

impl Attribute for Scalar {
    type At = Attr<Self>;
    type Null = Never;
    fn at(path: Path) -> Self::At {
        Attr::at(path)
    }
}

impl Comparable for Scalar {
    type Literal = Value;
    fn wire(literal: Value) -> Option<Value> {
        written(&literal)
    }
}

impl Ordered for Scalar {
    fn neighbours(_: &Value) -> Option<(Value, Value)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expression(conditions: Value) -> Option<String> {
        let conditions: Vec<Condition> = serde_json::from_value(conditions).unwrap();
        when("builds", &conditions, &mut Names::default()).map(|when| when.expression)
    }

    fn matches(entries: Value) -> Value {
        json!({ "condition": "glance_matches", "params": { "metadata": entries } })
    }

    #[test]
    fn equivalent_conditions_become_when() {
        let open = json!({ "attr": "open", "gt": 3 });
        for (conditions, expected) in [
            (json!([matches(json!([open]))]), "open > 3"),
            (
                json!([matches(
                    json!([open, { "attr": "isOn", "eq": true }, { "attr": "a.type", "eq": "x\"" }])
                )]),
                "open > 3 && is_on && a.type_ == \"x\\\"\"",
            ),
            (
                json!([{ "condition": "user_is_guest", "invert": true }, { "condition": "room_is_public" }]),
                "!(user::is_guest) && room::is_public",
            ),
            (
                json!([{ "type": "or", "conditions": [matches(json!([open])), { "condition": "user_is_admin" }] }]),
                "(open > 3 || user::is_admin)",
            ),
            (
                json!([matches(json!([{ "attr": "ratio", "lt": -0.5 }]))]),
                "ratio < -0.5",
            ),
        ] {
            assert_eq!(
                expression(conditions.clone()).as_deref(),
                Some(expected),
                "{conditions}"
            );
        }
    }

    #[test]
    fn other_conditions_stay_raw() {
        let open = json!({ "attr": "open", "gt": 3 });
        for conditions in [
            json!([]),
            json!(["x"]),
            json!([{ "condition": "moon_is_full" }]),
            json!([{ "condition": "user_is_guest", "invert": false }]),
            json!([{ "condition": "user_is_guest", "more": 1 }]),
            json!([matches(json!([]))]),
            json!([
                matches(json!([open])),
                matches(json!([{ "attr": "b", "eq": 1 }]))
            ]),
            json!([{ "condition": "user_is_guest" }, matches(json!([open]))]),
            json!([matches(json!([{ "attr": "a", "eq": 1, "gt": 2 }]))]),
            json!([matches(json!([{ "attr": "a", "eq": null }]))]),
            json!([matches(json!([{ "attr": "a", "gt": "x" }]))]),
            json!([matches(
                json!([{ "attr": "a", "eq": 1 }, { "attr": "a", "eq": "1" }])
            )]),
            json!([matches(
                json!([{ "attr": "a", "eq": 1 }, { "attr": "a.b", "eq": 1 }])
            )]),
            json!([matches(
                json!([{ "attr": "a.b", "eq": 1 }, { "attr": "a", "eq": 1 }])
            )]),
            json!([matches(json!([{ "attr": "a..b", "eq": 1 }]))]),
            json!([matches(
                json!([{ "attr": "a", "eq": 9_007_199_254_740_993_i64 }])
            )]),
            json!([{ "type": "OR", "conditions": [{ "condition": "user_is_admin" }] }]),
            json!([{ "type": "and", "conditions": [{ "condition": "user_is_admin" }] }]),
        ] {
            assert_eq!(expression(conditions.clone()), None, "{conditions}");
        }
    }
}
