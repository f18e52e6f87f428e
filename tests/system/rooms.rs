//! Tests creating, changing, archiving and removing rooms on the host's pages.

use glance_host::model::Outcome;
use glance_host::sign_in::SignIn;
use glance_host::{Host, storage::Storage};
use glance_sdk::model::webhook::{
    RoomArchived, RoomCreated, RoomDeleted, RoomTopicChange, RoomUnarchived,
};
use glance_sdk::model::{Glance, Icon, Scope};
use glance_sdk::prelude::*;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::add_on::{Pager, add_on};
use crate::browser::Browser;
use crate::rest::{self, Rest};

#[webhook(event = RoomCreated)]
async fn created(_request: WebhookRequest<RoomCreated>) {}

#[webhook(event = RoomTopicChange)]
async fn topic_changed(_request: WebhookRequest<RoomTopicChange>) {}

#[webhook(event = RoomArchived)]
async fn archived(_request: WebhookRequest<RoomArchived>) {}

#[webhook(event = RoomUnarchived)]
async fn unarchived(_request: WebhookRequest<RoomUnarchived>) {}

#[webhook(event = RoomDeleted)]
async fn deleted(_request: WebhookRequest<RoomDeleted>) {}

fn listener(key: &str) -> AddOn {
    AddOn::new(key, "Listener")
        .webhook::<created>()
        .webhook::<topic_changed>()
        .webhook::<archived>()
        .webhook::<unarchived>()
        .webhook::<deleted>()
}

async fn team() -> (Host, Browser) {
    let host = Host::builder().port(0).sign_in(SignIn::Name);
    let host = host.start().await.unwrap();
    let ann = Browser::signed_in(&host, "Ann").await;
    (host, ann)
}

async fn names(state: &dyn Storage) -> Vec<String> {
    let rooms = state.rooms().await.unwrap();
    rooms.into_iter().map(|room| room.name).collect()
}

#[tokio::test]
async fn room_is_created_and_changed() {
    let (host, mut ann) = team().await;
    let everywhere = host
        .install_everywhere(listener("com.example.listener"))
        .await;
    let form = [
        ("name", " ops "),
        ("topic", "Up & <b>running</b>"),
        ("privacy", "private"),
    ];
    let page = ann.submits("/rooms", &form).await;
    let room = host.room("ops").await;
    assert_eq!(page, format!("/rooms/{}", room.room.id));
    assert!(!room.room.is_public);
    let home = ann.text("/").await;
    assert!(home.contains("Up &amp; &lt;b&gt;running"), "{home}");
    room.delivery(|call| call.event.to_string() == "room_created")
        .await;

    for (form, status, words) in [
        (vec![("name", "")], 422, "1 to 50 are allowed"),
        (vec![("name", "  ")], 422, "1 to 50 are allowed"),
        (vec![("name", &*"x".repeat(51))], 422, "51 characters"),
        (vec![("name", "x\ny")], 422, "such as a line break"),
        (
            vec![("name", "x"), ("topic", &*"x".repeat(251))],
            422,
            "251 characters",
        ),
        (vec![("name", "ops")], 409, "a room with the name ops"),
    ] {
        let refused = ann.submit("/rooms", &form).await;
        assert_eq!(refused.status().as_u16(), status, "{form:?}");
        assert!(refused.text().await.unwrap().contains(words), "{words}");
    }
    ann.submits("/rooms", &[("name", "other"), ("privacy", "public")])
        .await;
    let settings = format!("{page}/settings");
    let taken = ann.submit(&settings, &[("name", "other")]).await;
    assert_eq!(taken.status(), StatusCode::CONFLICT);
    let form = taken.text().await.unwrap();
    assert!(form.contains("autofocus"), "what to mend is in sight");
    assert_eq!(names(host.state()).await, ["ops", "other"]);

    let form = [("name", "Späße"), ("topic", "fun"), ("privacy", "public")];
    let saved = ann.submits(&settings, &form).await;
    assert_eq!(saved, format!("{settings}?saved"));
    let says_saved = async |path: &str| {
        let page = ann.text(path).await;
        page.contains("role=\"status\">Saved.</p>")
    };
    assert!(says_saved(&saved).await && !says_saved(&settings).await);
    let known = host.state().room(room.room.id).await.unwrap().unwrap();
    assert_eq!(
        (known.name.as_str(), known.topic.as_str(), known.is_public),
        ("Späße", "fun", true)
    );
    let hook = room
        .delivery(|call| call.event.to_string() == "room_topic_change")
        .await;
    assert_eq!(hook.body["item"]["topic"], "fun");
    assert_eq!(hook.body["item"]["sender"]["name"], "Ann");
    // An unchanged topic causes no message.
    ann.submits(&settings, &form).await;
    ann.submits(&format!("{page}/archived"), &[("archived", "true")])
        .await;
    room.delivery(|call| call.event.to_string() == "room_archived")
        .await;
    let topics = room.deliveries();
    let topics = topics
        .iter()
        .filter(|call| call.event.to_string() == "room_topic_change");
    assert_eq!(topics.count(), 1);
    drop(everywhere);
}

