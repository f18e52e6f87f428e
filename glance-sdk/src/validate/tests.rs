mod tolerated;
mod typed;

use super::*;
use serde_json::json;

fn pointers(problems: &[Problem]) -> Vec<(&str, &str)> {
    problems
        .iter()
        .map(|p| (p.pointer.as_str(), p.code))
        .collect()
}

fn complete() -> Value {
    json!({
        "key": "a", "name": "A", "description": "It.", "apiVersion": "1:1",
        "vendor": {"name": "V", "url": "https://v.example"},
        "links": {"self": "https://a.example/"},
        "capabilities": {
            "installable": {"callbackUrl": "https://a.example/installed", "allowRoom": true},
            "hipchatApiConsumer": {"scopes": ["view_room"], "fromName": "A", "avatar": {"url": "https://a.example/i.png"}},
            "glance": [{
                "key": "g", "name": {"value": "G"}, "queryUrl": "https://a.example/g",
                "icon": {"url": "https://a.example/i.png", "url@2x": "https://a.example/i.png"},
                "target": "p",
                "conditions": [{"condition": "glance_matches", "invert": true, "params": {"metadata": [{"attr": "a", "eq": 1}]}}]
            }],
            "webPanel": [{
                "key": "p", "name": {"value": "P"}, "url": "https://a.example/p",
                "location": "hipchat.sidebar.right",
                "icon": {"url": "https://a.example/i.png", "url@2x": "https://a.example/i.png"},
                "weight": 0, "authentication": "none",
                "conditions": [{"type": "or", "conditions": [{"condition": "user_is_admin"}, {"type": "AND", "conditions": [{"condition": "room_is_public"}]}]}]
            }],
            "dialog": [{
                "key": "d", "title": {"value": "D"}, "url": "https://a.example/d/{message.mid}",
                "authentication": "jwt",
                "options": {
                    "style": "warning", "size": {"width": "50%", "height": "200px"},
                    "primaryAction": {"name": {"value": "OK"}, "enabled": false, "key": "ok"},
                    "secondaryActions": [{"name": {"value": "No"}}],
                    "hint": {"value": "H", "i18n": "h"}, "filter": {"placeholder": {"value": "P"}}
                }
            }],
            "externalPage": [{"key": "e", "name": {"value": "E"}, "url": "{message.card.url}"}],
            "action": [{
                "key": "a", "name": {"value": "A"}, "location": "hipchat.message.action",
                "target": {"key": "d", "options": {}}, "weight": 7,
                "conditions": [{"condition": "card_matches", "params": {}}]
            }],
            "webhook": [{
                "key": "w", "event": "room_message", "url": "https://a.example/w", "pattern": "^/a",
                "name": "W", "authentication": "jwt"
            }],
            "configurable": {"url": "https://a.example/c", "authentication": "jwt", "allowAccessToRoomAdmins": true},
            "adminPage": {"url": "https://a.example/admin"},
            "oauth2Consumer": {"redirectionUrls": ["https://a.example/back"]},
            "oauth2Provider": {"authorizationUrl": "https://a.example/auth", "tokenUrl": "https://a.example/token"},
            "somethingNew": 4
        }
    })
}

#[test]
fn a_complete_descriptor_has_no_problem() {
    assert_eq!(descriptor(&complete()), []);
}

#[test]
fn each_problem_is_named_where_it_stands() {
    for (pointer, value, found, code) in [
        ("/name", Value::Null, "/name", "wrong-type"),
        ("/key", json!(""), "/key", "empty"),
        (
            "/links/self",
            json!("/descriptor"),
            "/links/self",
            "not-absolute",
        ),
        (
            "/links/self",
            json!("https://"),
            "/links/self",
            "not-absolute",
        ),
        (
            "/links/self",
            json!("ftp://a.example"),
            "/links/self",
            "not-absolute",
        ),
        (
            "/capabilities/installable",
            json!([]),
            "/capabilities/installable",
            "wrong-type",
        ),
        (
            "/capabilities/hipchatApiConsumer",
            json!({}),
            "/capabilities/hipchatApiConsumer/scopes",
            "missing",
        ),
        (
            "/capabilities/glance",
            json!({}),
            "/capabilities/glance",
            "wrong-type",
        ),
        (
            "/capabilities/glance/0",
            json!("g"),
            "/capabilities/glance/0",
            "wrong-type",
        ),
        (
            "/capabilities/glance/0/key",
            json!("a b"),
            "/capabilities/glance/0/key",
            "bad-key",
        ),
        (
            "/capabilities/glance/0/key",
            json!("k".repeat(41)),
            "/capabilities/glance/0/key",
            "too-long",
        ),
        (
            "/capabilities/glance/0/name",
            json!("G"),
            "/capabilities/glance/0/name",
            "wrong-type",
        ),
        (
            "/capabilities/glance/0/icon",
            json!({}),
            "/capabilities/glance/0/icon/url",
            "missing",
        ),
        (
            "/capabilities/glance/0/queryUrl",
            json!("{{localBaseUrl}}/g"),
            "/capabilities/glance/0/queryUrl",
            "not-absolute",
        ),
        (
            "/capabilities/glance/0/target",
            json!("gone"),
            "/capabilities/glance/0/target",
            "dangling-target",
        ),
        (
            "/capabilities/glance/0/target",
            json!({}),
            "/capabilities/glance/0/target",
            "wrong-type",
        ),
        (
            "/capabilities/glance/0/conditions",
            json!({}),
            "/capabilities/glance/0/conditions",
            "wrong-type",
        ),
        (
            "/capabilities/webPanel/0/url",
            json!(7),
            "/capabilities/webPanel/0/url",
            "wrong-type",
        ),
    ] {
        let mut document = complete();
        *document.pointer_mut(pointer).unwrap() = value;
        let problems = descriptor(&document);
        assert!(
            pointers(&problems).contains(&(found, code)),
            "{pointer}: {problems:?}"
        );
    }
}

