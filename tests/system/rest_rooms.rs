//! Tests rooms and people over the REST API, with the SDK and with requests of old clients.

use glance_host::Host;
use glance_sdk::client::{Client, Include};
use glance_sdk::model::webhook::Privacy;
use glance_sdk::model::{Scope, Show};
use glance_sdk::{AddOn, ErrorKind};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rest::{self, Rest};

const ALL: [Scope; 5] = [
    Scope::ViewGroup,
    Scope::ViewRoom,
    Scope::AdminRoom,
    Scope::ManageRooms,
    Scope::SendNotification,
];

fn add_on() -> AddOn {
    AddOn::new("com.example.rooms", "Rooms").scopes(ALL)
}

/// Creates an installation for all rooms, with and without the SDK.
async fn installed(host: &Host) -> (Client, Rest, String) {
    let installed = host.install_everywhere(add_on()).await;
    let rest = Rest::of(host, &installed);
    let token = rest.token("").await;
    (installed.client().await, rest, token)
}

#[tokio::test]
async fn room_is_returned_with_its_people() {
    let host = Host::start().await;
    let mut room = host.room("ops").await;
    let (client, rest, token) = installed(&host).await;
    let ann = host
        .user("Ann Lee", |user| {
            user.email = Some("ann@example.com".to_owned());
            user.timezone = "Europe/Paris".to_owned();
        })
        .await;
    let id = room.room.id;
    let url = |path: &str| rest.at(&format!("room/{id}{path}"));

    let known = client.room(id).get().await.unwrap();
    assert_eq!(known.name.as_deref(), Some("ops"));
    assert_eq!(known.topic.as_deref(), Some(""));
    assert_eq!(known.privacy, Some(Privacy::Public));
    assert_eq!(known.is_archived, Some(false));
    assert_eq!(known.owner.as_ref().unwrap().name.as_deref(), Some("You"));
    assert_eq!(known.participants.as_deref(), Some(&[][..]));
    assert_eq!(known.last_active, None);
    assert!(known.created.as_ref().unwrap().ends_with("+00:00"));
    let links = known.links.clone().unwrap();
    assert_eq!(links.self_url, Some(url("")));
    assert_eq!(links.participants, Some(url("/participant")));
    assert_eq!(links.webhooks, Some(url("/webhook")));
    assert_eq!(links.members, None);
    let (status, by_name) = rest::json(rest.call(&token, Method::GET, "room/ops")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(by_name["id"], id.get());
    assert_eq!(by_name["privacy"], "public");

    // People with an open viewer are present.
    let viewer = room.viewer("Ann Lee").await;
    let there = client.room(id).participants().all().await.unwrap();
    assert_eq!(there.len(), 1);
    let seen = &there[0];
    assert_eq!((seen.id, seen.name.as_deref()), (ann.id, Some("Ann Lee")));
    assert_eq!(seen.mention_name.as_deref(), Some("AnnLee"));
    assert_eq!(seen.email.as_deref(), Some("ann@example.com"));
    assert_eq!(seen.timezone.as_deref(), Some("Europe/Paris"));
    let presence = seen.presence.clone().unwrap();
    assert_eq!(presence.is_online, Some(true));
    assert_eq!(presence.show, Some(Show::Chat));
    let known = client.room(id).get().await.unwrap();
    assert_eq!(known.participants.unwrap()[0].id, ann.id);
    drop(viewer);
    assert!(
        client
            .room(id)
            .participants()
            .all()
            .await
            .unwrap()
            .is_empty()
    );
    let away = client.user(ann.id).get().await.unwrap();
    assert_eq!(away.presence.unwrap().is_online, Some(false));

    // A private room has members.
    assert_eq!(client.room(id).members().all().await.unwrap().len(), 2);
    room.change(|room| room.is_public = false).await;
    let before = known.version;
    let known = client.room(id).get().await.unwrap();
    assert_ne!(known.version, before);
    assert_eq!(known.privacy, Some(Privacy::Private));
    assert_eq!(known.links.unwrap().members, Some(url("/member")));
    let members = async || {
        let members = client.room(id).members().all().await.unwrap();
        members
            .into_iter()
            .filter_map(|member| member.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(members().await, ["You"], "its owner");
    let member = async |method, user: &str| {
        let path = format!("room/{id}/member/{user}");
        rest::status(rest.call(&token, method, &path)).await
    };
    assert_eq!(member(Method::PUT, "@annlee").await, StatusCode::NO_CONTENT);
    assert_eq!(members().await, ["You", "Ann Lee"]);
    let offline = client.room(id).participants().include(Include::Offline);
    assert_eq!(offline.all().await.unwrap().len(), 2);
    assert_eq!(
        member(Method::DELETE, "ann@example.com").await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        member(Method::DELETE, "ann@example.com").await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(members().await, ["You"]);
    room.change(|room| room.is_public = true).await;
    assert_eq!(
        member(Method::PUT, "@annlee").await,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn room_with_numeric_name_is_found_if_id_is_unused() {
    let host = Host::start().await;
    let (_, rest, token) = installed(&host).await;
    let (far, near) = (host.room("77").await.room, host.room("1").await.room);
    for (id_or_name, found) in [("77", far.id), ("1", far.id), ("2", near.id)] {
        let path = format!("room/{id_or_name}");
        let (status, room) = rest::json(rest.call(&token, Method::GET, &path)).await;
        assert_eq!(status, StatusCode::OK, "{id_or_name}");
        assert_eq!(room["id"], json!(found), "{id_or_name}");
    }
    let nowhere = rest.call(&token, Method::GET, "room/78");
    assert_eq!(rest::status(nowhere).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn rooms_are_paginated() {
    let host = Host::start().await;
    let mut names: Vec<_> = (0..7).map(|n| format!("room {n}")).collect();
    for name in &names {
        host.room(name).await;
    }
    host.room("old")
        .await
        .change(|room| room.is_archived = true)
        .await;
    let (client, rest, token) = installed(&host).await;
    let named = async |list: glance_sdk::client::List<glance_sdk::model::webhook::Room>| {
        let rooms = list.all().await.unwrap();
        rooms
            .into_iter()
            .filter_map(|room| room.name)
            .collect::<Vec<_>>()
    };
    for size in [1, 3, 7, 100, 5000] {
        assert_eq!(named(client.rooms().page_size(size)).await, names);
    }
    assert_eq!(named(client.rooms().skip(5).page_size(1)).await, names[5..]);
    assert!(named(client.rooms().skip(7)).await.is_empty());
    names.push("old".to_owned());
    let all = client.rooms().include(Include::Archived).page_size(3);
    assert_eq!(named(all).await, names);

    let path = "room?max-results=3&include-archived=true&start-index=3";
    let (_, page) = rest::json(rest.call(&token, Method::GET, path)).await;
    assert_eq!(
        (&page["startIndex"], &page["maxResults"]),
        (&json!(3), &json!(3))
    );
    let at = |start| {
        rest.at(&format!(
            "room?include-archived=true&start-index={start}&max-results=3"
        ))
    };
    assert_eq!(
        page["links"],
        json!({"self": rest.at("room"), "prev": at(0), "next": at(6)})
    );
    let room = &page["items"][0];
    assert_eq!(room["is_archived"], false);
    assert!(room["links"]["self"].is_string() && room["version"].is_string());
    // As the response spells it, with the token as old clients send it, which no link contains.
    let path = format!("room?maxResults=2&startIndex=6&auth_token={token}");
    let (_, page) = rest::json(rest.client.get(rest.at(&path))).await;
    assert_eq!(page["items"][0]["name"], "room 6");
    assert!(page["links"].get("next").is_none(), "{page}");
    assert!(!page.to_string().contains(&token));
    for path in ["room?max-results=many", "user?start-index=-1"] {
        let (status, answer) = rest::json(rest.call(&token, Method::GET, path)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {answer}");
    }
    let none = rest::json(rest.call(&token, Method::GET, "room?max-results=0"))
        .await
        .1;
    assert_eq!(
        (none["items"].clone(), none["links"].get("next")),
        (json!([]), None)
    );
}

#[tokio::test]
async fn people_are_found_by_id_email_and_mention_name() {
    let host = Host::start().await;
    host.room("ops").await;
    let ann = host
        .user("Ann Lee", |user| {
            user.email = Some("Ann@example.com".to_owned())
        })
        .await;
    host.user("Guest", |user| user.is_guest = true).await;
    let (client, rest, token) = installed(&host).await;
    let listed = async |list: glance_sdk::client::List<glance_sdk::model::webhook::User>| {
        let people = list.all().await.unwrap();
        people
            .into_iter()
            .filter_map(|user| user.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(client.users()).await, ["You", "Ann Lee"]);
    let guests = client.users().include(Include::Guests);
    assert_eq!(listed(guests).await, ["You", "Ann Lee", "Guest"]);

    for name in [
        &ann.id.to_string(),
        "Ann%20Lee",
        "@AnnLee",
        "@annlee",
        "ann@example.com",
    ] {
        let path = format!("user/{name}");
        let (status, user) = rest::json(rest.call(&token, Method::GET, &path)).await;
        assert_eq!(status, StatusCode::OK, "{name}: {user}");
        assert_eq!(user["id"], ann.id.get(), "{name}");
        assert_eq!(user["is_guest"], false);
        assert_eq!(user["links"]["self"], rest.at(&format!("user/{}", ann.id)));
    }
    for name in ["nobody", "@nobody", "nobody@example.com", "99"] {
        let (status, answer) =
            rest::json(rest.call(&token, Method::GET, &format!("user/{name}"))).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{name}");
        assert_eq!(answer["error"]["message"], format!("User {name} not found"));
    }
}

#[tokio::test]
async fn room_is_created_and_topic_set() {
    let host = Host::start().await;
    let ann = host.user("Ann Lee", |_| {}).await;
    let (client, rest, token) = installed(&host).await;
    let create = |body: Value| rest.call(&token, Method::POST, "room").json(&body);

    let request_body = json!({"name": "new room", "privacy": "public", "guest_access": true});
    let answer = create(request_body.clone()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let created: Value = answer.json().await.unwrap();
    let id = created["id"].as_u64().unwrap();
    assert_eq!(location, rest.at(&format!("room/{id}")));
    assert_eq!(created["links"]["self"], location);
    let private = json!({
        "name": "Späße", "privacy": "private", "topic": "fun", "owner_user_id": "@AnnLee"
    });
    let (status, created) = rest::json(create(private)).await;
    assert_eq!(status, StatusCode::CREATED, "{created}");
    let room = client
        .room(created["id"].as_u64().unwrap())
        .get()
        .await
        .unwrap();
    assert_eq!(room.owner.unwrap().id, ann.id);
    assert_eq!(room.topic.as_deref(), Some("fun"));
    assert_eq!(room.privacy, Some(Privacy::Private));

    for (body, expected, words) in [
        (request_body, 409, "name new room"),
        (json!({"name": ""}), 400, "/name"),
        (json!({"name": "x".repeat(51)}), 400, "/name"),
        (json!({"topic": "x"}), 400, "name"),
        (
            json!({"name": "x", "privacy": "secret"}),
            400,
            "/privacy: secret",
        ),
        (
            json!({"name": "x", "topic": "x".repeat(251)}),
            400,
            "/topic",
        ),
        (json!({"name": "x", "owner_user_id": 99}), 404, "User 99"),
        (json!([]), 400, "cannot be used"),
    ] {
        let (status, answer) = rest::json(create(body)).await;
        assert_eq!(status.as_u16(), expected, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(
        client.rooms().all().await.unwrap().len(),
        2,
        "nothing half made"
    );

    let set = |body: Value| {
        rest.call(&token, Method::PUT, "room/new%20room/topic")
            .json(&body)
    };
    let status = rest::status(set(json!({"topic": "Ümläute"}))).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for refused in [
        json!({}),
        json!({"topic": "x".repeat(251)}),
        json!({"topic": 1}),
    ] {
        assert_eq!(rest::status(set(refused)).await, StatusCode::BAD_REQUEST);
    }
    let known = client.room(id).get().await.unwrap();
    assert_eq!(known.topic.as_deref(), Some("Ümläute"));
}

#[tokio::test]
async fn each_call_needs_its_scope_and_room() {
    let host = Host::start().await;
    let (room, _other) = (host.room("ops").await, host.room("other").await);
    let installed = room.install(add_on()).await;
    let rest = Rest::of(&host, &installed);
    for (method, path, allowed) in [
        (Method::GET, "room", "view_group"),
        (Method::GET, "room/ops", "view_group view_room"),
        (Method::GET, "room/ops/participant", "view_group view_room"),
        (Method::GET, "room/ops/member", "view_group view_room"),
        (Method::GET, "user", "view_group"),
        (Method::GET, "user/1", "view_group"),
        (Method::POST, "room", "manage_rooms"),
        (Method::PUT, "room/ops/topic", "admin_room"),
        (Method::PUT, "room/ops/member/1", "admin_room"),
        (Method::DELETE, "room/ops/member/1", "admin_room"),
    ] {
        for scope in ALL {
            let token = rest.token(scope.as_str()).await;
            let path = format!("{path}?auth_test=true");
            let status = rest::status(rest.call(&token, method.clone(), &path)).await;
            let expected = match allowed.split(' ').any(|allowed| allowed == scope.as_str()) {
                true => StatusCode::ACCEPTED,
                false => StatusCode::FORBIDDEN,
            };
            assert_eq!(status, expected, "{method} {path} with {scope}");
        }
    }
    let token = rest.token("").await;
    for (method, path, expected) in [
        (Method::GET, "room/other", StatusCode::NOT_FOUND),
        (Method::GET, "room/other/participant", StatusCode::NOT_FOUND),
        (Method::GET, "room/other/member", StatusCode::NOT_FOUND),
        (Method::PUT, "room/other/topic", StatusCode::NOT_FOUND),
        (Method::POST, "room", StatusCode::FORBIDDEN),
    ] {
        let call = rest.call(&token, method.clone(), path);
        let (status, answer) = rest::json(call.json(&json!({"name": "x", "topic": "x"}))).await;
        assert_eq!(status, expected, "{method} {path}: {answer}");
    }
    let rooms = installed.client().await.rooms().all().await.unwrap();
    assert_eq!(rooms.len(), 1, "its own only");
    let gone = installed.client().await.room(99).get().await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn get_may_have_json_content_type() {
    let host = Host::start().await;
    host.room("ops").await;
    let (_, rest, token) = installed(&host).await;
    for path in [
        "room",
        "room/ops",
        "room/ops/participant",
        "user",
        "capabilities",
    ] {
        let call = rest.call(&token, Method::GET, path);
        let call = call.header("Content-Type", "application/json").body("");
        assert_eq!(rest::status(call).await, StatusCode::OK, "{path}");
    }
}
