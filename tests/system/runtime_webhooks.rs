//! Tests webhooks created at run time, with the SDK and with requests of old clients.

use glance_host::Host;
use glance_host::testing::{TestAddOn, TestRoom};
use glance_sdk::ErrorKind;
use glance_sdk::client::{Client, Method};
use glance_sdk::model::webhook::RoomMessage;
use glance_sdk::model::{Event, Scope, Webhook};
use glance_sdk::prelude::*;
use serde_json::{Value, json};

use crate::rest::Rest;

#[webhook(event = RoomMessage)]
async fn declared(_: WebhookRequest<RoomMessage>) {}

async fn installed(room: &TestRoom) -> TestAddOn {
    let add_on = AddOn::new("com.example.hooks", "Hooks");
    let add_on = add_on.scopes([Scope::AdminRoom]).webhook::<declared>();
    room.install(add_on).await
}

fn webhook(key: &str) -> Webhook {
    let mut webhook = Webhook::new(Event::RoomMessage, "https://add-on.example.com/said?a=1");
    webhook.key = Some(key.to_owned());
    webhook.pattern = Some("^/x".to_owned());
    webhook
}

#[tokio::test]
async fn ten_webhooks_per_room_are_allowed() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = installed(&room).await;
    let client = installed.client().await;
    let webhooks = client.room(room.room.id).webhooks();
    for n in 0..10 {
        webhooks.create(&webhook(&format!("k{n}"))).await.unwrap();
    }
    webhooks.create(&webhook("k3")).await.unwrap();
    // Another process created them, so the client does not know that there are ten.
    let other = installed.client().await;
    let eleventh = post(&other, &room, &webhook("k10")).await;
    let eleventh = eleventh.unwrap_err();
    assert_eq!(eleventh.kind(), ErrorKind::Quota);
    assert!(eleventh.to_string().contains("10 webhooks"), "{eleventh}");

    let listed = webhooks.list().all().await.unwrap();
    assert_eq!(listed.len(), 11, "the descriptor's too");
    assert!(listed.iter().all(|one| one.extra["id"].is_u64()));
    let read = webhooks.get("k3").await.unwrap();
    assert_eq!(read.pattern.as_deref(), Some("^/x"));
    webhooks.remove("k3").await.unwrap();
    assert_eq!(
        webhooks.get("k3").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        webhooks.remove("k3").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    webhooks.create(&webhook("k10")).await.unwrap();

    assert!(host.uninstall(installed.oauth_id()).await.unwrap());
    let left = host.state().webhooks_of(installed.oauth_id(), room.room.id);
    assert!(left.await.unwrap().is_empty());
}

async fn post(
    client: &Client,
    room: &TestRoom,
    body: &impl Serialize,
) -> glance_sdk::Result<Value> {
    let id = room.room.id.to_string();
    let request = client.request(Method::Post, ["room", &id, "webhook"]);
    request.body(body)?.read().await
}

#[tokio::test]
async fn old_clients_create_and_remove_by_number() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = installed(&room).await;
    let client = installed.client().await;
    let body = json!({"url": "http://127.0.0.1/x", "event": "room_message", "pattern": "^/x", "name": "n", "key": null});
    let created = post(&client, &room, &body).await.unwrap();
    let number = created["id"].as_u64().unwrap();
    let address = format!(
        "{}/v2/room/{}/webhook/{number}",
        host.base_url(),
        room.room.id
    );
    assert_eq!(created["links"]["self"], address);

    let id = room.room.id.to_string();
    let path = ["room", &id, "webhook", &number.to_string()];
    let read: Value = client.request(Method::Get, path).read().await.unwrap();
    assert_eq!(read["name"], "n");
    assert_eq!(read["id"], number);
    let removed = client.request(Method::Delete, path).send().await;
    removed.unwrap();
    let gone = client.request(Method::Delete, path).send().await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
}

/// Old frameworks store the URL in the response header, to remove the webhook later.
#[tokio::test]
async fn created_webhook_has_location_header() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = installed(&room).await;
    let http = glance_host::testing::http_client();
    let token = Rest::of(&host, &add_on).token("").await;
    let own = format!("{}/v2/room/{}", host.base_url(), room.room.id);
    for (created, address) in [
        (http.post(format!("{own}/webhook")), "old"),
        (http.put(format!("{own}/extension/webhook/new")), "new"),
    ] {
        let created = created.bearer_auth(&token).json(&webhook(address));
        let created = created.send().await.unwrap();
        assert_eq!(created.status(), 201);
        let location = created.headers()["location"].to_str().unwrap().to_owned();
        let body: Value = created.json().await.unwrap();
        assert_eq!(body["links"]["self"], location);
        let removed = http.delete(location).bearer_auth(&token).send().await;
        assert_eq!(removed.unwrap().status(), 204);
    }
}

#[tokio::test]
async fn declared_webhooks_stay() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = installed(&room).await;
    let client = installed.client().await;
    let webhooks = client.room(room.room.id).webhooks();
    let declared = webhooks.get("declared").await.unwrap();
    let id = room.room.id.to_string();
    let number = declared.extra["id"].to_string();
    let removed = client.request(Method::Delete, ["room", &id, "webhook", &number]);
    for refused in [
        webhooks.remove("declared").await,
        webhooks.create(&webhook("declared")).await,
        removed.send().await,
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused);
        assert!(
            refused.to_string().contains("declared in the descriptor"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn invalid_webhook_is_refused() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = installed(&room).await;
    let client = installed.client().await;
    let good = json!({"url": "http://127.0.0.1/x", "event": "room_message"});
    for (change, words) in [
        (json!({"url": "x"}), "/url"),
        (json!({"url": null}), "/url"),
        (json!({"event": "room_party"}), "no event `room_party`"),
        (json!({"event": null}), "/event"),
        (json!({"key": "no key"}), "/key"),
        (json!({"pattern": 7}), "/pattern"),
        (json!({"pattern": "^(?!x)"}), "/pattern: the pattern"),
        (json!({"authentication": 7}), "/authentication"),
    ] {
        let mut body = good.clone();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let refused = post(&client, &room, &body).await.unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
    }
    let path = [
        "room",
        &room.room.id.to_string(),
        "extension",
        "webhook",
        "other",
    ];
    let request = client.request(Method::Put, path);
    let refused = request.body(&webhook("key")).unwrap().send().await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("must be the same")
    );

    let may_not = AddOn::new("com.example.other", "Other");
    let may_not = room.install(may_not).await.client().await;
    let refused = may_not
        .room(room.room.id)
        .webhooks()
        .create(&webhook("k"))
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
}
