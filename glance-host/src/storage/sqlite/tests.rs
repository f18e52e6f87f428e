mod upgrade;

use glance_sdk::model::{Descriptor, Event, Webhook};

use super::*;
use crate::model::event::Topic;
use crate::model::{self, Installed, NewCalls, PrivateMessage, Room, Session, WebhookEvent};
use crate::storage::{
    EventStore, ExtensionStore, GroupStore, InstallationStore, OutboxStore, PeopleStore,
    PrivateMessageStore, RoomStore, SessionStore, Storage, conformance,
};

fn installed() -> Installed {
    Installed {
        oauth_id: "id".into(),
        oauth_secret: "secret".into(),
        room_id: None,
        descriptor_url: "http://a.example/".into(),
        descriptor: Descriptor::new("a", "A", "http://a.example/"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn database_in_memory_conforms() {
    conformance::check(async || {
        let state: Arc<dyn Storage> = Arc::new(SqliteState::in_memory().unwrap());
        [Arc::clone(&state), state]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let files = std::sync::atomic::AtomicU32::new(0);
    conformance::check(async || {
        let number = files.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let file = folder.path().join(format!("{number}.sqlite"));
        let open = || -> Arc<dyn Storage> { Arc::new(SqliteState::open(&file).unwrap()) };
        [open(), open()]
    })
    .await;
}

#[tokio::test]
async fn removing_a_person_is_atomic() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.sqlite");
    let state = SqliteState::open(&file).unwrap();
    let ann = state.get_or_create_user("Ann").await.unwrap();
    let session = Session {
        digest: vec![1],
        user: ann.id,
        began_at: 0,
        expires_at: 10,
    };
    state.put_session(&session, 0).await.unwrap();
    let message = PrivateMessage::new(ann.id, &installed(), "hi", "text".into(), false);
    state.put_private_message(&message).await.unwrap();

    let other = Connection::open(&file).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER stop BEFORE DELETE ON private_message
             BEGIN SELECT RAISE(ABORT, 'stop'); END",
        )
        .unwrap();
    let failed = state
        .remove_person(ann.id, Effects::none())
        .await
        .unwrap_err();
    assert!(format!("{failed:#}").contains("stop"), "{failed:#}");
    assert_eq!(state.user(ann.id).await.unwrap(), Some(ann.clone()));
    assert_eq!(state.session(&[1]).await.unwrap(), Some(session));

    other.execute_batch("DROP TRIGGER stop").unwrap();
    let _ = state.remove_person(ann.id, Effects::none()).await.unwrap();
    assert!(state.user(ann.id).await.unwrap().unwrap().is_removed);
    assert_eq!(state.session(&[1]).await.unwrap(), None);
    assert_eq!(state.count_unread(ann.id).await.unwrap(), 0);
}

#[tokio::test]
async fn event_that_cannot_be_logged_undoes_its_change() {
    let state = SqliteState::in_memory().unwrap();
    let owner = state.get_or_create_user("Ann").await.unwrap();
    let room = state.get_or_create_room("ops", owner.id).await.unwrap();
    let stop =
        "CREATE TRIGGER stop BEFORE INSERT ON event_log BEGIN SELECT RAISE(ABORT, 'stop'); END";
    let stop = state.write(|connection| connection.execute_batch(stop));
    stop.await.unwrap();
    let position = state.position(room.id).await.unwrap();
    let topic = Topic::Room(room.id);
    let renamed = Room {
        name: "dev".to_owned(),
        ..room.clone()
    };
    let effects = Effects::none().event(topic, model::event::Event::Changed);
    let failed = state.change_room(&room, &renamed, effects).await;
    failed.unwrap_err();
    assert_eq!(state.room(room.id).await.unwrap(), Some(room.clone()));
    assert_eq!(state.position(room.id).await.unwrap(), position);
}

#[tokio::test]
async fn unreadable_webhook_calls_do_not_block_the_next_ones() {
    let state = SqliteState::in_memory().unwrap();
    let id = installed().oauth_id;
    assert!(state.begin_installation(&installed(), 0).await.unwrap());
    let event = |text: &str| WebhookEvent {
        event: Event::RoomMessage,
        room_id: 1.into(),
        at: 1,
        text: Some(text.to_owned()),
        sender: None,
        item: serde_json::Value::Null,
    };
    for text in ["a", "b", "c"] {
        let calls = NewCalls {
            event: Arc::new(event(text)),
            oauth_id: id.clone(),
            last_secret: None,
            calls: vec![],
        };
        let effects = Effects::calls(vec![calls], |_| ());
        state.queue_calls(effects).await.unwrap();
    }
    let damage = "UPDATE webhook_event SET payload = '{' WHERE id = 1;
                  UPDATE webhook_call SET calls = '[{}]' WHERE id = 2;";
    let damage = state.write(|connection| connection.execute_batch(damage));
    damage.await.unwrap();
    let next = state.next_calls(&id).await.unwrap().unwrap();
    assert_eq!((next.number, &*next.calls.event), (3, &event("c")));
    state.delete_calls(3).await.unwrap();
    assert_eq!(state.next_calls(&id).await.unwrap(), None);
    assert!(state.installations_with_calls().await.unwrap().is_empty());
}

#[tokio::test]
async fn webhooks_of_an_older_database_are_declared_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.sqlite");
    let state = SqliteState::open(&file).unwrap();
    let mut installed = installed();
    let webhook = Webhook::new(Event::RoomMessage, "http://1.example/");
    installed.descriptor.capabilities.webhook = Some(vec![webhook].into());
    state.begin_installation(&installed, 0).await.unwrap();
    state
        .finish_installation(&installed.oauth_id, Effects::none())
        .await
        .unwrap();
    let forget = |connection: &Connection| connection.execute_batch("DROP TABLE webhook");
    state.write(forget).await.unwrap();
    drop(state);
    drop(SqliteState::open(&file).unwrap());
    let state = SqliteState::open(&file).unwrap();
    let webhooks = state.webhooks_of(&installed.oauth_id, 1.into()).await;
    assert_eq!(webhooks.unwrap().len(), 1);
}

#[tokio::test]
async fn opening_a_database_leaves_unfinished_installations_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.sqlite");
    let state = SqliteState::open(&file).unwrap();
    let installed = installed();
    assert!(state.begin_installation(&installed, 0).await.unwrap());
    let other = SqliteState::open(&file).unwrap();
    let found = other.installation(&installed.oauth_id).await.unwrap();
    assert!(found.is_some());
    assert!(other.leaving(None, 9).await.unwrap().is_empty());
    assert!(
        state
            .finish_installation(&installed.oauth_id, Effects::none())
            .await
            .unwrap()
    );
    assert_eq!(other.count_installations().await.unwrap(), 1);
}

#[tokio::test]
async fn full_database_is_read_and_refuses_changes_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let state = SqliteState::open(&folder.path().join("host.sqlite")).unwrap();
    let ann = state.get_or_create_user("Ann").await.unwrap();
    let message = |text: &str| {
        let format = "text".into();
        PrivateMessage::new(ann.id, &installed(), text, format, false)
    };
    let set_pages = async |pages: u32| {
        let set = move |connection: &Connection| {
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        };
        state.write(set).await.unwrap();
    };
    // SQLite raises it to the present size.
    set_pages(1).await;
    let mut stored = 0;
    let large = "x".repeat(9_000);
    let refused = loop {
        match state.put_private_message(&message(&large)).await {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "the database is never full");
    };
    assert!(matches!(refused, StorageError::DiskFull(_)), "{refused:?}");
    let full = "the disk of the host's database is full: database or disk is full";
    let cause = format!("{refused:#}");
    assert!(cause.starts_with(full), "{cause}");
    assert!(state.writes().has_failed);
    let messages = state.private_messages(ann.id, 99).await.unwrap();
    assert_eq!(messages.len(), stored);
    set_pages(1_000_000).await;
    state.put_private_message(&message(&large)).await.unwrap();
    assert!(!state.writes().has_failed);
    let messages = state.private_messages(ann.id, 99).await.unwrap();
    assert_eq!(messages.len(), stored + 1);
}
