//! Documents that others wrote survive a round trip.

use std::path::Path;

use glance_sdk::model::{Claims, Descriptor, GlanceData, InstallationData, UiUpdate};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn survives<T: DeserializeOwned + Serialize>(document: &Value) -> Result<(), String> {
    let parsed: T = serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    let written = serde_json::to_value(&parsed).map_err(|error| error.to_string())?;
    if written == *document {
        Ok(())
    } else {
        Err(format!("written back as {written}"))
    }
}

/// The oddities found in real documents, one each.
#[test]
fn odd_documents_survive() {
    let with = |capabilities: Value| json!({"key": "k", "name": "🤖", "description": "", "version": "1.0", "capabilities": capabilities});
    for document in [
        with(
            json!({"webhook": {"event": "room_message", "url": "{{localBaseUrl}}/hook", "pattern": "(?i)^/x\\b"}}),
        ),
        with(
            json!({"glance": [{"key": "g", "name": {"value": "G"}, "icon": {"url": "u", "url@2x": "u"}, "weight": 0, "conditions": []}]}),
        ),
        with(
            json!({"glance": [{"key": "g", "name": {"value": "G", "i18n": "g"}, "icon": {"url": "u"}, "target": {"value": "x"}}]}),
        ),
        with(
            json!({"hipchatApiConsumer": {"avatar": "https://a.example/a.png", "scopes": ["view_room", "new_scope"]}}),
        ),
        with(json!({"hipchatApiConsumer": {"avatar": {"url": "a", "url@2x": "b"}, "scopes": []}})),
        with(
            json!({"installable": {"callbackUrl": "x", "unistalledUrl": "y"}, "capabilities": {}}),
        ),
        with(
            json!({"command": [{"name": "x"}], "dialog": [{"key": "d", "title": {"value": "D"}, "url": "{jobId}"}]}),
        ),
        with(json!({"webPanel": [], "glance": [], "dialog": []})),
        json!({"capabilities": {"installable": {}}}),
        json!({"key": "k", "name": "n", "links": {"self": "{{localBaseUrl}}"}, "vendor": {"url": "Someone", "name": "https://s.example"}}),
    ] {
        assert_eq!(survives::<Descriptor>(&document), Ok(()), "{document}");
    }
    for document in [
        json!({"oauthId": "i", "oauthSecret": "s", "capabilitiesUrl": "c", "groupId": "1", "roomId": "42"}),
        json!({"oauthId": "i", "oauthSecret": "s", "capabilitiesUrl": "c", "groupId": 1}),
    ] {
        assert_eq!(
            survives::<InstallationData>(&document),
            Ok(()),
            "{document}"
        );
    }
}

#[test]
fn real_documents_survive() {
    let Ok(corpus) = std::env::var("GLANCE_CORPUS") else {
        eprintln!("skipped: GLANCE_CORPUS is not set, so real documents are not at hand");
        return;
    };
    let corpus = Path::new(&corpus);
    let descriptors = every(&corpus.join("descriptors"), survives::<Descriptor>);
    let data = every(&corpus.join("glance-data"), |document| match document {
        // One add-on answers an error as a bare string, which is no glance data.
        Value::String(_) => Ok(()),
        _ => survives::<GlanceData<Value>>(document),
    });
    let updates = every(&corpus.join("ui-update"), survives::<UiUpdate>);
    assert!(
        descriptors > 50 && data > 25 && updates > 8,
        "{descriptors} {data} {updates}"
    );

    let jwt = corpus.join("jwt/GorillaStack__serverless-hipchat-connect__spec-claims.json");
    let claims: Value = serde_json::from_slice(&std::fs::read(jwt).unwrap()).unwrap();
    // It has no `exp`, without which a token is refused.
    assert!(survives::<Claims>(&claims).unwrap_err().contains("exp"));
}

fn every(folder: &Path, survives: impl Fn(&Value) -> Result<(), String>) -> usize {
    let mut count = 0;
    let mut failures = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        count += 1;
        if let Err(problem) = survives(&document) {
            failures.push(format!("{}: {problem}", path.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    count
}
