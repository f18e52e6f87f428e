//! Tests that the validator agrees with the typed models.

use proptest::prelude::*;

use super::*;

#[test]
fn descriptor_without_errors_can_be_parsed() {
    let mut documents = vec![complete()];
    let mut pointers = Vec::new();
    all_pointers(&complete(), String::new(), &mut pointers);
    assert!(pointers.len() > 100);
    for pointer in pointers {
        for value in [
            Value::Null,
            json!(7),
            json!(1.0),
            json!(true),
            json!(""),
            json!("x"),
            json!([]),
            json!([1]),
            json!({}),
            json!({"key": 1}),
        ] {
            let mut document = complete();
            *document.pointer_mut(&pointer).unwrap() = value;
            documents.push(document);
        }
    }
    for document in documents {
        let problems = descriptor(&document);
        let read = serde_json::from_value::<Descriptor>(document.clone());
        if problems.iter().all(|it| it.severity == Severity::Warning) {
            let read = read.unwrap_or_else(|error| panic!("{error}: {document}"));
            assert_eq!(serde_json::to_value(&read).unwrap(), document);
            assert_eq!(read.validate(), problems);
        }
    }
}

fn all_pointers(value: &Value, pointer: String, found: &mut Vec<String>) {
    let mut below = |name: &str, value: &Value| {
        let pointer = format!("{pointer}/{name}");
        found.push(pointer.clone());
        all_pointers(value, pointer, found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| below(name, value)),
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                below(&index.to_string(), value);
            }
        }
        _ => {}
    }
}

/// A check, and a function that parses and serializes its type.
type Kind = (
    fn(&Value) -> Vec<Problem>,
    fn(&Value) -> Option<Value>,
    Value,
);

fn rewritten<T: serde::de::DeserializeOwned + serde::Serialize>(document: &Value) -> Option<Value> {
    let read: T = serde_json::from_value(document.clone()).ok()?;
    serde_json::to_value(read).ok()
}

fn kinds() -> [Kind; 6] {
    use crate::model::{Action, Glance, GlanceData, Notification, Webhook};

    let entry = |name: &str| complete()["capabilities"][name][0].clone();
    [
        (descriptor, rewritten::<Descriptor>, complete()),
        (super::glance, rewritten::<Glance>, entry("glance")),
        (webhook, rewritten::<Webhook>, entry("webhook")),
        (action, rewritten::<Action>, entry("action")),
        (
            glance_data,
            rewritten::<GlanceData<Value>>,
            json!({
                "label": {"type": "html", "value": "x"}, "metadata": {"a": [null, 1.5]},
                "status": {"type": "lozenge", "value": {"type": "new", "label": "x", "more": null}}
            }),
        ),
        (
            notification,
            rewritten::<Notification>,
            json!({
                "message": "x", "message_format": "html", "color": "red", "notify": true, "from": "f",
                "attach_to": "a", "more": null,
                "card": {
                    "style": "application", "id": "i", "title": "t", "format": "medium", "url": "u",
                    "description": {"value": "d", "format": "html"}, "icon": {"url": "u", "url@2x": "v"},
                    "thumbnail": {"url": "u", "url@2x": "v", "width": 1, "height": 2.5},
                    "activity": {"html": "h", "icon": "i"}, "metadata": {"a": 1},
                    "attributes": [{"label": "l", "value": {"label": "v", "style": "lozenge", "url": "u", "icon": {"url": "u"}}}]
                }
            }),
        ),
    ]
}

/// The exception: in a card, `null` counts as missing.
fn without_null_in_card(mut document: Value) -> Value {
    fn drop_null(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|_, value| !value.is_null());
                members.values_mut().for_each(drop_null);
            }
            Value::Array(list) => list.iter_mut().for_each(drop_null),
            _ => {}
        }
    }
    if let Some(card) = document.get_mut("card") {
        drop_null(card);
    }
    if document.get("card").is_some_and(Value::is_null)
        && let Some(members) = document.as_object_mut()
    {
        members.remove("card");
    }
    document
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (-3.0..3.0f64).prop_map(Value::from),
        2 => prop::sample::select(vec!["", "x", "1:1", "https://a.example", "room_enter", "or", "icon"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let names = prop::sample::select(vec!["key", "url", "value", "type", "conditions", "more"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.prop_map(str::to_owned), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn accepted_documents_survive_models(
        kind in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(values())), 1..4),
    ) {
        let kinds = kinds();
        let (check, rewrite, mut document) = kinds[kind.index(kinds.len())].clone();
        for (at, value) in changes {
            let mut pointers = Vec::new();
            all_pointers(&document, String::new(), &mut pointers);
            if pointers.is_empty() {
                break;
            }
            let pointer = &pointers[at.index(pointers.len())];
            match value {
                Some(value) => *document.pointer_mut(pointer).unwrap() = value,
                None => {
                    let (parent, name) = pointer.rsplit_once('/').unwrap();
                    if let Some(Value::Object(members)) = document.pointer_mut(parent) {
                        members.remove(name);
                    }
                }
            }
        }
        if check(&document).iter().all(|it| it.severity == Severity::Warning) {
            let rewritten = rewrite(&document).map(without_null_in_card);
            prop_assert_eq!(rewritten, Some(without_null_in_card(document)));
        }
    }
}
