//! Tests the refusals that a client predicts, and those that it leaves to the host.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::Value;

use super::calls::answering;
use super::*;
use crate::model::{Event, Glance, Icon, Webhook};

fn glance(key: &str) -> Glance {
    Glance::new(key, key, Icon::new("https://a.example/i.png"))
}

/// A host without rules, which stores all extensions. Tests may change its content without the
/// client's knowledge.
async fn keeper() -> (
    Client,
    Arc<Mutex<BTreeSet<String>>>,
    Arc<Mutex<Vec<String>>>,
) {
    let kept: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let store = Arc::clone(&kept);
    let (client, seen) = answering(move |call, _| {
        let (method, path) = call.split_once(' ').unwrap();
        let mut kept = store.lock().unwrap();
        let key = path.rsplit('/').next().unwrap();
        match method {
            "PUT" => {
                kept.insert(path.to_owned());
                (201, Value::Null)
            }
            "DELETE" if kept.remove(path) => (204, Value::Null),
            "GET" if kept.contains(path) && path.contains("webhook") => (
                200,
                json!({ "key": key, "event": "room_enter", "url": "u" }),
            ),
            "GET" if kept.contains(path) => (200, serde_json::to_value(glance(key)).unwrap()),
            _ => (404, Value::Null),
        }
    })
    .await;
    (client, kept, seen)
}

fn puts(seen: &Mutex<Vec<String>>) -> usize {
    let seen = seen.lock().unwrap();
    seen.iter().filter(|call| call.starts_with("PUT")).count()
}

#[tokio::test]
async fn eleventh_extension_is_not_sent_while_ten_exist() {
    let (client, kept, seen) = keeper().await;
    for n in 0..10 {
        client
            .room(42)
            .glances()
            .create(&glance(&format!("g{n}")))
            .await
            .unwrap();
    }
    client
        .room(42)
        .glances()
        .create(&glance("g3"))
        .await
        .unwrap();
    client
        .room(7)
        .glances()
        .create(&glance("g0"))
        .await
        .unwrap();
    let sent = puts(&seen);
    let error = client
        .room(42)
        .glances()
        .create(&glance("new"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Quota);
    assert!(
        error.to_string().contains("room 42 already has 10"),
        "{error}"
    );
    assert!(error.to_string().contains("g0, g1, g2"), "{error}");
    assert_eq!(puts(&seen), sent, "nothing was sent");

    // Somebody else removed one, so the client's memory alone must not cause a refusal.
    kept.lock()
        .unwrap()
        .remove("/v2/room/42/extension/glance/g9");
    client
        .room(42)
        .glances()
        .create(&glance("new"))
        .await
        .unwrap();
    let full = client
        .room(42)
        .glances()
        .create(&glance("newer"))
        .await
        .unwrap_err();
    assert_eq!(full.kind(), ErrorKind::Quota);
    client.room(42).glances().remove("new").await.unwrap();
    client
        .room(42)
        .glances()
        .create(&glance("newer"))
        .await
        .unwrap();

    for n in 0..10 {
        client
            .group()
            .glances()
            .create(&glance(&format!("all{n}")))
            .await
            .unwrap();
    }
    let error = client
        .group()
        .glances()
        .create(&glance("more"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("the group already has 10"),
        "{error}"
    );

    for n in 0..11 {
        let mut webhook = Webhook::new(Event::RoomEnter, "https://a.example/entered");
        webhook.key = Some(format!("w{n}"));
        let created = client.room(42).webhooks().create(&webhook).await;
        assert_eq!(
            created.err().map(|e| e.kind()),
            (n == 10).then_some(ErrorKind::Quota)
        );
    }
}

#[tokio::test]
async fn room_and_group_cannot_share_glance_key() {
    let (client, kept, seen) = keeper().await;
    client
        .room(42)
        .glances()
        .create(&glance("one"))
        .await
        .unwrap();
    client
        .group()
        .glances()
        .create(&glance("all"))
        .await
        .unwrap();
    let sent = puts(&seen);
    for (refused, words) in [
        (
            client.group().glances().create(&glance("one")).await,
            "room 42 has a glance",
        ),
        (
            client.room(7).glances().create(&glance("all")).await,
            "the group has a glance",
        ),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyTaken);
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(puts(&seen), sent, "nothing was sent");
    client
        .room(7)
        .glances()
        .create(&glance("one"))
        .await
        .unwrap();

    kept.lock().unwrap().clear();
    client
        .group()
        .glances()
        .create(&glance("one"))
        .await
        .unwrap();
    client
        .room(7)
        .glances()
        .create(&glance("all"))
        .await
        .unwrap();
}

#[tokio::test]
async fn host_decides_if_existing_extensions_are_unknown() {
    let (client, _) = answering(|call, _| match call.starts_with("GET") {
        true => (403, Value::Null),
        false => (204, Value::Null),
    })
    .await;
    for n in 0..11 {
        client
            .room(42)
            .glances()
            .create(&glance(&format!("g{n}")))
            .await
            .unwrap();
    }
    client
        .group()
        .glances()
        .create(&glance("g0"))
        .await
        .unwrap();
}

/// Another process created the ten, so only the host knows them; some hosts respond with a bare
/// 409.
#[tokio::test]
async fn conflicts_have_the_same_kind_in_every_process() {
    let says = |reason| json!({ "error": { "code": 409, "message": "no", "reason": reason } });
    for (body, is_global_there, kind) in [
        (Value::Null, false, ErrorKind::Quota),
        (Value::Null, true, ErrorKind::KeyTaken),
        (says("quota"), true, ErrorKind::Quota),
        (says("key-taken"), false, ErrorKind::KeyTaken),
    ] {
        let answer = body.clone();
        let (client, _) = answering(move |call, _| match call {
            "GET /v2/extension/glance/eleventh" if is_global_there => {
                (200, serde_json::to_value(glance("eleventh")).unwrap())
            }
            _ if call.starts_with("PUT") => (409, answer.clone()),
            _ => (404, Value::Null),
        })
        .await;
        let refused = client.room(42).glances().create(&glance("eleventh")).await;
        let error = refused.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(409)), "{body}");
        let message = body.is_object().then_some("no");
        assert_eq!(error.host_message(), message);
    }
}
