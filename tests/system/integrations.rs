//! Tests the integrations pages with a person's browser.

use std::sync::{Arc, Mutex};

use glance_host::Host;
use glance_host::sign_in::SignIn;
use glance_host::testing::TestRoom;
use glance_sdk::axum::Router;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::routing::get;
use glance_sdk::prelude::*;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, Url};
use serde_json::{Value, json};

use crate::browser;
use crate::by_hand::serve;
use crate::rest::{self, Rest};

/// A person on the integrations page of a room, or of the group.
pub(crate) struct Browser {
    http: Client,
    pub(crate) page: String,
}

impl Browser {
    pub(crate) fn at(host: &Host, room: Option<&TestRoom>) -> Self {
        let page = match room {
            Some(room) => format!("{}/integrations", host.room_url(&room.room)),
            None => format!("{}/integrations", host.base_url()),
        };
        let http = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .build()
            .unwrap();
        Self { http, page }
    }

    pub(crate) async fn get(&self, url: &str) -> Response {
        self.http.get(url).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> (StatusCode, String) {
        let url = format!("{}{path}", self.page);
        let answer = self.http.post(url).form(form).send().await.unwrap();
        (answer.status(), text(answer).await)
    }

    pub(crate) async fn review(&self, url: &str) -> (StatusCode, String) {
        self.post("", &[("url", url)]).await
    }

    pub(crate) async fn approve(&self, url: &str, digest: &str) -> (StatusCode, String) {
        self.post("/approve", &[("url", url), ("digest", digest)])
            .await
    }

    /// Reads the permissions and approves them.
    pub(crate) async fn install(&self, url: &str) -> (StatusCode, String) {
        let (status, html) = self.review(url).await;
        assert_eq!(status, StatusCode::OK, "{html}");
        self.approve(url, &digest(&html)).await
    }
}

/// Returns a page's HTML, with unescaped slashes.
pub(crate) async fn text(answer: Response) -> String {
    answer
        .text()
        .await
        .unwrap()
        .replace("&#x2f;", "/")
        .replace("&#x27;", "'")
        .replace("&quot;", "\"")
}

pub(crate) fn between<'a>(html: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = html
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {html}"));
    rest.split_once(after).unwrap().0
}

fn digest(html: &str) -> String {
    between(html, "name=\"digest\" value=\"", "\"").to_owned()
}

fn descriptor(scopes: &[&str]) -> Value {
    json!({
        "key": "com.example.odd", "name": "Odd <b>", "description": "Odd things.",
        "links": { "self": "https://add-on.example.com/" },
        "vendor": { "name": "Example", "url": "https://example.com" },
        "capabilities": {
            "hipchatApiConsumer": { "scopes": scopes },
            "webhook": [{ "event": "room_message", "url": "https://add-on.example.com/said", "pattern": "^/odd" }],
            "webPanel": [{ "key": "panel", "name": { "value": "The panel" }, "url": "https://add-on.example.com/panel",
                           "location": "hipchat.sidebar.right" }],
            "configurable": { "url": "https://add-on.example.com/setup" },
        },
    })
}

/// Serves a descriptor that a test can change.
async fn changing(document: &Arc<Mutex<Value>>) -> String {
    let document = Arc::clone(document);
    serve(|_| Router::new().route("/", get(async move || document.lock().unwrap().to_string())))
        .await
}

