//! Tests the timeline of the room page, with the requests and events of its script.

use glance_host::Host;
use glance_host::model::{Content, Room, Sender};
use glance_host::testing::TestRoom;
use glance_sdk::model::notification::Attribute;
use glance_sdk::model::webhook::{WebhookItem, WebhookPayload};
use glance_sdk::model::{Card, CardStyle, Color, Notification, Scope};
use glance_sdk::prelude::*;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::peer::Peer;

fn address(host: &Host, room: &TestRoom) -> String {
    format!("{}/timeline", host.room_url(&room.room))
}

async fn read(host: &Host, room: &TestRoom, query: &str) -> Value {
    let answer = glance_host::testing::http_client()
        .get(format!("{}?{query}", address(host, room)))
        .send()
        .await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

async fn say(host: &Host, room: &TestRoom, text: &str) -> Response {
    send(host, room, json!({ "text": text })).await
}

async fn send(host: &Host, room: &TestRoom, message: Value) -> Response {
    let request = glance_host::testing::http_client().post(address(host, room));
    request.json(&message).send().await.unwrap()
}

fn texts(page: &Value) -> Vec<&str> {
    let entries = page["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["text"].as_str().unwrap())
        .collect()
}

/// A page's event stream.
pub(crate) struct Events {
    stream: Response,
    read: Vec<u8>,
    last_id: String,
}

impl Events {
    pub(crate) async fn connect(host: &Host, room: &TestRoom) -> Self {
        let url = format!("{}/events", host.room_url(&room.room));
        Self::read(glance_host::testing::http_client().get(url)).await
    }

    /// Connects as a page does that connected before.
    async fn reconnect(host: &Host, room: &TestRoom, last_id: &str) -> Self {
        let url = format!("{}/events", host.room_url(&room.room));
        let request = glance_host::testing::http_client().get(url);
        Self::read(request.header("Last-Event-ID", last_id)).await
    }

    async fn read(request: RequestBuilder) -> Self {
        let mut events = Self {
            stream: request.send().await.unwrap(),
            read: Vec::new(),
            last_id: String::new(),
        };
        events.next("sidebar").await;
        events
    }

    /// Returns the data of the next event with this name.
    pub(crate) async fn next(&mut self, name: &str) -> Value {
        loop {
            let (found, data) = self.event().await;
            if found == name {
                return data;
            }
        }
    }

    /// Returns the name and the data of the next event.
    async fn event(&mut self) -> (String, Value) {
        loop {
            // A chunk may end within a character.
            let end = self.read.windows(2).position(|pair| pair == b"\n\n");
            let Some(end) = end else {
                let bytes = self.stream.chunk().await.unwrap().unwrap();
                self.read.extend(bytes);
                continue;
            };
            let event: Vec<_> = self.read.drain(..end + 2).collect();
            let (mut name, mut data) = (None, None);
            for line in str::from_utf8(&event).unwrap().lines() {
                match line.split_once(": ") {
                    Some(("event", value)) => name = Some(value.to_owned()),
                    Some(("data", value)) => data = Some(serde_json::from_str(value).unwrap()),
                    Some(("id", value)) => value.clone_into(&mut self.last_id),
                    _ => {}
                }
            }
            if let (Some(name), Some(data)) = (name, data) {
                return (name, data);
            }
        }
    }

    /// Checks that the page gets entries with exactly these texts, and reads no timeline.
    async fn gets(&mut self, texts: impl IntoIterator<Item = String>) {
        for text in texts {
            let entry = loop {
                match self.event().await {
                    (name, entry) if name == "entry" => break entry,
                    (name, _) => assert_ne!(name, "missed", "before {text}"),
                }
            };
            assert_eq!(entry["text"], *text);
        }
    }
}

#[tokio::test]
async fn message_reaches_pages_history_and_webhooks() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let bo = host.user("Bo Sample", |_| {}).await;
    let hook = json!({ "event": "room_message", "url": "heard", "pattern": "^deploy" });
    let peer = Peer::serve("com.example.hears", json!([hook])).await;
    room.install_url(&peer.url).await.unwrap();
    let mut events = Events::connect(&host, &room).await;

    let text = "deploy now,\n@BoSample <b>";
    let said = say(&host, &room, text).await;
    assert_eq!(said.status(), StatusCode::CREATED);
    let said: Value = said.json().await.unwrap();
    assert_eq!(said["kind"], "message");
    assert_eq!(said["text"], text);
    assert_eq!(said["mentions"], json!(["BoSample"]));
    assert_eq!(said["sender"]["name"], "You");
    assert_eq!(said["sender"]["isAddOn"], false);
    assert_eq!(events.next("entry").await, said);
    let page = read(&host, &room, "").await;
    assert_eq!(page, json!({ "entries": [said], "hasMore": false }));
    assert_eq!(texts(&read(&host, &other, "").await), [""; 0]);

    let written = room.timeline().await;
    assert_eq!(written.len(), 1);
    assert_eq!(said["id"], json!(written[0].id));
    assert_eq!(written[0].sender, Sender::Person(1.into()));
    let Content::Message(message) = &written[0].content else {
        panic!("{written:?}");
    };
    assert_eq!(message.mentions, [bo.id]);

    peer.called(1).await;
    let payload: WebhookPayload = serde_json::from_value(peer.seen()[0].body.clone()).unwrap();
    let WebhookItem::RoomMessage(heard) = payload.typed().item else {
        panic!("{:?}", peer.seen());
    };
    assert_eq!(heard.message.message, text);
    assert_eq!(heard.message.id.as_ref(), Some(&written[0].id));
}

#[tokio::test]
async fn person_replies_to_people_and_add_ons() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let hook = json!({ "event": "room_message", "url": "heard", "pattern": "^it is" });
    let peer = Peer::serve("com.example.hears", json!([hook])).await;
    room.install_url(&peer.url).await.unwrap();
    let add_on = AddOn::new("com.example.ci", "CI").scopes([Scope::SendNotification]);
    let installed = room.install(add_on).await;
    let client = installed.client().await;
    let question = room.says("ann", "is it up?").await;
    let red = Notification::html("<b>down</b>");
    client.room(room.room.id).notify(&red).await.unwrap();
    let reply = room.timeline().await.remove(1);
    let mut events = Events::connect(&host, &room).await;

    for (parent, name, excerpt) in [(&question, "ann", "is it up?"), (&reply, "CI", "down")] {
        let message = json!({ "text": "it is not", "replyTo": parent.id });
        let said = send(&host, &room, message).await;
        assert_eq!(said.status(), StatusCode::CREATED);
        let said: Value = said.json().await.unwrap();
        let by = parent.sender.to_string();
        assert_eq!(
            said["parent"],
            json!({ "id": parent.id, "by": by, "name": name, "excerpt": excerpt })
        );
        assert_eq!(events.next("entry").await, said);
    }
    peer.called(2).await;
    let heard = &peer.seen()[0].body["item"]["message"];
    assert_eq!(heard["message"], "it is not");
    assert_eq!(heard["attach_to"], json!(question.id));

    let elsewhere = other.says("ann", "not here").await;
    for parent in [&*elsewhere.id, "nothing"] {
        let message = json!({ "text": "x", "replyTo": parent });
        let refused = send(&host, &room, message).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let said = refused.text().await.unwrap();
        assert!(said.contains("is not in this room"), "{said}");
    }
    assert_eq!(room.timeline().await.len(), 4);
}

