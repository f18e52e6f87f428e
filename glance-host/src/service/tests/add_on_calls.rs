//! Queries of glances, and downloads of images.

use glance_sdk::model::{Glance, Icon};
use reqwest::Url;
use serde_json::json;

use super::*;
use crate::content::query_answer::QueryAnswerError;
use crate::service::addon_calls::{QueryError, RequestError};
use crate::service::images::{ImageError, Images};

#[tokio::test]
async fn query_returns_data_or_the_reason() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let installed = services.install("a", room.id, &[]).await;
    let query = async |url: &str, allowed_origin: Option<&str>, body: serde_json::Value| {
        *services.add_ons.answer.lock() = TestAnswer {
            allowed_origin: allowed_origin.map(str::to_owned),
            body: body.to_string().into_bytes(),
            ..TestAnswer::default()
        };
        let icon = Icon::new("https://a.example/i.png");
        let glance = Glance::new("key", "Name", icon).query_url(url);
        let calls = &services.addon_calls;
        calls.query(&installed, &glance, &room, &ann).await.data
    };
    let data = json!({ "label": { "type": "html", "value": "<b>4</b>" } });
    let large = json!({ "label": data["label"], "metadata": { "text": "x".repeat(40_000) } });
    let url = "https://a.example/query";

    let answered = query(url, Some("*"), data.clone()).await.unwrap();
    assert_eq!(answered.value(), data);
    let requests = services.add_ons.requests.lock().len();
    let failed = query("query", Some("*"), data.clone()).await.unwrap_err();
    assert!(
        matches!(failed, QueryError::Request(RequestError::Url(_))),
        "{failed}"
    );
    let failed = query("ftp://a.example/", Some("*"), data.clone()).await;
    let failed = failed.unwrap_err();
    assert!(
        matches!(failed, QueryError::Request(RequestError::Scheme(_))),
        "{failed}"
    );
    assert_eq!(services.add_ons.requests.lock().len(), requests);
    let failed = query(url, None, data).await.unwrap_err();
    assert!(
        matches!(
            failed,
            QueryError::Answer(QueryAnswerError::NoAllowedOrigin)
        ),
        "{failed}"
    );
    let failed = query(url, Some("*"), large).await.unwrap_err();
    assert!(matches!(failed, QueryError::Data(_)), "{failed}");
}

#[tokio::test]
async fn only_successful_images_are_accepted() {
    let services = Services::new();
    let images = Images::new(services.addon_calls.clone(), services.clock.clone());
    let get = async |path: &str, status: u16, content_type: &str| {
        let status = StatusCode::from_u16(status).unwrap();
        services.add_ons.statuses.lock().push_back(status);
        *services.add_ons.answer.lock() = TestAnswer {
            content_type: Some(content_type.to_owned()),
            body: b"image".to_vec(),
            ..TestAnswer::default()
        };
        let url = Url::parse("https://a.example").unwrap().join(path).unwrap();
        images.get(&"a".into(), url).await
    };
    let image = get("1", 200, "image/PNG; x").await.unwrap();
    assert_eq!(
        (image.content_type, &*image.bytes),
        ("image/png", &b"image"[..])
    );
    let missing = get("2", 404, "image/png").await.unwrap_err();
    assert!(matches!(
        *missing,
        ImageError::Status(StatusCode::NOT_FOUND)
    ));
    let page = get("3", 200, "text/html").await.unwrap_err();
    assert!(matches!(&*page, ImageError::ContentType(found) if found == "text/html"));
}
