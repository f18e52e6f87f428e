//! Tests the authorization of API calls: tokens in either place, their scopes, and the protocol's
//! errors.

use glance_host::Host;
use glance_host::testing::FaultHost;
use glance_sdk::AddOn;
use glance_sdk::model::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::add_on::{Pager, add_on, data};
use crate::log::Log;
use crate::rest::{self, Rest};

fn push() -> Value {
    json!({"glance": [{"key": "incidents", "content": data(1)}]})
}

#[tokio::test]
async fn capabilities_accept_optional_slashes() {
    let host = Host::start().await;
    let rest = Rest::in_room(&host, "ops").await;
    let (api, url) = (format!("{}/v2", host.base_url()), rest.at("capabilities"));
    for asked in [
        url.clone(),
        // The request of one client without a token.
        format!("{url}?auth_token=&token="),
    ] {
        let (status, document) = rest::json(rest.client.get(asked)).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(document["links"]["self"], url);
        assert_eq!(document["links"]["api"], api);
        assert_eq!(document["links"]["homepage"], host.base_url());
        assert_eq!(document["connect_server_api_version"], 1);
        assert_eq!(document["name"], "HipChat", "some add-ons compare it");
        for member in ["key", "name", "description"] {
            assert!(document[member].is_string(), "{member}");
        }
        let capabilities = &document["capabilities"];
        assert_eq!(capabilities["hipchatApiProvider"]["url"], format!("{api}/"));
        assert_eq!(
            capabilities["oauth2Provider"]["tokenUrl"],
            format!("{api}/oauth/token")
        );
        let scopes = &capabilities["hipchatApiProvider"]["availableScopes"];
        assert_eq!(scopes["view_room"]["id"], "view_room", "{scopes}");
    }
}

#[tokio::test]
async fn host_name_is_configurable() {
    let host = Host::builder().port(0).product("Glance");
    let host = host.start().await.unwrap();
    let url = format!("{}/v2/capabilities", host.base_url());
    let (_, document) = rest::json(glance_host::testing::http_client().get(url)).await;
    assert_eq!(document["name"], "Glance");
}

#[tokio::test]
async fn redundant_slashes_are_accepted() {
    let host = FaultHost::start().await;
    let rest = Rest::in_room(&host, "ops").await;
    let token = rest.token("send_notification").await;
    let message = json!({"message": "x"});
    for path in [
        "/v2//room/ops/notification",
        "/v2/room//ops///notification",
        "/v2/room/ops/notification/",
        "//v2/room/ops/notification",
        "//v2//room/ops/notification",
    ] {
        let url = format!("{}{path}", host.base_url());
        let call = rest.client.post(&url).bearer_auth(&token).json(&message);
        assert_eq!(rest::status(call).await, StatusCode::NO_CONTENT, "{path}");
        let encoded = format!("%{:02x}{}", token.as_bytes()[0], &token[1..]);
        for query in [
            format!("auth%5Ftoken={encoded}&x"),
            format!("auth_token={token}"),
        ] {
            let call = rest.client.post(format!("{url}?{query}")).json(&message);
            assert_eq!(rest::status(call).await, StatusCode::NO_CONTENT, "{path}");
        }
        let recorded = host.calls().pop().unwrap();
        assert_eq!(recorded.path(), path);
    }
}

