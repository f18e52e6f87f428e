mod tolerated;
mod typed;

use super::*;
use crate::skipped::skipped;
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
                "target": "p", "audience": "room", "maxAge": 60,
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
fn complete_descriptor_has_no_problems() {
    assert_eq!(descriptor(&complete()), []);
}

#[test]
fn action_may_target_glance() {
    let mut document = complete();
    let glance = document["capabilities"]["glance"][0]["key"].clone();
    document["capabilities"]["action"][0]["target"] = glance.clone();
    assert_eq!(descriptor(&document), []);
    document["capabilities"]["glance"][0]["target"] = glance;
    assert_eq!(
        pointers(&descriptor(&document)),
        [("/capabilities/glance/0/target", "dangling-target")]
    );
}

#[test]
fn each_problem_has_its_pointer() {
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

/// Returns the complete descriptor with another value at this place, or without the member if the
/// value is null.
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
fn keys_of_pages_share_one_namespace() {
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
fn keys_are_unique_and_glances_limited() {
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
fn ten_glances_are_allowed() {
    let mut document = complete();
    let entry = document["capabilities"]["glance"][0].clone();
    let glances = (0..10).map(|number| {
        let mut entry = entry.clone();
        entry["key"] = json!(format!("g{number}"));
        entry
    });
    document["capabilities"]["glance"] = glances.collect();
    assert_eq!(descriptor(&document), []);
}

#[test]
fn bad_key_has_one_problem() {
    for (key, code) in [
        ("".to_owned(), "too-short"),
        ("k".repeat(41), "too-long"),
        ("a/b".to_owned(), "bad-key"),
        ("é".to_owned(), "bad-key"),
    ] {
        let problems = descriptor(&changed("/capabilities/glance/0/key", json!(key)));
        assert_eq!(
            pointers(&problems),
            [("/capabilities/glance/0/key", code)],
            "{key}"
        );
    }
    let longest = changed("/capabilities/glance/0/key", json!("k".repeat(40)));
    assert_eq!(descriptor(&longest), []);
}

#[test]
fn age_out_of_range_has_one_problem() {
    for (age, code, expected) in [
        (
            json!(0),
            "out-of-range",
            "`maxAge` is 0, it must be 1 to 86400 seconds",
        ),
        (
            json!(86_401),
            "out-of-range",
            "`maxAge` is 86401, it must be 1 to 86400 seconds",
        ),
        (
            json!("60"),
            "wrong-type",
            "`maxAge` is a string, it must be a whole number",
        ),
    ] {
        let problems = descriptor(&changed("/capabilities/glance/0/maxAge", age));
        let [problem] = &problems[..] else {
            panic!("{problems:?}")
        };
        assert_eq!(problem.pointer, "/capabilities/glance/0/maxAge");
        assert_eq!((problem.code, &*problem.message), (code, expected));
        assert_eq!(problem.severity, Severity::Error);
    }
    for age in [1, 86_400] {
        let problems = descriptor(&changed("/capabilities/glance/0/maxAge", json!(age)));
        assert_eq!(problems, []);
    }
}

#[test]
fn page_urls_may_start_with_a_variable() {
    for (url, accepted) in [
        ("https://a.example/p", true),
        ("HTTPS://a.example", true),
        ("{message.card.url}", true),
        ("{{localBaseUrl}}/p", false),
        ("/p", false),
        ("https:///p", false),
    ] {
        for page in ["webPanel", "dialog", "externalPage"] {
            let pointer = format!("/capabilities/{page}/0/url");
            let problems = descriptor(&changed(&pointer, json!(url)));
            let expected = [(pointer.as_str(), "not-absolute")];
            let expected = if accepted { &[][..] } else { &expected };
            assert_eq!(pointers(&problems), expected, "{url}");
        }
    }
}

#[test]
fn messages_name_the_found_type() {
    for (value, found) in [
        (json!(null), "null"),
        (json!(true), "a Boolean"),
        (json!(1), "a number"),
        (json!("x"), "a string"),
        (json!([]), "a list"),
    ] {
        let problems = descriptor(&value);
        let message = format!("the document is {found}, it must be an object");
        assert_eq!(problems[0].to_string(), message);
    }
    let mut document = complete();
    document["name"] = json!({});
    let problems = descriptor(&document);
    let message = "/name: `name` is an object, it must be a string";
    assert_eq!(problems[0].to_string(), message);
}

#[test]
fn notification_is_checked_like_by_a_host() {
    let card = json!({"style": "application", "id": "i", "title": "t"});
    for (member, value, expected) in [
        ("message", json!("x".repeat(10_000)), &[][..]),
        (
            "message",
            json!("x".repeat(10_001)),
            &[("/message", "too-long")],
        ),
        ("message", json!(""), &[("/message", "too-short")]),
        ("message", json!(7), &[("/message", "wrong-type")]),
        ("message_format", json!("text"), &[]),
        (
            "message_format",
            json!("markdown"),
            &[("/message_format", "unknown-value")],
        ),
        ("color", json!("random"), &[]),
        ("color", json!("teal"), &[("/color", "unknown-value")]),
        ("notify", json!(true), &[]),
        ("notify", json!("true"), &[("/notify", "wrong-type")]),
        ("from", json!(""), &[]),
        ("from", json!("é".repeat(64)), &[]),
        ("from", json!("é".repeat(65)), &[("/from", "too-long")]),
        ("attach_to", json!("x".repeat(36)), &[]),
        (
            "attach_to",
            json!("x".repeat(37)),
            &[("/attach_to", "too-long")],
        ),
        ("card", card, &[]),
        ("card", json!(null), &[]),
        ("card", json!([]), &[("/card", "wrong-type")]),
        ("card", json!({}), &[("/card/style", "missing")]),
        (
            "card",
            json!({"style": 7}),
            &[("/card/style", "wrong-type")],
        ),
        (
            "card",
            json!({"style": "application", "id": 7, "title": "t"}),
            &[("/card", "wrong-type")],
        ),
    ] {
        let mut document = json!({"message": "x"});
        document[member] = value;
        let problems = notification(&document);
        assert_eq!(pointers(&problems), expected, "{document}");
    }
}

#[test]
fn descriptor_must_be_an_object() {
    for document in [json!(null), json!([]), json!("x")] {
        assert_eq!(pointers(&descriptor(&document)), [("", "wrong-type")]);
    }
}

#[test]
fn glance_data_is_refused_like_in_last_web_client() {
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
            true,
        ),
        (
            json!({"label": label, "status": {"type": "lozenge", "value": {"type": 7, "label": "x"}}}),
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
fn unknown_lozenge_kinds_are_warnings() {
    for kind in ["", "inprogress", "SUCCESS"] {
        let data = json!({
            "label": {"type": "html", "value": "x"},
            "status": {"type": "lozenge", "value": {"type": kind, "label": "x"}}
        });
        let problems = glance_data(&data);
        assert_eq!(
            pointers(&problems),
            [("/status/value/type", "unknown-value")]
        );
        assert_eq!(problems[0].severity, Severity::Warning);
    }
}

/// The vectors that the last web client refused and hosts show.
const DRAWN: [&str; 4] = [
    r#"lozenge type "complete""#,
    r#"lozenge type "inprogress""#,
    r#"lozenge type "SUCCESS""#,
    r#"lozenge type """#,
];

#[test]
fn glance_data_matches_measured_vectors() {
    let Ok(corpus) = std::env::var("GLANCE_CORPUS") else {
        skipped("GLANCE_CORPUS is not set, so there are no measured verdicts");
        return;
    };
    let path = std::path::Path::new(&corpus).join("verdicts/glance-data-verdicts.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert!(vectors.len() > 50);
    let mut drawn = 0;
    for vector in vectors {
        let problems = glance_data(&vector["data"]);
        let is_accepted = problems.iter().all(|it| it.severity == Severity::Warning);
        let name = vector["name"].as_str().unwrap();
        let is_drawn = DRAWN.contains(&name);
        drawn += usize::from(is_drawn);
        let expected = vector["client_accepts_fetched"] == true || is_drawn;
        assert_eq!(is_accepted, expected, "{vector}: {problems:?}");
        assert!(
            !is_drawn || vector["client_accepts_fetched"] == false,
            "{name}"
        );
    }
    assert_eq!(drawn, DRAWN.len());
}

#[test]
fn jira_or_confluence_descriptor_is_recognized() {
    let jira = json!({
        "key": "com.example.jira", "name": "J", "baseUrl": "https://a.example", "apiVersion": 1,
        "authentication": {"type": "jwt"}, "lifecycle": {"installed": "/installed"},
        "modules": {"webPanels": [{"key": "p", "url": "/p"}]}
    });
    let problems = descriptor(&jira);
    assert_eq!(pointers(&problems), [("/modules", "other-product")]);
    assert_eq!(problems[0].severity, Severity::Error);
    assert!(problems[0].message.contains("Jira or Confluence"));
    // The members of a later HipChat are allowed.
    let mut both = complete();
    both["modules"] = json!({});
    assert_eq!(descriptor(&both), []);
}

#[test]
fn problems_are_limited_to_100_and_errors_replace_warnings() {
    let mut document = complete();
    document["vendor"] = json!({"name": 1});
    document["capabilities"]["glance"] = json!([{ "conditions": vec![1; 50_000] }]);
    let problems = descriptor(&document);
    assert_eq!(problems.len(), 101);
    let errors = |problems: &[Problem]| -> Vec<String> {
        let errors = problems.iter().filter(|it| it.severity == Severity::Error);
        errors.map(|it| it.pointer.clone()).collect()
    };
    let glance = "/capabilities/glance/0";
    let expected = ["/vendor/name", "/vendor/url"].map(ToOwned::to_owned);
    let members = ["key", "name", "icon"].map(|name| format!("{glance}/{name}"));
    let expected = [&expected[..], &members[..]].concat();
    assert_eq!(errors(&problems), expected);
    assert_eq!(problems[100].code, "more-problems");

    // An error after 100 warnings is not lost.
    document["capabilities"]["webhook"] = json!([{}]);
    let problems = descriptor(&document);
    assert_eq!(problems.len(), 101);
    let members = ["url", "event"].map(|name| format!("/capabilities/webhook/0/{name}"));
    assert_eq!(errors(&problems), [&expected[..], &members[..]].concat());
    assert_eq!(problems[99].pointer, members[1]);
}

#[test]
fn values_in_messages_are_escaped_and_cut() {
    let bad = format!("\u{1b}[2J\u{202e}{}", "x".repeat(300_000));
    let mut document = complete();
    let places = [
        "/apiVersion",
        "/links/self",
        "/capabilities/glance/0/key",
        "/capabilities/glance/0/target",
        "/capabilities/glance/0/conditions/0/condition",
        "/capabilities/hipchatApiConsumer/scopes/0",
        "/capabilities/webhook/0/event",
        "/capabilities/dialog/0/options/size/width",
        "/capabilities/webPanel/0/location",
    ];
    document["capabilities"]["dialog"][0]["options"]["size"] =
        json!({"width": "1px", "height": "1px"});
    for pointer in places {
        *document.pointer_mut(pointer).unwrap() = json!(bad);
    }
    document["vendor"][&bad] = json!(1);
    let problems = descriptor(&document);
    for pointer in places {
        let is_here = |problem: &Problem| problem.pointer == pointer;
        assert!(problems.iter().any(is_here), "{pointer}");
    }
    for problem in &problems {
        let shown = problem.to_string();
        assert!(shown.len() < 700, "{}: {}", problem.code, shown.len());
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
    }
}

#[test]
fn unusual_parts_are_warnings_with_positions() {
    let text =
        b"\xef\xbb\xbf{\"a\": \"\\ud83d\",\n\"b\": \"\xff\", \"a\": [1e400, 9007199254740993]}";
    let document = crate::json::Document::read(text).unwrap();
    let problems: Vec<_> = unusual(&document)
        .into_iter()
        .map(|it| (it.pointer, it.code, it.place.unwrap().to_string()))
        .collect();
    let problem = |pointer: &str, code, place: &str| (pointer.to_owned(), code, place.to_owned());
    assert_eq!(
        problems,
        [
            problem("", "byte-order-mark", "line 1 column 1"),
            problem("/a", "lone-surrogate", "line 1 column 8"),
            problem("/b", "invalid-utf-8", "line 2 column 7"),
            problem("/a", "duplicate-member", "line 2 column 11"),
            problem("/a/0", "number-out-of-range", "line 2 column 17"),
            problem("/a/1", "rounded-number", "line 2 column 24"),
        ]
    );
}