#[tokio::test]
async fn repeated_message_is_stored_and_delivered_once() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let hook = json!({ "event": "room_message", "url": "heard" });
    let peer = Peer::serve("com.example.hears", json!([hook])).await;
    room.install_url(&peer.url).await.unwrap();
    let mut events = Events::connect(&host, &room).await;

    let id = "4f9c1a52-8d0b-4f6e-a7b0-0c9d6f1e2a3b";
    let message = json!({ "text": "once", "id": id });
    let (first, second) = tokio::join!(
        send(&host, &room, message.clone()),
        send(&host, &room, message.clone()),
    );
    let third = send(&host, &room, message).await;
    for said in [first, second, third] {
        assert_eq!(said.status(), StatusCode::CREATED);
        let said: Value = said.json().await.unwrap();
        assert_eq!((&said["id"], &said["text"]), (&json!(id), &json!("once")));
    }
    for (at, message, words) in [
        (
            &room,
            json!({ "text": "other words", "id": id }),
            "has this id",
        ),
        (&other, json!({ "text": "once", "id": id }), "has this id"),
        (&room, json!({ "text": "once", "id": "1" }), "is no UUID"),
    ] {
        let refused = send(&host, at, message).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let said = refused.text().await.unwrap();
        assert!(said.contains(words), "{said}");
    }
    say(&host, &room, "last").await;
    assert_eq!(texts(&read(&host, &room, "").await), ["once", "last"]);
    assert!(texts(&read(&host, &other, "").await).is_empty());
    assert_eq!(events.next("entry").await["text"], "once");
    assert_eq!(events.next("entry").await["text"], "last");
    peer.called(2).await;
    let heard = peer.seen();
    let heard = heard
        .iter()
        .map(|call| &call.body["item"]["message"]["message"]);
    assert_eq!(heard.collect::<Vec<_>>(), ["once", "last"]);
}

