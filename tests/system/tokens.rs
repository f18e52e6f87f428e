//! Tests refused tokens.

use std::time::Duration;

use glance_host::Host;
use glance_host::storage::Effects;
use glance_sdk::auth::{SigningKey, now};
use glance_sdk::model::{Claims, Context, Scope, Secret};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::StatusCode;
use serde_json::Value;

use crate::add_on::{Pager, add_on, data, incidents};

#[tokio::test]
async fn add_on_accepts_only_requests_of_its_host() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(4))).await;
    let other = room_of_another_host().await;
    let id = installed.oauth_id().clone();
    let secret = installed.installed().oauth_secret.clone();
    let key = SigningKey::new(&secret);
    let claims = |iat, exp| {
        let mut claims = Claims::new(id.clone(), iat, exp);
        let mut context = Context::default();
        context.room_id = Some(room.room.id);
        claims.context = Some(context);
        claims
    };
    let good = claims(now(), now() + 60);
    let signed = key.sign(&good);
    let (unsigned, signature) = signed.rsplit_once('.').unwrap();
    let (header, payload) = unsigned.split_once('.').unwrap();
    let other_payload = key.sign(&claims(now(), now() + 61));
    let other_payload = other_payload.split('.').nth(1).unwrap();
    let stranger = Claims::new("stranger".into(), now(), now() + 60);
    let mut nobody = serde_json::to_value(&good).unwrap();
    nobody.as_object_mut().unwrap().remove("iss");
    let mut text = serde_json::to_value(&good).unwrap();
    text["exp"] = "2000000000".into();

    let refused = [
        ("no token", String::new()),
        ("no parts", "token".to_owned()),
        (
            "another secret",
            SigningKey::new(&Secret::from("guessed")).sign(&good),
        ),
        ("another installation's secret", other.sign(&good)),
        ("an unknown issuer", key.sign(&stranger)),
        ("expired", key.sign(&claims(now() - 7200, now() - 3600))),
        (
            "from the future",
            key.sign(&claims(now() + 3600, now() + 7200)),
        ),
        ("no issuer", hs256(&secret, &nobody)),
        ("text for a time", hs256(&secret, &text)),
        ("truncated", signed[..signed.len() - 1].to_owned()),
        ("no signature", format!("{unsigned}.")),
        ("two parts", unsigned.to_owned()),
        (
            "changed claims",
            format!("{header}.{other_payload}.{signature}"),
        ),
        // {"alg":"none"} and {"alg":"HS512"}
        ("alg none", format!("eyJhbGciOiJub25lIn0.{payload}.")),
        (
            "another algorithm",
            format!("eyJhbGciOiJIUzUxMiJ9.{payload}.{signature}"),
        ),
        ("as long as an address can be", "x".repeat(30_000)),
    ];
    for path in ["glance/incidents", "panel/list"] {
        let url = format!("{}/{path}", installed.base_url());
        let ask = async |token: &str| {
            glance_host::testing::http_client()
                .get(format!("{url}?signed_request={token}"))
                .send()
                .await
        };
        assert_eq!(ask(&signed).await.unwrap().status(), StatusCode::OK);
        let unsigned = seen(
            glance_host::testing::http_client()
                .get(&url)
                .send()
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(unsigned.0, StatusCode::UNAUTHORIZED);
        assert_eq!(unsigned.2, "not a signed request");
        for (what, token) in &refused {
            let answer = seen(ask(token).await.unwrap()).await;
            assert_eq!(
                answer, unsigned,
                "{what} at {path}: a stranger learns nothing more"
            );
        }
    }

    for scheme in ["JWT ", "jwt ", "JWT token="] {
        let answer = glance_host::testing::http_client()
            .get(format!("{}/glance/incidents", installed.base_url()))
            .header("Authorization", format!("{scheme}{signed}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{scheme}");
    }
}

/// Returns everything that a stranger sees of a response.
async fn seen(answer: reqwest::Response) -> (StatusCode, Vec<(String, String)>, String) {
    let headers = answer.headers().iter();
    let headers = headers.filter(|(name, _)| *name != "date");
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), format!("{value:?}")))
        .collect();
    headers.sort();
    (answer.status(), headers, answer.text().await.unwrap())
}

/// Signs any payload with the right key.
fn hs256(secret: &Secret, payload: &Value) -> String {
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    encode(&Header::new(Algorithm::HS256), payload, &key).unwrap()
}

async fn room_of_another_host() -> SigningKey {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(1))).await;
    SigningKey::new(&installed.installed().oauth_secret)
}

#[tokio::test]
async fn query_is_simple_cross_origin_request() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(4))).await;
    let url = format!("{}/glance/incidents", installed.base_url());
    let client = glance_host::testing::http_client();

    let refused = client
        .get(&url)
        .header("Origin", "https://chat.example")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        refused.headers()["access-control-allow-origin"],
        "*",
        "a page may read why"
    );

    let preflight = client
        .request(reqwest::Method::OPTIONS, &url)
        .header("Origin", "https://chat.example")
        .header("Access-Control-Request-Method", "GET")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::OK);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert_eq!(preflight.headers()["access-control-allow-methods"], "GET");
}

