//! Tests descriptors that hosts install despite problems.

use super::*;

#[test]
fn tolerated_mistakes_are_warnings() {
    let deep = json!([{"type": "and", "conditions": [{"type": "or", "conditions": [{"type": "and", "conditions": []}]}]}]);
    let glance = "/capabilities/glance/0/conditions";
    let panel = "/capabilities/webPanel/0/conditions";
    let dialog = "/capabilities/dialog/0/options";
    let webhook = json!({"event": "room_enter", "url": "https://a.example/w", "pattern": "x"});
    for (pointer, value, found, code) in [
        (
            "/links/homepage",
            json!("a.example"),
            "/links/homepage",
            "not-absolute",
        ),
        ("/apiVersion", json!("1"), "/apiVersion", "bad-version"),
        ("/apiVersion", json!("1:"), "/apiVersion", "bad-version"),
        ("/apiVersion", json!(":1"), "/apiVersion", "bad-version"),
        ("/apiVersion", json!("1:x"), "/apiVersion", "bad-version"),
        ("/apiVersion", json!("x:1"), "/apiVersion", "bad-version"),
        ("/vendor/more", json!(1), "/vendor/more", "unknown-member"),
        ("/description", Value::Null, "/description", "missing"),
        ("/links", Value::Null, "/links", "missing"),
        (
            "/capabilities/hipchatApiConsumer/scopes/0",
            json!("fly"),
            "/capabilities/hipchatApiConsumer/scopes/0",
            "unknown-value",
        ),
        (
            "/capabilities/hipchatApiConsumer/avatar",
            json!(1),
            "/capabilities/hipchatApiConsumer/avatar",
            "wrong-type",
        ),
        (
            "/capabilities/hipchatApiConsumer/avatar",
            json!("a.png"),
            "/capabilities/hipchatApiConsumer/avatar",
            "not-absolute",
        ),
        (
            "/capabilities/configurable/authentication",
            json!("basic"),
            "/capabilities/configurable/authentication",
            "unknown-value",
        ),
        (
            "/capabilities/oauth2Provider/tokenUrl",
            json!("/t"),
            "/capabilities/oauth2Provider/tokenUrl",
            "not-absolute",
        ),
        (
            "/capabilities/glance/0/name/more",
            json!(1),
            "/capabilities/glance/0/name/more",
            "unknown-member",
        ),
        (
            "/capabilities/glance/0/audience",
            json!("team"),
            "/capabilities/glance/0/audience",
            "unknown-value",
        ),
        (
            "/capabilities/glance/0/audience",
            Value::Null,
            "/capabilities/glance/0/maxAge",
            "no-effect",
        ),
        (glance, json!([]), glance, "empty-list"),
        (
            glance,
            json!([7]),
            "/capabilities/glance/0/conditions/0",
            "wrong-type",
        ),
        (
            glance,
            json!([{"condition": "card_matches"}]),
            "/capabilities/glance/0/conditions/0/condition",
            "unknown-value",
        ),
        (
            glance,
            json!([{"condition": "user_is_admin", "invert": "yes"}]),
            "/capabilities/glance/0/conditions/0/invert",
            "wrong-type",
        ),
        (
            glance,
            json!([{"condition": "user_is_admin", "params": []}]),
            "/capabilities/glance/0/conditions/0/params",
            "wrong-type",
        ),
        (
            glance,
            json!([{"condition": "user_is_admin", "not": 1}]),
            "/capabilities/glance/0/conditions/0/not",
            "unknown-member",
        ),
        (
            glance,
            json!([{"condition": "glance_matches", "params": {"metadata": [{"attr": "a", "neq": 1}]}}]),
            "/capabilities/glance/0/conditions/0/params/metadata/0",
            "never-matches",
        ),
        (
            glance,
            json!([{"type": "xor", "conditions": [{"condition": "user_is_admin"}]}]),
            "/capabilities/glance/0/conditions/0/type",
            "unknown-value",
        ),
        (
            glance,
            json!([{"type": "or", "conditions": {}}]),
            "/capabilities/glance/0/conditions/0/conditions",
            "wrong-type",
        ),
        (
            glance,
            json!([{"type": "or", "conditions": [{"condition": "user_is_admin"}], "invert": true}]),
            "/capabilities/glance/0/conditions/0/invert",
            "unknown-member",
        ),
        (
            glance,
            deep,
            "/capabilities/glance/0/conditions/0/conditions/0/conditions/0",
            "too-deep",
        ),
        (
            panel,
            json!([{"condition": "glance_matches"}]),
            "/capabilities/webPanel/0/conditions/0/condition",
            "unknown-value",
        ),
        (
            "/capabilities/webPanel/0/location",
            json!("left"),
            "/capabilities/webPanel/0/location",
            "unknown-value",
        ),
        (
            "/capabilities/action/0/location",
            json!("menu"),
            "/capabilities/action/0/location",
            "unknown-value",
        ),
        (
            "/capabilities/dialog/0/options/style",
            json!("loud"),
            "/capabilities/dialog/0/options/style",
            "unknown-value",
        ),
        (
            "/capabilities/dialog/0/options/size",
            json!("huge"),
            "/capabilities/dialog/0/options/size",
            "unknown-value",
        ),
        (
            "/capabilities/dialog/0/options/size",
            json!(5),
            "/capabilities/dialog/0/options/size",
            "wrong-type",
        ),
        (
            "/capabilities/dialog/0/options/size/width",
            json!(5),
            "/capabilities/dialog/0/options/size/width",
            "wrong-type",
        ),
        (
            "/capabilities/dialog/0/options/size/width",
            json!("5em"),
            "/capabilities/dialog/0/options/size/width",
            "bad-length",
        ),
        (
            "/capabilities/dialog/0/options/size/width",
            json!("0px"),
            "/capabilities/dialog/0/options/size/width",
            "bad-length",
        ),
        (
            "/capabilities/dialog/0/options/secondaryActions",
            json!([]),
            "/capabilities/dialog/0/options/secondaryActions",
            "empty-list",
        ),
        (
            dialog,
            json!({"color": "red"}),
            "/capabilities/dialog/0/options/color",
            "unknown-member",
        ),
        (
            "/capabilities/externalPage/0/icon",
            json!({}),
            "/capabilities/externalPage/0/icon",
            "unknown-member",
        ),
        (
            "/capabilities/webhook",
            webhook,
            "/capabilities/webhook",
            "not-a-list",
        ),
        (
            "/capabilities/webhook/0/event",
            json!("room_party"),
            "/capabilities/webhook/0/event",
            "unknown-value",
        ),
        (
            "/capabilities/webhook/0/event",
            json!("room_exit"),
            "/capabilities/webhook/0/pattern",
            "no-effect",
        ),
        (
            "/capabilities/glance/0/icon/url@2x",
            Value::Null,
            "/capabilities/glance/0/icon/url@2x",
            "missing",
        ),
    ] {
        let document = changed(pointer, value);
        let problems = descriptor(&document);
        assert!(
            pointers(&problems).contains(&(found, code)),
            "{pointer}: {problems:?}"
        );
        assert!(
            problems.iter().all(|it| it.severity == Severity::Warning),
            "{pointer}: {problems:?}"
        );
    }
}
