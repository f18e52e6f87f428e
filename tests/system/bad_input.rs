//! Bad input gets an answer, and nothing is half done.

use std::time::Duration;

use glance_host::{Host, InstallError};
use glance_sdk::axum::Router;
use glance_sdk::axum::http::StatusCode;
use glance_sdk::axum::routing::{get, post};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::add_on::{Pager, add_on, always, data};

/// A server of the test's own, and its address.
pub(crate) async fn serve(router: impl FnOnce(&str) -> Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = router(&base);
    tokio::spawn(async move { glance_sdk::axum::serve(listener, router).await });
    base
}

pub(crate) fn descriptor(base: &str) -> Value {
    json!({
        "key": "com.example.odd", "name": "Odd", "description": "Odd.",
        "links": { "self": format!("{base}/") },
        "capabilities": {
            "installable": { "callbackUrl": format!("{base}/installed") },
            "hipchatApiConsumer": { "scopes": ["view_room"] },
        },
    })
}

#[tokio::test]
async fn a_descriptor_that_cannot_be_used_is_refused_with_the_reason() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let base = serve(|_| {
        Router::new()
            .route("/html", get(|| async { "<!doctype html><p>Hello" }))
            .route("/list", get(|| async { "[]" }))
            .route("/huge", get(|| async { "x".repeat(2_000_000) }))
            .route(
                "/fields",
                get(|| async { r#"{"key": "k", "links": {}, "capabilities": {"glance": [{}]}}"# }),
            )
    })
    .await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };

    for (url, words) in [
        ("not an address".to_owned(), "is no address of a descriptor"),
        (
            "ftp://example.com/".to_owned(),
            "is no address of a descriptor",
        ),
        (closed, "cannot be reached"),
        (format!("{base}/gone"), "answered 404"),
        (
            format!("{base}/html"),
            "is no JSON: expected value at line 1 column 1",
        ),
        (format!("{base}/huge"), "answered more than"),
        (format!("{base}/list"), "it must be an object"),
        (
            format!("{base}/fields"),
            "/capabilities/glance/0/icon: `icon` is missing",
        ),
    ] {
        let error = room.install_url(&url).await.unwrap_err();
        assert!(error.to_string().contains(words), "{url}: {error}");
    }
    assert!(
        host.state()
            .installations_in(room.room.id)
            .await
            .unwrap()
            .is_empty()
    );

    let fields = room.install_url(&format!("{base}/fields")).await;
    let Err(InstallError::Invalid { problems, .. }) = fields else {
        panic!("{fields:?}")
    };
    let pointers: Vec<_> = problems
        .iter()
        .map(|problem| problem.pointer.as_str())
        .collect();
    assert_eq!(
        pointers,
        [
            "/name",
            "/links/self",
            "/capabilities/glance/0/key",
            "/capabilities/glance/0/name",
            "/capabilities/glance/0/icon"
        ]
    );
}

#[tokio::test]
async fn the_integrations_page_says_what_is_wrong_and_where() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let base =
        serve(|_| Router::new().route("/", get(|| async { r#"{"key": "<b>", "links": {}}"# })))
            .await;
    let page = format!("{}/rooms/{}/integrations", host.base_url(), room.room.id);

    let answer = Client::new()
        .post(&page)
        .form(&[("url", &base)])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), reqwest::StatusCode::UNPROCESSABLE_ENTITY);
    let html = answer.text().await.unwrap();
    assert!(
        html.contains("<code>&#x2f;links&#x2f;self</code>")
            || html.contains("<code>/links/self</code>"),
        "{html}"
    );
    assert!(html.contains("is missing; add it"), "{html}");
}

#[tokio::test]
async fn an_add_on_that_refuses_is_not_installed() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let base = serve(|base| {
        let descriptor = descriptor(base).to_string();
        Router::new()
            .route("/", get(move || async { descriptor }))
            .route(
                "/installed",
                post(|| async { (StatusCode::BAD_REQUEST, "rooms only, please") }),
            )
    })
    .await;

    let error = room.install_url(&base).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the add-on refused the installation with status 400: rooms only, please"
    );
    assert!(
        host.state()
            .installations_in(room.room.id)
            .await
            .unwrap()
            .is_empty()
    );
    // The same again: the refused attempt left nothing in the way.
    assert!(matches!(
        room.install_url(&base).await,
        Err(InstallError::Refused { status: 400, .. })
    ));
}

#[tokio::test]
async fn a_descriptor_that_wants_all_rooms_is_not_installed_in_one() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let base = serve(|base| {
        let mut descriptor = descriptor(base);
        descriptor["capabilities"]["installable"]["allowRoom"] = json!(false);
        let descriptor = descriptor.to_string();
        Router::new().route("/", get(move || async { descriptor }))
    })
    .await;
    assert!(matches!(
        room.install_url(&base).await,
        Err(InstallError::NotAllowed(_))
    ));
}