#[tokio::test]
async fn approved_descriptor_is_installed() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let document = Arc::new(Mutex::new(descriptor(&["view_room", "admin_group"])));
    let url = changing(&document).await;
    let browser = Browser::at(&host, Some(&room));

    let (status, html) = browser.review(&url).await;
    assert_eq!(status, StatusCode::OK);
    for words in [
        "Odd &lt;b&gt;",
        "Odd things.",
        "Example",
        "com.example.odd",
        "See a room and who is in it",
        "Opens nothing on this host",
        "What people write",
        "only what matches ^/odd",
        "It may answer in the room",
        "The panel",
        "To set it up",
    ] {
        assert!(html.contains(words), "{words}: {html}");
    }
    assert!(!html.contains("Odd <b>"), "{html}");
    let here = async || host.state().installations_in(room.room.id).await.unwrap();
    assert!(here().await.is_empty(), "nobody approved yet");

    let first = digest(&html);
    *document.lock().unwrap() = descriptor(&["view_room", "send_notification"]);
    let (status, html) = browser.approve(&url, &first).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("has changed since you read it"), "{html}");
    assert!(html.contains("Write notifications into rooms"), "{html}");
    assert!(here().await.is_empty(), "something else was approved");
    let (status, html) = browser.approve(&url, &digest(&html)).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{html}");
    assert_eq!(here().await.len(), 1);
    let (status, html) = browser.review(&url).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html.contains("is installed in this room already"), "{html}");

    let update = format!("/{}/update", here().await[0].oauth_id);
    document.lock().unwrap()["name"] = json!("Even");
    let (status, _) = browser.post(&update, &[]).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "it asks for nothing more");
    assert_eq!(here().await[0].descriptor.name, "Even");

    *document.lock().unwrap() = descriptor(&["view_room", "send_notification", "manage_rooms"]);
    let (status, html) = browser.post(&update, &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        html.contains("Create and delete rooms")
            && html.matches("<strong>new</strong>").count() == 1,
        "{html}"
    );
    assert_eq!(
        here().await[0].descriptor.name,
        "Even",
        "nobody approved that yet"
    );
    let (status, _) = browser.post(&update, &[("digest", "another")]).await;
    assert_eq!(status, StatusCode::OK);
    let (status, _) = browser.post(&update, &[("digest", &digest(&html))]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(here().await[0].descriptor.name, "Odd <b>");

    // It asks for more than was approved.
    document.lock().unwrap()["capabilities"]["webhook"][0]
        .as_object_mut()
        .unwrap()
        .remove("pattern");
    let (status, html) = browser.post(&update, &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(html.matches("<strong>new</strong>").count(), 1, "{html}");
    assert!(html.contains("What people write <strong>"), "{html}");

    // Its secret would be posted to another server.
    document.lock().unwrap()["capabilities"]["installable"] =
        json!({ "callbackUrl": "https://elsewhere.example.com/installed" });
    let (status, html) = browser.post(&update, &[]).await;
    assert_eq!(status, StatusCode::OK);
    let moves = between(&html, "Moves to", "</dd>");
    assert!(moves.contains("https://elsewhere.example.com"), "{moves}");

    document.lock().unwrap()["key"] = json!("com.example.other");
    let (status, html) = browser.post(&update, &[]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        html.contains("The add-on there is com.example.other"),
        "{html}"
    );

    let remove = format!("/{}/remove", here().await[0].oauth_id);
    assert_eq!(browser.post(&remove, &[]).await.0, StatusCode::SEE_OTHER);
    assert!(here().await.is_empty());
    assert_eq!(browser.post(&remove, &[]).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn second_installation_names_place_of_first() {
    let host = Host::start().await;
    let url = format!("data:,{}", descriptor(&["view_room"]));
    let everywhere = Browser::at(&host, None);
    for (name, in_rooms) in [
        (
            "ops",
            "ops already; remove it in the integrations of that room",
        ),
        (
            "dev",
            "ops and dev already; remove it in the integrations of each",
        ),
        ("<b>", "ops, dev and &lt;b&gt; already"),
        ("far", "ops, dev, &lt;b&gt; and 1 more room already"),
        ("off", "ops, dev, &lt;b&gt; and 2 more rooms already"),
    ] {
        let room = host.room(name).await;
        let browser = Browser::at(&host, Some(&room));
        assert_eq!(browser.install(&url).await.0, StatusCode::SEE_OTHER);
        let (status, html) = browser.review(&url).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let here = "is installed in this room already; remove it in the room's integrations";
        assert!(html.contains(here), "{html}");
        let (status, html) = everywhere.review(&url).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            html.contains(&format!("is installed in {in_rooms}")),
            "{html}"
        );
    }
    for room in host.state().rooms().await.unwrap() {
        let here = host.state().installations_in(room.id).await.unwrap();
        host.uninstall(&here[0].oauth_id).await.unwrap();
    }
    assert_eq!(everywhere.install(&url).await.0, StatusCode::SEE_OTHER);
    let room = host.room("ops").await;
    for browser in [&everywhere, &Browser::at(&host, Some(&room))] {
        let (status, html) = browser.review(&url).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let all = "is installed for all rooms already; to install it anew, an admin removes it";
        assert!(html.contains(all), "{html}");
    }
}

#[tokio::test]
async fn descriptor_may_be_data_url() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let browser = Browser::at(&host, Some(&room));
    let document = descriptor(&["view_room"]).to_string();
    let escaped: String = document
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    for url in [
        format!("data:application/json,{escaped}"),
        format!(
            "data:application/json;base64,{}",
            base64(document.as_bytes())
        ),
        format!("data:,{document}"),
    ] {
        let (status, html) = browser.install(&url).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{html}");
        let here = host.state().installations_in(room.room.id).await.unwrap();
        assert_eq!(here[0].descriptor.name, "Odd <b>");
        let list = text(browser.get(&browser.page).await).await;
        assert!(
            !list.contains("data:") && !list.contains("/update\""),
            "{list}"
        );
        host.uninstall(&here[0].oauth_id).await.unwrap();
    }
    for (url, words) in [
        ("data:;base64,!", "Is no address of a descriptor"),
        ("data:,{}", "is no descriptor:"),
        ("data:,nothing", "is no JSON"),
    ] {
        let (status, html) = browser.review(url).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
        assert!(
            html.to_lowercase().contains(&words.to_lowercase()),
            "{html}"
        );
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * n)) as usize & 63]));
        }
    }
    text
}

