//! Tests renaming, archiving and deleting rooms over the REST API, and the resulting webhooks.

use std::sync::Arc;

use glance_host::Host;
use glance_host::testing::TestAddOn;
use glance_sdk::model::webhook::{
    Privacy, RoomArchived, RoomDeleted, RoomEvent, RoomTopicChange, RoomUnarchived,
};
use glance_sdk::model::{Glance, Scope};
use glance_sdk::prelude::*;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::add_on::always;
use crate::add_on::{Pager, add_on};
use crate::rest::{self, Rest};

/// The events that the listener received.
type Journal = Arc<watch::Sender<Vec<String>>>;

fn note<E: RoomEvent>(journal: &Journal, _: &WebhookRequest<E>) {
    journal.send_modify(|events| events.push(E::EVENT.to_string()));
}

macro_rules! listeners {
    ($($name:ident: $event:ty,)*) => { $(
        #[webhook(event = $event)]
        async fn $name(request: WebhookRequest<$event>, State(journal): State<Journal>) {
            note(&journal, &request);
        }
    )* };
}

listeners! {
    topic: RoomTopicChange,
    archived: RoomArchived,
    unarchived: RoomUnarchived,
    deleted: RoomDeleted,
}

fn listener(journal: &Journal) -> AddOn<Journal> {
    AddOn::new("com.example.listener", "Listener")
        .state(journal.clone())
        .webhook::<topic>()
        .webhook::<archived>()
        .webhook::<unarchived>()
        .webhook::<deleted>()
        .on_uninstall(async |journal: Journal, _| {
            journal.send_modify(|events| events.push("uninstalled".to_owned()));
            Ok::<(), String>(())
        })
}

async fn wait_for_events(journal: &Journal, expected: &[&str]) {
    let mut received = journal.subscribe();
    received
        .wait_for(|received| received == expected)
        .await
        .unwrap();
}

struct Manager {
    host: Host,
    rest: Rest,
    token: String,
    _add_on: TestAddOn,
}

impl Manager {
    async fn new() -> Self {
        let host = Host::start().await;
        let scopes = [Scope::ViewGroup, Scope::AdminRoom, Scope::ManageRooms];
        let add_on = AddOn::new("com.example.rooms", "Rooms").scopes(scopes);
        let add_on = host.install_everywhere(add_on).await;
        let rest = Rest::of(&host, &add_on);
        let token = rest.token("").await;
        Self {
            host,
            rest,
            token,
            _add_on: add_on,
        }
    }

    async fn change(&self, room: &str, change: &Value) -> StatusCode {
        let path = format!("room/{room}");
        rest::status(self.rest.call(&self.token, Method::PUT, &path).json(change)).await
    }

    async fn room(&self, room: &str) -> Value {
        let path = format!("room/{room}");
        let (status, room) = rest::json(self.rest.call(&self.token, Method::GET, &path)).await;
        assert_eq!(status, StatusCode::OK);
        room
    }

    async fn delete(&self, room: &str) -> StatusCode {
        let path = format!("room/{room}");
        rest::status(self.rest.call(&self.token, Method::DELETE, &path)).await
    }
}

