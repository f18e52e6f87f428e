//! Tests the explanations, as a sentence and as a tree.

use super::*;

#[test]
fn sentence_names_deciding_conditions() {
    let public = json!({"condition": "room_is_public"});
    let admin = json!({"condition": "user_is_admin"});
    let guest = json!({"condition": "user_is_guest"});
    let owner = json!({"condition": "user_is_room_owner"});
    let busy = matching(json!([{"attr": "count", "gt": 0}]));
    let configured = matching(json!([{"attr": "isConfigured", "eq": true}]));
    let muted = matching(json!([{"attr": "muted", "eq": true}]));
    let several = matching(json!([
        {"attr": "count", "gt": 0}, {"attr": "muted", "eq": true}, {"attr": "a.b", "lt": 1},
        {"attr": "c", "eq": "x"}, {"attr": "d", "eq": 1}
    ]));
    let metadata = json!({
        "count": 0, "muted": true, "name": "ops", "long": "x".repeat(100), "list": [1, 2]
    });
    for (conditions, sentence) in [
        (json!([]), "shown: it has no conditions"),
        (json!([muted]), "shown: all conditions hold"),
        (json!([busy]), "hidden: `count` is 0, needs > 0"),
        (
            json!([configured]),
            "hidden: `isConfigured` is missing, needs true",
        ),
        (
            json!([public]),
            "hidden: the room is private, needs to be public",
        ),
        (
            json!([admin]),
            "hidden: the user is no administrator, needs to be one",
        ),
        (
            json!([not(guest)]),
            "hidden: the user is a guest, must not be one",
        ),
        (
            json!([owner]),
            "hidden: the user does not own the room, needs to",
        ),
        (
            json!([not(muted.clone())]),
            "hidden: `muted` is true, must not be true",
        ),
        (
            json!([busy, public]),
            "hidden: `count` is 0, needs > 0; and the room is private, needs to be public",
        ),
        (
            json!([{"type": "or", "conditions": [busy, public]}]),
            "hidden: `count` is 0, needs > 0; or the room is private, needs to be public",
        ),
        (
            json!([{"type": "or", "conditions": [busy, public]}, admin]),
            "hidden: (`count` is 0, needs > 0; or the room is private, needs to be public); \
             and the user is no administrator, needs to be one",
        ),
        (
            json!([several]),
            "hidden: `count` is 0, needs > 0; `a.b` is missing, needs < 1; \
             `c` is missing, needs \"x\"; and 1 more",
        ),
        (
            json!([busy, public, admin]),
            "hidden: `count` is 0, needs > 0; the room is private, needs to be public; \
             and the user is no administrator, needs to be one",
        ),
        (
            json!([not(matching(json!([
                {"attr": "muted", "eq": true}, {"attr": "count", "lt": 1}
            ])))]),
            "hidden: `muted` is true, must not be true; or `count` is 0, must not be < 1",
        ),
        (
            json!([matching(json!([{"attr": "long", "eq": "y"}]))]),
            "hidden: `long` is \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…, needs \"y\", \
             which differ at character 1: U+0078 and U+0079",
        ),
        (
            json!([matching(json!([{"attr": "x".repeat(81), "eq": 1}]))]),
            "hidden: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` \
             is missing, needs 1",
        ),
        (
            json!([matching(json!([{"attr": "count", "eq": "0"}]))]),
            "hidden: `count` is 0, needs \"0\"",
        ),
        (
            json!([matching(json!([{"attr": "list", "eq": [1, 2]}]))]),
            "hidden: `list` is [1,2], needs [1,2], which nothing equals",
        ),
        (
            json!([matching(json!([{"attr": "count", "eq": null}]))]),
            "hidden: `count` is compared with null, which matches nothing",
        ),
        (
            json!([matching(json!([{"attr": "count", "ne": 1}]))]),
            "hidden: `count` is compared with none of eq, lt and gt",
        ),
        (
            json!([matching(json!([{"eq": 1}]))]),
            "hidden: an entry names no attribute",
        ),
        (
            json!([not(matching(json!([])))]),
            "hidden: there is nothing to test, which always holds",
        ),
        (
            json!([not(matching(json!("x")))]),
            "hidden: `glance_matches` without entries always holds",
        ),
        (
            json!([{"condition": "room_is_loud"}]),
            "hidden: no host knows the condition \"room_is_loud\"",
        ),
        (
            json!([{"type": "xor", "conditions": [public]}]),
            "hidden: the type of a composite is \"xor\", needs \"and\" or \"or\"",
        ),
        (
            json!([{"type": "or", "conditions": []}]),
            "hidden: none of no conditions can hold",
        ),
    ] {
        let facts = Facts {
            user_is_guest: true,
            ..Facts::default().metadata(Some(&metadata))
        };
        let outcome = program(conditions.clone()).explain(DataState::Ready, &facts);
        assert_eq!(outcome.to_string(), sentence, "{conditions}");
    }
}