/// The complete descriptor with another value at this place; without the member where the value
/// is null.
fn changed(pointer: &str, value: Value) -> Value {
    let mut document = complete();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(members) if value.is_null() => {
            members.remove(name);
        }
        Value::Object(members) => {
            members.insert(name.to_owned(), value);
        }
        Value::Array(list) => list[name.parse::<usize>().unwrap()] = value,
        other => panic!("{parent} is {other}"),
    }
    document
}

#[test]
fn keys_of_pages_are_unique_among_each_other() {
    let document = changed("/capabilities/dialog/0/key", json!("p"));
    let problems = descriptor(&document);
    assert!(
        pointers(&problems).contains(&("/capabilities/dialog/0/key", "duplicate-key")),
        "{problems:?}"
    );
}

#[test]
fn lengths_are_counted_in_characters() {
    for (value, accepted) in [("😀".repeat(100), true), ("a".repeat(101), false)] {
        let problems = descriptor(&changed("/capabilities/glance/0/name/value", json!(value)));
        assert_eq!(problems.is_empty(), accepted, "{problems:?}");
    }
}

#[test]
fn keys_are_unique_and_glances_ten_at_most() {
    let mut document = complete();
    let entry = document["capabilities"]["glance"][0].clone();
    document["capabilities"]["glance"] = Value::Array(vec![entry; 11]);
    let problems = descriptor(&document);
    let found = pointers(&problems);
    assert!(
        found.contains(&("/capabilities/glance/10/key", "duplicate-key")),
        "{found:?}"
    );
    assert!(
        found.contains(&("/capabilities/glance", "too-many-glances")),
        "{found:?}"
    );
}

#[test]
fn what_is_no_object_is_no_descriptor() {
    for document in [json!(null), json!([]), json!("x")] {
        assert_eq!(pointers(&descriptor(&document)), [("", "wrong-type")]);
    }
}

#[test]
fn glance_data_is_refused_as_the_last_web_client_refused_it() {
    let label = json!({"type": "html", "value": "x"});
    for (data, accepted) in [
        (json!({"label": label}), true),
        (
            json!({"label": label, "status": {"type": "icon", "value": {"url": "", "url@2x": ""}}}),
            true,
        ),
        (
            json!({"label": label, "status": {"type": "lozenge", "value": {"type": "new", "label": "x".repeat(20)}}}),
            true,
        ),
        (
            json!({"label": label, "status": {"type": "lozenge", "value": {"type": "new", "label": "x".repeat(21)}}}),
            false,
        ),
        (
            json!({"label": label, "status": {"type": "lozenge", "value": {"type": "new", "label": "😀".repeat(11)}}}),
            false,
        ),
        (
            json!({"label": label, "status": {"type": "lozenge", "value": {"type": "complete", "label": "x"}}}),
            false,
        ),
        (json!({"label": label, "status": null}), false),
        (json!({"label": label, "metadata": null}), false),
        (json!({"label": label, "metadata": {}, "more": 1}), true),
        (json!({"label": {"type": "html", "value": ""}}), false),
        (json!({"label": {"type": "text", "value": "x"}}), false),
        (json!({}), false),
        (json!("x"), false),
    ] {
        assert_eq!(glance_data(&data).is_empty(), accepted, "{data}");
    }
}

#[test]
fn measured_verdicts_on_glance_data_are_followed() {
    let Ok(corpus) = std::env::var("GLANCE_CORPUS") else {
        eprintln!("skipped: GLANCE_CORPUS is not set, so the measured verdicts are not at hand");
        return;
    };
    let path = std::path::Path::new(&corpus).join("verdicts/glance-data-verdicts.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert!(vectors.len() > 50);
    for vector in vectors {
        let problems = glance_data(&vector["data"]);
        let accepted = vector["client_accepts_fetched"] == true;
        assert_eq!(problems.is_empty(), accepted, "{vector}: {problems:?}");
    }
}