#[tokio::test]
async fn only_changes_of_room_cause_webhooks() {
    let manager = Manager::new().await;
    let room = manager.host.room("ops").await;
    manager.host.room("other").await;
    let ann = manager.host.user("ann", |_| {}).await;
    let journal = Journal::default();
    let _listener = room.install(listener(&journal)).await;

    // The whole room, as clients send it.
    let whole = json!({
        "name": "operations", "topic": "Peace", "privacy": "private", "is_archived": false,
        "is_guest_accessible": false, "owner": { "id": ann.id },
    });
    assert_eq!(manager.change("ops", &whole).await, StatusCode::NO_CONTENT);
    let known = manager.room("operations").await;
    assert_eq!(known["topic"], "Peace");
    assert_eq!(known["privacy"], "private");
    assert_eq!(known["owner"]["name"], "ann");
    assert_eq!(
        manager.change("operations", &whole).await,
        StatusCode::NO_CONTENT
    );

    for is_archived in [true, true, false] {
        let change = json!({ "is_archived": is_archived });
        let status = manager.change("operations", &change).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        assert_eq!(manager.room("operations").await["is_archived"], is_archived);
    }
    assert_eq!(
        manager.room("operations").await["topic"],
        "Peace",
        "it stays"
    );
    wait_for_events(
        &journal,
        &["room_topic_change", "room_archived", "room_unarchived"],
    )
    .await;

    let long = "x".repeat(51);
    for (change, expected) in [
        (json!({ "name": "" }), 400),
        (json!({ "name": long }), 400),
        (json!({ "name": "other" }), 409),
        (json!({ "topic": "x".repeat(251) }), 400),
        (json!({ "privacy": "secret" }), 400),
        (json!({ "owner": { "id": 99 } }), 404),
        (json!({ "is_guest_accessible": true }), 400),
        (json!(7), 400),
    ] {
        assert_eq!(
            manager.change("operations", &change).await.as_u16(),
            expected,
            "{change}"
        );
    }
    assert_eq!(
        manager.change("nowhere", &json!({})).await,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn deleted_room_removes_only_its_own_data() {
    let manager = Manager::new().await;
    let host = &manager.host;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let journal = Journal::default();
    let there = room.install(listener(&journal)).await;
    let stays = other.install(listener(&Journal::default())).await;
    let pager = host.install_everywhere(add_on(&Pager::new(1))).await;
    let runtime = Glance::new("runtime", "Runtime", Icon::new("https://example.com/i.png"));
    let client = pager.client().await;
    for room in [&room, &other] {
        client
            .room(room.room.id)
            .glances()
            .create(&runtime)
            .await
            .unwrap();
    }
    room.says("ann", "hi").await;
    let mut viewer = room.viewer("ann").await;
    let mut looks_on = other.viewer("ann").await;
    viewer.glance::<always>().await;

    assert_eq!(manager.delete("ops").await, StatusCode::NO_CONTENT);
    assert_eq!(manager.delete("ops").await, StatusCode::NOT_FOUND);
    viewer.ended().await;
    // First the event, then the removal, with a secret that is still valid.
    wait_for_events(&journal, &["room_deleted", "uninstalled"]).await;

    let state = host.state();
    assert!(state.room(room.room.id).await.unwrap().is_none());
    assert!(state.timeline(room.room.id, 9).await.unwrap().is_empty());
    assert!(
        state
            .installation(there.oauth_id())
            .await
            .unwrap()
            .is_none()
    );
    let left = state
        .glances_in(pager.oauth_id(), room.room.id)
        .await
        .unwrap();
    assert!(left.is_empty());
    assert!(
        state
            .installation(stays.oauth_id())
            .await
            .unwrap()
            .is_some()
    );
    looks_on
        .wait_for(|sidebar| sidebar.line("runtime").is_some())
        .await;

    // Add-ons identify rooms in their data by number.
    other.delete().await;
    let new = host.room("ops").await;
    assert!(new.room.id.get() > 2, "{} had another room", new.room.id);
    assert!(new.timeline().await.is_empty());
}

#[tokio::test]
async fn managing_rooms_needs_global_installation() {
    let manager = Manager::new().await;
    let room = manager.host.room("ops").await;
    let scopes = [Scope::AdminRoom, Scope::ManageRooms];
    let add_on = AddOn::new("com.example.here", "Here").scopes(scopes);
    let here = room.install(add_on).await;
    let rest = Rest::of(&manager.host, &here);
    let token = rest.token("").await;
    let archived = json!({ "is_archived": true });
    let call = |method| rest.call(&token, method, "room/ops");
    assert_eq!(
        rest::status(call(Method::DELETE)).await,
        StatusCode::FORBIDDEN
    );
    let status = rest::status(call(Method::PUT).json(&archived)).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "but it administers its own");
    let token = rest.token("admin_room").await;
    let deleting = rest.call(&token, Method::DELETE, "room/ops");
    assert_eq!(rest::status(deleting).await, StatusCode::FORBIDDEN);
    let privacy = Privacy::Public.to_string();
    assert_eq!(manager.room("ops").await["privacy"], privacy);
}
