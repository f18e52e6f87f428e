//! Tests two rules for all routes: requests without a session and token do not write into the
//! database, and GET requests change nothing. Signing in is the only exception to the first rule.

use std::fs;
use std::path::Path;

use glance_host::sign_in::SignIn;
use glance_host::testing::{TestAddOn, TestRoom};
use glance_host::{Embed, Host};
use glance_sdk::model::Scope;
use glance_sdk::prelude::*;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use serde_json::json;

use crate::browser::Browser;
use crate::rest::Rest;
use crate::routes::{self, Route};

#[glance(key = "line", name = "Line", icon = "/i.svg", target = "panel")]
async fn line(_: GlanceQuery) -> GlanceData {
    GlanceData::new(label!("a line"))
}

async fn page(_: SignedRequest) -> &'static str {
    "a page"
}

/// The name of the guests' account on older hosts.
const GUEST: &str = "Guest of another site";

struct Group {
    host: Host,
    room: TestRoom,
    add_on: TestAddOn,
    data: tempfile::TempDir,
}

impl Group {
    /// Starts a host that shows its rooms to everyone, whose admin has the name of other sites'
    /// guests.
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let embed = Embed::on(["https://wiki.example.com"]).unwrap();
        let host = Host::builder()
            .port(0)
            .data(data.path())
            .rate_limit(u32::MAX)
            .sign_in(SignIn::Name)
            .embed(embed.to_everyone());
        let host = host.start().await.unwrap();
        host.user(GUEST, |user| user.is_admin = true).await;
        host.user("Bo", |_| {}).await;
        let room = host.room("ops").await;
        let add_on = AddOn::new("com.example.shown", "Shown")
            .glance::<line>()
            .web_panel("panel", "Panel", get(page))
            .scopes([
                Scope::AdminRoom,
                Scope::ManageRooms,
                Scope::SendMessage,
                Scope::SendNotification,
                Scope::ViewGroup,
                Scope::ViewMessages,
                Scope::ViewRoom,
                Scope::ViewerToken,
            ]);
        let add_on = host.install_everywhere(add_on).await;
        Self {
            host,
            room,
            add_on,
            data,
        }
    }

    /// Returns the database files.
    fn stored(&self) -> Vec<Vec<u8>> {
        stored(self.data.path())
    }

    fn values(&self) -> [(&'static str, String); 5] {
        let id = self.add_on.installed().oauth_id.to_string();
        [
            ("room", self.room.room.id.to_string()),
            ("user", "1".to_owned()),
            ("id", id.clone()),
            ("oauth_id", id),
            ("key", "line".to_owned()),
        ]
    }
}

fn stored(folder: &Path) -> Vec<Vec<u8>> {
    let files = ["host.sqlite", "host.sqlite-wal"];
    files
        .map(|file| fs::read(folder.join(file)).unwrap_or_default())
        .to_vec()
}

/// Returns all routes except the two that test whether the database is writable with a write
/// without content.
fn all_routes() -> impl Iterator<Item = Route> {
    let probes = ["/healthz", "/readyz"];
    let routes = routes::all().into_iter();
    routes.filter(move |route| !probes.contains(&route.0.as_str()))
}

/// Returns bodies that have an effect at some route.
fn bodies() -> [(&'static str, String); 2] {
    let form = "name=x&role=guest&removed=true&archived=true&user=2&privacy=private&url=data:,x\
                &digest=x&grant_type=client_credentials&text=x";
    let json = json!({
        "name": "x", "text": "x", "message": "x", "topic": "x", "addOn": "com.example.shown",
        "key": "line", "module": "panel", "addOns": [], "id": "com.example.shown:line",
        "room": "ops", "room_id": 1, "glance": [], "url": "https://example.com/", "event": "room_message",
    });
    [
        (
            "application/x-www-form-urlencoded",
            form.replace("name=x", "name="),
        ),
        ("application/json", json.to_string()),
    ]
}

#[tokio::test]
async fn requests_without_credentials_write_nothing() {
    let group = Group::start().await;
    let client = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .build()
        .unwrap();
    let values = group.values();
    let values: Vec<_> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let before = group.stored();
    for route in all_routes() {
        let url = format!("{}{}", group.host.base_url(), route.with(&values));
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            for (kind, body) in bodies() {
                let request = client.request(method.clone(), &url);
                let request = request
                    .header(ORIGIN, group.host.base_url())
                    .header(ACCEPT, "text/html")
                    .header("Time-Zone", "Asia/Tokyo")
                    .header(CONTENT_TYPE, kind);
                let answer = request.body(body).send().await.unwrap();
                let status = answer.status();
                assert!(!status.is_server_error(), "{method} {url}: {status}");
                drop(answer);
                assert!(group.stored() == before, "{method} {url} wrote: {status}");
            }
        }
    }
    let state = group.host.state();
    let admin = state.find_user(GUEST).await.unwrap().unwrap();
    assert!(admin.is_admin && !admin.is_guest, "{admin:?}");
}

