//! Tests the pages of an add-on with requests of a host and of others.

use glance_host::Host;
use glance_host::testing::{TestAddOn, TestRoom};
use glance_sdk::auth::{SigningKey, now};
use glance_sdk::axum::response::Response;
use glance_sdk::model::{Action, ActionLocation, Claims, Context};
use glance_sdk::prelude::*;
use reqwest::StatusCode;

use crate::log::Log;

async fn who(request: SignedRequest) -> String {
    format!("{:?}", request.user_id())
}

fn add_on() -> AddOn {
    AddOn::new("com.example.pages", "Pages")
        .web_panel("panel", "Panel", get(who))
        .dialog("dialog", "Dialog", get(who))
        .external_page("page", "Page", get(who))
        .configuration_page(get(who).post(who))
        .admin_page(get(who))
        .action(Action::new("do", "Do", ActionLocation::Message, "dialog"))
}

/// Signs a token like a host.
fn signed(room: &TestRoom, add_on: &TestAddOn) -> String {
    SigningKey::new(&add_on.installed().oauth_secret).sign(&claims(room, add_on))
}

fn claims(room: &TestRoom, add_on: &TestAddOn) -> Claims {
    let mut claims = Claims::new(add_on.oauth_id().clone(), now(), now() + 3600);
    claims.sub = Some("7".to_owned());
    let mut context = Context::default();
    context.room_id = Some(room.room.id);
    context.user_tz = Some("Europe/Berlin".to_owned());
    claims.context = Some(context);
    claims
}

#[tokio::test]
async fn every_page_needs_signed_request() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let capabilities = &add_on.installed().descriptor.capabilities;
    let urls = [
        &capabilities.web_panels()[0].url,
        &capabilities.dialogs()[0].url,
        &capabilities.external_pages()[0].url,
        &capabilities.configurable.as_ref().unwrap().url,
        &capabilities.admin_page.as_ref().unwrap().url,
    ];
    assert_eq!(capabilities.actions()[0].target.key(), Some("dialog"));

    let client = glance_host::testing::http_client();
    for url in urls {
        for request in [client.get(url), client.post(url), client.delete(url)] {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{url}");
        }
        let token = signed(&room, &add_on);
        let answer = client
            .get(url)
            .query(&[("signed_request", token)])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
        assert_eq!(answer.text().await.unwrap(), "Some(UserId(7))", "{url}");
    }
}

#[glance(key = "hello", name = "Hello", icon = "/hello.svg")]
async fn hello() -> GlanceData {
    GlanceData::new(label!("hello"))
}

async fn token_for_scripts(request: SignedRequest) -> String {
    request.page_token()
}

async fn vote(
    viewer: Viewer,
    request: SignedRequest,
    query: Result<GlanceQuery, Response>,
) -> String {
    format!(
        "{} in {:?}, {:?}, {}, {}",
        viewer.user_id,
        viewer.room_id,
        viewer.time_zone,
        request.oauth_id(),
        query.is_ok()
    )
}

#[tokio::test]
async fn scripts_of_page_use_page_token() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let with_scripts = AddOn::new("com.example.votes", "Votes")
        .glance::<hello>()
        .web_panel("votes", "Votes", get(token_for_scripts))
        .route("/votes", post(vote));
    let add_on = room.install(with_scripts).await;
    let client = glance_host::testing::http_client();
    let base = add_on.base_url();
    let [panel, votes, query] =
        ["panel/votes", "votes", "glance/hello"].map(|path| format!("{base}/{path}"));

    let opened = host
        .panel_url(&room.room, add_on.installed(), "votes")
        .await
        .unwrap();
    let page = client.get(opened).send().await.unwrap();
    assert!(page.headers().contains_key("x-acpt"));
    let token = page.text().await.unwrap();
    let mine = format!(
        "1 in Some(RoomId({})), Some(\"UTC\"), {}",
        room.room.id,
        add_on.oauth_id()
    );

    for (name, value) in [
        ("x-acpt", token.clone()),
        ("authorization", format!("JWT {token}")),
    ] {
        let voted = client
            .post(&votes)
            .header(name, value)
            .send()
            .await
            .unwrap();
        assert_eq!(voted.status(), StatusCode::OK, "{name}");
        assert_eq!(
            voted.text().await.unwrap(),
            format!("{mine}, false"),
            "{name}"
        );
    }
    let voted = client
        .post(&votes)
        .query(&[("signed_request", signed(&room, &add_on))])
        .send();
    assert!(
        voted
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .ends_with(", true"),
        "a host may ask too"
    );

    let renewed = client
        .get(&panel)
        .header("x-acpt", &token)
        .send()
        .await
        .unwrap();
    let next = renewed.headers()["x-acpt"].to_str().unwrap().to_owned();
    let voted = client
        .post(&votes)
        .header("x-acpt", &next)
        .send()
        .await
        .unwrap();
    assert_eq!(voted.status(), StatusCode::OK);

    for (what, request) in [
        (
            "a query",
            client
                .get(&query)
                .header("authorization", format!("JWT {token}")),
        ),
        (
            "a query by header",
            client.get(&query).header("x-acpt", &token),
        ),
        (
            "an address",
            client.post(&votes).query(&[("signed_request", &token)]),
        ),
        (
            "a panel's address",
            client.get(&panel).query(&[("signed_request", &token)]),
        ),
    ] {
        let refused = request.send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{what}");
        assert_eq!(
            refused.text().await.unwrap(),
            "not a signed request",
            "{what}"
        );
    }

    host.uninstall(add_on.oauth_id()).await.unwrap();
    let gone = client
        .post(&votes)
        .header("x-acpt", &token)
        .send()
        .await
        .unwrap();
    assert_eq!(
        gone.status(),
        StatusCode::UNAUTHORIZED,
        "a token ends with its installation"
    );
}

