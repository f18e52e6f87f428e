//! Tests recordings of an add-on and their replays: a replay finds differences.

use std::time::Duration;

use glance_host::testing::{FaultHost, Party, Purpose, Replay, ReplayError, Report};
use glance_sdk::model::webhook::RoomMessage;
use glance_sdk::model::{Glance, Notification, Scope};
use glance_sdk::prelude::*;
use serde_json::{Value, json};

use crate::corpus::{corpus, documents};
use crate::peer::Peer;

/// The behaviour of an add-on in these tests, which a test can change.
#[derive(Debug, Clone, PartialEq)]
struct Script {
    broken: u32,
    welcome: &'static str,
    answer: &'static str,
    says: Option<&'static str>,
}

const AS_RECORDED: Script = Script {
    broken: 2,
    welcome: "Welcome",
    answer: "Looking into it.",
    says: Some("Somebody asks."),
};

#[glance(key = "builds", name = "Builds", icon = "/builds.svg", weight = 10)]
async fn builds(State(script): State<Script>) -> GlanceData {
    GlanceData::new(label!("<b>{}</b> broken builds", script.broken))
}

#[webhook(event = RoomMessage, pattern = "^/builds")]
async fn on_message(
    webhook_request: WebhookRequest<RoomMessage>,
    State(script): State<Script>,
) -> Result<Notification, Failure> {
    if let Some(says) = script.says {
        let client = webhook_request.client().await?;
        let room = client.room(webhook_request.room_id());
        room.notify(&Notification::text(says)).await?;
    }
    Ok(Notification::text(script.answer))
}

fn add_on(script: &Script) -> AddOn<Script> {
    AddOn::new("com.example.builds", "Builds")
        .state(script.clone())
        .scopes([Scope::SendNotification, Scope::AdminRoom])
        .glance::<builds>()
        .webhook::<on_message>()
        .on_install(async |script: Script, client| {
            let room = client.installation().room_id().unwrap_or(1.into());
            let icon = Icon::new("https://example.com/i.png");
            let glance = Glance::new("welcome", script.welcome, icon);
            client.room(room).glances().create(&glance).await?;
            Ok::<(), glance_sdk::Error>(())
        })
}

/// Records the calls between an add-on of this script and its host, from the installation to the
/// end. Returns the secrets that must not be in the recording.
async fn record(script: &Script) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("builds.jsonl");
    let host = FaultHost::start().await;
    let another = host.record_to(folder.path().join("another.jsonl")).unwrap();
    let recording = host.record_to(&file).unwrap();
    drop(another);
    let room = host.room("ops").await;
    let installed = room.install(add_on(script)).await;
    // Calls of another add-on are not recorded.
    let _other = room.install(AddOn::new("com.example.other", "Other")).await;
    room.viewer("ann").await.glance::<builds>().await;
    room.says("ann", "/builds?").await;
    room.notification(script.answer).await;
    let id = installed.oauth_id();
    host.uninstall(id).await.unwrap();
    recording.finish().unwrap();
    let hidden = vec![
        installed.installed().oauth_secret.expose().to_owned(),
        id.to_string(),
        host.base_url().to_owned(),
        installed.base_url().to_owned(),
        "eyJ".to_owned(),
        "com.example.other".to_owned(),
    ];
    (std::fs::read_to_string(file).unwrap(), hidden)
}

async fn replay(recording: &str, script: &Script) -> Report {
    let replay = Replay::parse(recording).unwrap();
    let replay = replay.timeout(Duration::from_secs(3));
    replay.run(add_on(script)).await
}

