//! Tests malicious clients, people and add-ons: they affect only themselves.

use glance_host::sign_in::SignIn;
use glance_host::storage::Effects;
use glance_host::{Host, InstallError};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::browser::Browser;
use crate::integrations;
use crate::log::Log;
use crate::rest::Rest;

/// Path segments that are not valid names or numbers.
const ODD: [&str; 16] = [
    "0",
    "-1",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775808",
    "1e3",
    "%31%2f..",
    "..",
    "%2e%2e",
    "%2f%2fexample.com",
    "%00",
    "%ff",
    "%",
    "@",
    "@%ff",
    "%EF%BC%91",
];

async fn raw(host: &Host, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

#[tokio::test]
async fn malformed_urls_and_bodies_are_refused() {
    let host = Host::builder().port(0).rate_limit(u32::MAX);
    let host = host.start().await.unwrap();
    let rest = Rest::in_room(&host, "ops").await;
    let token = rest.token("").await;
    let long = "x".repeat(8_000);
    let bodies: [(&str, &[u8]); 9] = [
        ("application/json", b""),
        ("application/json", b"null"),
        ("application/json", b"[]"),
        ("application/json", b"{\"message\":\"a\",\"message\":{}}"),
        ("application/json", b"\xff\xfe"),
        ("application/json", &[b'['; 5_000]),
        (
            "application/x-www-form-urlencoded",
            b"%ff=%00&%=&message=%c3",
        ),
        ("text/plain", b"\xc3\x28"),
        ("multipart/form-data", b"--"),
    ];
    let places = [
        "room/{}",
        "room/{}/topic",
        "room/{}/participant",
        "room/{}/member/{}",
        "room/{}/notification",
        "room/{}/message",
        "room/{}/reply",
        "room/{}/history?max-results={}",
        "room/{}/webhook/{}",
        "room/{}/extension/glance/{}",
        "room/{}/extension/webhook/{}",
        "extension/action/{}",
        "room?start-index={}&max-results={}",
        "user?start-index={}",
        "user/{}",
        "user/{}/message",
        "addon/ui/room/{}/user/{}",
        "oauth/token/{}",
        "viewer-token",
    ];
    for place in places {
        for odd in ODD.iter().copied().chain([long.as_str()]) {
            let path = format!("/v2/{}", place.replace("{}", odd));
            for method in ["GET", "PUT", "POST", "DELETE"] {
                let (kind, body) = bodies[(path.len() + method.len()) % bodies.len()];
                let mut request = format!(
                    "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
                     Authorization: Bearer {token}\r\nContent-Type: {kind}\r\n\
                     Content-Length: {}\r\n\r\n",
                    host.address(),
                    body.len()
                )
                .into_bytes();
                request.extend_from_slice(body);
                let answer = raw(&host, &request).await;
                let status = status(&answer);
                assert!(status < 500, "{method} {path}: {answer}");
                if status >= 400
                    && let Some((_, body)) = answer.split_once("\r\n\r\n")
                {
                    let refusal: Value = serde_json::from_str(body).unwrap();
                    assert_eq!(refusal["error"]["code"], status, "{method} {path}");
                }
            }
        }
    }
    for place in [
        "/rooms/{}",
        "/rooms/{}/events",
        "/rooms/{}/timeline?before={}",
        "/rooms/1/timeline?after={}",
        "/rooms/{}/integrations/{}/pages/{}",
        "/rooms/1/integrations/visits/{}/done",
        "/installable/{}",
        "/embed/rooms/{}",
        "/embed/rooms/{}/events",
        "/icon/{}/{}",
        "/assets/{}",
        "/people/{}/role",
        "/sign-in?to={}",
    ] {
        for odd in ODD.iter().copied().chain([long.as_str()]) {
            let path = place.replace("{}", odd);
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: text/html\r\n\r\n",
                host.address()
            );
            let answer = raw(&host, request.as_bytes()).await;
            assert!(status(&answer) < 500, "{path}: {answer}");
            assert!(!answer.contains("location: //"), "{path}: {answer}");
        }
    }
}

