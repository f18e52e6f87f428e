//! Tests the token requests of clients of all ages.

use glance_host::Host;
use glance_sdk::AddOn;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::rest::{self, Rest};

#[tokio::test]
async fn each_form_of_token_request_is_supported() {
    let host = Host::start().await;
    let rest = Rest::in_room(&host, "ops").await;
    let all = "send_notification view_group view_room";
    let form = "application/x-www-form-urlencoded";
    for (content_type, body, query, scope) in [
        // Separated by %20 or by +, in any order, down to one, or omitted.
        (
            form,
            "grant_type=client_credentials&scope=send_notification%20view_room",
            "",
            "send_notification view_room",
        ),
        (
            form,
            "grant_type=client_credentials&scope=view_room+send_notification",
            "",
            "view_room send_notification",
        ),
        (
            form,
            "grant_type=client_credentials&scope=view_room%2Bview_group",
            "",
            "view_room view_group",
        ),
        (form, "grant_type=client_credentials", "", all),
        (form, "grant_type=client_credentials&scope=", "", all),
        (
            "application/x-www-form-urlencoded; charset=UTF-8",
            "scope=view_group&grant_type=client_credentials",
            "",
            "view_group",
        ),
        (
            "application/json",
            r#"{"grant_type": "client_credentials", "scope": "send_notification"}"#,
            "",
            "send_notification",
        ),
        (
            "application/json; charset=utf-8",
            r#"{"grant_type": "client_credentials", "scope": null}"#,
            "",
            all,
        ),
        (
            "",
            "",
            "?grant_type=client_credentials&scope=view_room+view_group",
            "view_room view_group",
        ),
        (form, "", "?grant_type=client_credentials", all),
        (
            "application/json",
            "",
            "?grant_type=client_credentials",
            all,
        ),
    ] {
        let what = format!("{content_type} {body} {query}");
        let mut request = rest.ask_token(query).body(body);
        if !content_type.is_empty() {
            request = request.header("Content-Type", content_type);
        }
        let (status, answer) = rest::json(request).await;
        assert_eq!(status, StatusCode::OK, "{what}: {answer}");
        assert_eq!(answer["scope"], scope, "{what}");
        assert_eq!(answer["token_type"], "bearer");
        assert_eq!(answer["expires_in"], 28_800);
        assert!(answer["group_id"].is_u64(), "{answer}");
        assert!(answer["group_name"].is_string(), "{answer}");
        let token = answer["access_token"].as_str().unwrap();
        assert_eq!(token.len(), 40);
        let shown = rest.client.get(rest.at(&format!("oauth/token/{token}")));
        let (_, shown) = rest::json(shown.bearer_auth(token)).await;
        assert_eq!(shown["scope"], scope, "{what}");
    }
}

#[tokio::test]
async fn malformed_request_is_not_a_wrong_secret() {
    let host = Host::start().await;
    let rest = Rest::in_room(&host, "ops").await;
    let with = |body: Value| rest.ask_token("").json(&body);
    for (what, request, words) in [
        (
            "a scope that does not exist",
            with(json!({"grant_type": "client_credentials", "scope": "fly"})),
            "invalid_scope: The scope fly",
        ),
        (
            "a scope of others",
            with(json!({"grant_type": "client_credentials", "scope": "view_room admin_room"})),
            "invalid_scope: The scope admin_room",
        ),
        (
            "another grant",
            with(json!({"grant_type": "password"})),
            "unsupported_grant_type",
        ),
        ("no grant", with(json!({})), "invalid_request"),
        ("nothing", rest.ask_token(""), "invalid_request"),
        ("a list", with(json!([])), "no JSON object"),
        (
            "broken JSON",
            rest.ask_token("")
                .header("Content-Type", "application/json")
                .body("{"),
            "no JSON object",
        ),
        (
            "a body of no type",
            rest.ask_token("").body("grant_type=client_credentials"),
            "Invalid content type: None",
        ),
        (
            "XML",
            rest.ask_token("")
                .header("Content-Type", "text/xml")
                .body("<a/>"),
            "Invalid content type: text/xml",
        ),
    ] {
        refused(what, request, StatusCode::BAD_REQUEST, words).await;
    }
    let body = [("grant_type", "client_credentials")];
    let url = rest.at("oauth/token");
    for (what, request) in [
        ("no credentials", rest.client.post(&url)),
        (
            "another secret",
            rest.client.post(&url).basic_auth(&rest.id, Some("guessed")),
        ),
        (
            "another id",
            rest.client.post(&url).basic_auth("a", Some(&rest.secret)),
        ),
        ("a token", rest.client.post(&url).bearer_auth(&rest.secret)),
    ] {
        let request = request.form(&body);
        refused(what, request, StatusCode::UNAUTHORIZED, "Invalid OAuth").await;
    }
}

async fn refused(what: &str, request: RequestBuilder, expected: StatusCode, words: &str) {
    let (status, answer) = rest::json(request).await;
    assert_eq!(status, expected, "{what}: {answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains(words), "{what}: {message}");
    assert_eq!(answer["error"]["code"], expected.as_u16());
    assert_eq!(
        answer["error"]["type"],
        expected.canonical_reason().unwrap()
    );
}

#[tokio::test]
async fn token_lists_scopes_and_can_be_revoked() {
    let host = Host::start().await;
    let rest = Rest::in_room(&host, "ops").await;
    let everywhere = host
        .install_everywhere(AddOn::new("com.example.all", "All"))
        .await;
    let everywhere = Rest::of(&host, &everywhere);
    let token = rest.token("view_room").await;
    let other = everywhere.token("view_room view_group").await;
    let at = |token: &str| rest.at(&format!("oauth/token/{token}"));

    let shown = rest.client.get(at(&token)).bearer_auth(&token);
    let (status, shown) = rest::json(shown).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(shown["access_token"], token);
    assert_eq!(shown["client"]["id"], rest.id);
    assert_eq!(shown["client"]["allowed_scopes"], json!(["view_room"]));
    assert_eq!(shown["client"]["room"]["name"], "ops");
    assert!((1..=28_800).contains(&shown["expires_in"].as_i64().unwrap()));
    // The request of clients that use no header.
    let url = format!("{}?auth_token={other}", at(&other));
    let (_, shown) = rest::json(rest.client.get(url)).await;
    assert_eq!(shown["scopes"], json!(["view_room", "view_group"]));
    assert_eq!(shown["client"]["room"], Value::Null);

    // The token of another installation is unknown.
    for request in [
        rest.client.get(at(&other)).bearer_auth(&token),
        rest.client.delete(at(&other)).bearer_auth(&token),
        rest.client.get(at("guessed")).bearer_auth(&token),
    ] {
        refused("foreign", request, StatusCode::NOT_FOUND, "Token not found").await;
    }
    let unknown = rest.client.get(at(&token));
    refused("no token", unknown, StatusCode::UNAUTHORIZED, "Invalid").await;

    let kept = rest.token("view_room").await;
    let ended = rest.client.delete(at(&token)).bearer_auth(&token);
    assert_eq!(rest::status(ended).await, StatusCode::NO_CONTENT);
    let gone = rest.client.get(at(&token)).bearer_auth(&token);
    refused("ended", gone, StatusCode::UNAUTHORIZED, "Invalid").await;
    let gone = rest.client.get(at(&token)).bearer_auth(&kept);
    refused("ended", gone, StatusCode::NOT_FOUND, "Token not found").await;
}
