//! Tests the host's rate limits and their headers. The clock stops until a test advances it.

use std::time::Duration;

use glance_host::{Clock, Host};
use glance_sdk::AddOn;
use glance_sdk::ErrorKind;
use glance_sdk::auth::now;
use glance_sdk::model::{Notification, Scope};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::add_on::{Pager, add_on, data, incidents};
use crate::rest::Rest;

fn limited(answer: &Response, kind: &str) -> [i64; 3] {
    ["limit", "remaining", "reset"].map(|name| {
        let value = answer.headers().get(format!("x-{kind}-{name}"));
        let value = value.unwrap_or_else(|| panic!("no {name} of {kind} in {answer:?}"));
        value.to_str().unwrap().parse().unwrap()
    })
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

#[tokio::test]
async fn every_response_has_rate_limit_headers() {
    let clock = Clock::standing_at(now());
    let host = Host::builder().port(0).clock(clock.clone());
    let host = host.start().await.unwrap();
    let rest = Rest::in_room(&host, "ops").await;
    let token = rest.token("send_notification").await;
    let reset = clock.now() + 300;
    let call = |method, path: &str| rest.call(&token, method, path);
    let message = json!({"message": "x"});
    let push = json!({"glance": [{"key": "incidents", "content": data(1)}]});
    for (left, request, expected) in [
        (
            499,
            call(Method::POST, "room/ops/notification").json(&message),
            204,
        ),
        (
            498,
            call(Method::POST, "addon/ui/room/ops").json(&push),
            204,
        ),
        (497, call(Method::POST, "addon/ui/room/ops"), 400),
        (496, call(Method::GET, "nothing"), 404),
        (495, call(Method::PUT, "capabilities"), 405),
        // Token requests belong to no installation yet.
        (500, rest.ask_token("?grant_type=client_credentials"), 200),
        (500, rest.client.get(rest.at("capabilities")), 200),
        (500, rest.call("guessed", Method::POST, "addon/ui"), 401),
        (494, call(Method::GET, "oauth/token/x"), 404),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status().as_u16(), expected);
        assert_eq!(limited(&answer, "ratelimit"), [500, left, reset]);
    }
}

#[tokio::test]
async fn exceeded_limit_refuses_calls_until_reset() {
    let clock = Clock::standing_at(now());
    let host = Host::builder().port(0).clock(clock.clone()).rate_limit(3);
    let host = host.start().await.unwrap();
    let room = host.room("ops").await;
    let rest = Rest::of(&host, &room.install(add_on(&Pager::new(1))).await);
    let other = AddOn::new("com.example.other", "Other");
    let other = Rest::of(&host, &room.install(other).await);
    let (token, second) = (rest.token("").await, rest.token("send_notification").await);
    let write = async |token: &str| {
        let call = rest.call(token, Method::POST, "room/ops/notification");
        send(call.json(&json!({"message": "x"}))).await
    };
    for token in [&token, &second, &token] {
        assert_eq!(write(token).await.status(), StatusCode::NO_CONTENT);
    }
    clock.advance(Duration::from_secs(100));
    // All tokens of an installation share one limit, and installations do not affect each other.
    for token in [&token, &second] {
        let refused = write(token).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(limited(&refused, "ratelimit"), [3, 0, clock.now() + 200]);
        assert_eq!(refused.headers()["retry-after"], "200");
        let body: Value = refused.json().await.unwrap();
        assert_eq!(body["error"]["code"], 429);
        assert_eq!(body["error"]["type"], "Too Many Requests");
    }
    let call = other.call(
        &other.token("").await,
        Method::POST,
        "room/ops/notification",
    );
    let answer = send(call.json(&json!({"message": "y"}))).await;
    assert_eq!(limited(&answer, "ratelimit")[1], 2);
    assert_eq!(room.notifications().await.len(), 4);

    clock.advance(Duration::from_secs(200));
    let answer = write(&token).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(limited(&answer, "ratelimit"), [3, 2, clock.now() + 300]);
}

#[tokio::test]
async fn messages_per_room_and_minute_are_limited() {
    let clock = Clock::standing_at(now());
    let host = Host::builder().port(0).clock(clock.clone());
    let host = host.start().await.unwrap();
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let rest = Rest::of(
        &host,
        &host.install_everywhere(add_on(&Pager::new(1))).await,
    );
    let token = rest.token("").await;
    let write = async |room: &str, text: &str| {
        let path = format!("room/{room}/notification");
        let call = rest.call(&token, Method::POST, &path);
        send(call.json(&json!({"message": text}))).await
    };
    for left in (0..30).rev() {
        let answer = write("ops", "x").await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(
            limited(&answer, "floodcontrol"),
            [30, left, clock.now() + 60]
        );
        // A refused message does not count.
        assert_eq!(write("ops", "").await.status(), StatusCode::BAD_REQUEST);
    }
    let refused = write("ops", "x").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limited(&refused, "floodcontrol"), [30, 0, clock.now() + 60]);
    assert_eq!(limited(&refused, "ratelimit")[1], 500 - 61);
    assert_eq!(refused.headers()["retry-after"], "60");
    assert_eq!(room.notifications().await.len(), 30);
    assert_eq!(write("other", "x").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(other.notifications().await.len(), 1);
    clock.advance(Duration::from_secs(60));
    assert_eq!(write("ops", "x").await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn every_way_of_writing_counts_as_a_message() {
    let host = Host::builder().port(0).message_limit(2);
    let host = host.start().await.unwrap();
    let room = host.room("ops").await;
    let scopes = [Scope::SendMessage, Scope::SendNotification];
    let writer = AddOn::new("com.example.writer", "Writer").scopes(scopes);
    let rest = Rest::of(&host, &room.install(writer).await);
    let token = rest.token("").await;
    for (path, expected, left) in [
        ("room/ops/message", StatusCode::CREATED, 1),
        ("room/ops/notification", StatusCode::NO_CONTENT, 0),
        ("room/ops/message", StatusCode::TOO_MANY_REQUESTS, 0),
    ] {
        let call = rest.call(&token, Method::POST, path);
        let answer = send(call.json(&json!({"message": "x"}))).await;
        assert_eq!(answer.status(), expected, "{path}");
        assert_eq!(limited(&answer, "floodcontrol")[1], left, "{path}");
    }
    assert_eq!(room.timeline().await.len(), 2);
}

#[tokio::test]
async fn token_expires_by_same_clock() {
    let clock = Clock::standing_at(now());
    let host = Host::builder().port(0).clock(clock.clone());
    let host = host.start().await.unwrap();
    let rest = Rest::in_room(&host, "ops").await;
    let token = rest.token("").await;
    let shown =
        async || send(rest.call(&token, Method::GET, &format!("oauth/token/{token}"))).await;
    clock.advance(Duration::from_secs(28_799));
    let left: Value = shown().await.json().await.unwrap();
    assert_eq!(left["expires_in"], 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(shown().await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn sdk_respects_rate_limit() {
    let host = Host::builder().port(0).rate_limit(2).start().await.unwrap();
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(1))).await;
    let client = add_on.client().await;
    let write = async || {
        let room = client.room(room.room.id);
        room.notify(&Notification::text("x")).await
    };
    write().await.unwrap();
    let limit = client.rate_limit().unwrap();
    assert_eq!((limit.limit, limit.remaining), (2, 1));
    client
        .room(room.room.id)
        .push::<incidents>(data(1))
        .await
        .unwrap();
    let refused = write().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RateLimited);
    assert_eq!(room.notifications().await.len(), 1);
}
