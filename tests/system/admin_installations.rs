//! Tests how scripts list, install, update and remove add-ons over `/admin/v1`.

use std::sync::Arc;

use glance_host::{Clock, Host};
use glance_sdk::auth::now;
use glance_sdk::axum::Router;
use glance_sdk::axum::http::StatusCode as Status;
use glance_sdk::axum::routing::{delete, get, post};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::by_hand::{descriptor, serve};
use crate::script::{LIST, Script, changing, plain};

#[tokio::test]
async fn local_script_installs_lists_and_removes_without_sign_in() {
    let clock = Clock::standing_at(1_700_000_000);
    let host = Host::builder().port(0).clock(clock).start().await.unwrap();
    let room = host.room("ops").await.room;
    let script = Script::of(&host, None);
    let (url, _) = changing(descriptor("BASE")).await;
    let (status, installed) = script.install(json!({ "url": url, "room": "ops" })).await;
    assert_eq!(status, StatusCode::CREATED, "{installed}");
    assert_eq!(installed["outcome"], "installed");
    let installation = &installed["installation"];
    let id = installation["id"].as_str().unwrap();
    assert_eq!(
        *installation,
        json!({
            "id": id, "key": "com.example.odd", "name": "Odd",
            "room": { "id": room.id, "name": "ops" }, "state": "installed",
            "installed_at": "2023-11-14T22:13:20Z", "descriptor_url": url,
            "scopes": [{ "id": "view_room", "what": "See a room and who is in it" }],
            "page": format!("{}/rooms/{}/integrations#{id}", host.base_url(), room.id),
        })
    );
    let shown = host.state().installations_in(room.id).await.unwrap();
    assert_eq!(shown[0].oauth_id.as_str(), id);
    assert_eq!(script.list("").await, std::slice::from_ref(installation));
    let one = format!("{LIST}/{id}");
    let (_, read) = script.call(Method::GET, &one, None).await;
    assert_eq!(&read["installation"], installation);

    let (status, removed) = script.call(Method::DELETE, &one, None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&removed["told"], &removed["installation"]["state"]),
        (&json!(true), &json!("removed"))
    );
    assert!(script.list("").await.is_empty());
    for method in [Method::GET, Method::DELETE] {
        let refused = script.refused(method, &one, None).await;
        assert_eq!(refused, (404, "no-installation".to_owned()));
    }
}

#[tokio::test]
async fn update_needs_approval_of_additional_permissions() {
    let host = Host::start().await;
    host.room("ops").await;
    let script = Script::of(&host, None);
    let (url, document) = changing(descriptor("BASE")).await;
    let body = json!({ "url": url, "room": "ops" });
    let (_, first) = script.install(body.clone()).await;
    let id = &first["installation"]["id"];
    let (status, again) = script.install(body.clone()).await;
    assert_eq!(
        (status, &again["outcome"]),
        (StatusCode::OK, &json!("unchanged"))
    );
    assert_eq!(
        (&again["installation"]["id"], &again["digest"]),
        (id, &first["digest"])
    );

    document.lock().unwrap()["name"] = json!("Even");
    let (status, updated) = script.install(body.clone()).await;
    assert_eq!(
        (status, &updated["outcome"]),
        (StatusCode::OK, &json!("updated"))
    );
    assert_eq!(
        (
            &updated["installation"]["id"],
            &updated["installation"]["name"]
        ),
        (id, &json!("Even"))
    );

    {
        let mut document = document.lock().unwrap();
        let has = &mut document["capabilities"];
        has["hipchatApiConsumer"]["scopes"] = json!(["view_room", "send_notification"]);
        has["webhook"] =
            json!([{ "event": "room_message", "url": "BASE/said", "pattern": "^/odd" }]);
    }
    let (status, asks) = script.install(body.clone()).await;
    let error = &asks["error"];
    assert_eq!(
        (status, &error["code"]),
        (StatusCode::CONFLICT, &json!("needs-approval"))
    );
    let message = error["message"].as_str().unwrap();
    assert!(
        message
            .ends_with("asks for more now: send_notification, the webhook room_message for ^/odd"),
        "{message}"
    );
    assert_eq!(error["asks_for"]["scopes"][0]["id"], "send_notification");
    assert_eq!(
        error["asks_for"]["webhooks"],
        json!([{ "event": "room_message", "pattern": "^/odd" }])
    );
    let with_digest = |digest: &Value| json!({ "url": url, "room": "ops", "digest": digest });
    let (_, refused) = script.install(with_digest(&first["digest"])).await;
    assert_eq!(refused["error"]["code"], "descriptor-changed");
    assert_eq!(refused["error"]["digest"], error["digest"]);
    assert_eq!(
        script.list("").await[0]["scopes"].as_array().unwrap().len(),
        1
    );
    let (status, approved) = script.install(with_digest(&error["digest"])).await;
    assert_eq!(
        (status, &approved["outcome"]),
        (StatusCode::OK, &json!("updated"))
    );
    assert_eq!(
        approved["installation"]["scopes"].as_array().unwrap().len(),
        2
    );
    let (_, elsewhere) = script.install(json!({ "url": url, "digest": "x" })).await;
    assert_eq!(
        elsewhere["error"]["code"], "descriptor-changed",
        "of a first one too"
    );
}

