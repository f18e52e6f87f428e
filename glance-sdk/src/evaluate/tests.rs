mod explanations;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::skipped::skipped;

/// Returns the decision, and checks that the explanation agrees with it.
fn visible(conditions: Value, data: DataState, facts: &Facts<'_>) -> bool {
    let program = program(conditions);
    let shown = program.shows(data, facts);
    let outcome = program.explain(data, facts);
    assert_eq!(outcome.shown, shown, "{outcome}");
    shown
}

fn program(conditions: Value) -> Program {
    let conditions: Vec<Condition> = serde_json::from_value(conditions).unwrap();
    Program::new(&conditions)
}

/// The rules, one per line: the entries of one `glance_matches`, the metadata, and the expected
/// result.
#[test]
fn entries_match_like_in_last_web_client() {
    for (entries, metadata, expected) in [
        (json!([{"attr": "a", "eq": true}]), json!({"a": true}), true),
        (
            json!([{"attr": "a", "eq": true}]),
            json!({"a": "true"}),
            false,
        ),
        (json!([{"attr": "a", "eq": true}]), json!({"a": 1}), false),
        (json!([{"attr": "a", "eq": true}]), json!({}), false),
        (json!([{"attr": "a", "eq": 5}]), json!({"a": "5"}), false),
        (json!([{"attr": "a", "eq": 1}]), json!({"a": 1.0}), true),
        (json!([{"attr": "a", "eq": []}]), json!({"a": []}), false),
        (json!([{"attr": "a", "lt": 10}]), json!({"a": 5}), true),
        (json!([{"attr": "a", "lt": 10}]), json!({"a": 10}), false),
        (json!([{"attr": "a", "gt": 10}]), json!({"a": 15}), true),
        (json!([{"attr": "a", "lt": 10}]), json!({"a": "5"}), true),
        (json!([{"attr": "a", "lt": "10"}]), json!({"a": "9"}), false),
        (json!([{"attr": "a", "lt": 10}]), json!({"a": null}), true),
        (json!([{"attr": "a", "lt": 10}]), json!({"a": "abc"}), false),
        (json!([{"attr": "a", "lt": 10}]), json!({}), false),
        (json!([{"attr": "a", "gt": 10}]), json!({}), false),
        (
            json!([{"attr": "a", "eq": null}]),
            json!({"a": null}),
            false,
        ),
        (json!([{"attr": "a", "lt": null}]), json!({"a": -1}), false),
        (
            json!([{"attr": "a.b", "gt": 1}]),
            json!({"a": {"b": 2}}),
            true,
        ),
        (
            json!([{"attr": "a.b", "eq": 1}]),
            json!({"a.b": 1, "a": {"b": 2}}),
            true,
        ),
        (json!([{"attr": "a.b", "gt": 1}]), json!({"a": 5}), false),
        (json!([{"attr": "", "eq": 1}]), json!({"": 1}), false),
        (json!([{"eq": 1}]), json!({"a": 1}), false),
        (json!([{"attr": 1, "eq": "x"}]), json!({"1": "x"}), true),
        (
            json!([{"attr": "a", "eq": 1, "gt": 5}]),
            json!({"a": 1}),
            true,
        ),
        (
            json!([{"attr": "a", "gt": 1, "lt": 10}]),
            json!({"a": 0}),
            true,
        ),
        (json!([{"attr": "a", "ne": 1}]), json!({"a": 2}), false),
        (
            json!([{"attr": "a", "eq": 1}, {"attr": "b", "gt": 1}]),
            json!({"a": 1, "b": 2}),
            true,
        ),
        (
            json!([{"attr": "a", "eq": 1}, {"attr": "b", "gt": 1}]),
            json!({"a": 1, "b": 1}),
            false,
        ),
        (json!([]), json!({}), true),
        (json!([]), Value::Null, false),
        (json!("not a list"), Value::Null, true),
    ] {
        for invert in [false, true] {
            let condition = json!([{
                "condition": "glance_matches", "params": {"metadata": entries}, "invert": invert
            }]);
            let facts = Facts::default().metadata(Some(&metadata));
            assert_eq!(
                visible(condition, DataState::Ready, &facts),
                expected != invert,
                "{entries} on {metadata}, invert {invert}"
            );
        }
    }
}

