use glance_sdk::model::{Descriptor, Event, Glance, Icon, Notification, OauthId, Webhook};

use super::*;
use crate::model::access::Access;
use crate::model::{
    Content, Entry, Installed, Place, Restriction, RuntimeGlance, Side, StoredToken,
};
use crate::storage::{
    ExtensionStore, InstallationStore, PeopleStore, Posted, RoomChange, RoomStore, TimelineStore,
    TokenStore,
};

async fn with_installation() -> (SqliteState, OauthId) {
    let state = SqliteState::in_memory().unwrap();
    let owner = state.get_or_create_user("owner").await.unwrap();
    for name in ["one", "two"] {
        state.get_or_create_room(name, owner.id).await.unwrap();
    }
    let installed = Installed {
        oauth_id: "id".into(),
        oauth_secret: "secret".into(),
        room_id: None,
        descriptor_url: "http://a.example/".into(),
        descriptor: Descriptor::new("a", "A", "http://a.example/"),
    };
    state.begin_installation(&installed, 0).await.unwrap();
    (state, installed.oauth_id)
}

fn glance(key: &str, place: Place) -> RuntimeGlance {
    let glance = Glance::new(key, key, Icon::new("http://a.example/i.png"));
    RuntimeGlance {
        oauth_id: "id".into(),
        place,
        glance,
    }
}

#[tokio::test]
async fn ten_glances_a_room_and_ten_global_ones() {
    let (state, _) = with_installation().await;
    for (prefix, place) in [
        ("a", Place::Room(1.into())),
        ("b", Place::Room(2.into())),
        ("g", Place::Global),
    ] {
        for n in 0..10 {
            let put = state
                .put_glance(&glance(&format!("{prefix}{n}"), place))
                .await
                .unwrap();
            assert_eq!(put, Ok(()));
        }
        let eleventh = state
            .put_glance(&glance(&format!("{prefix}10"), place))
            .await
            .unwrap();
        assert_eq!(eleventh, Err(Restriction::TooMany));
        let again = state
            .put_glance(&glance(&format!("{prefix}0"), place))
            .await
            .unwrap();
        assert_eq!(again, Ok(()), "replacing one adds none");
    }
}

#[tokio::test]
async fn one_key_is_not_both_global_and_a_rooms() {
    let (state, id) = with_installation().await;
    let (one, two) = (Place::Room(1.into()), Place::Room(2.into()));
    assert_eq!(state.put_glance(&glance("k", one)).await.unwrap(), Ok(()));
    assert_eq!(state.put_glance(&glance("k", two)).await.unwrap(), Ok(()));
    let global = state.put_glance(&glance("k", Place::Global)).await.unwrap();
    assert_eq!(global, Err(Restriction::KeyElsewhere));
    for place in [one, two] {
        assert!(state.remove_glance(&id, place, "k").await.unwrap());
    }
    assert_eq!(
        state.put_glance(&glance("k", Place::Global)).await.unwrap(),
        Ok(())
    );
    let room = state.put_glance(&glance("k", one)).await.unwrap();
    assert_eq!(room, Err(Restriction::KeyElsewhere));
}

#[tokio::test]
async fn removing_an_installation_takes_its_glances_and_tokens_along() {
    let (state, id) = with_installation().await;
    state
        .put_glance(&glance("k", Place::Global))
        .await
        .unwrap()
        .unwrap();
    let token = StoredToken {
        digest: vec![1],
        oauth_id: id.clone(),
        scope: String::new(),
        expires_at: 9,
    };
    state.put_token(&token, 0).await.unwrap();
    assert!(state.remove_installation(&id).await.unwrap());
    assert!(state.token(&[1]).await.unwrap().is_none());
    assert!(!state.has_glance(&id, "k").await.unwrap());
    assert!(!state.remove_installation(&id).await.unwrap());
}

