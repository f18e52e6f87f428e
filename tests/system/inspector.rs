//! Tests the inspector: why a glance shows or hides, the queries and pushes, and no tokens.

use std::sync::{Arc, Mutex};

use glance_host::Host;
use glance_host::testing::TestRoom;
use glance_sdk::axum::extract::{Path, State};
use glance_sdk::axum::http::{HeaderMap, StatusCode, Uri, header};
use glance_sdk::axum::response::{AppendHeaders, IntoResponse, Response};
use glance_sdk::axum::routing::{get, post};
use glance_sdk::axum::{Json, Router, serve};
use glance_sdk::label;
use glance_sdk::model::{GlanceData, UiUpdate};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::add_on::{Pager, add_on, always, data, incidents};
use crate::page::Page;

const INCIDENTS: &str = "com.example.incidents:incidents";
const ALWAYS: &str = "com.example.incidents:always";

const HELD: &str = "odd:held";
const ECHO: &str = "odd:echo";

/// The immediate responses of [`Odd`], one glance each.
const ODD: [&str; 8] = [
    "unmarked", "other", "twice", "words", "down", "hollow", "heavy", "echo",
];

/// An add-on with invalid responses that repeats confidential input.
#[derive(Clone)]
struct Odd {
    url: String,
    secret: Arc<Mutex<String>>,
    tokens: Arc<Mutex<Vec<String>>>,
    /// The number of responses that the glance `held` may send.
    held: Arc<Semaphore>,
}

impl Odd {
    async fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let odd = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            secret: Arc::default(),
            tokens: Arc::default(),
            held: Arc::new(Semaphore::new(0)),
        };
        let router = Router::new()
            .route("/", get(descriptor))
            .route("/installed", post(installed))
            .route("/heard", post(heard))
            .route("/{what}", get(answer))
            .with_state(odd.clone());
        tokio::spawn(async move { serve(listener, router).await.unwrap() });
        odd
    }

    fn secret(&self) -> String {
        self.secret.lock().unwrap().clone()
    }

    fn tokens(&self) -> Vec<String> {
        self.tokens.lock().unwrap().clone()
    }

    /// Records the token of a URL.
    fn note(&self, uri: &Uri) -> String {
        let (_, token) = uri.query().unwrap().split_once("signed_request=").unwrap();
        self.tokens.lock().unwrap().push(token.to_owned());
        token.to_owned()
    }
}

async fn descriptor(State(odd): State<Odd>) -> Json<Value> {
    let url = &odd.url;
    let icon = json!({ "url": format!("{url}/i.png"), "url@2x": format!("{url}/i.png") });
    let glances: Vec<_> = ODD
        .iter()
        .chain([&"held"])
        .map(|what| {
            json!({
                "key": what,
                "name": { "value": what },
                "icon": icon,
                "queryUrl": format!("{url}/{what}?kept=1"),
                "conditions": [],
            })
        })
        .collect();
    let heard = json!({
        "event": "room_message", "url": format!("{url}/heard"), "authentication": "jwt",
    });
    Json(json!({
        "key": "odd",
        "name": "Odd",
        "description": "Answers oddly.",
        "links": { "self": format!("{url}/") },
        "capabilities": {
            "installable": { "callbackUrl": format!("{url}/installed") },
            "glance": glances,
            "webhook": [heard],
        },
    }))
}

async fn installed(State(odd): State<Odd>, Json(body): Json<Value>) {
    body["oauthSecret"]
        .as_str()
        .unwrap()
        .clone_into(&mut odd.secret.lock().unwrap());
}

async fn heard(State(odd): State<Odd>, uri: Uri, headers: HeaderMap) -> Response {
    odd.note(&uri);
    let said = format!("{uri} {headers:?} {}", odd.secret());
    (StatusCode::BAD_REQUEST, said).into_response()
}

