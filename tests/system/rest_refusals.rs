//! Tests the refusals of the REST API, which have the protocol's error format.

use glance_host::Host;
use serde_json::{Value, json};

use crate::add_on::{Pager, add_on, always};
use crate::rest::Rest;

#[tokio::test]
async fn malformed_push_has_protocol_error() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(1))).await;
    let token = Rest::of(&host, &add_on).token("").await;
    let url = format!("{}/v2/addon/ui/room/{}", host.base_url(), room.room.id);
    let many = json!({ "glance": vec![4; 101] }).to_string();
    let with = |metadata: usize| {
        let content = json!({ "label": {}, "metadata": "x".repeat(metadata - 2) });
        json!({ "glance": [{ "key": "always", "content": content }] }).to_string()
    };
    let large = with(32 * 1024 + 1);

    let post = async |body: String| {
        let request = glance_host::testing::http_client()
            .post(&url)
            .bearer_auth(&token);
        request.body(body).send().await.unwrap()
    };

    for (body, words) in [
        (&*many, "/glance: 1 to 100 glances"),
        ("", "The body is no JSON"),
        ("{", "The body is no JSON"),
        ("[]", "/glance: a list of glances is required"),
        ("{}", "/glance: a list of glances is required"),
        (
            r#"{"glance": {}}"#,
            "/glance: a list of glances is required",
        ),
        (r#"{"glance": []}"#, "/glance: 1 to 100 glances"),
        (r#"{"glance": [4]}"#, "/glance/0/key"),
        (r#"{"glance": [{"content": {}}]}"#, "/glance/0/key"),
        (r#"{"glance": [{"key": "always"}]}"#, "/glance/0/content"),
        (
            r#"{"glance": [{"key": "always", "content": "x"}]}"#,
            "/glance/0/content",
        ),
        (
            r#"{"glance": [{"key": "always", "content": {}}]}"#,
            "/glance/0/content/label",
        ),
        (
            &*large,
            "/glance/0/content/metadata: it has 32769 bytes of JSON, it must have at most 32768",
        ),
    ] {
        let answer = post(body.to_owned()).await;
        assert_eq!(answer.status().as_u16(), 400, "{body}");
        let error: Value = answer.json().await.unwrap();
        assert_eq!(error["error"]["code"], 400);
        assert_eq!(error["error"]["type"], "Bad Request");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{body}: {message}");
    }
    let mut viewer = room.viewer("member").await;
    assert_eq!(viewer.glance::<always>().await.label_text(), "1 incidents");
    let largest = post(with(32 * 1024)).await;
    assert_eq!(largest.status().as_u16(), 204);
}

#[tokio::test]
async fn malformed_runtime_glance_has_protocol_error() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(1))).await;
    let token = Rest::of(&host, &add_on).token("").await;
    let url = format!(
        "{}/v2/room/{}/extension/glance/g",
        host.base_url(),
        room.room.id
    );
    let icon = json!({"url": "https://a.example/i.png", "url@2x": "https://a.example/i.png"});

    for (body, words) in [
        (json!(null), "must be an object"),
        (
            json!({"key": "g", "icon": icon}),
            "/name: `name` is missing",
        ),
        (
            json!({"key": "g", "name": {"value": "G"}}),
            "/icon: `icon` is missing",
        ),
        (
            json!({"key": "other", "name": {"value": "G"}, "icon": icon}),
            "/key: the glance has the key other, the address g",
        ),
        (
            json!({"key": "g", "name": {"value": "G"}, "icon": icon, "queryUrl": "/g"}),
            "/queryUrl",
        ),
    ] {
        let answer = glance_host::testing::http_client()
            .put(&url)
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 400, "{body}");
        let error: Value = answer.json().await.unwrap();
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{body}: {message}");
    }
}

#[tokio::test]
async fn missing_resource_is_404_and_wrong_method_405() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(1))).await;
    let token = Rest::of(&host, &add_on).token("").await;
    for (path, status) in [
        ("nothing/here", 404),
        ("room/999/extension/glance/g", 404),
        ("room/nobody/extension/glance/g", 404),
        ("room/ops/extension/glance/g", 404),
        ("room/ops/extension/glance/always", 200),
        ("extension/glance/g", 404),
        ("addon/ui", 405),
    ] {
        let url = format!("{}/v2/{path}", host.base_url());
        let answer = glance_host::testing::http_client()
            .get(&url)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let body: Value = answer.json().await.unwrap();
        if status >= 400 {
            assert_eq!(body["error"]["code"], status, "{path}");
        }
    }
    for path in [
        "rooms/999",
        "rooms/x",
        "rooms/999/events",
        "rooms/999/integrations",
        "nothing",
        "rooms/999/nothing/at/all",
    ] {
        let answer = glance_host::testing::http_client()
            .get(format!("{}/{path}", host.base_url()))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 404, "{path}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("All rooms"), "{path}: {page}");
    }
}