#[tokio::test]
async fn invalid_message_is_refused() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    for (text, words) in [
        ("", "is empty"),
        (" \n\t", "is empty"),
        (
            &*"ä".repeat(10_001),
            "has 10001 characters and may have 10000",
        ),
    ] {
        let refused = say(&host, &room, text).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let said = refused.text().await.unwrap();
        assert!(said.contains(words), "{said}");
    }
    let post = || glance_host::testing::http_client().post(address(&host, &room));
    let foreign = post()
        .header("Origin", "https://example.com")
        .json(&json!({ "text": "x" }));
    let form = post().form(&[("text", "x")]);
    let nowhere = glance_host::testing::http_client()
        .post(format!("{}/rooms/999/timeline", host.base_url()))
        .json(&json!({ "text": "x" }));
    for (request, status) in [
        (foreign, StatusCode::FORBIDDEN),
        (form, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (nowhere, StatusCode::NOT_FOUND),
    ] {
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    assert!(room.timeline().await.is_empty(), "nothing is half done");
    for text in ["x", &"ä".repeat(10_000)] {
        assert_eq!(say(&host, &room, text).await.status(), StatusCode::CREATED);
    }
}

#[tokio::test]
async fn content_of_add_ons_is_sanitized_and_same_for_all() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on =
        AddOn::new("com.example.ci", "CI").scopes([Scope::SendNotification, Scope::SendMessage]);
    let installed = room.install(add_on).await;
    let client = installed.client().await;
    let question = room.says("ann", "is it\n\nup?").await;
    let mut pages = [
        Events::connect(&host, &room).await,
        Events::connect(&host, &room).await,
    ];

    let hostile = "<b onclick=x>up</b><script>x</script><a href='javascript:x'>y</a>";
    let mut plain = Notification::html(hostile).color(Color::Green).notify();
    plain.from = Some("main".to_owned());
    plain.attach_to = Some(question.id.clone());
    let mut card = Card::new(CardStyle::Link, "1", "<i>title</i>");
    card.url = Some("javascript:x".to_owned());
    card.attributes = Some(vec![Attribute::new("State", "Open")]);
    let mut detached = Notification::text("words").card(card);
    detached.attach_to = Some("nothing".to_owned());
    for notification in [&plain, &detached] {
        client
            .room(room.room.id)
            .notify(notification)
            .await
            .unwrap();
    }

    let mut expected = [
        json!({
            "kind": "notification",
            "color": "green",
            "notify": true,
            "from": "main",
            "parent": {
                "id": question.id,
                "by": question.sender.to_string(),
                "name": "ann",
                "excerpt": "is it up?",
            },
            "html": "<b>up</b><a target=\"_blank\" rel=\"noopener noreferrer nofollow\">y</a>",
        }),
        json!({
            "kind": "notification",
            "color": "yellow",
            "notify": false,
            "card": {
                "style": "link",
                "format": "medium",
                "title": "<i>title</i>",
                "attributes": [{ "label": "State", "value": "Open" }],
            },
        }),
    ];
    let sender = json!({ "id": installed.oauth_id(), "name": "CI", "isAddOn": true });
    for (expected, entry) in expected.iter_mut().zip(&room.timeline().await[1..]) {
        expected["id"] = json!(entry.id);
        expected["sender"] = sender.clone();
        for page in &mut pages {
            let mut reply = page.next("entry").await;
            let at = reply.as_object_mut().unwrap().remove("at").unwrap();
            assert!(at.as_str().unwrap().ends_with("+00:00"));
            assert_eq!(reply, *expected);
        }
    }
    let page = read(&host, &room, "").await;
    assert_eq!(page["entries"][1]["html"], expected[0]["html"]);
    assert_eq!(page["entries"][2]["card"], expected[1]["card"]);
}