#[tokio::test]
async fn new_url_of_add_on_needs_approval() {
    let host = Host::start().await;
    let script = Script::of(&host, None);
    let (url, _) = changing(descriptor("BASE")).await;
    let (elsewhere, _) = changing(descriptor("BASE")).await;
    let (_, installed) = script.install(json!({ "url": url })).await;
    let (status, asks) = script.install(json!({ "url": elsewhere })).await;
    let error = &asks["error"];
    assert_eq!(
        (status, &error["code"]),
        (StatusCode::CONFLICT, &json!("needs-approval"))
    );
    let origin = elsewhere.trim_end_matches('/');
    assert_eq!(error["asks_for"]["origins"], json!([origin]));
    assert_eq!(script.list("").await[0], installed["installation"]);
    let body = json!({ "url": elsewhere, "digest": error["digest"] });
    let (_, moved) = script.install(body).await;
    assert_eq!(moved["outcome"], "updated");
    assert_eq!(moved["installation"]["descriptor_url"], elsewhere);
    assert_eq!(moved["installation"]["id"], installed["installation"]["id"]);
}

#[tokio::test]
async fn failures_have_code_and_remedy() {
    let host = Host::start().await;
    host.room("ops").await;
    let script = Script::of(&host, None);
    let (url, _) = changing(descriptor("BASE")).await;
    let base = url.trim_end_matches('/').to_owned();
    let (_, global) = script.install(json!({ "url": url })).await;
    assert_eq!(global["outcome"], "installed");
    let data = |document: Value| format!("data:,{document}");
    let mut for_rooms = plain("com.example.rooms");
    for_rooms["capabilities"]["installable"] = json!({ "allowGlobal": false });
    let mut in_browser = plain("com.example.browser");
    in_browser["capabilities"]["installable"] =
        json!({ "installedUrl": format!("{base}/welcome") });
    let mut refusing = descriptor(&base);
    refusing["key"] = json!("com.example.refusing");
    refusing["capabilities"]["installable"]["callbackUrl"] = json!(format!("{base}/"));
    let jira = json!({ "key": "k", "name": "J", "baseUrl": "https://j.example", "modules": {} });
    for (body, status, code) in [
        (json!({ "url": "nowhere" }), 422, "bad-url"),
        (json!({ "url": "http://127.0.0.1:1/" }), 502, "no-answer"),
        (json!({ "url": "http://10.0.0.1/" }), 422, "out-of-reach"),
        (json!({ "url": format!("{base}/none") }), 502, "bad-status"),
        (json!({ "url": "data:,x" }), 422, "bad-descriptor"),
        (json!({ "url": data(jira) }), 422, "bad-descriptor"),
        (json!({ "url": url, "room": "nowhere" }), 404, "no-room"),
        (json!({ "url": url, "room": "99" }), 404, "no-room"),
        (
            json!({ "url": url, "room": "ops" }),
            409,
            "already-installed",
        ),
        (json!({ "url": data(for_rooms) }), 422, "wrong-place"),
        (json!({ "url": data(in_browser) }), 409, "needs-browser"),
        (json!({ "url": data(refusing) }), 502, "add-on-refused"),
        (json!({}), 422, "bad-request"),
        (json!({ "url": url, "rooms": "ops" }), 422, "bad-request"),
    ] {
        let refused = script.refused(Method::POST, LIST, Some(body.clone())).await;
        assert_eq!(refused, (status, code.to_owned()), "{body}");
    }
    for (method, path, status, code) in [
        (Method::GET, "/installations?room=none", 404, "no-room"),
        (Method::GET, "/installations?rooms=1", 400, "bad-request"),
        (Method::GET, "/other", 404, "no-method"),
        (Method::GET, "", 404, "no-method"),
        (Method::PUT, LIST, 405, "no-method"),
    ] {
        let refused = script.refused(method, path, None).await;
        assert_eq!(refused, (status, code.to_owned()), "{path}");
    }
    assert_eq!(host.state().count_installations().await.unwrap(), 1);
}

