//! Tests lists, extensions and other calls against a mock host that records requests.

use std::sync::Mutex;

use axum::extract::Request;
use futures_util::TryStreamExt as _;
use serde_json::Value;

use super::*;
use crate::client::{Include, Method};
use crate::model::webhook::Privacy;
use crate::model::{Action, ActionLocation, Event, Webhook};

type Seen = Arc<Mutex<Vec<String>>>;

/// Creates a host with these responses, and the record of its requests: method, URL, body.
pub(super) async fn answering(
    answer: impl Fn(&str, &str) -> (u16, Value) + Clone + Send + Sync + 'static,
) -> (Client, Seen) {
    let seen = Seen::default();
    let notes = Arc::clone(&seen);
    let token = async || axum::Json(json!({ "access_token": "t", "expires_in": 3600 }));
    let router = Router::new()
        .route("/v2/oauth/token", post(token))
        .fallback(async move |request: Request| {
            let call = format!("{} {}", request.method(), request.uri());
            let body = axum::body::to_bytes(request.into_body(), 1 << 20).await;
            let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
            notes
                .lock()
                .unwrap()
                .push(format!("{call} {body}").trim().to_owned());
            let (status, body) = answer(&call, &body);
            (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
        });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (client(&base), seen)
}

fn start_index(call: &str) -> u64 {
    let url = reqwest::Url::parse("http://host.example").unwrap();
    let url = url.join(call.split(' ').nth(1).unwrap()).unwrap();
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(name, _)| name == "start-index");
    found.map_or(0, |(_, value)| value.parse().unwrap())
}

/// Returns seven rooms in pages of three, with the link to the next page.
fn rooms(call: &str, next: impl Fn(u64) -> String) -> (u16, Value) {
    let start = start_index(call);
    let end = (start + 3).min(7);
    let items: Vec<_> = (start..end)
        .map(|id| json!({ "id": id, "name": "r" }))
        .collect();
    let mut page = json!({ "items": items, "startIndex": start, "maxResults": 3, "links": {} });
    if end < 7 {
        page["links"]["next"] = next(end).into();
    }
    (200, page)
}

#[tokio::test]
async fn list_requests_only_needed_pages() {
    let next = |start| format!("/v2/room?start-index={start}&max-results=3");
    let (client, seen) = answering(move |call, _| rooms(call, next)).await;
    let all = client
        .rooms()
        .page_size(3)
        .include(Include::Archived)
        .all()
        .await
        .unwrap();
    let ids: Vec<_> = all.iter().map(|room| room.id.get()).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "GET /v2/room?max-results=3&include-archived=true",
            "GET /v2/room?start-index=3&max-results=3",
            "GET /v2/room?start-index=6&max-results=3",
        ]
    );

    seen.lock().unwrap().clear();
    let mut stream = std::pin::pin!(client.rooms().skip(1).stream());
    for _ in 0..3 {
        assert!(stream.try_next().await.unwrap().is_some());
    }
    assert_eq!(
        seen.lock().unwrap().len(),
        1,
        "the second page was not needed"
    );
}

#[tokio::test]
async fn list_stays_on_host_and_does_not_loop() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stranger = format!("http://{}/v2/room", elsewhere.local_addr().unwrap());
    for (next, words) in [
        (stranger.as_str(), "outside the host's API"),
        ("https://[", "not a URL"),
        ("//evil.example/v2/room", "outside the host's API"),
        ("file:///etc/passwd", "outside the host's API"),
        ("/v2/room", "which is a page that it already had"),
        (
            "/v2/room?start-index=3",
            "which is a page that it already had",
        ),
    ] {
        let answer = {
            let next = next.to_owned();
            move |call: &str, _: &str| rooms(call, |_| next.clone())
        };
        let (client, seen) = answering(answer).await;
        let error = client.rooms().all().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadAnswer);
        assert!(error.to_string().contains(words), "{next}: {error}");
        assert!(seen.lock().unwrap().len() <= 2, "{next}");
    }
    let nobody =
        std::future::poll_fn(|context| std::task::Poll::Ready(elsewhere.poll_accept(context)));
    assert!(nobody.await.is_pending(), "the token went nowhere else");

    let empty = |_: &str, _: &str| {
        (
            200,
            json!({ "items": [], "links": { "next": "/v2/room?x" } }),
        )
    };
    let (client, seen) = answering(empty).await;
    assert!(client.rooms().all().await.unwrap().is_empty());
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn rooms_and_people_are_read() {
    let (client, seen) = answering(|call, _| {
        let person = json!({ "id": 5, "name": "Ann", "presence": { "is_online": true } });
        match call {
            "GET /v2/room/42" => (200, json!({ "id": 42, "privacy": "private", "new": 1 })),
            "GET /v2/user/5" => (200, person),
            _ => (200, json!({ "items": [person] })),
        }
    })
    .await;
    let room = client.room(42).get().await.unwrap();
    assert_eq!(
        (room.privacy, &room.extra["new"]),
        (Some(Privacy::Private), &json!(1))
    );
    assert_eq!(
        client.user(5).get().await.unwrap().name.as_deref(),
        Some("Ann")
    );
    assert_eq!(
        client
            .users()
            .include(Include::Guests)
            .all()
            .await
            .unwrap()
            .len(),
        1
    );
    let present = client.room(42).participants().include(Include::Offline);
    assert_eq!(
        present.all().await.unwrap()[0]
            .presence
            .as_ref()
            .unwrap()
            .is_online,
        Some(true)
    );
    assert_eq!(client.room(42).members().all().await.unwrap().len(), 1);
    assert_eq!(
        seen.lock().unwrap()[2..],
        [
            "GET /v2/user?include-guests=true",
            "GET /v2/room/42/participant?include-offline=true",
            "GET /v2/room/42/member",
        ]
    );
}

