//! Tests that real documents survive a round trip.

use std::path::{Path, PathBuf};

use glance_sdk::model::webhook::{RoomMessage, WebhookItem};
use glance_sdk::model::{
    Claims, Descriptor, HostDocument, InstallationData, Notification, QueryAnswer, TokenAnswer,
    UiUpdate, WebhookPayload,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::skipped::skipped;

fn survives<T: DeserializeOwned + Serialize>(document: &Value) -> Result<(), String> {
    let parsed: T = serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    let written = serde_json::to_value(&parsed).map_err(|error| error.to_string())?;
    if written == *document {
        Ok(())
    } else {
        Err(format!("written back as {written}"))
    }
}

/// An installation as one framework stores it: the host's capabilities document among members of
/// its own, which are never transferred.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrameworksRecord {
    capabilities_doc: HostDocument,
    #[serde(flatten)]
    own: Map<String, Value>,
}

type Check = fn(&Value) -> Result<(), String>;

/// The types of the files: the first row with the file's folder and a word in its name.
const TYPES: &[(&str, &str, Check)] = &[
    ("descriptors", "", survives::<Descriptor>),
    // The error that one add-on sends as a bare string is its `Other`.
    ("glance-data", "", survives::<QueryAnswer>),
    ("ui-update", "", survives::<UiUpdate>),
    ("installation", "token-response", survives::<TokenAnswer>),
    (
        "installation",
        "ace-client-info",
        survives::<FrameworksRecord>,
    ),
    // Includes the stored data of an add-on: the same data and two URLs from the capabilities
    // document.
    ("installation", "", survives::<InstallationData>),
    // Findings about frameworks, by the framework's name, which are never transferred.
    (
        "jwt",
        "claims-read-by-peers",
        survives::<Map<String, Value>>,
    ),
    ("jwt", "", survives::<Claims>),
    ("notifications", "", survives::<Notification>),
    ("webhooks", "", survives_as_webhook),
];

fn survives_as_webhook(document: &Value) -> Result<(), String> {
    survives::<WebhookPayload<RoomMessage>>(document)?;
    let payload: WebhookPayload =
        serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    let has_event = payload.event.is_some();
    let typed = payload.typed();
    if has_event != matches!(typed.item, WebhookItem::RoomMessage(_)) {
        return Err(format!("typed as {:?}", typed.item));
    }
    let written = serde_json::to_value(&typed).map_err(|error| error.to_string())?;
    if written == *document {
        Ok(())
    } else {
        Err(format!("written back as {written}"))
    }
}