#[tokio::test]
async fn page_shows_warnings_of_validator() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let mut document = descriptor(&["view_room"]);
    document["apiVersion"] = json!("one");
    let problems = glance_sdk::validate::descriptor(&document);
    assert!(!problems.is_empty());
    let browser = Browser::at(&host, Some(&room));
    let (status, html) = browser.review(&format!("data:,{document}")).await;
    assert_eq!(status, StatusCode::OK, "{html}");
    let words = html.replace("<code>", "`").replace("</code>", "`");
    for problem in problems {
        let said = format!("`{}`: {}", problem.pointer, problem.message);
        assert!(words.contains(&said), "{said}: {html}");
    }
}

#[tokio::test]
async fn update_removes_scopes_from_tokens() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let document = Arc::new(Mutex::new(descriptor(&["view_room", "send_notification"])));
    let browser = Browser::at(&host, Some(&room));
    browser.install(&changing(&document).await).await;
    let installed = host.state().installations_in(room.room.id).await.unwrap();
    let rest = Rest::of_installed(&host, &installed[0]);
    let token = rest.token("").await;
    let view = || rest.call(&token, Method::GET, &format!("room/{}", room.room.id));
    assert_eq!(rest::status(view()).await, StatusCode::OK);

    *document.lock().unwrap() = descriptor(&["send_notification"]);
    let update = format!("/{}/update", installed[0].oauth_id);
    assert_eq!(browser.post(&update, &[]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(rest::status(view()).await, StatusCode::FORBIDDEN);
    let about = rest.call(&token, Method::GET, &format!("oauth/token/{token}"));
    let (_, about) = rest::json(about).await;
    assert_eq!(about["scopes"], json!(["send_notification"]));
}

#[tokio::test]
async fn managing_integrations_needs_permission() {
    let host = Host::start().await;
    let mut room = host.room("ops").await;
    let url = format!("data:,{}", descriptor(&["view_room"]));
    Browser::at(&host, None).install(&url).await;
    let global = host
        .state()
        .installations_in(room.room.id)
        .await
        .unwrap()
        .remove(0);
    let [remove, update] = ["remove", "update"].map(|what| format!("/{}/{what}", global.oauth_id));

    let in_room = Browser::at(&host, Some(&room));
    assert_eq!(
        in_room.post(&remove, &[]).await.0,
        StatusCode::FORBIDDEN,
        "it is for all rooms"
    );

    host.user("You", |user| user.is_admin = false).await;
    let everywhere = Browser::at(&host, None);
    for (path, form) in [
        ("", ("url", url.as_str())),
        ("/approve", ("url", &url)),
        (&remove, ("x", "")),
        (&update, ("x", "")),
    ] {
        let form = [form, ("digest", "x")];
        assert_eq!(
            everywhere.post(path, &form).await.0,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    let list = text(everywhere.get(&everywhere.page).await).await;
    assert!(list.contains("Odd") && !list.contains("<form"), "{list}");
    let list = text(in_room.get(&in_room.page).await).await;
    assert!(
        list.contains("<form") && !list.contains("/remove"),
        "the owner installs more: {list}"
    );

    let other = host.user("Other", |_| {}).await;
    room.change(|room| room.owner = other.id).await;
    assert_eq!(in_room.review(&url).await.0, StatusCode::FORBIDDEN);
    let list = text(in_room.get(&in_room.page).await).await;
    assert!(list.contains("Odd") && !list.contains("<form"), "{list}");
    assert_eq!(host.state().global_installations().await.unwrap().len(), 1);
}

#[tokio::test]
async fn add_on_is_configured_on_its_own_page() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let who =
        async |request: SignedRequest| format!("{:?} {:?}", request.user_id(), request.room_id());
    let add_on = AddOn::new("com.example.pages", "Pages")
        .configuration_page(get(who))
        .admin_page(get(who));
    let add_on = room.install(add_on).await;
    let browser = Browser::at(&host, Some(&room));
    let list = text(browser.get(&browser.page).await).await;
    for page in ["configure", "admin"] {
        let path = format!("/{}/pages/{page}", add_on.oauth_id());
        assert!(list.contains(&path), "{list}");
        let url = format!("{}{path}", browser.page);
        let html = text(browser.get(&url).await).await;
        assert!(
            html.contains("of Pages") && !html.contains("signed_request"),
            "{html}"
        );
        let (status, answer) = browser.post(&path, &[]).await;
        assert_eq!(status, StatusCode::OK);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let shown = glance_host::testing::http_client()
            .get(answer["url"].as_str().unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(
            shown.text().await.unwrap(),
            "Some(UserId(1)) Some(RoomId(1))"
        );
    }
    let nothing = format!("/{}/pages/other", add_on.oauth_id());
    assert_eq!(browser.post(&nothing, &[]).await.0, StatusCode::BAD_REQUEST);

    host.user("You", |user| user.is_admin = false).await;
    let status = async |page: &str| {
        browser
            .post(&format!("/{}/pages/{page}", add_on.oauth_id()), &[])
            .await
            .0
    };
    assert_eq!(
        status("configure").await,
        StatusCode::OK,
        "they own the room"
    );
    assert_eq!(status("admin").await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn room_managers_may_configure_global_add_on() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let mut open = descriptor(&[]);
    open["key"] = json!("com.example.open");
    open["capabilities"]["configurable"]["allowAccessToRoomAdmins"] = json!(true);
    for document in [descriptor(&[]), open] {
        host.install_global(&format!("data:,{document}"))
            .await
            .unwrap();
    }
    host.user("You", |user| user.is_admin = false).await;
    let browser = Browser::at(&host, Some(&room));
    let mut found = Vec::new();
    for installed in host.state().global_installations().await.unwrap() {
        let path = format!("/{}/pages/configure", installed.oauth_id);
        found.push((installed.descriptor.key, browser.post(&path, &[]).await.0));
    }
    let expected = [
        ("com.example.odd", StatusCode::FORBIDDEN),
        ("com.example.open", StatusCode::OK),
    ];
    assert_eq!(
        found,
        expected.map(|(key, status)| (key.to_owned(), status))
    );
}

#[tokio::test]
async fn install_link_opens_form_only() {
    let host = Host::builder().port(0).sign_in(SignIn::Name);
    let host = host.start().await.unwrap();
    let url = "https://add-on.example.com/?a=b&c=\"<d>";
    let link = format!("/addons/install?url={}", urlencoded(url));
    let stranger = browser::Browser::of(&host);
    let answer = stranger.open(&link).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let to = answer.headers()["location"].to_str().unwrap();
    assert_eq!(to, format!("/sign-in?to={}", urlencoded(&link)));

    let admin = browser::Browser::signed_in(&host, "Ann").await;
    let answer = admin.open(&link).await;
    let form = answer.headers()["location"].to_str().unwrap();
    assert_eq!(
        form,
        format!("/integrations?url={}", urlencoded(url)),
        "the only place"
    );
    let page = admin.text(form).await.replace("&#x2f;", "/");
    assert!(
        page.contains("value=\"https://add-on.example.com/?a=b&amp;c=&quot;&lt;d&gt;\""),
        "{page}"
    );

    let room = host.room("ops").await;
    let page = admin.text(&link).await.replace("&#x2f;", "/");
    let in_room = format!("/rooms/{}/integrations?url=", room.room.id);
    assert!(
        page.contains(&in_room) && page.contains("\"/integrations?url="),
        "{page}"
    );
    let member = browser::Browser::signed_in(&host, "Bo").await;
    let page = member.text(&link).await;
    assert!(page.contains("Only admins and owners"), "{page}");
    assert!(
        host.state()
            .global_installations()
            .await
            .unwrap()
            .is_empty()
    );
}

/// Encodes a text for a query.
fn urlencoded(text: &str) -> String {
    let url = Url::parse_with_params("http://x/", [("x", text)]).unwrap();
    url.query().unwrap().strip_prefix("x=").unwrap().to_owned()
}
