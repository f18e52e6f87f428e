//! Creating, changing and deleting rooms.

use std::sync::atomic::{AtomicU32, Ordering};

use glance_sdk::model::Event;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::*;
use crate::model::event;
use crate::service::rooms::{MembershipError, RoomError};
use crate::storage::RoomChange;

#[tokio::test]
async fn lengths_of_name_and_topic_are_limited() {
    let services = Services::new();
    for (name, topic, is_allowed) in [
        ("", "", false),
        ("o\nps", "", false),
        (&"é".repeat(50), &*"é".repeat(250), true),
        (&"é".repeat(51), "", false),
        ("ops", &"é".repeat(251), false),
    ] {
        let new = services.new_room(name, topic).await;
        let created = services.rooms.create(&new).await;
        assert_eq!(created.is_ok(), is_allowed, "{name:?} {topic:?}");
    }
    let (room, owner) = (services.room("dev").await, services.user("Owner").await);
    let change = |room: &mut Room| room.name = String::new();
    let refused = services.rooms.change(room.id, &owner, change).await;
    assert!(matches!(refused, Err(RoomError::NameLength(0))));
}

#[tokio::test]
async fn name_is_unique() {
    let services = Services::new();
    let (ops, owner) = (services.room("ops").await, services.user("Owner").await);
    services.room("dev").await;
    let new = services.new_room("dev", "").await;
    let refused = services.rooms.create(&new).await;
    assert!(matches!(refused, Err(RoomError::NameTaken(name)) if name == "dev"));
    let change = |room: &mut Room| room.name = "dev".to_owned();
    let refused = services.rooms.change(ops.id, &owner, change).await;
    assert!(matches!(refused, Err(RoomError::NameTaken(name)) if name == "dev"));
}

#[tokio::test]
async fn archived_room_only_changes_by_being_restored() {
    let services = Services::new();
    let (room, owner) = (
        services.archived_room("ops").await,
        services.user("Owner").await,
    );
    let change = |room: &mut Room| room.topic = "topic".to_owned();
    let refused = services.rooms.change(room.id, &owner, change).await;
    assert!(matches!(refused, Err(RoomError::Archived(name)) if name == "ops"));
    let no_change = |_: &mut Room| ();
    services
        .rooms
        .change(room.id, &owner, no_change)
        .await
        .unwrap();
    let restore = |room: &mut Room| room.is_archived = false;
    let restored = services
        .rooms
        .change(room.id, &owner, restore)
        .await
        .unwrap();
    assert!(!restored.is_archived);
    let changed = services
        .rooms
        .change(room.id, &owner, change)
        .await
        .unwrap();
    assert_eq!(changed.topic, "topic");
}

#[tokio::test]
async fn changes_are_published_and_call_webhooks() {
    let services = Services::new();
    let (room, owner) = (services.room("ops").await, services.user("Owner").await);
    let events = [
        Event::RoomTopicChange,
        Event::RoomArchived,
        Event::RoomUnarchived,
    ];
    let installed = services.install("a", room.id, &events).await;
    let mut received = services.bus.subscribe(room.id);
    let changes: [fn(&mut Room); 4] = [
        |room| room.name = "dev".to_owned(),
        |room| room.topic = "topic".to_owned(),
        |room| room.is_archived = true,
        |room| room.is_archived = false,
    ];
    for change in changes {
        services
            .rooms
            .change(room.id, &owner, change)
            .await
            .unwrap();
        assert_eq!(received.try_recv().unwrap().event, event::Event::Changed);
    }
    let expected = ["room_topic_change", "room_archived", "room_unarchived"];
    assert_eq!(services.webhook_events(&installed.oauth_id).await, expected);
}

#[tokio::test]
async fn deleted_room_is_gone_and_its_add_ons_leave() {
    let services = Services::new();
    let (room, owner) = (services.room("ops").await, services.user("Owner").await);
    let installed = services.install("a", room.id, &[Event::RoomDeleted]).await;
    assert!(services.rooms.delete(&room, &owner).await.unwrap());
    assert_eq!(
        services.webhook_events(&installed.oauth_id).await,
        ["room_deleted"]
    );
    let found = services.storage.installation(&installed.oauth_id).await;
    assert!(found.unwrap().is_none());
    assert!(!services.rooms.delete(&room, &owner).await.unwrap());
    let refused = services.rooms.change(room.id, &owner, |_| ()).await;
    assert!(matches!(refused, Err(RoomError::Gone)));
}

#[tokio::test]
async fn only_people_who_need_it_become_members() {
    let services = Services::new();
    let public = services.room("public").await;
    let new = services.new_room("private", "").await;
    let private = NewRoom {
        is_public: false,
        ..new
    };
    let private = services.rooms.create(&private).await.unwrap();
    let ann = services.user("Ann").await;
    let guest = User {
        is_guest: true,
        ..services.user("Guest").await
    };
    let removed = User {
        is_removed: true,
        is_guest: true,
        ..services.user("Removed").await
    };
    let add = |room, user| services.rooms.add_member(room, user);
    let refused = add(&public, &ann).await;
    assert!(matches!(refused, Err(MembershipError::NotNeeded)));
    add(&public, &guest).await.unwrap();
    add(&private, &ann).await.unwrap();
    for room in [&public, &private] {
        let refused = add(room, &removed).await;
        assert!(matches!(refused, Err(MembershipError::NoPerson)));
    }
    let technical = services.storage.embed_guest().await.unwrap();
    let refused = add(&private, &technical).await;
    assert!(matches!(refused, Err(MembershipError::NoPerson)));
    let memberships = services.storage.memberships(ann.id).await.unwrap();
    assert_eq!(memberships, [private.id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn change_is_retried_three_times_while_others_change_the_room() {
    let services = Services::new();
    let (room, owner) = (services.room("ops").await, services.user("Owner").await);
    let attempts = AtomicU32::new(0);
    let change = async |others: u32| {
        attempts.store(0, Ordering::Relaxed);
        let archive = |room: &mut Room| {
            let before = room.clone();
            room.is_archived = true;
            let attempt = attempts.fetch_add(1, Ordering::Relaxed);
            if attempt < others {
                let topic = format!("{attempt} of {others}");
                let after = Room {
                    topic,
                    ..before.clone()
                };
                let changing = services
                    .storage
                    .change_room(&before, &after, Effects::none());
                let changed = block_in_place(|| Handle::current().block_on(changing)).unwrap();
                assert_eq!(changed, RoomChange::Done);
            }
        };
        services.rooms.change(room.id, &owner, archive).await
    };
    let refused = change(4).await.unwrap_err();
    assert!(matches!(refused, RoomError::Busy), "{refused}");
    assert_eq!(attempts.load(Ordering::Relaxed), 4);
    let changed = change(3).await.unwrap();
    assert_eq!(
        (changed.topic.as_str(), changed.is_archived),
        ("2 of 3", true)
    );
}

#[tokio::test]
async fn removing_a_member_is_published() {
    let services = Services::new();
    let room = services.room("ops").await;
    let guest = User {
        is_guest: true,
        ..services.user("Guest").await
    };
    services.rooms.add_member(&room, &guest).await.unwrap();
    let mut received = services.bus.subscribe_access();
    services.rooms.remove_member(&room, &guest).await.unwrap();
    let expected = event::Event::Access(event::AccessChange::Room(room.id));
    assert_eq!(received.try_recv().unwrap().event, expected);
    let refused = services.rooms.remove_member(&room, &guest).await;
    assert!(matches!(refused, Err(MembershipError::NoMember(name)) if name == "Guest"));
    assert!(received.try_recv().is_err());
}
