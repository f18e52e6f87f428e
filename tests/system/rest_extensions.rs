//! Tests actions created at run time, unsupported kinds of extensions, and the schema.

use glance_host::Host;
use glance_sdk::ErrorKind;
use glance_sdk::model::{Action, ActionLocation};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::add_on::{Pager, add_on};
use crate::rest::{self, Rest};

fn action(key: &str) -> Action {
    Action::new(
        key,
        format!("Name of {key}"),
        ActionLocation::Message,
        "list",
    )
}

#[tokio::test]
async fn runtime_action_is_created_replaced_and_removed() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let installed = host.install_everywhere(add_on(&Pager::new(1))).await;
    let client = installed.client().await;
    let rest = Rest::of(&host, &installed);
    let token = rest.token("").await;

    let path = format!("room/{}/extension/action/remind", room.room.id);
    for name in ["Remind", "Remind me"] {
        let body = json!({
            "key": "remind", "name": {"value": name}, "location": "hipchat.message.action",
            "target": "list", "new": 1
        });
        let put = rest.call(&token, Method::PUT, &path).json(&body);
        let (status, answer) = rest::json(put).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        assert_eq!(answer["links"]["self"], rest.at(&path));
        let (status, read) = rest::json(rest.call(&token, Method::GET, &path)).await;
        assert_eq!((status, read), (StatusCode::OK, body));
    }
    let actions = || client.room(room.room.id).actions();
    assert_eq!(
        actions().get("remind").await.unwrap().name.value,
        "Remind me"
    );
    let elsewhere = client.room(other.room.id).actions().get("remind").await;
    assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::NotFound);
    // A room's key may also be a global one.
    client
        .group()
        .actions()
        .create(&action("remind"))
        .await
        .unwrap();
    assert_eq!(
        client.group().actions().get("remind").await.unwrap(),
        action("remind")
    );

    let delete = || rest::status(rest.call(&token, Method::DELETE, &path));
    assert_eq!(delete().await, StatusCode::NO_CONTENT);
    assert_eq!(delete().await, StatusCode::NOT_FOUND);
    client.group().actions().get("remind").await.unwrap();
    host.uninstall(installed.oauth_id()).await.unwrap();
    let again = host.install_everywhere(add_on(&Pager::new(1))).await;
    let gone = again.client().await.group().actions().get("remind").await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn each_restriction_on_actions_has_message() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let declared = add_on(&Pager::new(1)).action(action("declared"));
    let rest = Rest::of(&host, &room.install(declared).await);
    let token = rest.token("").await;
    let at =
        |method, key: &str| rest.call(&token, method, &format!("room/ops/extension/action/{key}"));
    for n in 0..10 {
        let key = format!("a{n}");
        let put = at(Method::PUT, &key).json(&action(&key));
        assert_eq!(rest::status(put).await, StatusCode::CREATED);
    }
    let without = |member: &str| {
        let mut body = serde_json::to_value(action("a0")).unwrap();
        body.as_object_mut().unwrap().remove(member);
        body
    };
    let global = rest
        .call(&token, Method::PUT, "extension/action/g")
        .json(&action("g"));
    for (request, expected, words) in [
        (
            at(Method::PUT, "b").json(&action("b")),
            409,
            "10 actions in this room",
        ),
        (
            at(Method::PUT, "a1").json(&action("a2")),
            400,
            "must be the same",
        ),
        (
            at(Method::PUT, "a0").json(&without("target")),
            400,
            "/target",
        ),
        (
            at(Method::PUT, "a0").json(&without("location")),
            400,
            "/location",
        ),
        (at(Method::PUT, "a0").json(&without("key")), 400, "/key"),
        (at(Method::PUT, "a0").body("{"), 400, "no JSON"),
        (
            at(Method::PUT, "declared").json(&action("declared")),
            403,
            "cannot be replaced",
        ),
        (at(Method::DELETE, "declared"), 403, "cannot be removed"),
        (at(Method::GET, "nothing"), 404, "Action nothing not found"),
        (global, 403, "cannot create a global action"),
    ] {
        let (status, answer) = rest::json(request).await;
        assert_eq!(status.as_u16(), expected, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    let put = at(Method::PUT, "a9").json(&action("a9"));
    assert_eq!(
        rest::status(put).await,
        StatusCode::CREATED,
        "replacing one adds none"
    );
    let (_, read) = rest::json(at(Method::GET, "declared")).await;
    assert_eq!(read["name"]["value"], "Name of declared");
}

#[tokio::test]
async fn other_kinds_of_extensions_are_refused() {
    let host = Host::start().await;
    let rest = Rest::in_room(&host, "ops").await;
    let token = rest.token("").await;
    for kind in ["webPanel", "dialog", "externalPage"] {
        for place in ["", "room/ops/"] {
            let path = format!("{place}extension/{kind}/k");
            let put = rest
                .call(&token, Method::PUT, &path)
                .json(&json!({"key": "k"}));
            let (status, answer) = rest::json(put).await;
            assert_eq!(status, StatusCode::NOT_FOUND);
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.ends_with(&format!("knows no {kind}")), "{message}");
        }
    }
}

#[tokio::test]
async fn descriptor_schema_is_served_and_valid() {
    let host = Host::start().await;
    let rest = Rest::in_room(&host, "ops").await;
    let schema = rest
        .client
        .get(rest.at("capabilities/addon/schema?draft=v4"));
    let (status, schema) = rest::json(schema).await;
    assert_eq!(status, StatusCode::OK);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let descriptor = add_on(&Pager::new(1)).build("https://example.com").unwrap();
    let mut document = serde_json::to_value(descriptor.descriptor()).unwrap();
    assert!(validator.is_valid(&document));
    document["links"] = Value::Null;
    assert!(!validator.is_valid(&document));
}