#[tokio::test]
async fn an_add_on_believes_no_host_that_does_not_know_it() {
    let built = add_on(&Pager::new(1))
        .listen("127.0.0.1", 0, None)
        .await
        .unwrap();
    let callback = format!("{}/installed", built.base_url());
    let installations = built.add_on().installations().clone();
    tokio::spawn(built.run(std::future::pending()));
    let impostor = serve(|base| {
        let elsewhere = json!({
            "links": { "self": "https://other.example/v2/capabilities" },
            "capabilities": {
                "oauth2Provider": { "tokenUrl": format!("{base}/token") },
                "hipchatApiProvider": { "url": format!("{base}/") },
            },
        });
        Router::new().route(
            "/capabilities",
            get(move || async move { elsewhere.to_string() }),
        )
    })
    .await;

    for (body, status) in [
        (json!({}), 400),
        (json!("text"), 400),
        (
            json!({"oauthId": "a", "oauthSecret": "s", "capabilitiesUrl": "nonsense", "groupId": 1}),
            502,
        ),
        (
            json!({"oauthId": "a", "oauthSecret": "s", "capabilitiesUrl": format!("{impostor}/capabilities"), "groupId": 1}),
            502,
        ),
        (
            json!({"oauthId": "a", "oauthSecret": "s", "capabilitiesUrl": format!("{impostor}/gone"), "groupId": 1}),
            500,
        ),
    ] {
        let answer = Client::new()
            .post(&callback)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{body}");
    }
    assert!(installations.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_malformed_push_is_answered_with_the_protocols_error() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(1))).await;
    let token = token(&host, &add_on).await;
    let url = format!("{}/v2/addon/ui/room/{}", host.base_url(), room.room.id);
    let many = json!({ "glance": vec![4; 101] }).to_string();

    for (body, words) in [
        (&*many, "/glance: 1 to 100 glances"),
        ("", "The body is no JSON"),
        ("{", "The body is no JSON"),
        ("[]", "/glance: a list of glances is required"),
        ("{}", "/glance: a list of glances is required"),
        (
            r#"{"glance": {}}"#,
            "/glance: a list of glances is required",
        ),
        (r#"{"glance": []}"#, "/glance: 1 to 100 glances"),
        (r#"{"glance": [4]}"#, "/glance/0/key"),
        (r#"{"glance": [{"content": {}}]}"#, "/glance/0/key"),
        (r#"{"glance": [{"key": "always"}]}"#, "/glance/0/content"),
        (
            r#"{"glance": [{"key": "always", "content": "x"}]}"#,
            "/glance/0/content",
        ),
        (
            r#"{"glance": [{"key": "always", "content": {}}]}"#,
            "/glance/0/content/label",
        ),
    ] {
        let answer = Client::new()
            .post(&url)
            .bearer_auth(&token)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 400, "{body}");
        let error: Value = answer.json().await.unwrap();
        assert_eq!(error["error"]["code"], 400);
        assert_eq!(error["error"]["type"], "Bad Request");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{body}: {message}");
    }
    let mut viewer = room.viewer("member").await;
    assert_eq!(viewer.glance::<always>().await.label_text(), "1 incidents");
}

#[tokio::test]
async fn a_malformed_runtime_glance_is_answered_with_the_protocols_error() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(1))).await;
    let token = token(&host, &add_on).await;
    let url = format!(
        "{}/v2/room/{}/extension/glance/g",
        host.base_url(),
        room.room.id
    );
    let icon = json!({"url": "https://a.example/i.png", "url@2x": "https://a.example/i.png"});

    for (body, words) in [
        (json!(null), "must be an object"),
        (
            json!({"key": "g", "icon": icon}),
            "/name: `name` is missing",
        ),
        (
            json!({"key": "g", "name": {"value": "G"}}),
            "/icon: `icon` is missing",
        ),
        (
            json!({"key": "other", "name": {"value": "G"}, "icon": icon}),
            "/key: the glance has the key other, the address g",
        ),
        (
            json!({"key": "g", "name": {"value": "G"}, "icon": icon, "queryUrl": "/g"}),
            "/queryUrl",
        ),
    ] {
        let answer = Client::new()
            .put(&url)
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 400, "{body}");
        let error: Value = answer.json().await.unwrap();
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{body}: {message}");
    }
}

#[tokio::test]
async fn what_there_is_not_is_answered_404_and_a_wrong_method_405() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(1))).await;
    let token = token(&host, &add_on).await;
    for (path, status) in [
        ("nothing/here", 404),
        ("room/999/extension/glance/g", 404),
        ("room/nobody/extension/glance/g", 404),
        ("room/ops/extension/glance/g", 404),
        ("room/ops/extension/glance/always", 200),
        ("extension/glance/g", 404),
        ("addon/ui", 405),
    ] {
        let url = format!("{}/v2/{path}", host.base_url());
        let answer = Client::new()
            .get(&url)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let body: Value = answer.json().await.unwrap();
        if status >= 400 {
            assert_eq!(body["error"]["code"], status, "{path}");
        }
    }
    for path in [
        "rooms/999",
        "rooms/x",
        "rooms/999/events",
        "rooms/999/integrations",
        "nothing",
        "rooms/999/nothing/at/all",
    ] {
        let answer = reqwest::get(format!("{}/{path}", host.base_url()))
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 404, "{path}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("All rooms"), "{path}: {page}");
    }
}

