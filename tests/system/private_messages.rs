//! What an add-on writes to one person.

use glance_host::{Clock, Host};
use glance_sdk::AddOn;
use glance_sdk::model::{MessageFormat, Scope};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rest::{self, Rest};

#[tokio::test]
async fn a_person_gets_what_is_written_to_them_and_nobody_else_does() {
    let clock = Clock::standing_at(1_700_000_000);
    let host = Host::builder().port(0).message_limit(3).clock(clock);
    let host = host.start().await.unwrap();
    let room = host.room("ops").await;
    let ann = host
        .user("ann", |user| {
            user.email = Some("ann@example.com".to_owned())
        })
        .await;
    host.user("bob", |_| {}).await;
    let scopes = [Scope::SendMessage, Scope::SendNotification];
    let add_on = AddOn::new("com.example.writer", "Writer").scopes(scopes);
    let add_on = room.install(add_on).await;
    let rest = Rest::of(&host, &add_on);
    let token = rest.token("send_message").await;
    let other = rest.token("send_notification").await;
    let write = async |token: &str, to: &str, body: Value| {
        let path = format!("user/{to}/message");
        rest::status(rest.call(token, Method::POST, &path).json(&body)).await
    };
    let hi = json!({ "message": "hi", "notify": "true" });
    let html = json!({ "message": "<b>hi</b>", "message_format": "html" });
    assert_eq!(
        write(&token, "@ann", hi.clone()).await,
        StatusCode::NO_CONTENT
    );
    let id = ann.id.to_string();
    assert_eq!(write(&token, &id, html).await, StatusCode::NO_CONTENT);
    for (token, to, body, expected) in [
        (&token, "ann@example.com", json!({ "message": "" }), 400),
        (&token, "ann@example.com", json!(7), 400),
        (&token, "nobody", hi.clone(), 404),
        (&other, "@ann", hi.clone(), 403),
        (&token, "ann@example.com", hi.clone(), 204),
        (&token, "@ann", hi.clone(), 429),
        (&token, "@bob", hi.clone(), 204),
    ] {
        assert_eq!(write(token, to, body).await.as_u16(), expected, "{to}");
    }

    let written = host.private_messages("ann").await;
    let texts: Vec<_> = written.iter().map(|one| &*one.text).collect();
    assert_eq!(texts, ["hi", "<b>hi</b>", "hi"]);
    assert_eq!(
        (&written[0].format, written[0].notify),
        (&MessageFormat::Text, true)
    );
    assert_eq!(
        (&written[1].format, written[1].notify),
        (&MessageFormat::Html, false)
    );
    assert_eq!(
        (&*written[0].sender_name, &written[0].from),
        ("Writer", add_on.oauth_id())
    );
    assert_eq!(host.private_messages("bob").await.len(), 1);
    assert!(room.timeline().await.is_empty());
}
