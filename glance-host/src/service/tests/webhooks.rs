//! Which webhooks are called, how often, and what happens to their answers.

use glance_sdk::model::{Event, Notification};

use super::*;
use crate::model::{Delivery, Outcome, QueuedCalls};
use crate::service::webhooks::RoomEvent;
use crate::storage::Effects;

/// In seconds.
const DAY: i64 = 24 * 3600;

const NOTIFICATION: &str = r#"{"message": "answer"}"#;

impl Services {
    /// Posts a message of "Ann", and waits for the webhook calls of an add-on.
    async fn say(&self, room: &Room, text: &str, installed: &Installed) {
        let ann = self.user("Ann").await;
        let draft = text.to_owned().into();
        self.messages.post(room, &ann, draft).await.unwrap();
        self.webhooks.idle(&installed.oauth_id).await;
    }

    fn last_delivery(&self, room: &Room) -> Arc<Delivery> {
        self.webhooks.deliveries(room.id).pop().unwrap()
    }
}

#[tokio::test]
async fn add_on_is_not_called_for_its_own_entries() {
    let services = Services::new();
    let room = services.room("ops").await;
    let events = [Event::RoomNotification];
    let own = services.install("own", room.id, &events).await;
    let other = services.install("other", room.id, &events).await;
    let notification = Notification::text("hi");
    let notified = services.messages.notify(&room, &own, notification).await;
    notified.unwrap();
    assert!(services.webhook_events(&own.oauth_id).await.is_empty());
    let called = services.webhook_events(&other.oauth_id).await;
    assert_eq!(called, ["room_notification"]);
}

#[tokio::test]
async fn only_matching_messages_call_a_webhook_with_a_pattern() {
    let services = Services::new();
    let room = services.room("ops").await;
    let installed = services.install("a", room.id, &[]).await;
    for pattern in ["^/build", "("] {
        let mut webhook = Webhook::new(Event::RoomMessage, "https://a.example/hook");
        webhook.pattern = Some(pattern.to_owned());
        let id = &installed.oauth_id;
        let put = services.storage.put_webhook(id, room.id, &webhook).await;
        put.unwrap().unwrap();
    }
    services.say(&room, "hi", &installed).await;
    services.say(&room, "/build all", &installed).await;
    let called = services.webhook_events(&installed.oauth_id).await;
    assert_eq!(called, ["room_message"]);
    let delivery = services.last_delivery(&room);
    assert_eq!(delivery.body["item"]["message"]["message"], "/build all");
}

