//! Tests the private messages of add-ons.

use glance_host::model::{MAX_PRIVATE_MESSAGES, PrivateMessage};
use glance_host::sign_in::SignIn;
use glance_host::{Clock, Host};
use glance_sdk::AddOn;
use glance_sdk::model::{MessageFormat, Scope};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::rest::{self, Rest};

#[tokio::test]
async fn private_message_reaches_only_its_person() {
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

#[tokio::test]
async fn people_read_only_their_own_messages() {
    let host = Host::builder().port(0).sign_in(SignIn::Name);
    let host = host.start().await.unwrap();
    let state = host.state();
    let mut ann = Browser::signed_in(&host, "Ann").await;
    let bo = Browser::signed_in(&host, "Bo").await;
    assert_eq!(
        Browser::of(&host).status("/messages").await,
        StatusCode::SEE_OTHER
    );
    let room = host.room("ops").await;
    let add_on = AddOn::new("com.example.writer", "Writer & Sons").scopes([Scope::SendMessage]);
    let add_on = room.install(add_on).await;
    let rest = Rest::of(&host, &add_on);
    let token = rest.token("").await;
    let write = async |to: &str, message: &str, format: &str| {
        let body = json!({ "message": message, "message_format": format });
        let path = format!("user/{to}/message");
        rest::status(rest.call(&token, Method::POST, &path).json(&body)).await
    };
    let html = "<b>Build 8</b><script>alert(1)</script><img src='http://a.example/x.png'>";
    assert_eq!(write("@Bo", "<i>one</i> & two", "text").await, 204);
    assert_eq!(write("@Bo", html, "html").await, 204);
    assert_eq!(write("@Ann", "for Ann", "text").await, 204);

    let link = |unread: &str| format!("<span class=\"count\">{unread}<span");
    let rooms = bo.text("/").await;
    assert!(rooms.contains("href=\"/messages\""), "{rooms}");
    assert!(rooms.contains(&link("2")), "{rooms}");
    let page = bo.text("/messages").await;
    let at = |words: &str| {
        page.find(words)
            .unwrap_or_else(|| panic!("{words}: {page}"))
    };
    assert!(at("Build 8") < at("&lt;i&gt;one&lt;&#x2f;i&gt; &amp; two"));
    assert!(at("Writer &amp; Sons") < at(" data-html=\"&lt;b&gt;Build 8&lt;"));
    assert_eq!(page.matches("<time datetime=\"20").count(), 2);
    assert_eq!(page.matches(">new<").count(), 2);
    for absent in ["alert(1)", "a.example", "for Ann", "<i>one"] {
        assert!(!page.contains(absent), "{absent}: {page}");
    }

    // Displayed messages are read, and later ones are new.
    assert!(!bo.text("/").await.contains("class=\"count\""));
    assert!(!bo.text("/messages").await.contains(">new<"));
    assert!(ann.text("/").await.contains(&link("1")));
    assert_eq!(write("@Bo", "three", "text").await, 204);
    assert!(
        bo.text(&format!("/rooms/{}", room.room.id))
            .await
            .contains(&link("1"))
    );
    assert_eq!(bo.text("/messages").await.matches(">new<").count(), 1);

    // Removing the person removes the messages, and nobody can write to a removed person.
    let user = state.find_user("Bo").await.unwrap().unwrap();
    let removal = format!("/people/{}/removed", user.id);
    ann.submits(&removal, &[("removed", "true")]).await;
    assert_eq!(write(&user.id.to_string(), "four", "text").await, 404);
    ann.submits(&removal, &[("removed", "false")]).await;
    assert_eq!(host.private_messages("Bo").await, []);
    assert_eq!(host.private_messages("Ann").await.len(), 1);
}

#[tokio::test]
async fn newest_private_messages_stay() {
    let host = Host::start().await;
    let state = host.state();
    let room = host.room("ops").await;
    let add_on = room
        .install(AddOn::new("com.example.writer", "Writer"))
        .await;
    let installed = state.installation(add_on.oauth_id()).await.unwrap();
    let installed = installed.unwrap();
    let (ann, bo) = (
        host.user("Ann", |_| {}).await,
        host.user("Bo", |_| {}).await,
    );
    let write = async |to, text: String| {
        let private = PrivateMessage::new(to, &installed, text, MessageFormat::Text, false);
        state.put_private_message(&private).await.unwrap();
    };
    write(bo.id, "to Bo".to_owned()).await;
    for n in 0..MAX_PRIVATE_MESSAGES + 2 {
        write(ann.id, format!("message {n}")).await;
    }
    let kept = state.private_messages(ann.id, u32::MAX).await.unwrap();
    assert_eq!(kept.len(), MAX_PRIVATE_MESSAGES as usize);
    assert_eq!(
        (&*kept[0].text, &*kept[999].text),
        ("message 2", "message 1001")
    );
    let newest = state.private_messages(ann.id, 2).await.unwrap();
    assert_eq!(newest, kept[998..]);
    assert_eq!(state.count_unread(ann.id).await.unwrap(), 1_000);

    // A message of another person marks nothing as read.
    state.mark_read(bo.id, &kept[0].id).await.unwrap();
    assert_eq!(state.count_unread(bo.id).await.unwrap(), 1);
    state.mark_read(ann.id, &kept[989].id).await.unwrap();
    assert_eq!(state.count_unread(ann.id).await.unwrap(), 10);
    assert_eq!(host.private_messages("Bo").await.len(), 1);
}