#[test]
fn sentence_has_notes_on_comparisons() {
    let long = "x".repeat(50);
    for (found, operator, operand, sentence) in [
        (
            json!("10"),
            "lt",
            json!("9a"),
            "shown: all conditions hold".to_owned(),
        ),
        (
            json!("10"),
            "gt",
            json!("9"),
            "hidden: `a` is \"10\", needs > \"9\", compared as text".to_owned(),
        ),
        (
            json!([10]),
            "gt",
            json!("9"),
            "hidden: `a` is [10], needs > \"9\", compared as text".to_owned(),
        ),
        (
            json!("10 %"),
            "gt",
            json!(9),
            "hidden: `a` is \"10 %\", needs > 9, and \"10 %\" is no number".to_owned(),
        ),
        (
            json!(9),
            "lt",
            json!("ten"),
            "hidden: `a` is 9, needs < \"ten\", and \"ten\" is no number".to_owned(),
        ),
        (
            json!("7"),
            "gt",
            json!(9),
            "hidden: `a` is \"7\", needs > 9".to_owned(),
        ),
        (
            json!(9_007_199_254_740_993_u64),
            "gt",
            json!(9_007_199_254_740_992_u64),
            "hidden: `a` is 9007199254740993, needs > 9007199254740992, \
             where 9007199254740993 counts as 9007199254740992"
                .to_owned(),
        ),
        (
            json!(9_007_199_254_740_992_u64),
            "eq",
            json!(1),
            "hidden: `a` is 9007199254740992, needs 1".to_owned(),
        ),
        (
            json!("9007199254740993"),
            "gt",
            json!(9_007_199_254_740_992_u64),
            "hidden: `a` is \"9007199254740993\", needs > 9007199254740992, \
             where 9007199254740993 counts as 9007199254740992"
                .to_owned(),
        ),
        (
            json!("ops"),
            "eq",
            json!("Ops"),
            "hidden: `a` is \"ops\", needs \"Ops\"".to_owned(),
        ),
        (
            json!("p\u{430}y"),
            "eq",
            json!("pay"),
            "hidden: `a` is \"p\u{430}y\", needs \"pay\", \
             which differ at character 2: U+0430 and U+0061"
                .to_owned(),
        ),
        (
            json!("cafe\u{301}"),
            "eq",
            json!("caf\u{e9}"),
            "hidden: `a` is \"cafe\u{301}\", needs \"caf\u{e9}\", \
             which differ at character 4: U+0065 and U+00E9"
                .to_owned(),
        ),
        (
            json!("ops "),
            "eq",
            json!("ops"),
            "hidden: `a` is \"ops \", needs \"ops\", \
             which differ at character 4: U+0020 and the end"
                .to_owned(),
        ),
        (
            json!("ops \u{200b}"),
            "eq",
            json!("ops"),
            "hidden: `a` is \"ops \u{200b}\", needs \"ops\", \
             which differ at character 4: U+0020 and the end"
                .to_owned(),
        ),
        (
            json!("ops \u{202e}"),
            "eq",
            json!("ops"),
            "hidden: `a` is \"ops \\u{202e}\", needs \"ops\", \
             which differ at character 4: U+0020 and the end"
                .to_owned(),
        ),
        (
            json!("a\u{202e}b"),
            "eq",
            json!("ab"),
            "hidden: `a` is \"a\\u{202e}b\", needs \"ab\", \
             which differ at character 2: U+202E and U+0062"
                .to_owned(),
        ),
        (
            json!(format!("{long}a")),
            "eq",
            json!(format!("{long}b")),
            format!(
                "hidden: `a` is \"{0}…, needs \"{0}…, which differ at character 51: U+0061 and U+0062",
                &long[..39]
            ),
        ),
    ] {
        let metadata = json!({ "a": found });
        let conditions = json!([matching(json!([{ "attr": "a", operator: operand }]))]);
        let facts = Facts::default().metadata(Some(&metadata));
        let outcome = program(conditions).explain(DataState::Ready, &facts);
        assert_eq!(outcome.to_string(), sentence);
    }
}

#[test]
fn sentence_names_data_state() {
    let public = json!([{"condition": "room_is_public"}]);
    let busy = json!([matching(json!([{"attr": "count", "gt": 0}]))]);
    let facts = Facts::default();
    for (conditions, data, sentence) in [
        (&busy, DataState::Loading, "hidden while its data loads"),
        (
            &busy,
            DataState::None,
            "hidden: there is no metadata to test",
        ),
        (
            &busy,
            DataState::Failed,
            "shown although there is no metadata to test: its query failed",
        ),
        (
            &public,
            DataState::Loading,
            "hidden: the room is private, needs to be public",
        ),
        (
            &public,
            DataState::Failed,
            "shown although the room is private, needs to be public: its query failed",
        ),
        (&json!([]), DataState::Failed, "shown: its query failed"),
    ] {
        let outcome = program(conditions.clone()).explain(data, &facts);
        assert_eq!(outcome.to_string(), sentence, "{conditions}, {data:?}");
    }
}

#[test]
fn reasons_serialize_as_tree() {
    let metadata = json!({"count": 0});
    let outcome = program(json!([not(matching(json!([{"attr": "count", "gt": 0}])))])).explain(
        DataState::Ready,
        &Facts::default().metadata(Some(&metadata)),
    );
    assert_eq!(
        serde_json::to_value(&outcome).unwrap(),
        json!({"shown": true, "because": {"holds": true, "test": "all", "of": [
            {"holds": true, "test": "not", "of": {"holds": false, "test": "all", "of": [
                {"holds": false, "test": "attribute", "attribute": "count", "operator": "gt",
                 "operand": 0, "found": 0}
            ]}}
        ]}})
    );
}
