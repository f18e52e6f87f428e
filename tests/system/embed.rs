//! Tests a room's sidebar on another site: who may embed it, for whom, and for how long.

use std::time::Duration;

use glance_host::sign_in::SignIn;
use glance_host::testing::{TestAddOn, TestRoom};
use glance_host::{Builder, Clock, Embed, Host};
use glance_sdk::auth::{SigningKey, now};
use glance_sdk::model::{Claims, Context, Scope};
use glance_sdk::prelude::*;
use reqwest::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_SECURITY_POLICY, COOKIE, HeaderMap, ORIGIN,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::rest::{self, Rest};

const WIKI: &str = "https://wiki.example.com";

async fn page(_: SignedRequest) -> &'static str {
    "a page"
}

#[glance(key = "line", name = "Line", icon = "/i.svg", target = "panel")]
async fn line(query: GlanceQuery) -> GlanceData {
    GlanceData::new(label!("for {}", query.user_id().is_some()))
}

fn add_on(key: &str) -> AddOn {
    AddOn::new(key, "Shown")
        .glance::<line>()
        .web_panel("panel", "Panel", get(page))
        .asset(
            "/i.svg",
            "image/svg+xml",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        )
        .scopes([Scope::ViewerToken, Scope::ViewRoom])
}

fn builder() -> Builder {
    let embed = Embed::on([WIKI]).unwrap();
    Host::builder().port(0).sign_in(SignIn::Name).embed(embed)
}

/// Starts a host with a room, and installs the add-on for all rooms.
async fn start(builder: Builder) -> (Host, TestRoom, TestAddOn) {
    let host = builder.start().await.unwrap();
    host.user("Ann", |user| user.is_admin = true).await;
    let room = host.room("ops").await;
    let add_on = host.install_everywhere(add_on("com.example.shown")).await;
    (host, room, add_on)
}

async fn issue(host: &Host, add_on: &TestAddOn, body: Value) -> (StatusCode, Value) {
    let rest = Rest::of(host, add_on);
    let token = rest.token("viewer_token").await;
    rest::json(rest.call(&token, Method::POST, "viewer-token").json(&body)).await
}