/// Unusual properties of real documents, one each.
#[test]
fn unusual_documents_survive_round_trip() {
    let with = |capabilities: Value| json!({"key": "k", "name": "🤖", "description": "", "version": "1.0", "capabilities": capabilities});
    let glance = |more: Value| {
        let mut glance =
            json!({"key": "g", "name": {"value": "G"}, "icon": {"url": "u", "url@2x": "u"}});
        if let (Some(glance), Value::Object(more)) = (glance.as_object_mut(), more) {
            glance.extend(more);
        }
        glance
    };
    let descriptors = [
        with(
            json!({"webhook": {"event": "room_message", "url": "{{localBaseUrl}}/hook", "pattern": "(?i)^/x\\b", "jiraBase": "j"}}),
        ),
        with(
            json!({"webhook": [{"event": "room_party", "url": "u", "pattern": "\u{8}", "authentication": "oauth"}]}),
        ),
        with(json!({"glance": [glance(json!({"weight": 0, "conditions": []}))]})),
        with(
            json!({"glance": [glance(json!({"icon": {"url": "u"}, "target": {"value": "x"}, "name": {"value": "G", "i18n": "g"}}))]}),
        ),
        with(
            json!({"glance": [glance(json!({"target": {"key": "p", "options": {"a": 1}, "type": "dialog"}}))]}),
        ),
        with(
            json!({"glance": [glance(json!({"conditions": ["x", {"type": "XOR", "conditions": [{"condition": "moon_is_full", "invert": "yes"}]}]}))]}),
        ),
        with(
            json!({"hipchatApiConsumer": {"avatar": "https://a.example/a.png", "scopes": ["view_room", "new_scope"]}}),
        ),
        with(
            json!({"hipchatApiConsumer": {"avatar": {"url": "a", "url@2x": "b"}, "scopes": [], "fromName": ""}}),
        ),
        with(json!({"hipchatApiConsumer": {"avatar": {"url": "a"}, "scopes": []}})),
        with(json!({"hipchatApiConsumer": {"avatar": ["a"], "scopes": []}})),
        with(
            json!({"installable": {"callbackUrl": "x", "unistalledUrl": "y"}, "capabilities": {}}),
        ),
        with(
            json!({"installable": {"allowRoom": false, "allowGlobal": true, "allowGroup": true, "installedUrl": "i", "uninstalledUrl": "u", "updatedUrl": "p", "updateCallbackUrl": "c"}}),
        ),
        with(
            json!({"command": [{"name": "x"}], "dialog": [{"key": "d", "title": {"value": "D"}, "url": "{jobId}"}]}),
        ),
        with(
            json!({"dialog": [{"key": "d", "title": {"value": "D"}, "url": "u", "authentication": "none", "options": {"style": "loud", "size": "large", "secondaryActions": [], "hint": {"value": "h"}, "filter": {"placeholder": {"value": "p"}}, "primaryAction": {"name": {"value": "OK"}, "enabled": false, "key": "ok"}}}]}),
        ),
        with(
            json!({"dialog": [{"key": "d", "title": {"value": "D"}, "url": "u", "options": {"size": {"width": "50%", "height": "20px"}}}, {"key": "e", "title": {"value": "E"}, "url": "u", "options": {"size": {"width": 5}}}]}),
        ),
        with(
            json!({"webPanel": [{"key": "p", "name": {"value": "P"}, "url": "u", "location": "elsewhere", "weight": 0, "conditions": [], "authentication": "jwt", "icon": {"url": "u"}, "target": {"type": "dialog"}}]}),
        ),
        with(
            json!({"action": [{"key": "a", "name": {"value": "A"}, "location": "hipchat.input.action", "target": {"type": "dialog", "key": "d"}, "weight": 1, "conditions": [{"condition": "card_matches", "params": {"sender": "s", "metadata": [{"attr": "a", "eq": "b"}]}}]}]}),
        ),
        with(
            json!({"externalPage": [{"key": "e", "url": "u", "name": {"value": "E"}}], "adminPage": {"url": "u"}, "configurable": {"url": "u", "allowAccessToRoomAdmins": true, "authentication": "none"}}),
        ),
        with(
            json!({"oauth2Consumer": {"redirectionUrls": ["u"]}, "oauth2Provider": {"tokenUrl": "t"}}),
        ),
        with(json!({"webPanel": [], "glance": [], "dialog": [], "action": []})),
        with(json!({})),
        json!({"capabilities": {"installable": {}}}),
        json!({"key": "k", "name": "n", "apiVersion": "1:1", "links": {"self": "{{localBaseUrl}}"}, "vendor": {"url": "Someone", "name": "https://s.example"}}),
    ];
    let others: [(Check, Value); 15] = [
        (survives::<QueryAnswer>, json!("failed to connect")),
        (survives::<QueryAnswer>, json!({"error": "x"})),
        (
            survives::<QueryAnswer>,
            json!({"label": {"type": "html", "value": "x"}, "metadata": "{}", "status": {"type": "lozenge", "value": {"type": "", "label": ""}}}),
        ),
        (
            survives::<UiUpdate>,
            json!({"glance": [{"content": {"label": {"type": "html"}}, "key": "g"}]}),
        ),
        (
            survives::<InstallationData>,
            json!({"oauthId": "i", "oauthSecret": "s", "capabilitiesUrl": "c", "groupId": "1", "roomId": "42"}),
        ),
        (
            survives::<InstallationData>,
            json!({"oauthId": "i", "oauthSecret": "s", "capabilitiesUrl": "c", "groupId": 1, "apiUrl": "a"}),
        ),
        (
            survives::<InstallationData>,
            json!({"oauthId": "i", "oauthSecret": "s", "groupId": "1"}),
        ),
        (survives::<TokenAnswer>, json!({"access_token": "t"})),
        (
            survives::<TokenAnswer>,
            json!({"access_token": "t", "expires_in": 431_999_999, "group_id": 1, "refresh_token": "r"}),
        ),
        (
            survives::<Claims>,
            json!({"iss": "i", "context": {"room_id": 1, "user_tz": "Europe/Berlin"}, "expiry": "2016"}),
        ),
        (
            survives::<Notification>,
            json!({"message": "x", "format": "html", "color": "teal"}),
        ),
        (
            survives::<Notification>,
            json!({"message": "x", "card": {"style": "application", "id": "i", "title": "t", "description": "d", "activity": {"html": "h", "icon": "i"}, "thumbnail": {"url": "u"}}}),
        ),
        (
            survives_as_webhook,
            json!({"item": {"message": {"message": "/x"}, "room": {"id": 40}}, "oauth_client_id": "o"}),
        ),
        (
            survives_as_webhook,
            json!({"item": {"message": {"message": "/x", "from": {"id": "5"}}, "room": {"id": "40"}}}),
        ),
        (
            survives_as_webhook,
            json!({"event": "room_message", "webhook_id": 1, "item": {"message": {"message": "x", "mentions": [{"id": 5}]}, "room": {"id": 1, "privacy": "secret", "links": {"members": "m"}}}}),
        ),
    ];
    let descriptors = descriptors.map(|document| (survives::<Descriptor> as Check, document));
    for (survives, document) in descriptors.into_iter().chain(others) {
        assert_eq!(survives(&document), Ok(()), "{document}");
    }
}

#[test]
fn real_documents_survive_round_trip() {
    let Some(corpus) = corpus() else { return };
    let mut failures = Vec::new();
    let mut used = vec![0; TYPES.len()];
    for (path, document) in documents(&corpus, TYPES.iter().map(|(folder, ..)| *folder)) {
        let file = path.display().to_string();
        let (row, (_, _, survives)) = TYPES
            .iter()
            .enumerate()
            .find(|(_, (folder, word, _))| {
                path.parent().is_some_and(|parent| parent.ends_with(folder)) && file.contains(word)
            })
            .unwrap();
        used[row] += 1;
        if let Err(problem) = survives(&document) {
            failures.push(format!("{file}: {problem}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(used.iter().all(|count| *count > 0), "{used:?}");
    assert!(used.iter().sum::<usize>() > 120, "{used:?}");
}

/// Returns the folder of real documents, if the machine has one.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("GLANCE_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        skipped("GLANCE_CORPUS is not set, so there are no real documents");
    }
    folder
}

/// Returns every JSON document in these folders.
pub(crate) fn documents<'f>(
    corpus: &Path,
    folders: impl Iterator<Item = &'f str>,
) -> Vec<(PathBuf, Value)> {
    let mut folders: Vec<_> = folders.collect();
    folders.dedup();
    let mut found = Vec::new();
    for folder in folders {
        for entry in std::fs::read_dir(corpus.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let document = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                found.push((path, document));
            }
        }
    }
    found
}