#[tokio::test]
async fn unfinished_installation_is_listed_and_unchanged() {
    let host = Host::start().await;
    let script = Script::of(&host, None);
    let (url, _) = changing(descriptor("BASE")).await;
    let (_, installed) = script.install(json!({ "url": url })).await;
    let id = installed["installation"]["id"].as_str().unwrap().to_owned();
    let pending = host
        .state()
        .installation(&id.into())
        .await
        .unwrap()
        .unwrap();
    host.uninstall(&pending.oauth_id).await.unwrap();
    let mut pending = Arc::unwrap_or_clone(pending);
    pending.oauth_id = "pending".to_owned().into();
    let began = host.state().begin_installation(&pending, now()).await;
    assert!(began.unwrap());
    let listed = script.list("").await;
    assert_eq!(
        (&listed[0]["state"], &listed[0]["id"]),
        (&json!("installing"), &json!("pending"))
    );
    let removed = script.refused(Method::DELETE, "/installations/pending", None);
    assert_eq!(removed.await, (409, "under-way".to_owned()));
    let again = script.refused(Method::POST, LIST, Some(json!({ "url": url })));
    assert_eq!(again.await, (409, "under-way".to_owned()));
}

#[tokio::test]
async fn unreachable_add_on_is_removed_and_reported() {
    let host = Host::start().await;
    let script = Script::of(&host, None);
    let base = serve(|base| {
        let text = descriptor(base).to_string();
        Router::new()
            .route("/", get(async move || text))
            .route("/installed", post(async || Status::NO_CONTENT))
            .route(
                "/installed/{id}",
                delete(async || Status::SERVICE_UNAVAILABLE),
            )
    })
    .await;
    let (_, installed) = script.install(json!({ "url": format!("{base}/") })).await;
    let id = installed["installation"]["id"].as_str().unwrap();
    let path = format!("{LIST}/{id}");
    let (status, removed) = script.call(Method::DELETE, &path, None).await;
    assert_eq!((status, &removed["told"]), (StatusCode::OK, &json!(false)));
    assert!(
        host.state()
            .is_leaving(&id.to_owned().into())
            .await
            .unwrap()
    );
    assert!(script.list("").await.is_empty());
}

#[tokio::test]
async fn lists_are_paginated_and_filtered() {
    let host = Host::start().await;
    let script = Script::of(&host, None);
    let (ops, dev) = (host.room("ops").await.room, host.room("dev").await.room);
    let url = format!("data:,{}", plain("com.example.one"));
    for room in [&ops, &dev] {
        script
            .install(json!({ "url": url, "room": room.name }))
            .await;
    }
    let one = host.state().installations_in(ops.id).await.unwrap();
    for n in 0..99 {
        let mut other = one[0].clone();
        other.oauth_id = format!("zz{n:02}").into();
        other.descriptor.key = format!("com.example.other{n}");
        other.room_id = None;
        assert!(host.state().begin_installation(&other, 7).await.unwrap());
    }
    let (_, first) = script.call(Method::GET, LIST, None).await;
    assert_eq!(first["installations"].as_array().unwrap().len(), 100);
    assert_eq!(first["next"], "zz97");
    let (_, last) = script
        .call(Method::GET, "/installations?after=zz97", None)
        .await;
    assert_eq!(
        (&last["installations"][0]["id"], &last["next"]),
        (&json!("zz98"), &Value::Null)
    );
    assert_eq!(script.list("?key=com.example.one").await.len(), 2);
    for room in ["ops", &ops.id.to_string()] {
        let here = script
            .list(&format!("?key=com.example.one&room={room}"))
            .await;
        assert_eq!(here.len(), 1, "{room}");
        assert_eq!(here[0]["room"]["name"], "ops");
        assert_eq!(here[0]["descriptor_url"], Value::Null, "it is a descriptor");
    }
    assert_eq!(
        script.list("?key=com.example.other7").await[0]["installed_at"],
        "1970-01-01T00:00:07Z"
    );
    assert!(script.list("?key=none").await.is_empty());
}