async fn answer(State(odd): State<Odd>, Path(what): Path<String>, uri: Uri) -> Response {
    let token = odd.note(&uri);
    let label = json!({ "label": { "type": "html", "value": what } });
    let any = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    match &*what {
        "unmarked" => Json(label).into_response(),
        "other" => {
            let other = "https://chat.example.com";
            ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, other)], Json(label)).into_response()
        }
        "twice" => (any.clone(), AppendHeaders(any), Json(label)).into_response(),
        "words" => (any, "no JSON at all").into_response(),
        "down" => (StatusCode::BAD_GATEWAY, any, "<h1>Down</h1>").into_response(),
        "held" => {
            odd.held.acquire().await.unwrap().forget();
            (any, Json(label)).into_response()
        }
        "hollow" => (any, Json(json!({ "label": "text" }))).into_response(),
        "heavy" => {
            let mut label = label;
            label["metadata"] = json!({ "x": "x".repeat(40_000) });
            (any, Json(label)).into_response()
        }
        _ => {
            let mut label = label;
            label["metadata"] = json!({
                "secret": odd.secret(), "token": token, "address": uri.to_string(),
            });
            (any, Json(label)).into_response()
        }
    }
}

async fn odd(host: &Host) -> (TestRoom, Odd, Page) {
    let room = host.room("ops").await;
    let odd = Odd::serve().await;
    room.install_url(&format!("{}/", odd.url)).await.unwrap();
    let mut page = Page::inspect(host, &room).await;
    for what in ODD {
        page.report(&format!("odd:{what}"), |report| report["query"].is_object())
            .await;
    }
    (room, odd, page)
}

#[tokio::test]
async fn test_kit_explains_hidden_glance() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let pager = Pager::new(0);
    let installed = room.install(add_on(&pager)).await;
    let here = installed.client().await;
    let mut viewer = room.viewer("ann").await;
    viewer.settled().await;
    let why = async || viewer.explain("incidents").await;
    assert_eq!(why().await, "hidden: `open` is 0, needs > 0");
    assert_eq!(
        viewer.explain("always").await,
        "shown: it has no conditions"
    );

    // A later query of the inspector includes the pushed data.
    for open in 1..50 {
        let here = here.room(room.room.id);
        here.push::<incidents>(data(open)).await.unwrap();
        assert_eq!(why().await, "shown: all conditions hold");
        let bare = GlanceData::new(label!("no metadata"));
        here.push::<incidents>(bare).await.unwrap();
        assert_eq!(why().await, "hidden: there is no metadata to test");
    }
}

#[tokio::test]
#[should_panic(expected = r#"the room has no glance nope; it has ["incidents", "always"]"#)]
async fn test_kit_lists_glances_if_one_is_missing() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    room.install(add_on(&Pager::new(0))).await;
    room.viewer("ann").await.explain("nope").await;
}

#[tokio::test]
async fn query_is_shown_with_response_and_problem() {
    let host = Host::start().await;
    let (room, odd, page) = odd(&host).await;
    let origin = host.base_url();
    for (what, status, cors, problem) in [
        (
            "unmarked",
            200,
            "has no Access-Control-Allow-Origin.",
            "has no Access-Control-Allow-Origin.",
        ),
        (
            "other",
            200,
            &*format!(
                "is for https://chat.example.com only: Access-Control-Allow-Origin must be * or {origin}."
            ),
            "is for https://chat.example.com only",
        ),
        (
            "twice",
            200,
            "has more than one Access-Control-Allow-Origin (*, *), and no browser takes any then: \
             the add-on and a proxy before it may both send the header, so let one of them do it.",
            "has more than one Access-Control-Allow-Origin (*, *)",
        ),
        ("words", 200, "is for every origin.", "is no JSON"),
        ("down", 502, "is for every origin.", "answered 502"),
        (
            "hollow",
            200,
            "is for every origin.",
            "is no glance data: /label",
        ),
        (
            "heavy",
            200,
            "is for every origin.",
            "is no glance data: /metadata: it has 40008 bytes of JSON, it must have at most 32768.",
        ),
    ] {
        let report = &page.reports[&format!("odd:{what}")];
        let query = &report["query"];
        assert_eq!(query["url"], format!("{}/{what}?kept=1", odd.url));
        assert_eq!(query["status"], status, "{what}");
        let said = query["cors"].as_str().unwrap();
        assert_eq!(said, format!("Its answer {cors}"), "{what}");
        let said = query["problem"].as_str().unwrap();
        assert!(said.contains(problem), "{what}: {said}");
        assert_eq!(report["why"], "shown: its query failed", "{what}");
        assert_eq!(report["data"], Value::Null, "{what}");
    }
    assert_eq!(page.reports["odd:words"]["query"]["body"], "no JSON at all");

    let query = &page.reports[ECHO]["query"];
    assert_eq!(query["problem"], Value::Null);
    assert_eq!(query["isLate"], false);
    assert_eq!(query["header"]["alg"], "HS256");
    assert_eq!(query["claims"]["context"]["room_id"], json!(room.room.id));
    assert!(query["claims"]["exp"].is_number());
    assert!(query["at"].as_u64().unwrap() > 1_700_000_000_000);
}

