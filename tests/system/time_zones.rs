//! Tests the time zones of people in signed requests.

use glance_sdk::model::{Scope, UserDetails};
use glance_sdk::prelude::*;
use reqwest::header::ORIGIN;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::browser::Browser;
use crate::rest::{self, Rest};
use crate::sign_in::by_name;

/// Shows the viewer's time zone.
#[glance(key = "zone", name = "Zone", icon = "/i.svg")]
async fn zone(request: SignedRequest) -> GlanceData {
    let zone = request.time_zone().unwrap_or("nowhere");
    GlanceData::new(label!("It is {zone}."))
}

#[tokio::test]
async fn signed_request_contains_time_zone_of_browser() {
    let host = by_name().start().await.unwrap();
    let ann = Browser::signed_in(&host, "Ann").await;
    Browser::signed_in(&host, "Bo").await;
    let room = host.room("ops").await;
    let add_on = AddOn::new("com.example.zone", "Zone").scopes([Scope::ViewGroup]);
    let add_on = room.install(add_on.glance::<zone>()).await;
    let rest = Rest::of(&host, &add_on);
    let token = rest.token("view_group").await;
    let known = async |name: &str| {
        let user_request = rest.call(&token, Method::GET, &format!("user/@{name}"));
        let (_, answer) = rest::json(user_request).await;
        let user: UserDetails = serde_json::from_value(answer).unwrap();
        user.timezone.unwrap()
    };
    let longest = "Z".repeat(64);
    let too_long = "Z".repeat(65);
    for (said, expected) in [
        (None, "UTC"),
        (Some("Asia/Tokyo"), "Asia/Tokyo"),
        (Some("Etc/GMT+12"), "Etc/GMT+12"),
        (Some("America/Port-au-Prince"), "America/Port-au-Prince"),
        (Some("America/New_York"), "America/New_York"),
        (None, "America/New_York"),
        (Some(""), "America/New_York"),
        (Some("Asia Tokyo"), "America/New_York"),
        (Some("<b>Tokyo</b>"), "America/New_York"),
        (Some("Tōkyō"), "America/New_York"),
        (Some(&too_long), "America/New_York"),
        (Some(&longest), &longest),
    ] {
        let events = format!("/rooms/{}/events", room.room.id);
        let mut events = ann.request(Method::GET, &events);
        if let Some(said) = said {
            events = events.header("Time-Zone", said.as_bytes());
        }
        let before = known("Ann").await;
        let mut events = events.send().await.unwrap();
        let mut stream = String::new();
        while !stream.contains("It is ") {
            let chunk = events.chunk().await.unwrap().unwrap();
            stream.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        let shown = format!("It is {expected}.");
        assert!(stream.contains(&shown), "{said:?}: {stream}");
        assert_eq!(known("Ann").await, before, "a GET changes nothing");
        let page = stream.split("\"page\":\"").nth(1).unwrap();
        let page = page.split('"').next().unwrap();
        let follow = format!("/rooms/{}/pages/{page}/frames", room.room.id);
        let mut follow = ann
            .request(Method::POST, &follow)
            .header(ORIGIN, host.base_url());
        if let Some(said) = said {
            follow = follow.header("Time-Zone", said.as_bytes());
        }
        let follow = follow.json(&json!({ "addOns": [] })).send().await.unwrap();
        assert_eq!(follow.status(), StatusCode::NO_CONTENT);
        assert_eq!(known("Ann").await, expected, "{said:?}");
        assert_eq!(known("Bo").await, "UTC");
    }
}
