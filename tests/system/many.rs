//! Tests a host with many rooms and people: pages and messages contain a limited number of them.

use glance_host::Host;
use glance_host::model::Content;
use reqwest::StatusCode;

#[tokio::test]
async fn room_page_lists_some_rooms_and_its_own() {
    let host = Host::start().await;
    let last = {
        for n in 1..=60 {
            host.room(&format!("room {n}")).await;
        }
        host.room("room 60").await
    };
    let page = glance_host::testing::http_client()
        .get(host.room_url(&last.room))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    let (_, rooms) = page.split_once("<nav id=\"rooms\"").unwrap();
    let nav = rooms.split("</nav>").next().unwrap();
    assert_eq!(nav.matches("href=\"/rooms/").count(), 51);
    assert!(nav.contains(">room 50<") && !nav.contains(">room 51<"));
    assert!(nav.contains("aria-current=\"page\">room 60<"), "{nav}");
    assert!(nav.contains("<a href=\"/\">More…</a>"), "{nav}");
    let all = glance_host::testing::http_client()
        .get(host.base_url())
        .send()
        .await
        .unwrap();
    assert!(all.text().await.unwrap().contains(">room 51<"));

    let few = Host::start().await;
    let room = few.room("ops").await;
    let page = glance_host::testing::http_client()
        .get(few.room_url(&room.room))
        .send()
        .await
        .unwrap();
    assert!(!page.text().await.unwrap().contains("More…"));
}

#[tokio::test]
async fn message_mentions_at_most_a_hundred_people() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let mut text = String::new();
    for n in 0..150 {
        host.user(&format!("u{n}"), |_| {}).await;
        text += &format!("@u{n} @U{n} ");
    }
    let Content::Message(said) = room.says("Ann", &text).await.content else {
        panic!("no message");
    };
    assert_eq!(said.mentions.len(), 100);
    let Content::Message(said) = room.says("Ann", "@nobody @u149").await.content else {
        panic!("no message");
    };
    assert_eq!(said.mentions.len(), 1);
}