/// Returns the response to a request with an incomplete body, as time passes.
async fn trickle(host: &Host, request: &str) -> String {
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    let (head, partial_body) = request.split_once("\r\n\r\n").unwrap();
    let head = head.replace("HOST", &host.address().to_string());
    let head = format!("{head}\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"100 Continue\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    stream.write_all(partial_body.as_bytes()).await.unwrap();
    // From here on the host waits only for the body.
    tokio::time::pause();
    answer.clear();
    stream.read_to_end(&mut answer).await.unwrap();
    tokio::time::resume();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn slow_body_times_out() {
    let host = Host::start().await;
    let rest = Rest::in_room(&host, "ops").await;
    let token = rest.token("").await;
    let on_page = "POST /rooms/1/timeline HTTP/1.1\r\nHost: HOST\r\n\
                   Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"text\":";
    let answer = trickle(&host, on_page).await;
    assert_eq!(status(&answer), 408, "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");

    let in_api = format!(
        "POST /v2/room/1/notification HTTP/1.1\r\nHost: HOST\r\n\
         Authorization: Bearer {token}\r\nContent-Type: text/plain\r\n\
         Content-Length: 100\r\n\r\nbegun"
    );
    let answer = trickle(&host, &in_api).await;
    assert_eq!(status(&answer), 408, "{answer}");
    assert!(answer.contains("\"code\":408"), "{answer}");
    let written = host.room("ops").await.timeline().await;
    assert!(written.is_empty(), "{written:?}");
}

#[tokio::test]
async fn size_of_descriptor_is_limited() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let url = "https://add-on.example.com/hook";
    let hooks = |many: usize| {
        let hook = json!({ "event": "room_message", "url": url });
        let descriptor = json!({
            "key": "com.example.many", "name": "Many", "description": "Many.",
            "links": { "self": url }, "capabilities": { "webhook": vec![hook; many] },
        });
        format!("data:,{descriptor}")
    };
    let refused = room.install_url(&hooks(51)).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "its descriptor declares 51 entries of webhook, this host takes 50"
    );
    room.install_url(&hooks(50)).await.unwrap();

    let wrong = json!({ "key": "k", "name": "n", "capabilities": { "action": vec![0; 5_000] } });
    let refused = room.install_url(&format!("data:,{wrong}")).await;
    let Err(InstallError::Invalid { problems, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(problems.len(), 100);
}

#[tokio::test]
async fn slow_patterns_delay_nobody() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let url = "https://add-on.example.com/";
    let slow = |n: usize| {
        let regex = json!({ "pattern": format!("\\w{{0,{n}}}") });
        json!({ "condition": "message_matches", "params": { "regex": regex } })
    };
    let descriptor = json!({
        "key": "com.example.slow", "name": "Slow", "description": "Slow.",
        "links": { "self": url },
        "capabilities": {
            "dialog": [{ "key": "d", "title": { "value": "D" }, "url": url }],
            "action": [{
                "key": "a", "name": { "value": "A" }, "target": "d",
                "location": "hipchat.message.action",
                "conditions": [slow(36), slow(37), slow(38)],
            }],
        },
    });
    room.install_url(&format!("data:,{descriptor}"))
        .await
        .unwrap();
    let said = room.says("Ann", "hello").await;
    let client = glance_host::testing::http_client();
    let actions = client.post(format!("{}/actions", host.room_url(&room.room)));
    let asking = tokio::spawn(actions.json(&json!({ "message": said.id })).send());
    let mut served = 0;
    while !asking.is_finished() {
        let health = client.get(format!("{}/healthz", host.base_url()));
        assert_eq!(health.send().await.unwrap().status(), StatusCode::OK);
        served += 1;
    }
    let offered: Value = asking.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(offered[0]["key"], "a", "{offered}");
    assert!(served > 50, "{served} others were served meanwhile");
}

#[tokio::test]
async fn showing_permissions_compiles_no_patterns() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let url = "https://add-on.example.com/";
    // Compiling it would report that it is too large.
    let large = "(x{1000}){1000}";
    let descriptor = json!({
        "key": "com.example.large", "name": "Large", "description": "Large.",
        "links": { "self": url },
        "capabilities": { "webhook": [
            { "event": "room_message", "url": url, "pattern": large },
            { "event": "room_message", "url": url, "pattern": "(?=x)" },
        ] },
    });
    let url = format!("data:,{descriptor}");
    let browser = integrations::Browser::at(&host, Some(&room));
    let (_, review) = browser.review(&url).await;
    let words = format!("only what matches {large}");
    assert!(review.contains(&words), "{review}");
    assert!(review.contains("look-around"), "{review}");
    let log = Log::record();
    room.install_url(&url).await.unwrap();
    let log = log.text();
    assert!(log.contains("exceeds the size limit"), "{log}");
}

