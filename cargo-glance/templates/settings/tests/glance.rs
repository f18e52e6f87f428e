//! Tests the panel like the page's script, and the glance in a room.

use std::path::Path;

use glance_host::Host;
use reqwest::{Client, StatusCode};
use {{ crate }}::{Notes, add_on, {{ glance }}};

/// Returns the attribute value after this text in a page.
fn attribute<'a>(page: &'a str, behind: &str) -> &'a str {
    let (_, rest) = page.split_once(behind).expect("not in the page");
    rest.split_once('"').expect("no end of the value").0
}

#[tokio::test]
async fn note_is_saved_and_shown() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let notes = Notes::open(Path::new(":memory:")).unwrap();
    let installed = room.install(add_on(notes)).await;
    let mut viewer = room.viewer("member").await;
    assert!(viewer.settled().await.lines.is_empty());

    // The add-on runs on this machine, so the request needs no proxy.
    let http = Client::builder().no_proxy().build().unwrap();
    let panel = host
        .panel_url(&room.room, installed.installed(), "{{ name }}-panel")
        .await
        .unwrap();
    let page = http.get(&panel).send().await.unwrap().text().await.unwrap();
    let token = attribute(&page, r#"name="token" content=""#);
    let save = |token: &str, text: &str| {
        http.post(format!("{}/note", installed.base_url()))
            .header("x-acpt", token)
            .form(&[("text", text)])
            .send()
    };

    let saved = save(token, "Code freeze <today>").await.unwrap();
    assert_eq!(saved.status(), StatusCode::NO_CONTENT);
    let line = viewer.glance::<{{ glance }}>().await;
    assert_eq!(line.label_text(), "Code freeze <today>");
    let page = http.get(&panel).send().await.unwrap().text().await.unwrap();
    assert_eq!(attribute(&page, r#" value=""#), "Code freeze &lt;today&gt;");

    let too_long = save(token, &"x".repeat(201)).await.unwrap();
    assert_eq!(too_long.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let stranger = save("not a token", "mine").await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);

    let removed = save(token, "").await.unwrap();
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}
