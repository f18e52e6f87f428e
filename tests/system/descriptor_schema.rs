//! Tests that the validator, HipChat's schema of descriptors and our schema agree.

use glance_sdk::schema;
use glance_sdk::validate::{self, Problem};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::corpus::{corpus, documents};

/// The problems, by code, that only the validator finds.
const NOT_IN_THE_SCHEMA: &[(&str, &str)] = &[
    (
        "not-absolute",
        "the schema takes any text for an address, a host can reach only absolute ones",
    ),
    (
        "empty",
        "the schema takes a key and a name of no characters, people cannot use them",
    ),
    (
        "empty-list",
        "the schema's least length of a list is none in JSON Schema, and the service took it",
    ),
    (
        "dangling-target",
        "a schema cannot compare a target with the keys of pages",
    ),
    ("duplicate-key", "a schema cannot compare keys"),
    (
        "too-many-glances",
        "the limit of ten is documented, the schema does not have it",
    ),
    (
        "never-matches",
        "the schema takes any parameters of a condition",
    ),
    (
        "bad-length",
        "the schema takes any text for the width and height of a dialog",
    ),
    (
        "no-effect",
        "the schema takes a webhook's pattern for every event, and a glance's age for every audience",
    ),
];

fn is_of_the_schema(problem: &Problem) -> bool {
    NOT_IN_THE_SCHEMA
        .iter()
        .all(|(code, _)| *code != problem.code)
}

#[test]
fn validator_agrees_with_hipchat_schema() {
    let Some(corpus) = corpus() else { return };
    let schema = corpus.join("../protocol/addon-capabilities.draft07.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let ours = jsonschema::validator_for(&schema::descriptor()).unwrap();

    let mut refused = 0;
    let mut changes = 0;
    let mut failures = Vec::new();
    for (path, document) in documents(&corpus, ["descriptors"].into_iter()) {
        let mut compare = |what: &str, document: &Value| {
            for schema in [&schema, &ours] {
                if let Err(difference) = agree(schema, document) {
                    failures.push(format!("{} {what}: {difference}", path.display()));
                }
            }
        };
        compare("as it is", &document);
        refused += usize::from(!schema.is_valid(&document));
        for (pointer, document) in changed_everywhere(&document) {
            compare(&pointer, &document);
            changes += 1;
        }
    }
    failures.truncate(20);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(refused > 15 && changes > 10_000, "{refused} {changes}");
}

/// Uses one of everything, in case no corpus is available.
#[test]
fn validator_agrees_with_our_schema() {
    let text = json!({"value": "T", "i18n": "t"});
    let document = json!({
        "key": "k", "name": "n", "description": "d", "apiVersion": "1:1",
        "links": {"self": "https://a.example/", "homepage": "https://a.example"},
        "vendor": {"name": "v", "url": "u"},
        "capabilities": {
            "installable": {"callbackUrl": "https://a.example/i", "allowRoom": true},
            "hipchatApiConsumer": {"scopes": ["view_room"], "avatar": {"url": "https://a.example/a"}},
            "configurable": {"url": "https://a.example/c", "authentication": "jwt"},
            "adminPage": {"url": "https://a.example/a"},
            "oauth2Consumer": {"redirectionUrls": ["u"]},
            "oauth2Provider": {"tokenUrl": "u"},
            "glance": [{
                "key": "g", "name": text, "icon": {"url": "u", "url@2x": "u"}, "weight": 1,
                "target": {"key": "p", "options": {}}, "audience": "room", "maxAge": 60,
                "conditions": [{"type": "or", "conditions": [{"type": "and", "conditions": [{"condition": "glance_matches", "invert": true, "params": {}}]}]}]
            }],
            "webPanel": [{"key": "p", "name": text, "url": "https://a.example/p", "location": "hipchat.sidebar.right"}],
            "dialog": [{"key": "d", "title": text, "url": "https://a.example/d", "options": {
                "style": "normal", "size": {"width": "5px", "height": "5%"}, "hint": text,
                "primaryAction": {"name": text, "enabled": true, "key": "k"},
                "secondaryActions": [{"name": text}], "filter": {"placeholder": text}
            }}],
            "externalPage": [{"key": "e", "name": text, "url": "https://a.example/e"}],
            "action": [{"key": "a", "name": text, "location": "hipchat.input.action", "target": "d", "conditions": [{"condition": "card_matches"}]}],
            "webhook": [{"key": "w", "event": "room_enter", "url": "https://a.example/w", "authentication": "none"}]
        }
    });
    let ours = jsonschema::validator_for(&schema::descriptor()).unwrap();
    assert!(ours.is_valid(&document));
    for (change, document) in changed_everywhere(&document) {
        assert_eq!(agree(&ours, &document), Ok(()), "{change}");
    }
}

#[test]
fn glance_data_check_agrees_with_our_schema() {
    let schema = jsonschema::validator_for(&schema::glance_data()).unwrap();
    let label = json!({"type": "html", "value": "x"});
    for status in [
        json!({"type": "lozenge", "value": {"type": "new", "label": "NEW"}}),
        json!({"type": "icon", "value": {"url": "u", "url@2x": "u"}}),
    ] {
        let data = json!({"label": label, "status": status, "metadata": {"a": 1}, "more": null});
        assert!(schema.is_valid(&data));
        for (change, data) in changed_everywhere(&data) {
            let accepted = validate::glance_data(&data).is_empty();
            assert_eq!(schema.is_valid(&data), accepted, "{change}");
        }
    }
}

fn agree(schema: &Validator, document: &Value) -> Result<(), String> {
    let problems = validate::descriptor(document);
    let validator_refuses = problems.iter().any(is_of_the_schema);
    if schema.is_valid(document) != validator_refuses {
        return Ok(());
    }
    let errors: Vec<_> = schema
        .iter_errors(document)
        .map(|error| format!("{} {error}", error.instance_path()))
        .collect();
    Err(format!(
        "the schema: {errors:?}; the validator: {problems:?}"
    ))
}

/// Returns the document with each of its members removed and replaced.
fn changed_everywhere(document: &Value) -> Vec<(String, Value)> {
    let mut pointers = Vec::new();
    collect(document, String::new(), &mut pointers);
    let mut found = Vec::new();
    for pointer in pointers {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut without = document.clone();
        if let Some(Value::Object(members)) = without.pointer_mut(parent) {
            members.remove(&name.replace("~1", "/").replace("~0", "~"));
            found.push((format!("{pointer} left out"), without));
        }
        for value in [
            json!(null),
            json!(7),
            json!(""),
            json!("x".repeat(101)),
            json!([]),
            json!([{}]),
            json!({"x": 1}),
        ] {
            let mut other = document.clone();
            if let Some(place) = other.pointer_mut(&pointer) {
                *place = value.clone();
                found.push((format!("{pointer} as {value}"), other));
            }
        }
    }
    found
}

fn collect(value: &Value, pointer: String, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (name, value) in children {
        let pointer = format!("{pointer}/{name}");
        found.push(pointer.clone());
        collect(value, pointer, found);
    }
}