#[tokio::test]
async fn descriptor_url_is_visible_to_managers_only() {
    let host = Host::builder().port(0).sign_in(SignIn::Name);
    let host = host.start().await.unwrap();
    let admin = Browser::signed_in(&host, "Ann").await;
    let room = host.room("ops").await;
    let member = Browser::signed_in(&host, "Bo").await;
    let descriptor = json!({
        "key": "com.example.kept", "name": "Kept", "description": "Kept.",
        "links": { "self": "https://add-on.example.com/" },
    });
    let installed = room
        .install_url(&format!("data:,{descriptor}"))
        .await
        .unwrap();
    let url = "https://ann:s3cret@add-on.example.com/descriptor?token=s3cret";
    let kept = host.state();
    kept.replace_descriptor(
        &installed.oauth_id,
        url,
        &installed.descriptor,
        Effects::none(),
    )
    .await
    .unwrap();
    let page = format!("/rooms/{}/integrations", room.room.id);
    assert!(admin.text(&page).await.contains("token=s3cret"));
    let seen = member.text(&page).await;
    assert!(seen.contains("add-on.example.com"), "{seen}");
    assert!(!seen.contains("s3cret"), "{seen}");
}

#[tokio::test]
async fn body_without_session_is_not_read() {
    let host = Host::builder().port(0).sign_in(SignIn::Name);
    let host = host.start().await.unwrap();
    Browser::signed_in(&host, "Ann").await;
    host.room("ops").await;
    let request = "POST /rooms/1/timeline HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: same-origin\r\n\
                   Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let request = request.replace("HOST", &host.address().to_string());
    let answer = raw(&host, request.as_bytes()).await;
    assert_eq!(status(&answer), 401, "{answer}");
    let signed_in = glance_host::testing::http_client()
        .get(host.base_url())
        .send()
        .await
        .unwrap();
    assert_eq!(signed_in.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn forbidden_room_is_missing_at_every_url() {
    let host = Host::builder().port(0).sign_in(SignIn::Name);
    let host = host.start().await.unwrap();
    Browser::signed_in(&host, "Ann").await;
    let member = Browser::signed_in(&host, "Bo").await;
    let guest = Browser::signed_in(&host, "Gus").await;
    host.user("Gus", |user| user.is_guest = true).await;
    let mut room = host.room("secret").await;
    room.change(|room| room.is_public = false).await;
    let page = json!({ "url": "https://add-on.example.com/configure" });
    let descriptor = json!({
        "key": "com.example.kept", "name": "Kept", "description": "Kept.",
        "links": { "self": "https://add-on.example.com/" },
        "capabilities": { "configurable": page },
    });
    let installed = room.install_url(&format!("data:,{descriptor}")).await;
    let id = installed.unwrap().oauth_id;

    let read = [
        "",
        "/events",
        "/events?inspect",
        "/timeline",
        "/timeline?before=x",
        "/settings",
        "/integrations",
        "/integrations/ID/pages/configure",
        "/integrations/visits/x",
        "/integrations/visits/x/done",
    ];
    let add_on =
        json!({ "addOn": "com.example.kept", "key": "k", "module": "k", "room": "secret" });
    let requests = [
        ("/timeline", json!({ "text": "let me in" })),
        ("/open", add_on.clone()),
        ("/frames/token", add_on.clone()),
        ("/frames/room", add_on.clone()),
        ("/frames/participants", add_on.clone()),
        ("/frames/user", add_on.clone()),
        ("/frames/enter", add_on),
        ("/actions", json!({ "message": "x" })),
        ("/pages/x/retry", json!({ "id": "x" })),
        ("/pages/x/frames", json!({ "addOns": [] })),
        ("/pages/x/inspect", json!({ "on": true })),
        ("/integrations/ID/pages/configure", json!({})),
    ];
    let sent = [
        "/settings",
        "/archived",
        "/remove",
        "/members",
        "/members/remove",
        "/integrations",
        "/integrations/approve",
        "/integrations/ID/update",
        "/integrations/ID/remove",
    ];
    let form = [
        ("name", "mine"),
        ("archived", "true"),
        ("user", "1"),
        ("url", "data:,{}"),
        ("digest", "x"),
    ];
    for browser in [&member, &guest] {
        for at in [room.room.id.get(), 99] {
            let address = |path: &str| format!("/rooms/{at}{}", path.replace("ID", id.as_str()));
            let post = |path: &str| {
                let request = browser.request(Method::POST, &address(path));
                request.header("sec-fetch-site", "same-origin")
            };
            let reads = read.map(|path| browser.request(Method::GET, &address(path)));
            let asks = requests.iter().map(|(path, body)| post(path).json(body));
            let sends = sent.map(|path| post(path).form(&form));
            for request in reads.into_iter().chain(asks).chain(sends) {
                let answer = request.header("accept", "text/html").send().await.unwrap();
                let url = answer.url().clone();
                assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{url}");
                let said = answer.text().await.unwrap();
                assert!(said.contains("No such room"), "{url}: {said}");
            }
        }
    }
    let kept = host.state().room(room.room.id).await.unwrap().unwrap();
    assert_eq!((kept, room.timeline().await.len()), (room.room.clone(), 0));
}