#[tokio::test]
async fn unchanged_add_on_replays_and_change_is_reported() {
    let (recording, hidden) = record(&AS_RECORDED).await;
    for hidden in hidden {
        assert!(!recording.contains(&hidden), "{hidden}: {recording}");
    }
    let played = Replay::parse(&recording).unwrap();
    let purposes: Vec<_> = played
        .exchanges()
        .iter()
        .filter(|one| one.from == Party::Host)
        .map(|one| one.purpose)
        .collect();
    assert_eq!(
        purposes,
        [
            Purpose::Descriptor,
            Purpose::Installation,
            Purpose::Query,
            Purpose::Webhook,
            Purpose::Removal,
        ]
    );
    replay(&recording, &AS_RECORDED).await.assert_same();
    replay(&recording, &AS_RECORDED).await.assert_same();

    let named = async |script: Script| {
        let report = replay(&recording, &script).await;
        let places = report.differences.iter();
        places
            .map(|one| format!("{}{}", one.call, one.pointer))
            .collect::<Vec<_>>()
    };
    let same = AS_RECORDED;
    let path = |purpose: Purpose| {
        let mut all = played.exchanges().iter();
        all.find(|one| one.purpose == purpose)
            .unwrap()
            .path()
            .to_owned()
    };
    assert_eq!(
        named(Script {
            broken: 3,
            ..same.clone()
        })
        .await,
        [format!(
            "the host: GET {}/answer/label/value",
            path(Purpose::Query)
        )]
    );
    assert_eq!(
        named(Script {
            answer: "No.",
            ..same.clone()
        })
        .await,
        [format!(
            "the host: POST {}/answer/message",
            path(Purpose::Webhook)
        )]
    );
    assert_eq!(
        named(Script {
            welcome: "Hello",
            ..same.clone()
        })
        .await,
        ["the add-on: PUT /v2/room/1/extension/glance/welcome/body/name/value"]
    );
    assert_eq!(
        named(Script {
            says: Some("Who asks?"),
            ..same.clone()
        })
        .await,
        ["the add-on: POST /v2/room/1/notification/body/message"]
    );
    assert_eq!(
        named(Script { says: None, ..same }).await,
        ["the add-on: POST /v2/room/1/notification"],
        "it is missing"
    );
}

#[tokio::test]
async fn unrecorded_calls_are_differences() {
    let quiet = Script {
        says: None,
        ..AS_RECORDED
    };
    let (recording, _) = record(&quiet).await;
    let report = replay(&recording, &AS_RECORDED).await;
    let [said, ..] = &report.differences[..] else {
        panic!("{report}");
    };
    // The replaying host does not know this call, so the webhook fails too.
    assert!(
        report.to_string().contains("POST /v2/room/1/notification"),
        "{report}"
    );
    assert!(said.call.contains("POST"), "{report}");
    let text = report.to_string();
    assert!(text.contains("recorded: nothing"), "{text}");
    assert!(text.contains("now:      {"), "{text}");
}

#[tokio::test]
async fn pointers_allow_differences() {
    let (recording, _) = record(&AS_RECORDED).await;
    let other = Script {
        broken: 7,
        welcome: "Hello",
        answer: "No.",
        says: Some("Who asks?"),
    };
    let all = Replay::parse(&recording).unwrap();
    assert_eq!(all.run(add_on(&other)).await.differences.len(), 4);
    let lenient = all.clone().ignore("/answer/label").ignore("/*/message");
    let report = lenient.run(add_on(&other)).await;
    assert_eq!(report.differences.len(), 1, "{report}");
    assert_eq!(report.differences[0].pointer, "/body/name/value");
    assert_eq!(report.differences[0].now, Some(json!("Hello")));
    let answers = all.answers_only().run(add_on(&other)).await;
    assert_eq!(answers.differences.len(), 2, "{answers}");
}