#[tokio::test]
async fn inspector_shows_no_secrets() {
    let host = Host::start().await;
    let (room, odd, mut page) = odd(&host).await;
    room.says("ann", "hello").await;
    while page.webhooks.is_empty() {
        page.event().await;
    }
    let call = &page.webhooks[0];
    assert_eq!(
        (&call["status"], &call["attempts"]),
        (&json!(400), &json!(1))
    );
    assert_eq!(call["addOn"], "Odd");
    assert_eq!(call["event"], "room_message");
    assert_eq!(call["url"], format!("{}/heard", odd.url));
    assert_eq!(call["body"]["item"]["message"]["message"], "hello");
    assert!(call["problem"].as_str().unwrap().contains("400"));

    let metadata = &page.reports[ECHO]["data"]["metadata"];
    assert_eq!(metadata["secret"], "{{secret}}", "it was said again");
    assert_eq!(metadata["token"], "{{signed}}");
    let tokens = odd.tokens();
    assert_eq!(
        tokens.len(),
        ODD.len() + 2,
        "and the held one's and the webhook's"
    );
    assert!(odd.secret().len() > 20);
    assert!(!page.received.contains(&odd.secret()));
    for token in tokens {
        let signature = token.rsplit('.').next().unwrap();
        assert!(signature.len() > 20);
        assert!(!page.received.contains(signature));
        assert!(!page.received.contains(&token));
    }
}

#[tokio::test]
async fn pushes_are_shown_with_target() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(4))).await;
    let client = installed.client().await;
    let here = client.room(room.room.id);
    let ann = host.user("ann", |_| {}).await;
    let mut page = Page::inspect(&host, &room).await;
    let report = page
        .report(INCIDENTS, |report| {
            report["isShown"] == true && report["query"].is_object()
        })
        .await;
    assert_eq!(report["why"], "shown: all conditions hold");
    assert_eq!(report["pushes"], json!([]));

    here.push::<incidents>(GlanceData::new(label!("no metadata")))
        .await
        .unwrap();
    let report = page
        .report(INCIDENTS, |report| report["isShown"] == false)
        .await;
    assert_eq!(report["why"], "hidden: there is no metadata to test");
    assert_eq!(report["pushes"][0]["user"], Value::Null);
    assert_eq!(report["pushes"][0]["data"]["label"]["value"], "no metadata");
    assert_eq!(report["data"]["label"], "no metadata");
    assert!(!page.lines.contains_key(INCIDENTS));

    let for_ann = client.room(room.room.id).user(ann.id);
    for_ann.push::<incidents>(data(77_777)).await.unwrap();
    let report = page
        .report(INCIDENTS, |report| report["pushes"][1].is_object())
        .await;
    assert_eq!(report["pushes"][1]["user"], json!(ann.id));
    assert_eq!(report["pushes"][1]["data"], Value::Null);
    assert_eq!(report["data"]["label"], "no metadata");
    assert!(!page.received.contains("77777"), "it is for another person");

    for n in 0..20 {
        here.update(&UiUpdate::one("always", data(n)))
            .await
            .unwrap();
    }
    let report = page
        .report(ALWAYS, |report| report["data"]["metadata"]["open"] == 19)
        .await;
    let pushes = report["pushes"].as_array().unwrap();
    assert_eq!(pushes.len(), 10);
    assert_eq!(pushes[9]["data"]["metadata"]["open"], 19);
}