#[tokio::test]
async fn get_changes_nothing() {
    let group = Group::start().await;
    let browser = Browser::signed_in(&group.host, GUEST).await;
    let rest = Rest::of(&group.host, &group.add_on);
    let token = rest.token("").await;
    let values = group.values();
    let values: Vec<_> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let before = group.stored();
    let mut opened = 0;
    for route in all_routes() {
        let url = format!("{}{}", group.host.base_url(), route.with(&values));
        let request = browser.client.get(&url).header(ACCEPT, "text/html");
        let request = match route.0.starts_with("/v2") {
            true => request.header(AUTHORIZATION, format!("Bearer {token}")),
            false => request.header(COOKIE, browser.cookie()),
        };
        let answer = request.header("Time-Zone", "Asia/Tokyo").send().await;
        let status = answer.unwrap().status();
        assert!(!status.is_server_error(), "GET {url}: {status}");
        opened += usize::from(status == StatusCode::OK);
        assert!(group.stored() == before, "GET {url} wrote: {status}");
    }
    assert!(opened > 25, "only {opened} opened");
}

#[tokio::test]
async fn account_of_guests_is_hidden_and_unchangeable() {
    let group = Group::start().await;
    let state = group.host.state();
    let guest = state.embed_guest().await.unwrap();
    assert!(guest.is_technical && guest.is_guest && !guest.is_admin);
    let mut admin = Browser::signed_in(&group.host, GUEST).await;
    let people = admin.text("/people").await;
    let removable = people.matches("name=\"removed\" value=\"true\"").count();
    assert_eq!(removable, 2, "the admin and Bo: {people}");
    let choices = Browser::of(&group.host).text("/sign-in").await;
    let named = choices.matches(&format!("value=\"{GUEST}\"")).count();
    assert_eq!(named, 1, "the admin: {choices}");
    for page in ["/people", "/rooms/1/settings"] {
        let text = admin.text(page).await;
        assert!(!text.contains(&format!("/people/{}/", guest.id)), "{page}");
        assert!(!text.contains(&format!("value=\"{}\"", guest.id)), "{page}");
    }
    for (path, form) in [
        (
            format!("/people/{}/removed", guest.id),
            [("removed", "true")],
        ),
        (format!("/people/{}/role", guest.id), [("role", "admin")]),
        (
            "/rooms/1/members".to_owned(),
            [("user", guest.id.to_string().leak() as &str)],
        ),
    ] {
        admin.submits(&path, &form).await;
    }
    let mut changed = guest.clone();
    (changed.is_admin, changed.is_removed) = (true, true);
    state.update_user(&changed).await.unwrap();
    assert_eq!(state.user(guest.id).await.unwrap().as_ref(), Some(&guest));
    assert!(state.members(1.into()).await.unwrap().is_empty());

    let rest = Rest::of(&group.host, &group.add_on);
    let token = rest.token("").await;
    for (method, path) in [
        (Method::GET, format!("user/{}", guest.id)),
        (Method::POST, format!("user/{}/message", guest.id)),
        (Method::PUT, format!("room/ops/member/{}", guest.id)),
    ] {
        let call = rest.call(&token, method, &path).body("x");
        let status = crate::rest::status(call.header(CONTENT_TYPE, "text/plain")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let events = format!("{}/embed/rooms/1/events", group.host.base_url());
    assert_eq!(
        glance_host::testing::http_client()
            .get(events)
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::OK
    );
}