#[tokio::test]
async fn page_loads_fifty_entries_in_either_direction() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let mut ids = Vec::new();
    for n in 0..120 {
        ids.push(room.says("ann", &n.to_string()).await.id);
    }
    let page = async |query: &str| {
        let page = read(&host, &room, query).await;
        let texts = texts(&page).into_iter();
        let numbers: Vec<usize> = texts.map(|text| text.parse().unwrap()).collect();
        (numbers, page["hasMore"].as_bool().unwrap())
    };
    let numbers = |range: std::ops::Range<usize>| range.collect::<Vec<_>>();
    assert_eq!(page("").await, (numbers(70..120), true));
    let before = |n: usize| format!("before={}", ids[n]);
    assert_eq!(page(&before(70)).await, (numbers(20..70), true));
    assert_eq!(page(&before(50)).await, (numbers(0..50), false));
    assert_eq!(page(&before(0)).await, (numbers(0..0), false));
    let after = |n: usize| format!("after={}", ids[n]);
    assert_eq!(page(&after(10)).await, (numbers(11..61), true));
    assert_eq!(page(&after(69)).await, (numbers(70..120), false));
    assert_eq!(page(&after(119)).await, (numbers(0..0), false));
    for nothing in ["before=x", "after=x"] {
        assert_eq!(page(nothing).await, (numbers(0..0), false));
    }
}

#[tokio::test]
async fn reconnected_page_gets_exactly_the_missed_entries() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let says = async |texts: std::ops::Range<u32>| {
        for text in texts {
            room.says("ann", &text.to_string()).await;
            other.says("ann", "elsewhere").await;
        }
    };
    let texts = |numbers: std::ops::Range<u32>| numbers.map(|text| text.to_string());
    let mut events = Events::connect(&host, &room).await;
    events.next("missed").await;
    let mut ids = vec![events.last_id.clone()];
    says(0..2).await;
    for text in texts(0..2) {
        events.gets([text]).await;
        ids.push(events.last_id.clone());
    }
    drop(events);
    // More than are read at a time, and changes between them.
    says(2..60).await;
    let topic = |room: &mut Room| room.topic = "New".to_owned();
    host.change_room(&room.room, topic).await.unwrap();
    says(60..120).await;
    for (seen, id) in (0..).zip(&ids) {
        let mut events = Events::reconnect(&host, &room, id).await;
        events.gets(texts(seen..120)).await;
        for marker in 0..seen {
            events.gets([format!("marker {marker}")]).await;
        }
        // Nothing comes twice.
        room.says("ann", &format!("marker {seen}")).await;
        events.gets([format!("marker {seen}")]).await;
    }
    let mut events = Events::connect(&host, &room).await;
    events.next("missed").await;
    let last_id = events.last_id.clone();
    says(120..121).await;
    let mut events = Events::reconnect(&host, &room, &last_id).await;
    events.gets(texts(120..121)).await;
}

#[tokio::test]
async fn page_starts_over_after_a_position_that_is_not_in_the_log() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    room.says("ann", "1").await;
    let position = host.state().position(room.room.id).await.unwrap().unwrap();
    room.says("ann", "2").await;
    let (epoch, version) = (&position.epoch, position.version);
    let starts_over = async |id: &str| {
        let mut events = Events::reconnect(&host, &room, id).await;
        while events.event().await.0 != "missed" {}
        let last = room.says("ann", "last").await;
        assert_eq!(events.next("entry").await["id"], json!(last.id), "{id}");
    };
    let other_epoch = format!("0123456789abcdef.{}.{}", version.group, version.room);
    let future = format!("{epoch}.{}.{}", version.group, version.room + 100);
    let huge = format!("{epoch}.{0}.{0}", u64::MAX);
    let long = format!("{epoch}.{}.1", "9".repeat(4000));
    for id in ["", "7", "..", "\u{e9}", &other_epoch, &future, &huge, &long] {
        starts_over(id).await;
    }
    let mut events = Events::reconnect(&host, &room, &position.to_string()).await;
    events.gets(["2".to_owned()]).await;
    let now = std::time::Duration::ZERO;
    host.state().delete_old_events(now, u32::MAX).await.unwrap();
    starts_over(&position.to_string()).await;
}

#[tokio::test]
async fn slow_page_gets_missed_entries_from_the_log() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let mut events = Events::connect(&host, &room).await;
    events.next("missed").await;
    // More than the connection and its queue can hold while nobody reads, but not more than the log has.
    let long = "\u{20ac}".repeat(10_000);
    let text = |number: u32| format!("{number} {}", &long[12..]);
    for number in 0..600 {
        room.says("ann", &text(number)).await;
    }
    events.gets((0..600).map(text)).await;
}

#[tokio::test]
async fn slow_page_is_told_that_it_missed_events() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let mut events = Events::connect(&host, &room).await;
    events.next("missed").await;
    // More than the connection, its queue and the log can hold while nobody reads.
    let long = "\u{20ac}".repeat(10_000);
    for _ in 0..1_500 {
        room.says("ann", &long).await;
    }
    events.next("missed").await;
    let last = room.says("ann", "last").await;
    while events.next("entry").await["id"] != json!(last.id) {}
}