#[tokio::test]
async fn get_of_form_url_redirects_to_its_page() {
    let (host, ann) = team().await;
    let room = format!("/rooms/{}", host.room("ops").await.room.id);
    for (path, page) in [
        ("/rooms", "/"),
        ("/people/1/role", "/people"),
        ("/people/1/removed", "/people"),
        ("ROOM/archived", "ROOM/settings"),
        ("ROOM/remove", "ROOM/settings"),
        ("ROOM/members", "ROOM/settings"),
        ("ROOM/members/remove", "ROOM/settings"),
        ("ROOM/integrations/approve", "ROOM/integrations"),
        ("ROOM/integrations/x/update", "ROOM/integrations"),
        ("ROOM/integrations/x/remove", "ROOM/integrations"),
        ("/integrations/approve", "/integrations"),
        ("/integrations/x/remove", "/integrations"),
    ] {
        let [path, page] = [path, page].map(|path| path.replace("ROOM", &room));
        let opened = ann.open(&path).await;
        assert_eq!(opened.status(), StatusCode::SEE_OTHER, "{path}");
        let to = opened.headers()["location"].to_str().unwrap();
        assert_eq!(opened.url().join(to).unwrap().path(), page, "{path}");
        assert_eq!(ann.status(&page).await, StatusCode::OK, "{page}");
    }
    for path in ["/sign-out", &format!("{room}/open")] {
        let opened = ann.open(path).await;
        assert_eq!(opened.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let text = opened.text().await.unwrap();
        assert!(text.contains("<a href=\"/\">All rooms</a>"), "{text}");
    }
}

#[tokio::test]
async fn archived_room_is_read_only() {
    let (host, mut ann) = team().await;
    let everywhere = host
        .install_everywhere(listener("com.example.listener"))
        .await;
    let room = host.room("ops").await;
    let caller = AddOn::new("com.example.caller", "Caller").scopes([
        Scope::AdminRoom,
        Scope::SendMessage,
        Scope::SendNotification,
    ]);
    let caller = host.install_everywhere(caller).await;
    let page = format!("/rooms/{}", room.room.id);
    let archive = format!("{page}/archived");
    ann.submits(&archive, &[("archived", "true")]).await;
    room.delivery(|call| call.event.to_string() == "room_archived")
        .await;

    assert!(ann.text(&page).await.contains("can only be read"));
    assert!(ann.text("/").await.contains("Archived rooms"));
    let form = [("name", "ops"), ("topic", "x"), ("privacy", "public")];
    let refused = ann.submit(&format!("{page}/settings"), &form).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let rest = Rest::of(&host, &caller);
    let token = rest.token("").await;
    let write = async |method, path: &str| {
        let call = rest.call(&token, method, &format!("room/ops/{path}"));
        rest::status(call.json(&json!({"message": "x", "topic": "x"}))).await
    };
    for (method, path) in [
        (Method::POST, "notification"),
        (Method::POST, "message"),
        (Method::PUT, "topic"),
        (Method::PUT, ""),
    ] {
        assert_eq!(write(method, path).await, StatusCode::CONFLICT, "{path}");
    }
    assert!(room.timeline().await.is_empty());

    ann.submits(&archive, &[("archived", "false")]).await;
    room.delivery(|call| call.event.to_string() == "room_unarchived")
        .await;
    assert_eq!(write(Method::POST, "message").await, StatusCode::CREATED);
    drop(everywhere);
}

#[tokio::test]
async fn concurrent_changes_are_all_applied() {
    let (host, mut ann) = team().await;
    let mut elsewhere = Browser::signed_in(&host, "Ann").await;
    let room = host.room("ops").await.room;
    let writer = AddOn::new("com.example.writer", "Writer").scopes([Scope::AdminRoom]);
    let writer = host.install_everywhere(writer).await;
    let rest = Rest::of(&host, &writer);
    let token = rest.token("").await;
    let settings = format!("/rooms/{}/settings", room.id);
    let archive = format!("/rooms/{}/archived", room.id);
    let known = async || host.state().room(room.id).await.unwrap().unwrap();
    for round in 0..20 {
        let topic = json!({ "topic": format!("round {round}") });
        let topic = rest
            .call(&token, Method::PUT, "room/ops/topic")
            .json(&topic);
        let private = [("name", "ops"), ("privacy", "private")];
        let (topic, _) = tokio::join!(rest::status(topic), ann.submits(&settings, &private));
        assert_eq!(topic, StatusCode::NO_CONTENT);
        assert!(!known().await.is_public, "the topic says nothing of it");

        let public = [("name", "ops"), ("privacy", "public")];
        let (saved, _) = tokio::join!(
            elsewhere.submit(&settings, &public),
            ann.submits(&archive, &[("archived", "true")])
        );
        let room = known().await;
        assert!(room.is_archived, "nobody brought it back");
        assert_eq!(room.is_public, saved.status() == StatusCode::SEE_OTHER);
        ann.submits(&archive, &[("archived", "false")]).await;
        ann.submits(&settings, &public).await;
    }
}

#[tokio::test]
async fn refused_archiving_has_reason() {
    let (host, mut ann) = team().await;
    let room = host.room(&"x".repeat(51)).await.room;
    let archive = format!("/rooms/{}/archived", room.id);
    let refused = ann.submit(&archive, &[("archived", "true")]).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = refused.text().await.unwrap();
    assert!(page.contains("The name has 51 characters"), "{page}");
}

#[tokio::test]
async fn removed_room_removes_all_its_data() {
    let (host, mut ann) = team().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let own = room.install(listener("com.example.own")).await;
    let everywhere = host
        .install_everywhere(listener("com.example.everywhere"))
        .await;
    let pager = host.install_everywhere(add_on(&Pager::new(1))).await;
    let client = pager.client().await;
    for room in [&room, &other] {
        let glance = Glance::new("now", "Now", Icon::new("https://example.com/i.png"));
        client
            .room(room.room.id)
            .glances()
            .create(&glance)
            .await
            .unwrap();
        room.says("Ann", "hello").await;
    }
    let state = host.state();
    let id = room.room.id;
    assert_eq!(ann.submits(&format!("/rooms/{id}/remove"), &[]).await, "/");

    assert_eq!(names(state).await, ["other"]);
    assert_eq!(
        ann.status(&format!("/rooms/{id}")).await,
        StatusCode::NOT_FOUND
    );
    assert!(state.installation(own.oauth_id()).await.unwrap().is_none());
    // Its add-on is told after its webhooks were called.
    while own.installations().client(own.oauth_id()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(
        state
            .installation(everywhere.oauth_id())
            .await
            .unwrap()
            .is_some()
    );
    let glances = state.glances_in(pager.oauth_id(), id).await.unwrap();
    assert!(glances.is_empty(), "{glances:?}");
    assert!(state.timeline(id, 10).await.unwrap().is_empty());
    assert_eq!(state.timeline(other.room.id, 10).await.unwrap().len(), 1);
    for add_on in [&own, &everywhere] {
        let hook = room
            .delivery(|call| {
                call.event.to_string() == "room_deleted" && call.oauth_id == *add_on.oauth_id()
            })
            .await;
        assert!(
            matches!(hook.outcome, Outcome::Answered { .. }),
            "{:?}",
            hook.outcome
        );
    }
    // An add-on's data about the old room must not apply to a new one.
    let new = host.room("ops").await.room;
    assert!(new.id > other.room.id && new.id != id);
    host.room("last").await;
    let last = host.room("last").await.room.id;
    ann.submits(&format!("/rooms/{last}/remove"), &[]).await;
    assert_ne!(host.room("newer").await.room.id, last);
}