#[tokio::test]
async fn webhooks_and_actions_are_created_and_removed() {
    let (client, seen) = answering(|call, body| match call.split(' ').next().unwrap() {
        "PUT" => (201, json!({ "id": 7, "links": { "self": "http://host.example/7" } })),
        "DELETE" => (204, Value::Null),
        _ if call.ends_with("/webhook") => {
            let hook = json!({ "id": 7, "key": "said", "event": "room_message", "url": "u" });
            (200, json!({ "items": [hook], "startIndex": 0 }))
        }
        _ if call.contains("/action/") => {
            let target = json!({ "key": "d" });
            (200, json!({ "key": "a", "name": { "value": "A" }, "location": "hipchat.message.action", "target": target }))
        }
        _ => (200, json!({ "key": "said", "event": "room_message", "url": "u", "body": body })),
    })
    .await;
    let mut webhook = Webhook::new(Event::RoomMessage, "https://a.example/said");
    let unnamed = client
        .room(42)
        .webhooks()
        .create(&webhook)
        .await
        .unwrap_err();
    assert_eq!(unnamed.kind(), ErrorKind::Invalid);
    webhook.key = Some("said".to_owned());
    client.room(42).webhooks().create(&webhook).await.unwrap();
    let read = client.room(42).webhooks().get("said").await.unwrap();
    assert_eq!(read.event, Event::RoomMessage);
    let listed = client.room(42).webhooks().list().all().await.unwrap();
    assert_eq!(listed[0].extra["id"], 7);
    client.room(42).webhooks().remove("said").await.unwrap();

    let action = Action::new("a", "A", ActionLocation::Message, "d");
    client.group().actions().create(&action).await.unwrap();
    assert_eq!(
        client
            .room(42)
            .actions()
            .get("a")
            .await
            .unwrap()
            .target
            .key(),
        Some("d")
    );
    client.group().actions().remove("a").await.unwrap();
    let calls: Vec<_> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|call| call.split('{').next().unwrap().trim().to_owned())
        .collect();
    assert_eq!(
        calls,
        [
            "PUT /v2/room/42/extension/webhook/said",
            "GET /v2/room/42/extension/webhook/said",
            "GET /v2/room/42/webhook",
            "DELETE /v2/room/42/extension/webhook/said",
            "PUT /v2/extension/action/a",
            "GET /v2/room/42/extension/action/a",
            "DELETE /v2/extension/action/a",
        ]
    );
}

#[tokio::test]
async fn request_encodes_path_segments() {
    let (client, seen) = answering(|_, _| (200, json!({ "ok": true }))).await;
    let odd = ["room", "a/b?c#d %2e", "topic"];
    let topic = json!({ "topic": "x" });
    client
        .request(Method::Put, odd)
        .body(&topic)
        .unwrap()
        .send()
        .await
        .unwrap();
    let read: Value = client
        .request(Method::Get, ["room"])
        .query("max-results", "1&2")
        .read()
        .await
        .unwrap();
    assert_eq!(read, json!({ "ok": true }));
    assert_eq!(
        *seen.lock().unwrap(),
        [
            r#"PUT /v2/room/a%2Fb%3Fc%23d%20%252e/topic {"topic":"x"}"#,
            "GET /v2/room?max-results=1%262",
        ]
    );

    seen.lock().unwrap().clear();
    for segment in ["", ".", ".."] {
        let error = client
            .request(Method::Delete, ["room", segment, "topic"])
            .send()
            .await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
        let error = client.group().glances().get(segment).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    assert!(seen.lock().unwrap().is_empty(), "nothing was sent");
}

/// Creates a client of a host that issues tokens, but whose API closes each connection without a
/// response.
async fn silent() -> (Client, Arc<AtomicU32>) {
    use tokio::io::AsyncReadExt as _;

    let (tokens, _) = answering(|_, _| (204, Value::Null)).await;
    let api = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v2/", api.local_addr().unwrap());
    let calls = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = api.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = connection.read(&mut [0; 4096]).await;
        }
    });
    let mut installation = tokens.installation().clone();
    installation.endpoints.api_url = base;
    let http = crate::client::http::Http::new(EgressPolicy::internet().allow_loopback()).unwrap();
    (
        Client::new(
            http,
            installation,
            Default::default(),
            Default::default(),
            Default::default(),
        ),
        calls,
    )
}

#[tokio::test]
async fn only_idempotent_calls_are_retried_without_response() {
    for (method, attempts) in [
        (Method::Post, 1),
        (Method::Get, 4),
        (Method::Put, 4),
        (Method::Delete, 4),
    ] {
        let (client, calls) = silent().await;
        let error = client.request(method, ["room"]).send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert_eq!(calls.load(Ordering::SeqCst), attempts, "{method:?}");
    }
}