#[test]
fn composites_combine_and_only_simple_conditions_invert() {
    let yes = json!({"condition": "room_is_public"});
    let no = json!({"condition": "user_is_guest"});
    for (conditions, expected) in [
        (json!([]), true),
        (json!([yes, no]), false),
        (json!([{"type": "and", "conditions": [yes, no]}]), false),
        (json!([{"type": "OR", "conditions": [yes, no]}]), true),
        (json!([{"type": "Or", "conditions": [no, no]}]), false),
        (json!([{"conditions": [yes, yes]}]), true),
        (json!([{"type": "and", "conditions": []}]), true),
        (json!([{"type": "or", "conditions": []}]), false),
        (json!([{"type": "xor", "conditions": [yes]}]), false),
        (
            json!([{"type": "or", "conditions": [yes, {"type": "xor", "conditions": []}]}]),
            false,
        ),
        (
            json!([{"type": "and", "invert": true, "conditions": [yes]}]),
            true,
        ),
        (
            json!([{"type": "and", "conditions": [yes, {"type": "or", "conditions": [no, yes]}]}]),
            true,
        ),
        (json!([{}]), true),
        (json!([{"condition": "room_is_public", "invert": 1}]), true),
        (json!([{"condition": "nope"}]), false),
        (json!([{"condition": "nope", "invert": true}]), true),
        (json!([{"condition": "Room_Is_Public"}]), false),
        (json!([null]), true),
    ] {
        let facts = Facts {
            room_is_public: true,
            ..Facts::default()
        };
        assert_eq!(
            visible(conditions.clone(), DataState::Ready, &facts),
            expected,
            "{conditions}"
        );
    }
}

#[test]
fn visibility_depends_on_data_state() {
    let host = json!([{"condition": "room_is_public"}]);
    let matches = json!([{"condition": "glance_matches",
        "params": {"metadata": [{"attr": "a", "eq": 1}]}}]);
    let either = json!([{"type": "or", "conditions": [host[0], matches[0]]}]);
    for (conditions, tests_metadata, none, loading) in [
        (json!([]), false, true, true),
        (host, false, true, true),
        (matches, true, false, false),
        (either, true, true, false),
    ] {
        let tests = program(conditions.clone()).tests_metadata();
        assert_eq!(tests, tests_metadata, "{conditions}");
        let facts = Facts {
            room_is_public: true,
            ..Facts::default()
        };
        let shows = |data| visible(conditions.clone(), data, &facts);
        assert_eq!(shows(DataState::None), none, "{conditions}, no data");
        assert_eq!(shows(DataState::Loading), loading, "{conditions}, loading");
        assert!(shows(DataState::Failed), "{conditions}, failed");
    }
}

fn matching(entries: Value) -> Value {
    json!({"condition": "glance_matches", "params": {"metadata": entries}})
}

fn not(mut condition: Value) -> Value {
    condition["invert"] = json!(true);
    condition
}

/// Values like in conditions and metadata, few enough to be equal often.
fn value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-2..3_i64).prop_map(Value::from),
        (-4..4_i32).prop_map(|halves| json!(f64::from(halves) / 2.0)),
        "[a0-2]{0,2}".prop_map(Value::from),
    ];
    plain.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[ab]", inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn condition() -> impl Strategy<Value = Value> {
    let attr = prop::sample::select(vec!["a", "b", "a.b", "a[0]", "a.length", "b.1", ""]);
    let operator = prop::sample::select(vec!["eq", "lt", "gt", "ne"]);
    let entry = (attr, operator, value())
        .prop_map(|(attr, operator, operand)| json!({"attr": attr, operator: operand}));
    let entries = prop_oneof![
        9 => prop::collection::vec(entry, 0..3).prop_map(Value::from),
        1 => value(),
    ];
    let names = vec!["room_is_public", "user_is_admin", "user_is_guest", "nope"];
    let simple = prop_oneof![
        entries.prop_map(matching),
        prop::sample::select(names).prop_map(|name| json!({"condition": name})),
    ];
    let simple = (simple, any::<bool>()).prop_map(
        |(simple, inverted)| {
            if inverted { not(simple) } else { simple }
        },
    );
    simple.prop_recursive(3, 12, 3, |inner| {
        let kind = prop_oneof![
            9 => prop::sample::select(vec!["and", "or", "OR"]),
            1 => Just("xor"),
        ];
        (kind, prop::collection::vec(inner, 0..3))
            .prop_map(|(kind, conditions)| json!({"type": kind, "conditions": conditions}))
    })
}

