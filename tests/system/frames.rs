//! Tests the requests of the room page for the pages of add-ons.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use glance_host::Host;
use glance_host::storage::Effects;
use glance_host::testing::{TestAddOn, TestRoom};
use glance_sdk::auth::{SigningKey, Token, now};
use glance_sdk::axum::response::Html;
use glance_sdk::model::{ActionLocation, Authentication, Capabilities, Claims, Scope};
use glance_sdk::prelude::*;
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use crate::actions::action;
use crate::rest::{self, Rest};

async fn page() -> &'static str {
    "a page"
}

#[glance(key = "line", name = "Line", icon = "/i.svg", target = "panel")]
pub(crate) async fn line() -> GlanceData {
    GlanceData::new(label!("line"))
}

#[glance(key = "asks", name = "Asks", icon = "/i.svg", target = "dialog")]
async fn asks() -> GlanceData {
    GlanceData::new(label!("asks"))
}

fn add_on(key: &str) -> AddOn {
    AddOn::new(key, "Pages")
        .glance::<line>()
        .glance::<asks>()
        .web_panel("panel", "Panel", get(page))
        .dialog("dialog", "Dialog", get(page))
        .external_page("page", "Page", get(page))
}

pub(crate) fn full() -> AddOn {
    add_on("com.example.full").scopes([Scope::ViewRoom, Scope::SendNotification])
}