#[tokio::test]
async fn acknowledgements_are_not_posted() {
    let services = Services::new();
    let room = services.room("ops").await;
    let installed = services.install("a", room.id, &[Event::RoomMessage]).await;
    for (answer, is_acknowledgement) in [
        ("", true),
        (" \u{feff}OK\n", true),
        (&*"x".repeat(201), false),
        ("[]", false),
        ("\u{feff}[]", false),
        ("<html></html>", false),
        (r#"{"message": ""}"#, false),
    ] {
        services.add_ons.answer_with(answer);
        services.say(&room, "hi", &installed).await;
        let outcome = services.last_delivery(&room).outcome.clone();
        let Outcome::Answered { entry, problem, .. } = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(
            (entry, problem.is_none()),
            (None, is_acknowledgement),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn answer_to_a_notification_calls_no_webhooks() {
    let services = Services::new();
    let room = services.room("ops").await;
    let events = [Event::RoomNotification];
    let one = services.install("one", room.id, &events).await;
    let other = services.install("other", room.id, &events).await;
    services.add_ons.answer_with(NOTIFICATION);
    let notification = Notification::text("hi");
    let notified = services.messages.notify(&room, &one, notification).await;
    notified.unwrap();
    services.webhooks.all_idle().await;
    assert_eq!(services.texts(room.id).await, ["hi", "answer"]);
    assert!(services.webhook_events(&one.oauth_id).await.is_empty());
    assert_eq!(services.webhook_events(&other.oauth_id).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_answers_that_ask_for_it_are_retried() {
    let services = Services::new();
    let room = services.room("ops").await;
    let installed = services.install("a", room.id, &[Event::RoomMessage]).await;
    for (statuses, attempts, expected) in [
        (&[503, 429, 502][..], 4, 200),
        (&[503, 503, 503, 504], 4, 504),
        (&[500], 1, 500),
        (&[404], 1, 404),
    ] {
        let statuses = statuses
            .iter()
            .map(|status| StatusCode::from_u16(*status).unwrap());
        services.add_ons.statuses.lock().extend(statuses);
        services.say(&room, "hi", &installed).await;
        let delivery = services.last_delivery(&room);
        let Outcome::Answered { status, .. } = delivery.outcome else {
            panic!("{delivery:?}");
        };
        assert_eq!((delivery.attempts, status), (attempts, expected));
    }
}

#[tokio::test]
async fn events_beyond_the_queue_are_skipped() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let installed = services.install("a", room.id, &[Event::RoomEnter]).await;
    for _ in 0..100 {
        services.store_call(&room, &ann).await;
    }
    // The task starts with the next event, which does not fit.
    let event = RoomEvent::Entered(ann.clone());
    let mut recorded = services.webhooks.watch_deliveries();
    services.webhooks.call(room.id, event).await;
    let why = loop {
        recorded.changed().await.unwrap();
        let deliveries = services.webhooks.deliveries(room.id);
        let why = deliveries.iter().find_map(|one| match &one.outcome {
            Outcome::Skipped(why) => Some(why.clone()),
            _ => None,
        });
        if let Some(why) = why {
            break why;
        }
    };
    assert!(why.contains("100 events wait"), "{why}");
    assert_eq!(
        services.webhook_events(&installed.oauth_id).await.len(),
        100
    );
    assert_eq!(services.queued(&installed).await, None);
}

#[tokio::test]
async fn queued_events_of_a_removed_or_slow_add_on_are_skipped() {
    let services = Services::new();
    let ann = services.user("Ann").await;
    for (id, is_removed) in [("slow", false), ("removed", true)] {
        // Each add-on has its own room, so that the last delivery is its own.
        let room = services.room(id).await;
        let installed = services.install(id, room.id, &[Event::RoomEnter]).await;
        let event = RoomEvent::Entered(ann.clone());
        let calls = services.webhooks.prepare(room.id, &event).await;
        if is_removed {
            let id = &installed.oauth_id;
            let no_effects = Box::new(|_: &Installed| Effects::none());
            services.storage.leave(id, 1, no_effects).await.unwrap();
        } else {
            services.clock.advance(std::time::Duration::from_secs(301));
        }
        let effects = services.webhooks.effects(calls);
        services.storage.queue_calls(effects).await.unwrap();
        assert!(
            services
                .webhook_events(&installed.oauth_id)
                .await
                .is_empty()
        );
        let delivery = services.last_delivery(&room);
        let Outcome::Skipped(why) = &delivery.outcome else {
            panic!("{delivery:?}");
        };
        assert_eq!(why.contains("removed"), is_removed, "{why}");
    }
}

impl Services {
    /// Stores the calls for an arrival, as a host does that ends at once.
    async fn store_call(&self, room: &Room, user: &User) {
        let event = RoomEvent::Entered(user.clone());
        let mut prepared = self
            .webhooks
            .effects(self.webhooks.prepare(room.id, &event).await);
        let effects = Effects::calls(prepared.take_calls(), |_| ());
        self.storage.queue_calls(effects).await.unwrap();
    }

    async fn queued(&self, installed: &Installed) -> Option<QueuedCalls> {
        self.storage.next_calls(&installed.oauth_id).await.unwrap()
    }
}

#[tokio::test]
async fn stored_calls_are_made_in_order_after_a_start() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let installed = services.install("a", room.id, &[Event::RoomEnter]).await;
    let [bo, cy] = [services.user("Bo").await, services.user("Cy").await];
    for user in [&ann, &bo, &cy] {
        services.store_call(&room, user).await;
    }
    // A call that was being sent may have arrived.
    let first = services.queued(&installed).await.unwrap();
    let marked = services.storage.mark_sending(first.number, 0).await;
    assert!(marked.unwrap());
    services.webhooks.start().await.unwrap();
    services.webhooks.all_idle().await;
    let deliveries = services.webhooks.deliveries(room.id);
    let found: Vec<_> = deliveries
        .iter()
        .map(|delivery| {
            let name = delivery.body["item"]["sender"]["name"].as_str().unwrap();
            (name, matches!(delivery.outcome, Outcome::Failed(_)))
        })
        .collect();
    assert_eq!(found, [("Ann", true), ("Bo", false), ("Cy", false)]);
    let Outcome::Failed(why) = &deliveries[0].outcome else {
        panic!("{:?}", deliveries[0]);
    };
    assert!(why.contains("the host ended during the call"), "{why}");
    assert_eq!(services.webhook_events(&installed.oauth_id).await.len(), 2);
}

#[tokio::test]
async fn webhooks_after_an_interrupted_one_are_called() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let events = [Event::RoomEnter, Event::RoomEnter, Event::RoomEnter];
    let installed = services.install("a", room.id, &events).await;
    services.store_call(&room, &ann).await;
    let queued = services.queued(&installed).await.unwrap();
    let [_, second, third] = &*queued.calls.calls else {
        panic!("{queued:?}");
    };
    services
        .storage
        .mark_sending(queued.number, 1)
        .await
        .unwrap();
    services.webhooks.start().await.unwrap();
    services.webhooks.all_idle().await;
    let deliveries = services.webhooks.deliveries(room.id);
    let called: Vec<_> = deliveries.iter().map(|one| one.webhook_id).collect();
    assert_eq!(called, [second.id, third.id]);
    assert_eq!(services.webhook_events(&installed.oauth_id).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn call_in_pause_before_retry_stays_stored_on_shutdown() {
    let services = Services::new();
    let room = services.room("ops").await;
    let installed = services.install("a", room.id, &[Event::RoomMessage]).await;
    services
        .add_ons
        .statuses
        .lock()
        .push_back(StatusCode::SERVICE_UNAVAILABLE);
    let ann = services.user("Ann").await;
    let draft = "hi".to_owned().into();
    services.messages.post(&room, &ann, draft).await.unwrap();
    services.add_ons.requested(1).await;
    services.shut_down();
    services.webhooks.idle(&installed.oauth_id).await;
    let queued = services.queued(&installed).await.unwrap();
    assert_eq!((queued.position, queued.is_sending), (0, false));
    assert!(services.webhooks.deliveries(room.id).is_empty());
    assert_eq!(services.add_ons.requests.lock().len(), 1);
}

#[tokio::test]
async fn deletion_of_a_room_is_told_to_its_add_ons_after_a_restart() {
    let services = Services::new();
    let (room, owner) = (services.room("ops").await, services.user("Owner").await);
    let installed = services.install("a", room.id, &[Event::RoomDeleted]).await;
    let event = RoomEvent::Deleted(owner);
    let calls = services.webhooks.prepare_for(&room, &event).await;
    let mut prepared = services.webhooks.effects(calls);
    let effects = Effects::calls(prepared.take_calls(), |dropped| assert_eq!(dropped, []));
    let removed = services.storage.remove_room(room.id, 1, effects).await;
    assert_eq!(removed.unwrap().unwrap().len(), 1);
    services.webhooks.start().await.unwrap();
    let called = services.webhook_events(&installed.oauth_id).await;
    assert_eq!(called, ["room_deleted"]);
}

#[tokio::test]
async fn waiting_calls_are_made_after_the_clock_was_set_back() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let installed = services.install("a", room.id, &[Event::RoomEnter]).await;
    services.store_call(&room, &ann).await;
    services.clock.set(services.clock.now() - DAY);
    services.store_call(&room, &ann).await;
    services.webhooks.start().await.unwrap();
    let called = services.webhook_events(&installed.oauth_id).await;
    assert_eq!(called, ["room_enter", "room_enter"]);
}

#[tokio::test]
async fn waiting_calls_are_skipped_with_a_record_after_the_clock_was_set_forward() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let installed = services.install("a", room.id, &[Event::RoomEnter]).await;
    services.store_call(&room, &ann).await;
    services.clock.set(services.clock.now() + DAY);
    services.store_call(&room, &ann).await;
    services.webhooks.start().await.unwrap();
    let called = services.webhook_events(&installed.oauth_id).await;
    assert_eq!(called, ["room_enter"]);
    let deliveries = services.webhooks.deliveries(room.id);
    let Outcome::Skipped(why) = &deliveries[0].outcome else {
        panic!("{deliveries:?}");
    };
    assert_eq!(why, "it waited for more than 5 minutes");
}
