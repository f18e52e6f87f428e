//! Tests the notifications of add-ons, with the SDK and in all formats of old clients.

use glance_host::Host;
use glance_host::model::Delivery;
use glance_host::model::Sender;
use glance_sdk::axum::Router;
use glance_sdk::axum::routing::{get, post};
use glance_sdk::model::{Card, CardStyle, Color, MessageFormat, Notification, Scope};
use glance_sdk::{AddOn, ErrorKind};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::add_on::{Pager, add_on};
use crate::by_hand::{descriptor, serve};
use crate::rest::{self, Rest};

#[tokio::test]
async fn notification_reaches_room_unchanged() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let installed = host.install_everywhere(add_on(&Pager::new(1))).await;
    let client = installed.client().await;

    let mut written = Notification::html("<b>Build 7</b> failed")
        .color(Color::Red)
        .notify()
        .card(Card::new(CardStyle::Application, "build-7", "Build 7"));
    written.from = Some("CI".to_owned());
    client.room(room.room.id).notify(&written).await.unwrap();
    assert_eq!(room.notification("Build 7").await, written);

    let entry = host.state().timeline(room.room.id, 1).await.unwrap();
    let sender = Sender::AddOn(installed.oauth_id().clone());
    assert_eq!(entry[0].sender, sender);
    assert_eq!(entry[0].sender_name, "Incidents");
    assert!(other.notifications().await.is_empty());
}

#[tokio::test]
async fn text_notification_mentions_people() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let bo = host.user("Bo Sample", |_| {}).await;
    let scopes = [Scope::SendNotification, Scope::ViewMessages];
    let writer = AddOn::new("com.example.writer", "Writer").scopes(scopes);
    let rest = Rest::of(&host, &room.install(writer).await);
    let hears = serve(|base| {
        let mut descriptor = descriptor(base);
        descriptor["capabilities"]["webhook"] = json!([
            { "event": "room_notification", "url": format!("{base}/hear"), "name": "hear" },
        ]);
        let descriptor = descriptor.to_string();
        Router::new()
            .route("/", get(move || async { descriptor }))
            .route("/installed", post(|| async {}))
            .route("/hear", post(|| async {}))
    });
    room.install_url(&hears.await).await.unwrap();
    let token = rest.token("").await;
    for (format, message) in [
        ("text", "hello @bosample, and @nobody"),
        ("html", "hello @bosample"),
    ] {
        let body = json!({ "message": message, "message_format": format });
        let call = rest
            .call(&token, Method::POST, "room/ops/notification")
            .json(&body);
        assert_eq!(rest::status(call).await, StatusCode::NO_CONTENT);
    }
    let (_, history) = rest::json(rest.call(&token, Method::GET, "room/ops/history")).await;
    let items = history["items"].as_array().unwrap();
    assert_eq!(items[0]["mentions"][0]["id"], json!(bo.id));
    assert_eq!(items[0]["mentions"][0]["mention_name"], "BoSample");
    assert_eq!(items[0]["mentions"].as_array().unwrap().len(), 1);
    assert_eq!(
        items[1]["mentions"],
        json!([]),
        "HTML says for itself what it shows"
    );

    let page = format!("{}/rooms/{}/timeline", host.base_url(), room.room.id);
    let (_, shown) = rest::json(rest.client.get(page)).await;
    assert_eq!(shown["entries"][0]["mentions"], json!(["BoSample"]));
    assert_eq!(shown["entries"][1]["mentions"], Value::Null);

    for (message, expected) in [
        ("hello @bosample, and @nobody", vec![json!(bo.id)]),
        ("hello @bosample", vec![]),
    ] {
        let is_about_message =
            |delivery: &Delivery| delivery.body["item"]["message"]["message"] == message;
        let received = room.delivery(is_about_message).await;
        let mentions = received.body["item"]["message"]["mentions"]
            .as_array()
            .unwrap();
        let ids: Vec<_> = mentions.iter().map(|user| user["id"].clone()).collect();
        assert_eq!(ids, expected, "{message}");
    }
}

#[tokio::test]
async fn notification_shows_declared_avatar() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    for (key, avatar, is_dense) in [
        ("text", json!("https://add-on.example.com/a.png"), false),
        (
            "object",
            json!({"url": "https://add-on.example.com/a.png", "url@2x": "https://add-on.example.com/b.png"}),
            true,
        ),
        ("none", Value::Null, false),
    ] {
        let mut descriptor = json!({
            "key": key, "name": key, "description": "x", "links": { "self": "https://add-on.example.com/" },
            "capabilities": {
                "installable": {},
                "hipchatApiConsumer": { "scopes": ["send_notification"], "avatar": avatar },
            },
        });
        if avatar.is_null() {
            descriptor["capabilities"]["hipchatApiConsumer"] =
                json!({ "scopes": ["send_notification"] });
        }
        let installed = room
            .install_url(&format!("data:,{descriptor}"))
            .await
            .unwrap();
        let rest = Rest::of_installed(&host, &installed);
        let token = rest.token("").await;
        let call = rest.call(&token, Method::POST, "room/ops/notification");
        let call = call.json(&json!({ "message": key }));
        assert_eq!(rest::status(call).await, StatusCode::NO_CONTENT);

        let page = format!("{}/rooms/{}", host.base_url(), room.room.id);
        let (_, shown) = rest::json(rest.client.get(format!("{page}/timeline"))).await;
        let sender = shown["entries"].as_array().unwrap().last().unwrap()["sender"].clone();
        assert_eq!(sender["name"], key);
        let list = rest
            .client
            .get(format!("{page}/integrations"))
            .send()
            .await
            .unwrap();
        let list = list.text().await.unwrap().replace("&#x2f;", "/");
        if avatar.is_null() {
            assert_eq!(sender["avatar"], Value::Null);
            continue;
        }
        let url = sender["avatar"]["url"].as_str().unwrap();
        assert!(
            url.starts_with(&format!("/icon/{}/", installed.oauth_id)),
            "{sender}"
        );
        assert_eq!(sender["avatar"]["url@2x"] != url, is_dense, "{sender}");
        assert!(
            list.contains(&format!("class=\"avatar\" src=\"{url}\"")),
            "{list}"
        );
    }
}

