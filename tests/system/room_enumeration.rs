//! Tests that a forbidden room and a missing room get the same response.

use glance_host::sign_in::SignIn;
use glance_host::{Embed, Host};
use glance_sdk::AddOn;
use glance_sdk::model::Scope;
use reqwest::header::{ACCEPT, CONTENT_TYPE, ORIGIN};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::browser::Browser;
use crate::rest::Rest;
use crate::routes;

/// Existing rooms, and missing ones with names of the same length.
const THERE: [&str; 2] = ["2", "far"];
const NOT_THERE: [&str; 2] = ["9", "fax"];

const METHODS: [Method; 4] = [Method::GET, Method::POST, Method::PUT, Method::DELETE];

/// Returns the visible parts of a response. Its time and the rate limit always differ, and the
/// client knows the room's name.
async fn seen(request: RequestBuilder, room: &str) -> (u16, Vec<(String, String)>, String) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let mut headers: Vec<_> = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .filter(|(name, _)| name != "date" && !name.starts_with("x-ratelimit-re"))
        .collect();
    headers.sort();
    let body = answer.text().await.unwrap();
    (status, headers, without(&body, room))
}

/// Removes a word from a text: `2` is removed, and `12` stays.
fn without(text: &str, word: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric();
    let words = text.split_inclusive(|c: char| !is_part(c));
    words
        .map(|part| match part.strip_prefix(word) {
            Some(rest) if !rest.chars().any(is_part) => format!("ROOM{rest}"),
            _ => part.to_owned(),
        })
        .collect()
}

async fn host() -> Host {
    let host = Host::builder()
        .port(0)
        .rate_limit(u32::MAX)
        .sign_in(SignIn::Name)
        .embed(Embed::on(["https://wiki.example.com"]).unwrap());
    let host = host.start().await.unwrap();
    host.user("Ann", |user| user.is_admin = true).await;
    host.room("ops").await;
    let far = host.room("far").await;
    host.change_room(&far.room, |room| room.is_public = false)
        .await
        .unwrap();
    host
}

#[tokio::test]
async fn room_installation_learns_of_no_other_room() {
    let host = host().await;
    let scopes = [
        Scope::AdminRoom,
        Scope::ManageRooms,
        Scope::SendMessage,
        Scope::SendNotification,
        Scope::ViewGroup,
        Scope::ViewMessages,
        Scope::ViewRoom,
        Scope::ViewerToken,
    ];
    let add_on = AddOn::new("com.example.here", "Here").scopes(scopes);
    let rest = Rest::of(&host, &host.room("ops").await.install(add_on).await);
    let token = rest.token("").await;
    let client = glance_host::testing::http_client();
    let routes = routes::all().into_iter();
    let routes: Vec<_> = routes
        .filter(|route| route.0.starts_with("/v2") && route.0.contains("{room}"))
        .collect();
    assert!(routes.len() > 15, "{}", routes.len());
    let body =
        json!({"name": "x", "topic": "x", "message": "x", "parentMessageId": "x", "key": "x"});
    for route in &routes {
        for method in METHODS {
            let call = |room: &str| {
                let url = format!(
                    "{}{}",
                    host.base_url(),
                    route.with(&[("room", room), ("user", "1")])
                );
                client
                    .request(method.clone(), url)
                    .bearer_auth(&token)
                    .json(&body)
            };
            for (there, not_there) in THERE.into_iter().zip(NOT_THERE) {
                let found = seen(call(there), there).await;
                assert_eq!(
                    found,
                    seen(call(not_there), not_there).await,
                    "{method} {route:?}"
                );
                assert!(found.0 >= 400, "{method} {route:?}: {found:?}");
            }
        }
    }
    let viewer_token = |room: &str| {
        let url = format!("{}/v2/viewer-token", host.base_url());
        client
            .post(url)
            .bearer_auth(&token)
            .json(&json!({ "room_id": room }))
    };
    for (there, not_there) in THERE.into_iter().zip(NOT_THERE) {
        let found = seen(viewer_token(there), there).await;
        assert_eq!(found.0, 404);
        assert_eq!(found, seen(viewer_token(not_there), not_there).await);
    }
}

#[tokio::test]
async fn people_and_sites_learn_of_no_forbidden_room() {
    let host = host().await;
    let bo = Browser::signed_in(&host, "Bo").await;
    for route in routes::all() {
        if route.0.starts_with("/v2") || !route.0.contains("{room}") {
            continue;
        }
        for method in METHODS {
            for (kind, body) in [
                (
                    "application/json",
                    r#"{"room":"far","addOn":"x","key":"x","text":"x","addOns":[]}"#,
                ),
                (
                    "application/x-www-form-urlencoded",
                    "name=x&user=1&archived=true",
                ),
            ] {
                let call = |room: &str| {
                    bo.request(method.clone(), &route.with(&[("room", room)]))
                        .header(ORIGIN, host.base_url())
                        .header(ACCEPT, "text/html")
                        .header(CONTENT_TYPE, kind)
                        .body(body)
                };
                let found = seen(call("2"), "2").await;
                assert_eq!(
                    found,
                    seen(call("9"), "9").await,
                    "{method} {route:?} {kind}"
                );
            }
        }
    }
}
