//! Tests messages of people, and of add-ons in the manner of people.

use glance_host::Host;
use glance_host::model::{Content, Entry, Message, Sender};
use glance_host::testing::{TestAddOn, TestRoom};
use glance_sdk::client::Method;
use glance_sdk::model::{Notification, Page, Scope};
use glance_sdk::prelude::*;
use glance_sdk::{ErrorKind, Result};
use serde_json::{Value, json};

fn message(entry: &Entry) -> &Message {
    match &entry.content {
        Content::Message(message) => message,
        other => panic!("{other:?} is no message"),
    }
}

async fn with_scopes(room: &TestRoom, scopes: &[Scope]) -> TestAddOn {
    let add_on = AddOn::new("com.example.talk", "Talk").scopes(scopes.iter().cloned());
    room.install(add_on).await
}

async fn get(by: &TestAddOn, path: &[&str], query: &[(&str, &str)]) -> Result<Page<Value>> {
    let client = by.client().await;
    let request = client.request(Method::Get, path.iter().copied());
    let request = query
        .iter()
        .fold(request, |request, (name, value)| request.query(name, value));
    request.read().await
}

#[tokio::test]
async fn at_sign_mentions_person() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let bo = host.user("Bo Sample", |_| {}).await;
    let ann = host.user("ann", |_| {}).await;
    let said = room
        .says("ann", "hello @BOSAMPLE and @nobody, ann@ann")
        .await;
    assert_eq!(said.sender, Sender::Person(ann.id));
    assert_eq!(message(&said).mentions, [bo.id]);
    assert_eq!(room.timeline().await, [said]);
    assert!(other.timeline().await.is_empty());
}

#[tokio::test]
async fn add_ons_write_and_reply_with_their_own_name() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let question = room.says("ann", "who is there?").await;
    let id = room.room.id.to_string();
    let installed = with_scopes(&room, &[Scope::SendMessage]).await;
    let client = installed.client().await;
    let post = async |what: &str, body: Value| {
        let request = client.request(Method::Post, ["room", &id, what]);
        request.body(&body)?.send().await
    };

    let request = client.request(Method::Post, ["room", &id, "message"]);
    let request = request.body(&json!({ "message": "I am, @ann" })).unwrap();
    let written: Value = request.read().await.unwrap();
    let reply = json!({ "parentMessageId": question.id, "message": "Me" });
    post("reply", reply).await.unwrap();
    let timeline = room.timeline().await;
    assert_eq!(timeline.len(), 3);
    assert_eq!(written["id"], json!(timeline[1].id));
    assert_eq!(
        timeline[1].sender,
        Sender::AddOn(installed.oauth_id().clone())
    );
    assert_eq!(message(&timeline[1]).mentions.len(), 1);
    assert_eq!(message(&timeline[2]).reply_to.as_ref(), Some(&question.id));

    for (what, body, words) in [
        ("message", json!({ "message": "" }), "1 to 10000"),
        (
            "message",
            json!({ "message": "x".repeat(10_001) }),
            "1 to 10000",
        ),
        ("message", json!({ "text": "x" }), "no message"),
        ("message", json!("x"), "no message"),
        ("reply", json!({ "message": "x" }), "/parentMessageId"),
        (
            "reply",
            json!({ "message": "x", "parentMessageId": "y" }),
            "not found",
        ),
    ] {
        let error = post(what, body).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(room.timeline().await.len(), 3);
}

#[tokio::test]
async fn history_is_paginated_newest_first() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let id = room.room.id.to_string();
    let scopes = [Scope::ViewMessages, Scope::SendNotification];
    let installed = with_scopes(&room, &scopes).await;
    for text in ["a", "b", "c", "d"] {
        room.says("ann", text).await;
    }
    let client = installed.client().await;
    let last = Notification::html("<b>e</b>");
    client.room(room.room.id).notify(&last).await.unwrap();

    let texts = |page: &Page<Value>| -> Vec<String> {
        let text = |item: &Value| item["message"].as_str().unwrap().to_owned();
        page.items.iter().map(text).collect()
    };
    let page = get(&installed, &["room", &id, "history"], &[])
        .await
        .unwrap();
    assert_eq!(texts(&page), ["a", "b", "c", "d", "<b>e</b>"]);
    assert_eq!(page.items[0]["type"], "message");
    assert_eq!(page.items[0]["from"]["mention_name"], "ann");
    assert_eq!(page.items[0]["mentions"], json!([]));
    assert_eq!(page.items[4]["type"], "notification");
    assert_eq!(page.items[4]["from"], "Talk");
    assert_eq!(page.items[4]["color"], "yellow");
    let latest = get(&installed, &["room", &id, "history", "latest"], &[]).await;
    assert_eq!(texts(&latest.unwrap()).len(), 5);

    let in_pages = async |start, oldest_first| {
        let size = ("max-results", "2");
        let query = [("start-index", start), size, ("reverse", oldest_first)];
        get(&installed, &["room", &id, "history"], &query)
            .await
            .unwrap()
    };
    let first = in_pages("0", "false").await;
    assert_eq!(texts(&first), ["<b>e</b>", "d"]);
    let links = first.links.unwrap();
    assert!(links.prev.is_none());
    let list = format!("{}/v2/room/{id}/history", host.base_url());
    assert_eq!(
        links.self_url,
        Some(list),
        "one client tells by it what it holds"
    );
    assert!(links.next.unwrap().contains("start-index=2&"));
    assert_eq!(texts(&in_pages("2", "true").await), ["b", "c"]);
    let last = in_pages("4", "false").await;
    assert_eq!(texts(&last), ["a"]);
    assert!(last.links.unwrap().next.is_none());
}

#[tokio::test]
async fn invalid_history_query_is_refused() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let id = room.room.id.to_string();
    let installed = with_scopes(&room, &[Scope::ViewMessages]).await;
    let history = ["room", &id, "history"];
    let recent = [("date", "recent"), ("timezone", "UTC")];
    let page = get(&installed, &history, &recent).await.unwrap();
    assert!(page.items.is_empty());
    for (name, value) in [
        ("date", "2016-09-09"),
        ("max-results", "0"),
        ("max-results", "1001"),
        ("max-results", "x"),
        ("start-index", "-1"),
        ("reverse", "maybe"),
    ] {
        let refused = get(&installed, &history, &[(name, value)]).await;
        let said = refused.unwrap_err().to_string();
        assert!(said.contains("400") && said.contains(name), "{said}");
    }
}

#[tokio::test]
async fn messages_need_scope() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let other = host.room("other").await.room.id.to_string();
    let id = room.room.id.to_string();
    let may_nothing = with_scopes(&room, &[Scope::ViewRoom]).await;
    let refused = get(&may_nothing, &["room", &id, "history"], &[]).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
    drop(may_nothing);
    let may = host.room("third").await;
    let may = with_scopes(&may, &[Scope::ViewMessages]).await;
    let elsewhere = get(&may, &["room", &other, "history"], &[]).await;
    assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::NotFound);
}