proptest! {
    #[test]
    fn explanation_agrees_with_decision(
        conditions in prop::collection::vec(condition(), 0..3),
        metadata in prop::option::of(value()),
        [room_is_public, user_is_admin, user_is_guest] in any::<[bool; 3]>(),
    ) {
        let facts = Facts {
            room_is_public,
            user_is_admin,
            user_is_guest,
            ..Facts::default().metadata(metadata.as_ref())
        };
        for data in [DataState::None, DataState::Loading, DataState::Ready, DataState::Failed] {
            let shown = visible(conditions.clone().into(), data, &facts);
            let sentence = program(conditions.clone().into()).explain(data, &facts).to_string();
            let verdict = if shown { "shown" } else { "hidden" };
            prop_assert!(sentence.starts_with(verdict), "{sentence}");
            prop_assert!(!sentence.contains("  ") && !sentence.ends_with(' '), "{sentence}");
        }
    }
}

/// The vectors on which this evaluator differs, with the reason.
const NOT_FOLLOWED: [(&str, &str); 2] = [
    (
        "eq null vs absent",
        "the client threw on a null operand; here it matches nothing",
    ),
    (
        "lt null with -1",
        "the client threw on a null operand; here it matches nothing",
    ),
];

#[test]
fn evaluator_matches_measured_vectors() {
    let Ok(corpus) = std::env::var("GLANCE_CORPUS") else {
        skipped("GLANCE_CORPUS is not set, so there are no measured vectors");
        return;
    };
    let path = std::path::Path::new(&corpus).join("verdicts/conditions.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let mut followed = 0;
    for vector in vectors {
        let name = vector["name"].as_str().unwrap();
        if NOT_FOLLOWED.iter().any(|(other, _)| *other == name) {
            assert!(
                !vector["visible"].is_boolean(),
                "{name} has a verdict: follow it"
            );
            continue;
        }
        // The client treated everything except a list as no conditions.
        let conditions = vector.get("conditions").filter(|list| list.is_array());
        let default_room = json!({"id": 42, "privacy": "public", "owner": 7});
        let default_user = json!({"id": 7, "is_admin": false, "is_guest": false});
        let room = vector.get("room").unwrap_or(&default_room);
        let user = vector.get("user").unwrap_or(&default_user);
        let facts = Facts {
            room_is_public: room["privacy"] == "public",
            user_is_admin: user["is_admin"] == true,
            user_is_guest: user["is_guest"] == true,
            user_is_room_owner: room["owner"] == user["id"],
            metadata: vector.get("metadata"),
            message: None,
        };
        let data = match vector.get("data_state").and_then(Value::as_str) {
            None => DataState::Ready,
            Some("none") => DataState::None,
            Some("loading") => DataState::Loading,
            Some("error") => DataState::Failed,
            Some(other) => panic!("{name}: unknown data state {other}"),
        };
        assert_eq!(
            visible(
                conditions.cloned().unwrap_or_else(|| json!([])),
                data,
                &facts
            ),
            vector["visible"] == true,
            "{vector}"
        );
        followed += 1;
    }
    assert_eq!(followed + NOT_FOLLOWED.len(), vectors.len());
    assert!(followed > 90, "only {followed} vectors");
}
