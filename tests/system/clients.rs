//! Tests requests of unauthenticated clients, and the responses.

use glance_host::Host;
use glance_host::sign_in::SignIn;
use glance_host::testing::http_client;
use glance_sdk::prelude::*;
use reqwest::header::ORIGIN;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::add_on::{Pager, add_on};
use crate::browser::Browser;
use crate::rest::{Rest, json as answered};

const KB: usize = 1024;

/// Returns the response to an incomplete request, until the server closes the connection.
async fn answer(url: &str, request: &str) -> String {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = request.replace("HOST", address);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn stranger_may_send_16_kb_and_person_more() {
    let host = Host::builder().port(0).sign_in(SignIn::Name);
    let host = host.start().await.unwrap();
    let mut ann = Browser::signed_in(&host, "ann").await;
    ann.submits("/rooms", &[("name", "ops")]).await;
    let form = |length: usize| format!("name={}", "a".repeat(length - 5));
    let sign_in = async |length| {
        let request = http_client().post(format!("{}/sign-in", host.base_url()));
        let request = request.header(ORIGIN, host.base_url());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(form(length)).send().await.unwrap()
    };
    let long_name = sign_in(16 * KB).await;
    assert_eq!(long_name.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let too_large = sign_in(16 * KB + 1).await;
    assert_eq!(too_large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let why = too_large.text().await.unwrap();
    assert!(why.contains("larger than 16 KB"), "{why}");

    // The host waits for neither.
    for length in ["Content-Length: 2000000", "Transfer-Encoding: chunked"] {
        let chunk = match length.starts_with("Content") {
            true => "name=".to_owned(),
            false => format!("5000\r\n{}\r\n", "a".repeat(0x5000)),
        };
        let request = format!(
            "POST /sign-in HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{length}\r\n\r\n{chunk}"
        );
        let answer = answer(host.base_url(), &request).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{length}: {answer}");
    }

    let text = "a".repeat(20 * KB);
    let request = ann.request(Method::POST, "/rooms/1/timeline");
    let request = request.header(ORIGIN, host.base_url());
    let said = request.json(&json!({ "text": text, "id": "x" })).send();
    let status = said.await.unwrap().status();
    assert!(status.is_client_error(), "{status}");
    assert_ne!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn api_reads_no_body_before_verifying_token() {
    let host = Host::start().await;
    let rest = Rest::in_room(&host, "ops").await;
    let token = rest.token("").await;
    let with = |authorization: &str| {
        format!(
            "POST /v2/room/1/notification HTTP/1.1\r\nHost: HOST\r\nExpect: 100-continue\r\n\
             {authorization}Content-Type: application/json\r\nContent-Length: 200000\r\n\r\n"
        )
    };
    for authorization in ["", "Authorization: Bearer none\r\n"] {
        let answer = answer(host.base_url(), &with(authorization)).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    let notify = async |length: usize| {
        let text = "a".repeat(length);
        let notification = json!({ "message": text });
        let call = rest.call(&token, Method::POST, "room/1/notification");
        answered(call.json(&notification)).await
    };
    let (status, refusal) = notify(200 * KB).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{refusal}");
    let (status, refusal) = notify(256 * KB).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{refusal}");
    assert_eq!(refusal["error"]["code"], 413);

    let grant = |length| json!({ "grant_type": "client_credentials", "a": "a".repeat(length) });
    let (status, _) = answered(rest.ask_token("").json(&grant(15 * KB))).await;
    assert_eq!(status, StatusCode::OK);
    let (status, refusal) = answered(rest.ask_token("").json(&grant(16 * KB))).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{refusal}");
    assert_eq!(refusal["error"]["code"], 413);
}

#[tokio::test]
async fn every_response_has_nosniff() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(1))).await;
    let add_on = add_on.installed().descriptor_url.trim_end_matches('/');
    let host = host.base_url();
    for (server, paths) in [
        (
            host,
            &[
                "/",
                "/healthz",
                "/assets/host.css",
                "/assets/none",
                "/none",
                "/v2/capabilities",
                "/v2/none",
                "/v2/room",
                "/rooms/1/events",
                "/atlassian-connect/all.js",
            ][..],
        ),
        (add_on, &["/", "/none", "/glance/always", "/installed"][..]),
    ] {
        for path in paths {
            let answer = http_client()
                .get(format!("{server}{path}"))
                .send()
                .await
                .unwrap();
            let header = answer.headers().get("x-content-type-options");
            assert_eq!(header.unwrap(), "nosniff", "{server}{path}");
        }
        for (request, status) in [
            ("GET / HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n", 400),
            ("GET http://a.example/ HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
            ("GET /\r\n\r\n", 400),
        ] {
            let answer = answer(server, request).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{server}: {answer}"
            );
            assert!(
                answer.contains("x-content-type-options: nosniff\r\n"),
                "{answer}"
            );
        }
    }
}

#[tokio::test]
async fn add_on_limits_size_of_installation() {
    let add_on = AddOn::new("com.example.hello", "Hello");
    let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
    let url = server.base_url().to_owned();
    tokio::spawn(server.run(std::future::pending()));
    // The add-on does not wait for the rest.
    let request = format!(
        "POST /installed HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n\
         Content-Length: 2000000\r\n\r\n{}",
        " ".repeat(17 * KB)
    );
    let answer = answer(&url, &request).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}