#[tokio::test]
async fn an_id_beyond_the_database_is_the_id_of_nothing() {
    let (state, _) = with_installation().await;
    assert!(state.room(u64::MAX.into()).await.unwrap().is_none());
    assert!(state.user(u64::MAX.into()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_timeline_keeps_its_order_and_outlives_its_writers() {
    let (state, id) = with_installation().await;
    let installed = state.installation(&id).await.unwrap().unwrap();
    let write = |room: u64, message: &str| {
        let content = Content::Notification(Box::new(Notification::text(message)));
        Entry::new(room.into(), &installed, content)
    };
    let written = [write(1, "a"), write(1, "b"), write(2, "c"), write(1, "d")];
    for entry in &written {
        assert_eq!(state.post(entry).await.unwrap(), Posted::New);
    }
    let mut again = write(1, "another");
    again.id = written[2].id.clone();
    let posted = state.post(&again).await.unwrap();
    assert_eq!(posted, Posted::Exists, "an id is one entry's");
    state.remove_installation(&id).await.unwrap();
    let timeline = state.timeline(1.into(), 2).await.unwrap();
    assert_eq!(timeline, [written[1].clone(), written[3].clone()]);
    assert_eq!(timeline[0].sender_name, "A");
    assert_eq!(state.timeline(2.into(), 9).await.unwrap().len(), 1);

    let beside = async |of: &Entry, side, at_most| {
        let found = state.history_beside(1.into(), &of.id, side, at_most).await;
        let found = found.unwrap().into_iter().map(|entry| entry.id);
        found.collect::<Vec<_>>()
    };
    let [a, b, elsewhere, d] = &written;
    assert_eq!(beside(d, Side::Before, 9).await, [&*b.id, &*a.id]);
    assert_eq!(beside(d, Side::Before, 1).await, [&*b.id]);
    assert_eq!(beside(a, Side::After, 9).await, [&*b.id, &*d.id]);
    for (of, side) in [
        (a, Side::Before),
        (d, Side::After),
        (elsewhere, Side::After),
    ] {
        assert!(beside(of, side, 9).await.is_empty());
    }
}

fn webhook(key: Option<&str>, url: &str) -> Webhook {
    let mut webhook = Webhook::new(Event::RoomMessage, url);
    webhook.key = key.map(ToOwned::to_owned);
    webhook
}

#[tokio::test]
async fn a_rooms_webhooks_are_ten_at_most_and_numbers_are_not_given_again() {
    let (state, id) = with_installation().await;
    let put = async |room: u64, webhook| {
        let put = state.put_webhook(&id, room.into(), &webhook);
        put.await.unwrap()
    };
    let mut numbers = Vec::new();
    for n in 0..9 {
        let key = format!("k{n}");
        numbers.push(
            put(1, webhook(Some(&key), "http://a.example/"))
                .await
                .unwrap(),
        );
    }
    let last = put(1, webhook(None, "http://a.example/")).await.unwrap();
    for key in [None, Some("k9")] {
        let eleventh = put(1, webhook(key, "http://a.example/")).await;
        assert_eq!(eleventh, Err(Restriction::TooMany));
    }
    let again = put(1, webhook(Some("k3"), "http://b.example/")).await;
    assert_eq!(again, Ok(numbers[3]), "replacing one adds none");
    assert!(
        put(2, webhook(Some("k9"), "http://a.example/"))
            .await
            .is_ok()
    );
    assert!(state.remove_webhook(&id, last).await.unwrap());
    assert!(!state.remove_webhook(&id, last).await.unwrap());
    let next = put(1, webhook(None, "http://a.example/")).await.unwrap();
    assert!(next > last);

    let listed = state.webhooks_of(&id, 1.into()).await.unwrap();
    assert_eq!(listed.len(), 10);
    assert_eq!(listed[3].webhook.url, "http://b.example/");
}

#[tokio::test]
async fn declared_webhooks_follow_the_descriptor() {
    let (state, id) = with_installation().await;
    let declare = async |webhooks: Vec<Webhook>| {
        let mut descriptor = Descriptor::new("a", "A", "http://a.example/");
        descriptor.capabilities.webhook = Some(webhooks.into());
        let url = "http://a.example/";
        state
            .replace_descriptor(&id, url, &descriptor)
            .await
            .unwrap();
        let listed = state.webhooks_of(&id, 1.into()).await.unwrap();
        listed
            .iter()
            .map(|one| (one.id, one.webhook.url.clone()))
            .collect::<Vec<_>>()
    };
    let (one, two) = (
        webhook(None, "http://1.example/"),
        webhook(None, "http://2.example/"),
    );
    let first = declare(vec![one.clone(), one.clone()]).await;
    assert_eq!(first.len(), 2, "the same one twice is called twice");
    let second = declare(vec![two, one]).await;
    assert_eq!(second.len(), 2);
    assert!(
        first.contains(&second[0]),
        "one that stays keeps its number"
    );
    assert!(!state.remove_webhook(&id, second[0].0).await.unwrap());

    let on = async || {
        state
            .webhooks_on(&Event::RoomMessage, 1.into())
            .await
            .unwrap()
    };
    assert!(on().await.is_empty(), "its add-on has not accepted yet");
    state.finish_installation(&id).await.unwrap();
    assert_eq!(on().await.len(), 2);
    let other = state
        .webhooks_on(&Event::RoomEnter, 1.into())
        .await
        .unwrap();
    assert!(other.is_empty());
    state.remove_installation(&id).await.unwrap();
    assert!(on().await.is_empty());
    assert!(state.webhooks_of(&id, 1.into()).await.unwrap().is_empty());
}

#[tokio::test]
async fn webhooks_of_an_older_database_are_declared_when_it_is_opened() {
    let (state, id) = with_installation().await;
    let mut descriptor = Descriptor::new("a", "A", "http://a.example/");
    descriptor.capabilities.webhook = Some(vec![webhook(None, "http://1.example/")].into());
    let url = "http://a.example/";
    state
        .replace_descriptor(&id, url, &descriptor)
        .await
        .unwrap();
    let forget = |connection: &mut Connection| connection.execute_batch("DROP TABLE webhook");
    state.call(forget).await.unwrap();
    state.call(extensions::webhooks::prepare).await.unwrap();
    state.call(extensions::webhooks::prepare).await.unwrap();
    assert_eq!(state.webhooks_of(&id, 1.into()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn sql_lists_the_rooms_that_access_lets_a_person_enter() {
    let state = SqliteState::in_memory().unwrap();
    let mut users = Vec::new();
    for (name, is_admin, is_guest, is_removed) in [
        ("owner", false, false, false),
        ("guest who owns", false, true, false),
        ("admin", true, false, false),
        ("member", false, false, false),
        ("guest", false, true, false),
        ("removed", false, false, true),
    ] {
        let mut user = state.get_or_create_user(name).await.unwrap();
        (user.is_admin, user.is_guest, user.is_removed) = (is_admin, is_guest, is_removed);
        state.update_user(&user).await.unwrap();
        users.push(user);
    }
    for (owner, is_public, is_archived, let_in) in [
        (0, true, false, None),
        (0, false, false, None),
        (0, false, false, Some(3)),
        (0, true, false, Some(4)),
        (0, false, false, Some(4)),
        (0, false, true, Some(4)),
        (0, true, true, None),
        (1, false, false, None),
        (1, true, false, Some(5)),
    ] {
        let number = state.rooms().await.unwrap().len();
        let owner = users[owner].id;
        let mut room = state
            .get_or_create_room(&format!("room {number}"), owner)
            .await;
        let room = room.as_mut().unwrap();
        let before = room.clone();
        (room.is_public, room.is_archived) = (is_public, is_archived);
        let changed = state.change_room(&before, room).await.unwrap();
        assert_eq!(changed, RoomChange::Done);
        if let Some(user) = let_in {
            state.add_member(room.id, users[user].id).await.unwrap();
        }
    }
    let all = state.rooms().await.unwrap();
    for user in &users {
        let access = Access::new(user, state.memberships(user.id).await.unwrap());
        let open = all
            .iter()
            .filter(|room| !room.is_archived && access.may_enter(room));
        let open: Vec<_> = open.cloned().collect();
        let found = state.rooms_open_to(user, 100).await.unwrap();
        assert_eq!(found, open, "{}", user.name);
        let first = state.rooms_open_to(user, 2).await.unwrap();
        assert_eq!(first, open[..open.len().min(2)], "{}", user.name);
    }
}