#[tokio::test]
async fn invalid_notification_is_not_sent() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(1))).await;
    let client = installed.client().await;

    let changed = |change: fn(&mut Notification)| {
        let mut notification = Notification::text("x");
        change(&mut notification);
        notification
    };
    for (refused, words) in [
        (
            changed(|n| n.message.clear()),
            "/message: `message` is empty",
        ),
        (
            changed(|n| n.message = "ä".repeat(10_001)),
            "has 10001 characters, 10000 are allowed",
        ),
        (changed(|n| n.from = Some("x".repeat(65))), "/from"),
        (
            changed(|n| n.attach_to = Some("x".repeat(37))),
            "/attach_to",
        ),
        (changed(|n| n.color = Some("teal".into())), "/color"),
    ] {
        let error = client
            .room(room.room.id)
            .notify(&refused)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(words), "{error}");
    }
    for longest in [
        changed(|n| n.message = "ä".repeat(10_000)),
        changed(|n| n.from = Some("x".repeat(64))),
        changed(|n| n.attach_to = Some("x".repeat(36))),
    ] {
        client.room(room.room.id).notify(&longest).await.unwrap();
    }
    assert_eq!(room.notifications().await.len(), 3);
}

#[tokio::test]
async fn refused_notification_has_reason() {
    let host = Host::start().await;
    let (own, other) = (host.room("own").await, host.room("other").await);
    let quiet = own
        .install(add_on(&Pager::new(1)).scopes([Scope::ViewRoom]))
        .await;
    let notification = Notification::text("x");
    let client = quiet.client().await;
    let error = client
        .room(own.room.id)
        .notify(&notification)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("send_notification"), "{error}");

    host.uninstall(quiet.oauth_id()).await.unwrap();
    let client = own.install(add_on(&Pager::new(1))).await.client().await;
    let error = client
        .room(other.room.id)
        .notify(&notification)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = client.room(999).notify(&notification).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(other.notifications().await.is_empty());
}

#[tokio::test]
async fn old_clients_have_four_formats() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(1))).await;
    let token = Rest::of(&host, &installed).token("").await;
    let http = glance_host::testing::http_client();
    let send = async |content_type: Option<&str>, body: &str| {
        let mut request = http
            .post(format!("{}/v2/room/ops/notification", host.base_url()))
            .query(&[("auth_token", &token)])
            .body(body.to_owned());
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };

    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let odd = json!({ "message": "a", "format": "html", "new": [1], "from": null, "card": null });
    for (content_type, body) in [
        ("application/json", odd.to_string()),
        (
            "Application/JSON; charset=utf-8",
            json!({ "message": "b", "notify": "true" }).to_string(),
        ),
        (
            form,
            "message=c+%26&color=green&notify=true&message_format=text".to_owned(),
        ),
        ("text/plain", "d <b>".to_owned()),
        ("text/html; charset=utf-8", "<i>e</i>".to_owned()),
    ] {
        let sent = send(Some(content_type), &body).await;
        assert_eq!(sent, (StatusCode::NO_CONTENT, String::new()), "{body}");
    }
    let written = room.notifications().await;
    let messages: Vec<_> = written.iter().map(|n| n.message.as_str()).collect();
    assert_eq!(messages, ["a", "b", "c &", "d <b>", "<i>e</i>"]);
    assert_eq!(written[0].extra["format"], "html");
    assert_eq!(written[1].notify, Some(true));
    assert_eq!(written[2].color, Some(Color::Green));
    assert_eq!(written[2].notify, Some(true));
    assert_eq!(written[3].message_format, Some(MessageFormat::Text));
    assert_eq!(written[4].message_format, Some(MessageFormat::Html));

    let json = Some("application/json");
    let long = json!({ "message": "x".repeat(10_001) }).to_string();
    for (content_type, body, words) in [
        (None, "{}", "Invalid content type: None"),
        (
            Some("application/xml"),
            "<a/>",
            "Invalid content type: application/xml",
        ),
        (json, "", "The body is no JSON"),
        (json, "[]", "The body is no JSON object"),
        (json, "{}", "`message` is missing"),
        (json, r#"{"message":""}"#, "`message` is empty"),
        (json, &long, "10001 characters"),
        (
            json,
            r#"{"message":"x","color":"teal"}"#,
            "must be one of: yellow",
        ),
        (
            json,
            r#"{"message":"x","message_format":"rtf"}"#,
            "must be one of: html",
        ),
        (
            json,
            r#"{"message":"x","notify":"maybe"}"#,
            "`notify` is a string",
        ),
        (json, r#"{"message":"x","card":{}}"#, "/card/style"),
        (Some(form), "color=red", "`message` is missing"),
        (Some("text/plain"), "", "`message` is empty"),
    ] {
        let (status, answer) = send(content_type, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["error"]["code"], 400);
        assert_eq!(answer["error"]["type"], "Bad Request");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{body}: {message}");
    }
    assert_eq!(room.notifications().await.len(), 5, "nothing is half done");
}