#[tokio::test]
async fn an_add_on_that_is_down_costs_only_its_own_glances() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let healthy = room.install(add_on(&Pager::new(4))).await;
    let hanging = serve(|base| {
        let mut descriptor = descriptor(base);
        let glance = |key: &str| {
            json!({
                "key": key, "name": {"value": format!("Name of {key}")}, "queryUrl": format!("{base}/{key}"),
                "icon": {"url": format!("{base}/i.png"), "url@2x": format!("{base}/i.png")},
            })
        };
        let names = ["hangs", "huge", "html", "error", "no-cors", "refused", "empty"];
        descriptor["capabilities"]["glance"] = names.iter().map(|name| glance(name)).collect();
        descriptor["capabilities"]["installable"] = json!({});
        let descriptor = descriptor.to_string();
        let cors = [("Access-Control-Allow-Origin", "*")];
        Router::new()
            .route("/", get(move || async { descriptor }))
            .route("/hangs", get(|| async { std::future::pending::<()>().await }))
            .route("/huge", get(move || async move { (cors, "x".repeat(3_000_000)) }))
            .route("/html", get(move || async move { (cors, "<p>hello") }))
            .route("/error", get(move || async move { (cors, r#"{"error": "no", "label": {"type": "html", "value": "x"}}"#) }))
            .route("/no-cors", get(|| async { r#"{"label": {"type": "html", "value": "x"}}"# }))
            .route("/refused", get(move || async move { (cors, r#"{"label": {"type": "html", "value": ""}}"#) }))
            .route("/empty", get(move || async move { (StatusCode::NO_CONTENT, cors) }))
    })
    .await;
    room.install_url(&hanging).await.unwrap();

    let mut viewer = room.viewer("member").await;
    assert_eq!(viewer.glance::<always>().await.label_text(), "4 incidents");
    let keys = ["huge", "html", "error", "no-cors", "refused", "empty"];
    let sidebar = viewer
        .wait_for(|sidebar| {
            keys.iter()
                .all(|key| sidebar.line(key).is_some_and(|line| line.is_failed()))
        })
        .await;
    assert_eq!(sidebar.line("html").unwrap().name, "Name of html");
    assert_eq!(sidebar.loading, 1, "the hanging one still loads");
    let client = healthy.client().await;
    client
        .room(room.room.id)
        .push::<always>(data(9))
        .await
        .unwrap();
    viewer.label("always", "9 incidents").await;
}

#[tokio::test]
async fn pages_are_for_this_machines_person_only() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let page = host.room_url(&room.room);
    let integrations = format!("{page}/integrations");
    let client = Client::new();

    let rebound = client
        .get(&page)
        .header("Host", "evil.example:80")
        .send()
        .await
        .unwrap();
    assert_eq!(rebound.status().as_u16(), 421);
    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let forged = client
            .post(&integrations)
            .header(name, value)
            .form(&[("url", "http://x/")])
            .send()
            .await
            .unwrap();
        assert_eq!(forged.status().as_u16(), 403, "{name}: {value}");
    }
    let own = client.get(&page).send().await.unwrap();
    assert_eq!(own.status().as_u16(), 200);
    let policy = own.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
}

#[tokio::test]
async fn a_host_that_cannot_start_says_why_in_one_sentence() {
    let running = Host::start().await;
    let port: u16 = running
        .base_url()
        .rsplit_once(':')
        .unwrap()
        .1
        .parse()
        .unwrap();
    let taken = Host::builder().port(port).start().await.unwrap_err();
    assert!(taken.is_address_in_use());
    assert!(taken.to_string().contains(&port.to_string()), "{taken}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.sqlite");
    std::fs::write(&file, "not a database, whatever its name says".repeat(10)).unwrap();
    let broken = Host::builder()
        .port(0)
        .data(folder.path())
        .start()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        broken.contains("host.sqlite") && !broken.contains('\n'),
        "{broken}"
    );
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .starts_with("not a database"),
        "left alone"
    );

    let inside_a_file = Host::builder()
        .port(0)
        .data(file.join("x"))
        .start()
        .await
        .unwrap_err();
    assert!(
        inside_a_file.to_string().contains("data folder"),
        "{inside_a_file}"
    );

    let outside = Host::builder()
        .port(0)
        .ip([0, 0, 0, 0].into())
        .start()
        .await
        .unwrap_err();
    assert!(
        outside.to_string().contains("this machine only"),
        "{outside}"
    );
}

#[tokio::test]
async fn a_host_is_gone_when_it_is_dropped() {
    let host = Host::start().await;
    let address = host.base_url().to_owned();
    drop(host);
    let gone = async {
        while reqwest::get(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone)
        .await
        .unwrap();
}

async fn token(host: &Host, add_on: &glance_host::testing::TestAddOn) -> String {
    let installed = add_on.installed();
    let answer: Value = Client::new()
        .post(format!("{}/v2/oauth/token", host.base_url()))
        .basic_auth(&installed.oauth_id, Some(installed.oauth_secret.expose()))
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}