/// Returns the status and the JSON of the room page's request.
pub(crate) async fn ask(
    host: &Host,
    room: &TestRoom,
    path: &str,
    body: Value,
) -> (StatusCode, Value) {
    let url = format!("{}/{path}", host.room_url(&room.room));
    let answer = glance_host::testing::http_client()
        .post(url)
        .json(&body)
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Changes the declarations of an add-on that the SDK cannot express.
pub(crate) async fn change(
    host: &Host,
    installed: &TestAddOn,
    how: impl FnOnce(&mut Capabilities),
) {
    let id = installed.oauth_id();
    let now = host.state().installation(id).await.unwrap().unwrap();
    let mut now = Arc::unwrap_or_clone(now);
    how(&mut now.descriptor.capabilities);
    let (url, descriptor) = (&now.descriptor_url, &now.descriptor);
    host.state()
        .replace_descriptor(id, url, descriptor, Effects::none())
        .await
        .unwrap();
}

/// Returns the claims of a token that the host issued for this add-on.
fn claims(add_on: &TestAddOn, token: &str) -> Claims {
    let key = SigningKey::new(&add_on.installed().oauth_secret);
    Token::parse(token).unwrap().verify(&key, now()).unwrap()
}

pub(crate) fn query(url: &Url, name: &str) -> Option<String> {
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn each_kind_of_page_opens_with_signed_url() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(full()).await;
    for (key, kind, opened, line, theme) in [
        ("panel", "panel", "panel", Value::Null, Some("dark")),
        ("dialog", "dialog", "dialog", Value::Null, Some("dark")),
        ("page", "page", "page", Value::Null, None),
        (
            "line",
            "panel",
            "panel",
            json!("com.example.full:line"),
            Some("dark"),
        ),
        (
            "asks",
            "dialog",
            "dialog",
            json!("com.example.full:asks"),
            Some("dark"),
        ),
    ] {
        let request_body = json!({ "addOn": "com.example.full", "key": key, "theme": "dark" });
        let (status, answer) = ask(&host, &room, "open", request_body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(
            (&answer["kind"], &answer["key"]),
            (&json!(kind), &json!(opened))
        );
        assert_eq!((&answer["line"], &answer["isOwn"]), (&line, &json!(false)));
        let url = Url::parse(answer["url"].as_str().unwrap()).unwrap();
        assert!(url.as_str().starts_with(installed.base_url()), "{url}");
        assert_eq!(query(&url, "theme").as_deref(), theme);
        assert_eq!(
            query(&url, "connect_client_api_version").as_deref(),
            Some("1")
        );
        let claims = claims(&installed, &query(&url, "signed_request").unwrap());
        assert_eq!(claims.context.unwrap().room_id, Some(room.room.id));
    }
    for (request_body, expected) in [
        (
            json!({ "addOn": "com.example.full", "key": "gone" }),
            StatusCode::NOT_FOUND,
        ),
        (
            json!({ "addOn": "com.example.none", "key": "panel" }),
            StatusCode::NOT_FOUND,
        ),
        (
            json!({ "addOn": "com.example.full", "action": "gone" }),
            StatusCode::NOT_FOUND,
        ),
        (
            json!({ "addOn": "com.example.full" }),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let (status, answer) = ask(&host, &room, "open", request_body).await;
        assert_eq!(status, expected, "{answer}");
        assert!(answer["error"].is_string());
    }
}

#[tokio::test]
async fn token_belongs_to_add_on_of_page() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let one = room.install(full()).await;
    let two = room.install(add_on("com.example.two")).await;
    for installed in [&one, &two] {
        let key = &installed.installed().descriptor.key;
        let request_body = json!({ "addOn": key, "module": "panel" });
        let (status, answer) = ask(&host, &room, "frames/token", request_body.clone()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let claims = claims(installed, answer["token"].as_str().unwrap());
        assert_eq!(&claims.iss, installed.oauth_id());
        assert_eq!(claims.sub.as_deref(), Some("1"));
        assert_eq!(claims.context.unwrap().room_id, Some(room.room.id));
        let (status, _) = ask(&host, &other, "frames/token", request_body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "it is not installed there");
    }
    let request_body = json!({ "addOn": "com.example.full", "module": "page" });
    let (status, _) = ask(&host, &room, "frames/token", request_body).await;
    assert_eq!(
        status,
        StatusCode::NOT_FOUND,
        "a window of its own asks nobody"
    );
}

#[tokio::test]
async fn room_and_people_need_view_room_scope() {
    let host = Host::start().await;
    let mut room = host.room("ops").await;
    room.change(|room| room.topic = "what burns".to_owned())
        .await;
    room.install(full()).await;
    let two = add_on("com.example.two").scopes([Scope::SendNotification]);
    room.install(two).await;
    host.user("Ann Lee", |user| {
        user.email = Some("ann@example.com".to_owned())
    })
    .await;
    host.user("Visitor", |user| user.is_guest = true).await;
    let _ann = room.viewer("Ann Lee").await;
    let _visitor = room.viewer("Visitor").await;

    let full = json!({ "addOn": "com.example.full" });
    let (_, details) = ask(&host, &room, "frames/room", full.clone()).await;
    let id = room.room.id;
    assert_eq!(
        details,
        json!({ "id": id, "name": "ops", "privacy": "public", "topic": "what burns" })
    );
    let (_, present) = ask(&host, &room, "frames/participants", full.clone()).await;
    let (guests, members) = (&present["guests"], &present["members"]);
    assert_eq!(
        (&guests[0]["name"], &members[1]),
        (&json!("Visitor"), &Value::Null)
    );
    let ann = &members[0];
    assert_eq!(
        (&ann["name"], &ann["mention_name"]),
        (&json!("Ann Lee"), &json!("AnnLee"))
    );
    assert_eq!(
        (&ann["email"], &ann["is_admin"]),
        (&json!("ann@example.com"), &json!(false))
    );
    assert_eq!(ann["presence"], json!({ "show": "chat" }));
    assert!(ann["id"].is_number() && ann["photo_url"].is_string());
    let (_, user) = ask(&host, &room, "frames/user", full).await;
    assert_eq!(
        (&user["name"], &user["is_admin"]),
        (&json!("You"), &json!(true))
    );
    for member in [
        "mention_name",
        "id",
        "presence",
        "photo_url",
        "is_guest",
        "email",
        "title",
    ] {
        assert!(user.get(member).is_some(), "{member}");
    }

    for what in ["frames/room", "frames/participants", "frames/user"] {
        let (status, answer) = ask(&host, &room, what, json!({ "addOn": "com.example.two" })).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert_eq!(
            answer["error"],
            "The add-on needs the scope view_room for this"
        );
    }
}

#[tokio::test]
async fn other_room_opens_by_id_and_name() {
    let host = Host::start().await;
    let (room, mut other) = (host.room("ops").await, host.room("other").await);
    room.install(full()).await;
    let enter = async |which: String| {
        let request_body = json!({ "addOn": "com.example.full", "room": which });
        ask(&host, &room, "frames/enter", request_body).await
    };
    let address = json!({ "address": format!("/rooms/{}", other.room.id) });
    for which in ["other".to_owned(), other.room.id.to_string()] {
        assert_eq!(enter(which).await, (StatusCode::OK, address.clone()));
    }
    assert_eq!(enter("gone".to_owned()).await.0, StatusCode::NOT_FOUND);
    let ann = host.user("Ann", |_| {}).await;
    other
        .change(|room| {
            room.is_public = false;
            room.owner = ann.id;
        })
        .await;
    host.user("You", |user| user.is_admin = false).await;
    assert_eq!(
        enter("other".to_owned()).await.0,
        StatusCode::NOT_FOUND,
        "they may not enter it"
    );
}

#[tokio::test]
async fn page_with_origin_of_host_is_recognized() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(full()).await;
    let port = host.base_url().rsplit_once(':').unwrap().1;
    for (url, is_own) in [
        (format!("{}/rooms/1", host.base_url()), true),
        (format!("http://localhost:{port}/x"), true),
        (format!("http://[::1]:{port}/x"), true),
        ("http://localhost:1/x".to_owned(), false),
        ("https://add-on.example.com/x".to_owned(), false),
    ] {
        change(&host, &installed, |capabilities| {
            capabilities.web_panel.as_mut().unwrap()[0]
                .url
                .clone_from(&url);
        })
        .await;
        let request_body = json!({ "addOn": "com.example.full", "key": "panel" });
        let (_, opened) = ask(&host, &room, "open", request_body).await;
        assert_eq!(opened["isOwn"], is_own, "{url}: {opened}");
    }
}

#[tokio::test]
async fn unsigned_page_gets_no_token() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(full()).await;
    change(&host, &installed, |capabilities| {
        let panel = &mut capabilities.web_panel.as_mut().unwrap()[0];
        panel.authentication = Some(Authentication::None);
    })
    .await;
    let request_body = json!({ "addOn": "com.example.full", "key": "panel" });
    let (_, opened) = ask(&host, &room, "open", request_body).await;
    let url = Url::parse(opened["url"].as_str().unwrap()).unwrap();
    assert_eq!(query(&url, "signed_request"), None);
    assert_eq!(
        query(&url, "connect_client_api_version").as_deref(),
        Some("1")
    );
}

#[tokio::test]
async fn script_is_available_to_every_site() {
    let host = Host::start().await;
    for name in ["all", "all-debug"] {
        let url = format!("{}/atlassian-connect/{name}.js", host.base_url());
        let answer = glance_host::testing::http_client()
            .get(url)
            .header("Sec-Fetch-Site", "cross-site")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
        assert_eq!(headers["cache-control"], "public, max-age=300");
        let text = answer.text().await.unwrap();
        assert!(text.contains("window.HipChat = window.AP"));
        // Old pages forbid it, and it is unnecessary.
        for word in ["eval(", "new Function", "=>", "const ", "`;"] {
            assert!(!text.contains(word), "{word}");
        }
    }
}

#[tokio::test]
async fn style_sheet_is_available_to_every_site() {
    let host = Host::start().await;
    for name in ["all", "all-debug"] {
        let url = format!("{}/atlassian-connect/{name}.css", host.base_url());
        let answer = glance_host::testing::http_client()
            .get(url)
            .header("Sec-Fetch-Site", "cross-site");
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "text/css; charset=utf-8");
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
        let text = answer.text().await.unwrap();
        assert!(text.contains(".aui-button") && text.contains("light-dark("));
        assert!(!text.contains("url(") && !text.contains("@import"));
    }
}