/// Requests a token for a guest, or for this person.
async fn token(host: &Host, add_on: &TestAddOn, room: &TestRoom, user: Option<u64>) -> String {
    let mut body = json!({ "room_id": room.room.id });
    if let Some(user) = user {
        body["user_id"] = user.into();
    }
    let (status, answer) = issue(host, add_on, body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let address = format!("{}/embed/rooms/{}", host.base_url(), room.room.id);
    assert_eq!(answer["sidebar_url"], address);
    assert_eq!(answer["expires_in"], 900);
    answer["token"].as_str().unwrap().to_owned()
}

fn request(host: &Host, room: &TestRoom, method: Method, path: &str) -> RequestBuilder {
    let url = format!("{}/embed/rooms/{}{path}", host.base_url(), room.room.id);
    let request = glance_host::testing::http_client().request(method, url);
    request.header(ORIGIN, host.base_url())
}

async fn events(host: &Host, room: &TestRoom, token: &str) -> Response {
    let request = request(host, room, Method::GET, "/events");
    request.bearer_auth(token).send().await.unwrap()
}

async fn status(host: &Host, room: &TestRoom, token: &str) -> StatusCode {
    events(host, room, token).await.status()
}

async fn post(
    host: &Host,
    room: &TestRoom,
    token: &str,
    path: &str,
    body: Value,
) -> (StatusCode, Value) {
    let request = request(host, room, Method::POST, path).bearer_auth(token);
    rest::json(request.json(&body)).await
}

/// Reads until this text arrived.
async fn read_until(events: &mut Response, pattern: &str) -> String {
    let mut text = String::new();
    while !text.contains(pattern) {
        let chunk = events.chunk().await.unwrap();
        let chunk = chunk.unwrap_or_else(|| panic!("no {pattern} in {text}"));
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    text
}

/// Returns the URL of an icon in the received text.
fn read_icon(received: &str) -> &str {
    let at = received.find("/icon/").unwrap();
    received[at..].split('"').next().unwrap()
}

#[tokio::test]
async fn token_opens_one_room() {
    let (host, room, add_on) = start(builder()).await;
    let token = token(&host, &add_on, &room, None).await;
    let mut live = events(&host, &room, &token).await;
    assert_eq!(live.status(), StatusCode::OK);
    let received = read_until(&mut live, "for true").await;
    // The icon loads without a cookie too.
    let shown = read_icon(&received);
    let icon = glance_host::testing::http_client().get(format!("{}{shown}", host.base_url()));
    assert_eq!(rest::status(icon).await, StatusCode::OK);

    let other = host.room("other").await;
    assert_eq!(
        status(&host, &other, &token).await,
        StatusCode::UNAUTHORIZED
    );
    let (panel, opened) = post(
        &host,
        &room,
        &token,
        "/open",
        json!({ "addOn": "com.example.shown", "key": "panel" }),
    )
    .await;
    assert_eq!(panel, StatusCode::OK, "{opened}");
    assert!(opened["url"].as_str().unwrap().contains("signed_request="));
    let body = json!({ "addOn": "com.example.shown" });
    let (status, answer) = post(&host, &room, &token, "/frames/participants", body.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    let (status, _) = post(&host, &room, &token, "/frames/room", body).await;
    assert_eq!(status, StatusCode::OK);
    // Nothing else of the room is accessible: no timeline, no actions, no other rooms.
    for path in ["/timeline", "/actions", "/frames/enter", "/settings"] {
        let answer = request(&host, &room, Method::POST, path).bearer_auth(&token);
        let answer = answer.json(&json!({ "text": "x" })).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let body = json!({ "addOn": "com.example.shown", "action": "any", "message": "1" });
    let (status, _) = post(&host, &room, &token, "/open", body).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // It is not a session either.
    let page = glance_host::testing::http_client()
        .get(format!("{}/events", host.room_url(&room.room)))
        .bearer_auth(&token);
    assert_eq!(rest::status(page).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn messages_stay_in_room() {
    let (host, room, add_on) = start(builder()).await;
    let token = token(&host, &add_on, &room, None).await;
    let mut live = events(&host, &room, &token).await;
    read_until(&mut live, "event: here").await;
    room.says("Ann", "a secret").await;
    let received = read_until(&mut live, "event: entry").await;
    let rest = read_until(&mut live, "\n\n").await;
    assert!(
        !format!("{received}{rest}").contains("secret"),
        "{received}"
    );
}

#[tokio::test]
async fn reconnected_embedded_page_learns_of_missed_messages() {
    let (host, room, add_on) = start(builder()).await;
    let token = token(&host, &add_on, &room, None).await;
    let position = host.state().position(room.room.id).await.unwrap().unwrap();
    room.says("Ann", "a secret").await;
    room.says("Ann", "another secret").await;
    let request = request(&host, &room, Method::GET, "/events").bearer_auth(&token);
    let request = request.header("Last-Event-ID", position.to_string());
    let mut live = request.send().await.unwrap();
    let mut received = String::new();
    while received.matches("event: entry\ndata: null\n\n").count() < 2 {
        received += &read_until(&mut live, "\n\n").await;
    }
    assert!(!received.contains("secret"), "{received}");
    assert!(!received.contains("missed"), "{received}");
}

#[tokio::test]
async fn embedded_sidebar_has_no_inspector() {
    let (host, room, add_on) = start(builder()).await;
    let ann = host.user("Ann", |_| {}).await;
    let token = token(&host, &add_on, &room, Some(ann.id.get())).await;
    let request = request(&host, &room, Method::GET, "/events?inspect");
    let mut live = request.bearer_auth(&token).send().await.unwrap();
    let mut received = read_until(&mut live, "for true").await;
    room.says("Bo", "a secret").await;
    received += &read_until(&mut live, "event: entry").await;
    received += &read_until(&mut live, "\n\n").await;
    assert!(!received.contains("event: inspection"), "{received}");
}

#[tokio::test]
async fn person_has_time_zone_and_guest_has_none() {
    let (host, room, add_on) = start(builder()).await;
    let ann = host.user("Ann", |_| {}).await;
    for (user, zone) in [(Some(ann.id.get()), "Asia/Tokyo"), (None, "Europe/Paris")] {
        let token = token(&host, &add_on, &room, user).await;
        let events = request(&host, &room, Method::GET, "/events").header("Time-Zone", zone);
        let mut live = events.bearer_auth(&token).send().await.unwrap();
        let received = read_until(&mut live, "\"page\":\"").await;
        let page = received
            .split("\"page\":\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let path = format!("/pages/{page}/frames");
        let follow = request(&host, &room, Method::POST, &path).header("Time-Zone", zone);
        let follow = follow.bearer_auth(&token).json(&json!({ "addOns": [] }));
        assert_eq!(rest::status(follow).await, StatusCode::NO_CONTENT);
    }
    let mut users = host.state().users().await.unwrap();
    users.push(host.state().embed_guest().await.unwrap());
    for user in users {
        let expected = if user.id == ann.id {
            "Asia/Tokyo"
        } else {
            "UTC"
        };
        assert_eq!(user.timezone, expected, "{}", user.name);
    }
}

#[tokio::test]
async fn only_tokens_open_sidebar() {
    let (host, room, add_on) = start(builder()).await;
    let claims = |issuer: &str, seconds: i64| {
        let mut claims = Claims::new(issuer.to_owned().into(), now(), now() + seconds);
        let mut context = Context::default();
        context.room_id = Some(room.room.id);
        claims.context = Some(context);
        claims
    };
    let installed = add_on.installed();
    let id = installed.oauth_id.to_string();
    // The installation's secret does not sign viewer tokens, nor does anything that the add-on can
    // read.
    let secret = SigningKey::new(&installed.oauth_secret);
    let guessed = SigningKey::new(&"guessed".to_owned().into());
    for forged in [
        String::new(),
        "a.b.c".to_owned(),
        secret.sign(&claims(&id, 900)),
        guessed.sign(&claims(&id, 900)),
        guessed.sign(&claims("nobody", 900)),
    ] {
        assert_eq!(
            status(&host, &room, &forged).await,
            StatusCode::UNAUTHORIZED
        );
    }
    // A page's signed URL opens nothing.
    let signed = host
        .panel_url(&room.room, installed, "panel")
        .await
        .unwrap();
    let (_, jwt) = signed.split_once("signed_request=").unwrap();
    let jwt = jwt.split('&').next().unwrap();
    assert_eq!(status(&host, &room, jwt).await, StatusCode::UNAUTHORIZED);
    // The add-on does not accept a viewer token as a signed request.
    let token = token(&host, &add_on, &room, None).await;
    let mistaken = signed.replace(jwt, &token);
    for (address, expected) in [
        (signed, StatusCode::OK),
        (mistaken, StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(
            rest::status(glance_host::testing::http_client().get(address)).await,
            expected
        );
    }
    // Neither does a session.
    let ann = Browser::signed_in(&host, "Ann").await;
    let events_request = request(&host, &room, Method::GET, "/events").header(COOKIE, ann.cookie());
    assert_eq!(rest::status(events_request).await, StatusCode::UNAUTHORIZED);
    let open = request(&host, &room, Method::POST, "/open").header(COOKIE, ann.cookie());
    let open = open.json(&json!({ "addOn": "com.example.shown", "key": "panel" }));
    assert_eq!(rest::status(open).await, StatusCode::UNAUTHORIZED);
    // Without a token nobody learns that a room does not exist.
    let nowhere = format!("{}/embed/rooms/999/events", host.base_url());
    let answer = rest::status(glance_host::testing::http_client().get(nowhere)).await;
    assert_eq!(answer, StatusCode::UNAUTHORIZED);
    // The host refuses requests of other sites that change something, whatever they contain.
    let foreign = glance_host::testing::http_client()
        .post(format!(
            "{}/embed/rooms/{}/open",
            host.base_url(),
            room.room.id
        ))
        .header(ORIGIN, WIKI)
        .bearer_auth(&token)
        .json(&json!({ "addOn": "com.example.shown", "key": "panel" }));
    assert_eq!(rest::status(foreign).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn token_needs_scope_and_embedding() {
    let (host, room, add_on) = start(builder()).await;
    let rest = Rest::of(&host, &add_on);
    let weak = rest.token("view_room").await;
    let body = json!({ "room_id": room.room.id });
    let call = rest.call(&weak, Method::POST, "viewer-token").json(&body);
    assert_eq!(rest::status(call).await, StatusCode::FORBIDDEN);
    for bad in [json!({}), json!({ "room_id": [] }), json!("x")] {
        assert_eq!(
            issue(&host, &add_on, bad.clone()).await.0,
            StatusCode::BAD_REQUEST,
            "{bad}"
        );
    }
    let nobody = json!({ "room_id": room.room.id, "user_id": 999 });
    assert_eq!(issue(&host, &add_on, nobody).await.0, StatusCode::NOT_FOUND);

    // The owner of a room may install any add-on there, so it cannot vouch for people.
    let own = host.room("own").await;
    let in_room = own.install(self::add_on("com.example.own")).await;
    let ann = host.user("Ann", |_| {}).await.id;
    let as_ann = json!({ "room_id": own.room.id, "user_id": ann });
    let (status, answer) = issue(&host, &in_room, as_ann).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(answer.to_string().contains("for all rooms"), "{answer}");
    token(&host, &in_room, &own, None).await;
    let elsewhere = json!({ "room_id": room.room.id });
    let (status, _) = issue(&host, &in_room, elsewhere).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let (closed, room, add_on) = start(Host::builder().port(0).sign_in(SignIn::Name)).await;
    let body = json!({ "room_id": room.room.id });
    let (status, answer) = issue(&closed, &add_on, body).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(answer.to_string().contains("names no origins"), "{answer}");
}

#[tokio::test]
async fn token_expires() {
    let clock = Clock::standing_at(now());
    let (host, room, add_on) = start(builder().clock(clock.clone())).await;
    let first = token(&host, &add_on, &room, None).await;
    clock.advance(Duration::from_secs(899));
    let mut live = events(&host, &room, &first).await;
    read_until(&mut live, "event: sidebar").await;
    clock.advance(Duration::from_secs(1));
    // The connection detects the expiry by itself.
    while live.chunk().await.unwrap().is_some() {}
    assert_eq!(status(&host, &room, &first).await, StatusCode::UNAUTHORIZED);
    let next = token(&host, &add_on, &room, None).await;
    assert_eq!(status(&host, &room, &next).await, StatusCode::OK);
}

#[tokio::test]
async fn token_ends_with_installation() {
    let (host, room, add_on) = start(builder()).await;
    let token = token(&host, &add_on, &room, None).await;
    let mut live = events(&host, &room, &token).await;
    read_until(&mut live, "event: sidebar").await;
    assert!(host.uninstall(add_on.oauth_id()).await.unwrap());
    while live.chunk().await.unwrap().is_some() {}
    assert_eq!(status(&host, &room, &token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn person_with_token_is_present_and_guest_is_not() {
    let (host, room, add_on) = start(builder()).await;
    let ann = Browser::signed_in(&host, "Ann").await;
    let bo = host.user("Bo", |_| {}).await;
    let here = async || {
        let client = add_on.client().await;
        let present = client
            .room(room.room.id)
            .participants()
            .all()
            .await
            .unwrap();
        present
            .into_iter()
            .map(|user| user.name)
            .collect::<Vec<_>>()
    };
    let guest = token(&host, &add_on, &room, None).await;
    let mut guest = events(&host, &room, &guest).await;
    read_until(&mut guest, "event: sidebar").await;
    assert!(here().await.is_empty());
    let named = token(&host, &add_on, &room, Some(bo.id.get())).await;
    let mut named_live = events(&host, &room, &named).await;
    read_until(&mut named_live, "event: sidebar").await;
    assert_eq!(here().await, [Some("Bo".to_owned())]);

    // A private room admits only its members, however they arrive.
    let form = [("name", "ops"), ("privacy", "private")];
    let mut ann = ann;
    let settings = format!("/rooms/{}/settings", room.room.id);
    ann.submits(&settings, &form).await;
    while named_live.chunk().await.unwrap().is_some() {}
    assert_eq!(status(&host, &room, &named).await, StatusCode::NOT_FOUND);
    // Guests that the room's own add-on admits without a name stay.
    room.says("Ann", "still there").await;
    read_until(&mut guest, "event: entry").await;
}

async fn headers(host: &Host, path: &str) -> HeaderMap {
    let answer = glance_host::testing::http_client().get(format!("{}{path}", host.base_url()));
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.headers().clone()
}

#[tokio::test]
async fn only_configured_sites_may_frame_sidebar() {
    let both = || Embed::on([WIKI, "http://localhost:8080"]).unwrap();
    let nobody = Embed::default;
    for (embed, public, private) in [
        (nobody(), Some("'none'"), Some("'none'")),
        (
            both(),
            Some("https://wiki.example.com http://localhost:8080"),
            Some("https://wiki.example.com http://localhost:8080"),
        ),
        (nobody().to_everyone(), None, Some("'none'")),
        (
            both().to_everyone(),
            Some("https://wiki.example.com http://localhost:8080"),
            Some("https://wiki.example.com http://localhost:8080"),
        ),
    ] {
        let host = Host::builder().port(0).embed(embed.clone());
        let host = host.start().await.unwrap();
        let open = host.room("open").await;
        let mut closed = host.room("closed").await;
        closed.change(|room| room.is_public = false).await;
        for (room, expected) in [(&open, public), (&closed, private)] {
            let path = format!(
                "/embed/rooms/{}?theme=dark&user=%40ann:example.com",
                room.room.id
            );
            let headers = headers(&host, &path).await;
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; script-src 'self'"));
            let ancestors = policy
                .split("; ")
                .find_map(|one| one.strip_prefix("frame-ancestors "));
            assert_eq!(ancestors, expected, "{embed:?}");
            assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        }
        // Other pages may not be framed.
        let path = format!("/rooms/{}", open.room.id);
        let headers = headers(&host, &path).await;
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.ends_with("frame-ancestors 'none'"));
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}

#[tokio::test]
async fn host_may_show_rooms_to_everyone() {
    let embed = Embed::default().to_everyone();
    let (host, mut room, add_on) = start(builder().embed(embed)).await;
    let live = async |room: &TestRoom| {
        let request = request(&host, room, Method::GET, "/events");
        request.send().await.unwrap()
    };
    let mut guest = live(&room).await;
    read_until(&mut guest, "for true").await;
    let client = add_on.client().await;
    let present = client
        .room(room.room.id)
        .participants()
        .all()
        .await
        .unwrap();
    assert!(present.is_empty());
    let wrong = events(&host, &room, "wrong").await.status();
    assert_eq!(wrong, StatusCode::UNAUTHORIZED, "a bad token is no guest");
    room.change(|room| room.is_public = false).await;
    while guest.chunk().await.unwrap().is_some() {}
    assert_eq!(live(&room).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn embed_page_reveals_nothing_about_room() {
    let (host, room, _add_on) = start(builder()).await;
    let there = request(&host, &room, Method::GET, "?theme=dark");
    let there = there.send().await.unwrap().text().await.unwrap();
    assert!(
        there.contains("data-theme=\"dark\"") && !there.contains("ops"),
        "{there}"
    );
    let id = room.room.id.to_string();
    let nowhere = format!("{}/embed/rooms/999?theme=dark", host.base_url());
    let nowhere = glance_host::testing::http_client()
        .get(nowhere)
        .send()
        .await
        .unwrap();
    let nowhere = nowhere.text().await.unwrap();
    let at = format!("/embed/rooms/{id}\"");
    assert!(there.contains(&at));
    assert_eq!(there.replace(&at, "/embed/rooms/999\""), nowhere);
    let odd = request(
        &host,
        &room,
        Method::GET,
        "?theme=%22%3E%3Cscript%3E&x=$matrix_user_id",
    );
    let odd = odd.send().await.unwrap().text().await.unwrap();
    assert!(!odd.contains("data-theme"));
}

#[tokio::test]
async fn component_is_available_to_every_site() {
    let (host, _room, _add_on) = start(builder()).await;
    let headers = headers(&host, "/assets/glance-sidebar.js").await;
    assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
}