#[tokio::test]
async fn any_add_on_is_replayed_by_url() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("peer.jsonl");
    let host = FaultHost::start().await;
    let recording = host.record_to(&file).unwrap();
    let room = host.room("ops").await;
    let webhook = json!([{ "url": "said", "event": "room_message", "name": "said" }]);
    let peer = Peer::serve("com.example.peer", webhook).await;
    room.install_url(&peer.url).await.unwrap();
    peer.answer(r#"{"message":"Heard."}"#);
    room.says("ann", "hi").await;
    room.notification("Heard.").await;
    recording.finish().unwrap();

    let replay = Replay::read(&file).unwrap();
    peer.answer(r#"{"message":"Heard."}"#);
    replay.run_url(&peer.url).await.assert_same();
    peer.answer(r#"{"message":"What?"}"#);
    let report = replay.run_url(&peer.url).await;
    assert_eq!(report.differences.len(), 1, "{report}");
    peer.stop().await;
    let report = replay.run_url("http://127.0.0.1:9").await;
    assert!(report.to_string().contains("cannot be reached"), "{report}");
}

#[tokio::test]
async fn stand_in_sends_recorded_responses() {
    let (recording, _) = record(&AS_RECORDED).await;
    let replay = Replay::parse(&recording).unwrap().timeout(Duration::ZERO);
    let host = replay.stand_in().await;
    let client = glance_host::testing::http_client();
    let url = |path: &str| format!("{}/v2/{path}", host.base_url());
    let capabilities = client.get(url("capabilities")).send().await.unwrap();
    let capabilities: Value = capabilities.json().await.unwrap();
    assert_eq!(capabilities["links"]["self"], url("capabilities"));
    let token = client.post(url("oauth/token")).send().await.unwrap();
    let token: Value = token.json().await.unwrap();
    assert_eq!(token["access_token"].as_str().unwrap().len(), 40);
    let recorded = replay.exchanges().iter();
    let mut recorded = recorded.filter(|one| one.purpose == Purpose::Api);
    let put = recorded.next().unwrap();
    let request = client
        .put(format!("{}{}", host.base_url(), put.url))
        .json(&put.body);
    let request = request.bearer_auth("any");
    assert_eq!(
        request.send().await.unwrap().status().as_u16(),
        put.status.unwrap()
    );
    let unknown = client.get(url("room")).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
    let report = host.report().await;
    let calls: Vec<_> = report.differences.iter().map(|one| &*one.call).collect();
    assert_eq!(
        calls,
        [
            "the add-on: POST /v2/room/1/notification",
            "the add-on: GET /v2/room"
        ],
        "one is missing, one is new"
    );
}

/// Returns a URL without the token in its query.
fn hidden(path: &str) -> String {
    let Some((before, behind)) = path.split_once("auth_token=") else {
        return path.replace("<token>", "any");
    };
    let rest = behind.find('&').map_or("", |at| &behind[at..]);
    format!("{before}auth_token={{{{token}}}}{rest}")
}

/// Converts a recorded call of another client to a line of a recording.
fn line(n: usize, call: &Value) -> Value {
    let path = call["path"].as_str().unwrap();
    let purpose = match path.split('?').next() {
        Some("/v2/capabilities") => "capabilities",
        Some("/v2/oauth/token") => "token",
        _ => "api",
    };
    let given = &call["headers"];
    let mut headers = serde_json::Map::new();
    if !given["content-type"].is_null() {
        headers.insert("content-type".to_owned(), given["content-type"].clone());
    }
    if let Some(scheme) = given["authorization"]
        .as_str()
        .and_then(|all| all.split(' ').next())
    {
        let hidden = if scheme == "Basic" {
            "{{secret}}"
        } else {
            "{{token}}"
        };
        headers.insert(
            "authorization".to_owned(),
            json!(format!("{scheme} {hidden}")),
        );
    }
    let body = call["body"].as_str().unwrap();
    json!({
        "n": n, "at": 0, "from": "add-on", "purpose": purpose, "method": call["method"],
        "url": hidden(path), "headers": headers,
        "body": serde_json::from_str(body).unwrap_or_else(|_| match body {
            "" => Value::Null,
            text => json!(text),
        }),
        "status": call["host_answered"],
    })
}

#[tokio::test]
async fn stand_in_replays_real_traffic() {
    let Some(folder) = corpus() else {
        return;
    };
    let mut made = 0;
    for (path, trace) in documents(&folder, ["traces"].into_iter()) {
        let calls = trace["calls_to_host"].as_array().unwrap();
        let lines = calls.iter().enumerate().map(|(n, call)| line(n, call));
        let lines: Vec<_> = lines.map(|line| line.to_string()).collect();
        let recording = format!("{{\"glance_recording\":1}}\n{}", lines.join("\n"));
        let replay = Replay::parse(&recording).unwrap();
        let host = replay.stand_in().await;
        let client = glance_host::testing::http_client();
        for call in calls {
            let method: reqwest::Method = call["method"].as_str().unwrap().parse().unwrap();
            let url = call["path"].as_str().unwrap().replace("<token>", "any");
            let mut request = client.request(method, format!("{}{url}", host.base_url()));
            for name in ["content-type", "authorization"] {
                if let Some(value) = call["headers"][name].as_str() {
                    request = request.header(name, value);
                }
            }
            let body = call["body"].as_str().unwrap().to_owned();
            let answer = request.body(body).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), call["host_answered"], "{call}");
            made += 1;
        }
        let report = host.report().await;
        assert!(report.is_same(), "{}: {report}", path.display());
    }
    assert!(made > 50, "{made}");
}

#[test]
fn invalid_recording_is_refused_with_reason() {
    for (text, why) in [
        ("", "first line"),
        ("{\"peer\":1}", "first line"),
        ("{\"glance_recording\":2}", "version 2"),
        ("{\"glance_recording\":1}\n\n{\"n\":1", "line 3"),
        ("{\"glance_recording\":1}\n{\"n\":1}", "line 2"),
    ] {
        let error = Replay::parse(text).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    let error = Replay::read("/nowhere/at/all").unwrap_err();
    assert!(matches!(error, ReplayError::File(_)), "{error}");
}
