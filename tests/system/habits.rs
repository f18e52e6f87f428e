//! Tests that the host supports the behaviour of old add-ons.

use std::sync::{Arc, Mutex};

use glance_host::Host;
use glance_sdk::axum::Router;
use glance_sdk::axum::body::Bytes;
use glance_sdk::axum::extract::Request;
use glance_sdk::axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use glance_sdk::axum::response::IntoResponse;
use glance_sdk::axum::routing::{any, get};
use serde_json::{Value, json};

use crate::by_hand::{descriptor, serve};

/// The requests to an add-on.
type Seen = Arc<Mutex<Vec<(Method, Uri, HeaderMap, Bytes)>>>;

/// Starts an add-on that accepts its installation at this path, and responds with this status.
async fn installable(path: &'static str, status: StatusCode, seen: &Seen) -> String {
    let seen = Arc::clone(seen);
    serve(move |base| {
        let mut descriptor = descriptor(base);
        let url = format!("{base}{path}");
        descriptor["capabilities"]["installable"] = json!({ "callbackUrl": url });
        let descriptor = descriptor.to_string();
        let take = move |request: Request| {
            let seen = Arc::clone(&seen);
            async move {
                let (parts, body) = request.into_parts();
                let body = glance_sdk::axum::body::to_bytes(body, 10_000)
                    .await
                    .unwrap();
                let call = (parts.method, parts.uri, parts.headers, body);
                seen.lock().unwrap().push(call);
                (status, "as it likes")
            }
        };
        Router::new()
            .route("/", get(move || async { descriptor }))
            .fallback(take)
    })
    .await
}

#[tokio::test]
async fn any_success_status_accepts_installation() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    for status in [200, 201, 202, 204, 400, 401, 403, 409, 500] {
        let status = StatusCode::from_u16(status).unwrap();
        let seen = Seen::default();
        let base = installable("/installed", status, &seen).await;
        let installed = room.install_url(&base).await;
        assert_eq!(installed.is_ok(), status.is_success(), "{status}");
        let Ok(installed) = installed else {
            continue;
        };
        // The installation is removed, whatever the response to its removal.
        assert!(host.uninstall(&installed.oauth_id).await.unwrap());
        assert!(
            host.state()
                .installation(&installed.oauth_id)
                .await
                .unwrap()
                .is_none()
        );
        let (method, uri, ..) = seen.lock().unwrap().pop().unwrap();
        assert_eq!(method, Method::DELETE);
        assert_eq!(uri.path(), format!("/installed/{}", installed.oauth_id));
    }
    for (path, removed_at) in [
        ("/installed/eyJhIjoxfQ==", "/installed/eyJhIjoxfQ==/"),
        ("/installed/", "/installed/"),
        ("/installed?team=1", "/installed/"),
    ] {
        let seen = Seen::default();
        let base = installable(path, StatusCode::INTERNAL_SERVER_ERROR, &seen).await;
        assert!(room.install_url(&base).await.is_err());
        let base = installable(path, StatusCode::CREATED, &seen).await;
        let installed = room.install_url(&base).await.unwrap();
        host.uninstall(&installed.oauth_id).await.unwrap();
        let (_, uri, ..) = seen.lock().unwrap().pop().unwrap();
        assert_eq!(uri.path(), format!("{removed_at}{}", installed.oauth_id));
    }
}

#[tokio::test]
async fn ids_are_numbers_and_global_installation_has_no_room() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let seen = Seen::default();
    let base = installable("/installed", StatusCode::OK, &seen).await;
    let data = || -> Value {
        let (method, _, headers, body) = seen.lock().unwrap().pop().unwrap();
        assert_eq!(method, Method::POST);
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
        assert!(
            !headers.contains_key(header::AUTHORIZATION),
            "nothing is signed with a secret that is only coming"
        );
        serde_json::from_slice(&body).unwrap()
    };
    let installed = room.install_url(&base).await.unwrap();
    let here = data();
    assert_eq!(here["roomId"], room.room.id.get());
    assert_eq!(here["groupId"], 1);
    assert_eq!(here["oauthId"], installed.oauth_id.as_str());
    let secret = here["oauthSecret"].as_str().unwrap();
    assert_eq!(secret.len(), 40);
    assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let capabilities = here["capabilitiesUrl"].as_str().unwrap();
    assert_eq!(capabilities, format!("{}/v2/capabilities", host.base_url()));
    host.uninstall(&installed.oauth_id).await.unwrap();

    host.install_global(&base).await.unwrap();
    let everywhere = data();
    assert!(everywhere.get("roomId").is_none(), "absent, not null");
}