#[tokio::test]
async fn viewer_extractor_refuses_requests_without_person() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = AddOn::new("com.example.viewer", "Viewer").web_panel(
        "who",
        "Who",
        get(async |viewer: Viewer| format!("{viewer:?}")),
    );
    let add_on = room.install(add_on).await;
    let key = SigningKey::new(&add_on.installed().oauth_secret);
    let url = format!("{}/panel/who", add_on.base_url());
    let ask = async |claims: &Claims| {
        let query = [("signed_request", key.sign(claims))];
        glance_host::testing::http_client()
            .get(&url)
            .query(&query)
            .send()
            .await
            .unwrap()
    };

    let mut claims = claims(&room, &add_on);
    let shown = ask(&claims).await.text().await.unwrap();
    assert_eq!(
        shown,
        "Viewer { user_id: UserId(7), room_id: Some(RoomId(1)), time_zone: Some(\"Europe/Berlin\") }"
    );
    claims.context = None;
    let shown = ask(&claims).await.text().await.unwrap();
    assert_eq!(
        shown,
        "Viewer { user_id: UserId(7), room_id: None, time_zone: None }"
    );
    for nobody in [None, Some("nobody".to_owned())] {
        claims.sub = nobody;
        let refused = ask(&claims).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        assert_eq!(
            refused.text().await.unwrap(),
            "the signed request names no person"
        );
    }
}

#[tokio::test]
async fn signed_request_changes_something_once() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = AddOn::new("com.example.once", "Once")
        .refuse_replays()
        .glance::<hello>()
        .web_panel("votes", "Votes", get(token_for_scripts).post(vote))
        .route("/votes", post(vote).put(vote));
    let add_on = room.install(add_on).await;
    let base = add_on.base_url();
    let [panel, votes, query] =
        ["panel/votes", "votes", "glance/hello"].map(|path| format!("{base}/{path}"));
    let client = glance_host::testing::http_client();
    let token = |jti: &str| {
        let mut claims = claims(&room, &add_on);
        claims.jti = Some(jti.to_owned());
        SigningKey::new(&add_on.installed().oauth_secret).sign(&claims)
    };
    let status = async |request: reqwest::RequestBuilder, token: &str| {
        let request = request.query(&[("signed_request", token)]);
        request.send().await.unwrap().status()
    };

    let one = token("one");
    for _ in 0..3 {
        assert_eq!(status(client.get(&panel), &one).await, StatusCode::OK);
        assert_eq!(status(client.get(&query), &one).await, StatusCode::OK);
    }
    // The handler has three extractors that need the token, but this is a single request.
    assert_eq!(status(client.post(&votes), &one).await, StatusCode::OK);
    for again in [client.post(&votes), client.put(&votes), client.post(&panel)] {
        assert_eq!(status(again, &one).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(status(client.get(&panel), &one).await, StatusCode::OK);
    assert_eq!(
        status(client.post(&panel), &token("two")).await,
        StatusCode::OK
    );

    let opened = client
        .get(&panel)
        .query(&[("signed_request", one)])
        .send()
        .await
        .unwrap();
    let page_token = opened.text().await.unwrap();
    for _ in 0..3 {
        let voted = client
            .post(&votes)
            .header("x-acpt", &page_token)
            .send()
            .await
            .unwrap();
        assert_eq!(voted.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn log_names_missing_handlers() {
    let log = Log::record();
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    assert!(!log.text().contains("here; add"));
    for path in [
        "glance/gone",
        "panel/gone",
        "dialog/gone",
        "page/gone",
        "webhook/gone",
    ] {
        let url = format!("{}/{path}", add_on.base_url());
        for method in [reqwest::Method::GET, reqwest::Method::POST] {
            let answer = glance_host::testing::http_client()
                .request(method, &url)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        }
        assert!(
            log.text().contains("`gone` here; add ."),
            "{path}: {}",
            log.text()
        );
    }
    let there = format!("{}/panel/panel", add_on.base_url());
    assert_eq!(
        glance_host::testing::http_client()
            .get(there)
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::UNAUTHORIZED
    );
}