#[tokio::test]
async fn late_response_is_marked() {
    let host = Host::start().await;
    let (_room, odd, mut page) = odd(&host).await;
    // The first query waits for its response; the second query makes that response obsolete.
    assert_eq!(page.try_again(HELD).await, StatusCode::NO_CONTENT);
    odd.held.add_permits(2);
    page.report(HELD, |report| report["data"]["label"] == "held")
        .await;
    while !page.received.contains(r#""isLate":true"#) {
        page.event().await;
    }
}

#[tokio::test]
async fn inspector_opens_and_closes_on_open_page() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let pager = Pager::new(0);
    let installed = room.install(add_on(&pager)).await;
    let client = installed.client().await;
    let here = client.room(room.room.id);
    let mut page = Page::open(&host, &room).await;
    page.until(|lines| {
        lines
            .get(ALWAYS)
            .is_some_and(|line| line["state"] == "ready")
    })
    .await;
    here.push::<incidents>(GlanceData::new(label!("pushed")))
        .await
        .unwrap();
    here.push::<always>(data(5)).await.unwrap();
    page.until(|lines| lines[ALWAYS]["label"] == "<b>5</b> incidents")
        .await;
    assert_eq!(page.received, "", "nobody inspects");
    assert_eq!(pager.queries(), 2);

    let (address, elsewhere) = (host.room_url(&room.room), host.room_url(&other.room));
    assert_eq!(
        page.switch(&elsewhere, true).await,
        StatusCode::NOT_FOUND,
        "it is no page of that room"
    );
    assert_eq!(page.switch(&address, true).await, StatusCode::NO_CONTENT);
    let report = page.report(INCIDENTS, |_| true).await;
    assert_eq!(
        report["why"], "hidden: there is no metadata to test",
        "what was pushed before counts"
    );
    assert_eq!(report["data"]["label"], "pushed");
    assert_eq!(report["query"], Value::Null, "nothing was kept before");
    assert_eq!(pager.queries(), 2, "to look changes nothing");

    assert_eq!(page.switch(&address, false).await, StatusCode::NO_CONTENT);
    let received = page.received.clone();
    here.push::<always>(data(6)).await.unwrap();
    page.until(|lines| lines[ALWAYS]["label"] == "<b>6</b> incidents")
        .await;
    assert_eq!(page.received, received);
}

#[tokio::test]
async fn removed_glance_is_no_longer_shown() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(1))).await;
    let mut page = Page::inspect(&host, &room).await;
    page.report(ALWAYS, |_| true).await;
    host.uninstall(installed.oauth_id()).await.unwrap();
    while !page.reports.is_empty() {
        page.event().await;
    }
}

#[tokio::test]
async fn inspector_needs_permission_to_manage_room() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let pager = Pager::new(1);
    let installed = room.install(add_on(&pager)).await;
    let mut you = host.user("You", |_| {}).await;
    let mut page = Page::inspect(&host, &room).await;
    for id in [INCIDENTS, ALWAYS] {
        page.report(id, |report| report["query"].is_object()).await;
    }

    (you.is_admin, you.is_guest) = (false, true);
    host.state().update_user(&you).await.unwrap();
    let address = host.room_url(&room.room);
    assert_eq!(page.switch(&address, true).await, StatusCode::FORBIDDEN);
    let received = page.received.clone();
    let queries = pager.queries();
    assert_eq!(page.try_again(ALWAYS).await, StatusCode::NO_CONTENT);
    while pager.queries() == queries {
        tokio::task::yield_now().await;
    }
    let client = installed.client().await;
    client.group().push::<always>(data(2)).await.unwrap();
    page.until(|lines| lines[ALWAYS]["label"] == "<b>2</b> incidents")
        .await;
    let mut guest = Page::inspect(&host, &room).await;
    guest
        .until(|lines| {
            lines
                .get(ALWAYS)
                .is_some_and(|line| line["state"] == "ready")
        })
        .await;
    assert_eq!((guest.received, page.received), (String::new(), received));
}