const ANSWER: &str = r#"{"label":{"type":"html","value":"<b>4</b> builds"}}"#;

#[tokio::test]
async fn query_is_simple_request_with_any_content_type() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let own = host.base_url().to_owned();
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let base = serve(move |base| {
        let mut descriptor = descriptor(base);
        let kinds = [
            "json",
            "plain",
            "html",
            "none",
            "echo",
            "elsewhere",
            "moved",
        ];
        let glance = |kind: &&str| {
            json!({
                "key": kind, "name": { "value": kind },
                "queryUrl": format!("{base}/query?team=a%20b&kind={kind}"),
                "icon": { "url": format!("{base}/i.png"), "url@2x": format!("{base}/i.png") },
            })
        };
        descriptor["capabilities"]["installable"] = json!({});
        descriptor["capabilities"]["glance"] = kinds.iter().map(glance).collect();
        let descriptor = descriptor.to_string();
        let query = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let raw_query = uri.query().unwrap().to_owned();
            log.lock().unwrap().push((method, uri, headers, body));
            let own = own.clone();
            async move {
                let is = |kind: &str| raw_query.contains(&format!("kind={kind}&"));
                let allowed = match (is("echo"), is("elsewhere")) {
                    (true, _) => own,
                    (_, true) => "https://chat.example.com".to_owned(),
                    _ => "*".to_owned(),
                };
                let content_type = match (is("plain"), is("html"), is("none")) {
                    (true, ..) => Some("text/plain"),
                    (_, true, _) => Some("text/html; charset=utf-8"),
                    (.., true) => None,
                    _ => Some("application/json"),
                };
                let mut response = ANSWER.into_response();
                if is("moved") {
                    *response.status_mut() = StatusCode::FOUND;
                    response
                        .headers_mut()
                        .insert(header::LOCATION, "/there".parse().unwrap());
                }
                let headers = response.headers_mut();
                headers.remove(header::CONTENT_TYPE);
                headers
                    .extend(content_type.map(|kind| (header::CONTENT_TYPE, kind.parse().unwrap())));
                headers.insert(
                    header::ACCESS_CONTROL_ALLOW_ORIGIN,
                    allowed.parse().unwrap(),
                );
                response
            }
        };
        let cors = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
        Router::new()
            .route("/", get(move || async { descriptor }))
            .route("/query", any(query))
            .route("/there", get(move || async move { (cors, ANSWER) }))
    })
    .await;
    let installed = room.install_url(&base).await.unwrap();
    let ann = host
        .user("ann", |user| user.timezone = "Europe/Paris".to_owned())
        .await;
    let sidebar = room.viewer("ann").await.settled().await;
    for kind in ["json", "plain", "html", "none", "echo", "moved"] {
        let line = sidebar.line(kind).unwrap();
        assert_eq!(line.label_text(), "4 builds", "{kind}: {line:?}");
    }
    let elsewhere = format!("{:?}", sidebar.line("elsewhere").unwrap().state);
    assert!(
        elsewhere.contains("for https://chat.example.com only"),
        "{elsewhere}"
    );

    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 7);
    let mut numbers = Vec::new();
    for (method, uri, headers, body) in seen {
        assert_eq!(method, Method::GET);
        assert!(body.is_empty());
        assert_eq!(headers[header::ORIGIN], host.base_url());
        for absent in [
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::REFERER,
            header::COOKIE,
        ] {
            assert!(!headers.contains_key(&absent), "{absent}");
        }
        let query = uri.query().unwrap();
        assert!(query.starts_with("team=a%20b&kind="), "{query}");
        let (_, token) = query.split_once("&signed_request=").unwrap();
        assert_eq!(token.split('.').count(), 3, "nothing stands behind it");
        let secret = installed.oauth_secret.expose().as_bytes();
        let key = jsonwebtoken::DecodingKey::from_secret(secret);
        let rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
        let decoded = jsonwebtoken::decode::<Value>(token, &key, &rules).unwrap();
        assert_eq!(decoded.header.typ.as_deref(), Some("JWT"));
        let claims = decoded.claims;
        assert_eq!(claims["iss"], installed.oauth_id.as_str());
        assert_eq!(claims["sub"], ann.id.to_string());
        assert_eq!(claims["prn"], claims["sub"]);
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(life, 3600);
        assert_eq!(claims["context"]["room_id"], room.room.id.get());
        assert_eq!(claims["context"]["user_tz"], "Europe/Paris");
        assert_eq!(claims["context"]["group_id"], 1);
        let number = claims["jti"].as_str().unwrap().to_owned();
        assert_eq!(number.len(), 20);
        numbers.push(number);
    }
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 7, "each request has a token of its own");
}