#[tokio::test]
async fn token_is_not_logged_and_not_sent_to_other_sites() {
    let log = Log::record();
    let host = Host::start().await;
    let rest = Rest::in_room(&host, "ops").await;
    let token = rest.token("send_notification").await;
    let answer = rest
        .client
        .post(rest.at(&format!("room/ops/notification?auth_token={token}")))
        .json(&json!({"message": "x"}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    let answer = rest
        .client
        .get(rest.at(&format!("nothing?auth_token={token}")));
    let (status, body) = rest::json(answer).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(!body.to_string().contains(&token));
    let text = log.text();
    assert!(text.contains("a token for the add-on"), "{text}");
    let of_host = |line: &&str| !line.contains("hyper") && !line.contains("reqwest");
    let told: Vec<_> = text.lines().filter(of_host).collect();
    assert!(!told.iter().any(|line| line.contains(&token)), "{told:#?}");
}

#[tokio::test]
async fn token_test_has_no_effect() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let rest = Rest::of(&host, &room.install(add_on(&Pager::new(1))).await);
    let writer = rest.token("send_notification").await;
    let viewer = rest.token("view_room").await;
    let path = "room/ops/notification?auth_test=true";
    let message = json!({"message": "x"});

    let tested = rest.call(&writer, Method::POST, path).json(&message);
    let (status, answer) = rest::json(tested).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let success = json!({"success": {
        "code": 202,
        "message": "This auth_token has access to use this method.",
        "type": "Accepted"
    }});
    assert_eq!(answer, success);
    // It needs no body, and the token may be in the URL.
    let in_query = rest.at(&format!("{path}&auth_token={writer}"));
    let (status, answer) = rest::json(rest.client.post(in_query)).await;
    assert_eq!((status, answer), (StatusCode::ACCEPTED, success.clone()));
    let removed = rest.call(
        &writer,
        Method::DELETE,
        "room/ops/extension/glance/g?auth_test=true",
    );
    assert_eq!(rest::json(removed).await.1, success);
    assert!(room.notifications().await.is_empty());

    let guessed = rest.call("guessed", Method::POST, path);
    let (status, answer) = rest::json(guessed).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        answer,
        json!({"error": {"code": 401, "message": "Invalid OAuth session", "type": "Unauthorized"}})
    );
    let (status, answer) = rest::json(rest.call(&viewer, Method::POST, path)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let message = "This action requires one of the following scopes: [u'send_notification']";
    assert_eq!(
        answer,
        json!({"error": {"code": 403, "message": message, "type": "Forbidden"}})
    );
}

#[tokio::test]
async fn push_needs_scope_of_its_target() {
    let host = Host::start().await;
    host.room("ops").await;
    host.user("ann", |_| {}).await;
    let add_on = host.install_everywhere(add_on(&Pager::new(1))).await;
    let rest = Rest::of(&host, &add_on);
    let (yes, no) = (StatusCode::NO_CONTENT, StatusCode::FORBIDDEN);
    for (path, by_group, by_room, by_notification) in [
        ("addon/ui", yes, no, yes),
        ("addon/ui/user/ann", yes, no, yes),
        ("addon/ui/room/ops", yes, yes, yes),
        ("addon/ui/room/ops/user/ann", yes, yes, yes),
    ] {
        for (scope, expected) in [
            ("view_group", by_group),
            ("view_room", by_room),
            ("send_notification", by_notification),
        ] {
            let token = rest.token(scope).await;
            let call = rest.call(&token, Method::POST, path).json(&push());
            assert_eq!(rest::status(call).await, expected, "{path} with {scope}");
        }
    }
    let only_of_room = AddOn::new("com.example.none", "None").scopes([Scope::AdminRoom]);
    let rest = Rest::of(&host, &host.install_everywhere(only_of_room).await);
    let token = rest.token("admin_room").await;
    let (status, answer) = rest::json(rest.call(&token, Method::POST, "addon/ui/room/ops")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.ends_with("[u'view_group', u'view_room', u'send_notification']"),
        "{message}"
    );
}

#[tokio::test]
async fn room_installation_reaches_its_room_only() {
    let host = Host::start().await;
    host.room("other").await;
    let rest = Rest::in_room(&host, "ops").await;
    let token = rest.token("").await;
    let message = json!({"message": "x"});
    for (path, body) in [
        ("room/{}/notification", &message),
        ("addon/ui/room/{}", &push()),
    ] {
        for (room, expected) in [
            ("ops", StatusCode::NO_CONTENT),
            ("other", StatusCode::NOT_FOUND),
            // The calls of add-ons that confuse a global installation with one of a room.
            ("undefined", StatusCode::NOT_FOUND),
            ("18446744073709551616", StatusCode::NOT_FOUND),
        ] {
            let path = path.replace("{}", room);
            let call = rest.call(&token, Method::POST, &path).json(body);
            assert_eq!(rest::status(call).await, expected, "{path}");
        }
    }
}

#[tokio::test]
async fn every_error_has_format_of_protocol() {
    let host = Host::start().await;
    let rest = Rest::in_room(&host, "ops").await;
    let token = rest.token("").await;
    let call = |method, path: &str| rest.call(&token, method, path);
    for (what, request, expected) in [
        ("an unknown path", call(Method::GET, "nothing/here"), 404),
        ("the API itself", call(Method::GET, ""), 404),
        (
            "no text",
            call(Method::GET, "room/%FF/extension/glance/g"),
            400,
        ),
        ("another method", call(Method::PUT, "capabilities"), 405),
        ("no JSON", call(Method::POST, "addon/ui").body("{"), 400),
        (
            "too much",
            call(Method::POST, "addon/ui").body(" ".repeat(256 * 1024 + 1)),
            413,
        ),
        (
            "another type",
            call(Method::POST, "room/ops/notification").body("x"),
            400,
        ),
    ] {
        let (status, answer) = rest::json(request).await;
        assert_eq!(status.as_u16(), expected, "{what}: {answer}");
        let error = &answer["error"];
        assert_eq!(error["code"], expected, "{what}: {answer}");
        assert_eq!(error["type"], status.canonical_reason().unwrap(), "{what}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{what}");
    }
    // The server's own URL without a path too.
    let root = rest.client.get(format!("{}/v2", host.base_url()));
    assert_eq!(rest::json(root).await.1["error"]["code"], 404);
}