#[tokio::test]
async fn host_accepts_only_its_own_valid_tokens() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(4))).await;
    let secret = installed.installed().oauth_secret.expose().to_owned();
    let id = installed.oauth_id().as_str().to_owned();
    let token_url = format!("{}/v2/oauth/token", host.base_url());
    let client = glance_host::testing::http_client();
    let ask = |secret: &str, form: &[(&str, &str)]| {
        client
            .post(&token_url)
            .basic_auth(&id, Some(secret))
            .form(form)
            .send()
    };

    let answer = ask(
        &secret,
        &[
            ("grant_type", "client_credentials"),
            ("scope", "view_group"),
        ],
    )
    .await
    .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["scope"], "view_group");
    assert_eq!(answer["token_type"], "bearer");
    let token = answer["access_token"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), 40);

    for (secret, form, status) in [
        (
            "wrong",
            [("grant_type", "client_credentials")],
            StatusCode::UNAUTHORIZED,
        ),
        (
            &secret,
            [("grant_type", "password")],
            StatusCode::BAD_REQUEST,
        ),
        (&secret, [("scope", "view_room")], StatusCode::BAD_REQUEST),
    ] {
        let answer = ask(secret, &form).await.unwrap();
        assert_eq!(answer.status(), status);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], status.as_u16());
    }
    let more = ask(
        &secret,
        &[
            ("grant_type", "client_credentials"),
            ("scope", "admin_group"),
        ],
    )
    .await;
    assert_eq!(
        more.unwrap().status(),
        StatusCode::BAD_REQUEST,
        "not declared in the descriptor"
    );

    let push = serde_json::json!({"glance": [{"key": "incidents", "content": data(1)}]});
    let ui = format!("{}/v2/addon/ui", host.base_url());
    for (what, request, status) in [
        (
            "bearer",
            client.post(&ui).bearer_auth(&token),
            StatusCode::NO_CONTENT,
        ),
        (
            "query",
            client.post(format!("{ui}?auth_token={token}")),
            StatusCode::NO_CONTENT,
        ),
        ("none", client.post(&ui), StatusCode::UNAUTHORIZED),
        (
            "guessed",
            client.post(&ui).bearer_auth("guessed"),
            StatusCode::UNAUTHORIZED,
        ),
        (
            "the secret",
            client.post(&ui).bearer_auth(&secret),
            StatusCode::UNAUTHORIZED,
        ),
    ] {
        let answer = request.json(&push).send().await.unwrap();
        assert_eq!(answer.status(), status, "{what}");
        if status == StatusCode::UNAUTHORIZED {
            let body: Value = answer.json().await.unwrap();
            assert_eq!(
                body,
                serde_json::json!({"error": {"code": 401, "message": "Invalid OAuth session", "type": "Unauthorized"}})
            );
        }
    }
}

#[tokio::test]
async fn expired_token_is_refused_and_renewed() {
    let host = Host::builder()
        .port(0)
        .token_life(Duration::ZERO)
        .start()
        .await
        .unwrap();
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(4))).await;
    let push = installed
        .client()
        .await
        .room(room.room.id)
        .push::<incidents>(data(1))
        .await;
    assert_eq!(
        push.unwrap_err().kind(),
        glance_sdk::ErrorKind::Unauthorized
    );
}

#[tokio::test]
async fn installation_cannot_be_taken_over() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(4))).await;
    let takeover = serde_json::json!({
        "oauthId": installed.oauth_id(),
        "oauthSecret": "another",
        "capabilitiesUrl": format!("{}/v2/capabilities", host.base_url()),
        "groupId": 1,
    });
    let callback = format!("{}/installed", installed.base_url());
    let answer = glance_host::testing::http_client()
        .post(&callback)
        .json(&takeover)
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.status(),
        StatusCode::FORBIDDEN,
        "the host gives no token for it"
    );
    assert_eq!(
        room.viewer("member")
            .await
            .glance::<incidents>()
            .await
            .label_text(),
        "4 incidents"
    );
}

#[tokio::test]
async fn forgotten_add_on_stops_calls_until_new_installation() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(4))).await;
    let id = installed.oauth_id().clone();
    let push = async || {
        let client = installed.client().await;
        client.room(room.room.id).push::<incidents>(data(1)).await
    };
    push().await.unwrap();

    // The host loses it without notifying the add-on.
    assert!(host.state().remove_installation(&id).await.unwrap());
    for _ in 0..2 {
        let refused = push().await.unwrap_err();
        assert_eq!(refused.kind(), glance_sdk::ErrorKind::Unauthorized);
        assert_eq!(installed.installations().gone(), std::slice::from_ref(&id));
    }
    let kept = installed.installations().get(&id).await.unwrap();
    assert!(kept.is_some(), "nothing is deleted for one refusal");

    let known = installed.installed();
    assert!(host.state().begin_installation(known, now()).await.unwrap());
    host.state()
        .finish_installation(&id, Effects::none())
        .await
        .unwrap();
    assert!(push().await.is_err(), "the host is not asked again at once");
    let descriptor = format!("{}/", installed.base_url());
    host.update(known, &descriptor).await.unwrap();
    push().await.unwrap();
    assert!(installed.installations().gone().is_empty());
}

#[tokio::test]
async fn client_may_have_fewer_scopes_than_descriptor() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(4))).await;
    let client = installed.client().await;
    let notification = glance_sdk::model::Notification::text("x");
    let viewer = client.with_scopes([Scope::ViewRoom]);
    let refused = viewer.room(room.room.id).notify(&notification).await;
    assert_eq!(refused.unwrap_err().kind(), glance_sdk::ErrorKind::Refused);
    let writer = client.with_scopes([Scope::SendNotification, Scope::ViewRoom]);
    writer
        .room(room.room.id)
        .notify(&notification)
        .await
        .unwrap();
    client
        .room(room.room.id)
        .notify(&notification)
        .await
        .unwrap();

    let more = client.with_scopes([Scope::AdminGroup]);
    let refused = more
        .room(room.room.id)
        .notify(&notification)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("admin_group"), "{refused}");
    assert!(!client.is_gone());
}