/// The room page's event stream.
struct Stream {
    answer: reqwest::Response,
    read: String,
}

impl Stream {
    async fn open(host: &Host, room: &TestRoom) -> Self {
        let url = format!("{}/events", host.room_url(&room.room));
        let answer = glance_host::testing::http_client()
            .get(url)
            .send()
            .await
            .unwrap();
        Self {
            answer,
            read: String::new(),
        }
    }

    /// Returns the data of the next event with this name.
    async fn next(&mut self, name: &str) -> Value {
        let begin = format!("event: {name}\ndata: ");
        loop {
            let found = self.read.find(&begin).map(|at| at + begin.len());
            if let Some(data) = found
                && let Some(end) = self.read[data..].find("\n\n")
            {
                let value = serde_json::from_str(&self.read[data..data + end]).unwrap();
                self.read.drain(..data + end);
                return value;
            }
            let chunk = self.answer.chunk().await.unwrap().unwrap();
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn page_receives_extensions_and_pushes_for_its_frames() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let mut stream = Stream::open(&host, &room).await;
    let page = stream.next("sidebar").await["page"]
        .as_str()
        .unwrap()
        .to_owned();
    let empty = json!({ "addOns": {}, "input": [], "message": false });
    assert_eq!(stream.next("here").await, empty);

    let installed = room
        .install(full().action(action("ask", ActionLocation::Input, "dialog")))
        .await;
    let here = stream.next("here").await;
    let modules = here["addOns"]["com.example.full"].as_object().unwrap();
    assert_eq!(modules.keys().collect::<Vec<_>>(), ["dialog", "panel"]);
    assert_eq!(here["message"], false);
    assert_eq!(
        here["input"],
        json!([{ "addOn": "com.example.full", "addOnName": "Pages", "key": "ask", "name": "Name of ask" }])
    );
    let client = installed.client().await;
    let there = || client.room(room.room.id);
    there()
        .actions()
        .create(&action("late", ActionLocation::Message, "panel"))
        .await
        .unwrap();
    let later = stream.next("here").await;
    assert_eq!(later["message"], true);
    assert_eq!(
        later["addOns"], here["addOns"],
        "nothing that is open changed"
    );

    let push = async |label: &str, metadata: Value| {
        let token = Rest::of(&host, &installed);
        let body = json!({ "glance": [{ "key": "line", "content": {
            "label": { "type": "html", "value": label }, "metadata": metadata } }] });
        let path = format!("addon/ui/room/{}", room.room.id);
        let bearer = token.token("view_room").await;
        let status = rest::status(
            token
                .call(&bearer, reqwest::Method::POST, &path)
                .json(&body),
        )
        .await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    };
    push("unheard", json!({ "secret": 1 })).await;
    let line = stream.next("line").await;
    assert!(!line.to_string().contains("secret"));
    let follow = async |page: &str, add_ons: Value| {
        let url = format!("{}/pages/{page}/frames", host.room_url(&room.room));
        let body = json!({ "addOns": add_ons });
        let answer = glance_host::testing::http_client()
            .post(url)
            .json(&body)
            .send()
            .await
            .unwrap();
        answer.status()
    };
    assert_eq!(
        follow(&page, json!(["com.example.full"])).await,
        StatusCode::NO_CONTENT
    );
    push("heard", json!({ "n": 2 })).await;
    assert_eq!(
        stream.next("pushed").await,
        json!({ "addOn": "com.example.full", "key": "line", "metadata": { "n": 2 } })
    );
    assert_eq!(follow("gone", json!([])).await, StatusCode::NOT_FOUND);
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    assert_eq!(follow(&page, json!(many)).await, StatusCode::BAD_REQUEST);
    let long = json!(["x".repeat(1001)]);
    assert_eq!(follow(&page, long).await, StatusCode::BAD_REQUEST);

    host.uninstall(installed.oauth_id()).await.unwrap();
    assert_eq!(stream.next("here").await, empty);
}

#[derive(Clone, Default)]
struct Builds(Arc<AtomicU64>);

impl Builds {
    fn broken(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

async fn live_panel(
    State(builds): State<Builds>,
    request: SignedRequest,
) -> Result<Html<String>, Failure> {
    let scripts = request.live_scripts().await?;
    let (hook, broken) = (request.absolute_url("/hooks/builds"), builds.broken());
    Ok(Html(format!(
        r#"{scripts}<h1 data-live="heading">{broken} broken</h1><code>{hook}</code>"#
    )))
}

/// Does the same as `live-page.js` in a browser; `demo.test.mjs` runs that script.
#[tokio::test]
async fn open_panel_reloads_after_push() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let builds = Builds::default();
    let add_on = AddOn::new("com.example.live", "Live")
        .state(builds.clone())
        .glance::<line>()
        .live_pages()
        .web_panel("panel", "Panel", get(live_panel));
    let installed = room.install(add_on).await;
    let mut stream = Stream::open(&host, &room).await;
    let page = stream.next("sidebar").await["page"].clone();
    let page = page.as_str().unwrap();

    let read = async || {
        let request_body = json!({ "addOn": "com.example.live", "module": "panel" });
        let (_, answer) = ask(&host, &room, "frames/token", request_body).await;
        let url = format!("{}/panel/panel", installed.base_url());
        let authorization = format!("JWT {}", answer["token"].as_str().unwrap());
        let request = glance_host::testing::http_client()
            .get(url)
            .header("Authorization", authorization);
        request.send().await.unwrap().text().await.unwrap()
    };
    let opened = read().await;
    assert!(opened.contains("0 broken"), "{opened}");
    let hook = format!("<code>{}/hooks/builds</code>", installed.base_url());
    assert!(opened.contains(&hook), "{opened}");
    for script in [
        format!("{}/atlassian-connect/all.js", host.base_url()),
        format!("{}/live-page.js", installed.base_url()),
    ] {
        assert!(opened.contains(&format!(r#"src="{script}""#)), "{opened}");
        let answer = glance_host::testing::http_client()
            .get(&script)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{script}");
        assert!(
            answer.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/javascript")
        );
    }

    let follows = glance_host::testing::http_client()
        .post(format!("{}/pages/{page}/frames", host.room_url(&room.room)))
        .json(&json!({ "addOns": ["com.example.live"] }));
    assert_eq!(
        follows.send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    builds.0.store(2, Ordering::SeqCst);
    let to = To::Room(room.room.id);
    let data = GlanceData::new(label!("<b>2</b> broken"));
    let pusher = installed.pusher();
    pusher.push::<line>(installed.oauth_id(), to, data).unwrap();
    let pushed = stream.next("pushed").await;
    assert_eq!(pushed["addOn"], "com.example.live");
    assert!(read().await.contains("2 broken"));
}
