//! The rules of webhook calls that wait in storage.

use std::sync::Arc;

use glance_sdk::model::{Event, OauthId, RoomId, Webhook};
use parking_lot::Mutex;
use serde_json::json;
use tokio::task::JoinSet;

use super::{CROWD, Pair, holds, install, new_room, people, room, same, some, worked};
use crate::model::{
    DropReason, Entry, EventSender, Installed, MAX_QUEUED_BYTES, MAX_QUEUED_EVENTS, Message,
    NewCalls, QueuedCalls, Room, WebhookCall, WebhookEvent,
};
use crate::storage::{Effects, Posted, RoomChange, Storage};

pub(super) async fn check(make: &impl AsyncFn() -> Pair) {
    calls_are_stored_with_their_change(&make().await).await;
    calls_come_back_as_they_were(&make().await).await;
    calls_keep_the_order_of_commits(&make().await).await;
    progress_of_calls_is_stored(&make().await).await;
    calls_beyond_the_limits_are_dropped(&make().await).await;
    calls_go_with_their_installation(&make().await).await;
}

/// The calls of two webhooks of an installation for an event with this text.
fn calls(installed: &Installed, room: RoomId, text: &str) -> NewCalls {
    let event = WebhookEvent {
        event: Event::RoomMessage,
        room_id: room,
        at: 1_700_000_000_000_001,
        text: Some(text.to_owned()),
        sender: Some(EventSender {
            id: 7.into(),
            timezone: "Europe/Berlin".to_owned(),
        }),
        item: json!({ "message": { "message": text, "number": 0.1 } }),
    };
    let mut webhook = Webhook::new(Event::RoomMessage, "https://a.example/hook?a=b");
    webhook.pattern = Some("^/a".to_owned());
    NewCalls {
        event: Arc::new(event),
        oauth_id: installed.oauth_id.clone(),
        last_secret: None,
        calls: [1, 2]
            .map(|id| WebhookCall {
                id,
                webhook: webhook.clone(),
            })
            .into(),
    }
}

fn effects(calls: Vec<NewCalls>) -> Effects {
    Effects::calls(calls, |_| ())
}

async fn next(storage: &Arc<dyn Storage>, id: &OauthId, rule: &str) -> Option<QueuedCalls> {
    worked(storage.next_calls(id).await, rule)
}

/// Returns the texts of all stored calls of an installation, and deletes them.
async fn texts(storage: &Arc<dyn Storage>, id: &OauthId, rule: &str) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(queued) = next(storage, id, rule).await {
        texts.extend(queued.calls.event.text.clone());
        worked(storage.delete_calls(queued.number).await, rule);
    }
    texts
}

async fn calls_are_stored_with_their_change([a, b]: &Pair) {
    let rule = "calls are stored if their change is, and not otherwise";
    let by = install(&**a, "one", None).await;
    let first = room(&**a, "ops").await;
    let [ann] = people(&**a, ["Ann"]).await;
    let of = |text: &str| effects(vec![calls(&by, first.id, text)]);
    let entry = Entry::message(first.id, &ann, Message::new("hi", &[]));
    for expected in [Posted::New, Posted::Exists] {
        let posted = a.post(&entry, of("entry")).await;
        same(worked(posted, rule), expected, rule);
    }
    let archived = Room {
        is_archived: true,
        ..first.clone()
    };
    for expected in [RoomChange::Done, RoomChange::Stale] {
        let changed = a.change_room(&first, &archived, of("change")).await;
        same(worked(changed, rule), expected, rule);
    }
    for (name, is_created) in [("new", true), ("ops", false)] {
        let (new, by) = (new_room(name, &ann), by.clone());
        let created = move |room: &Room| effects(vec![calls(&by, room.id, &room.name)]);
        let created = a.create_room(&new, Box::new(created)).await;
        same(worked(created, rule).is_some(), is_created, rule);
    }
    for is_removed in [true, false] {
        let removed = a.remove_room(first.id, 1, of("removal")).await;
        same(worked(removed, rule).is_some(), is_removed, rule);
    }
    worked(a.queue_calls(of("nothing")).await, rule);
    let waiting = worked(b.installations_with_calls().await, rule);
    same(waiting, vec![by.oauth_id.clone()], rule);
    let stored = texts(b, &by.oauth_id, rule).await;
    let expected = ["entry", "change", "new", "removal", "nothing"];
    same(stored, expected.map(str::to_owned).to_vec(), rule);
    let waiting = worked(a.installations_with_calls().await, rule);
    same(waiting, vec![], rule);
}

async fn calls_come_back_as_they_were([a, b]: &Pair) {
    let rule = "stored calls equal the new ones, also if they share their event";
    let (one, two) = (
        install(&**a, "one", None).await,
        install(&**a, "two", None).await,
    );
    let room = room(&**a, "ops").await.id;
    let first = calls(&one, room, "\u{2028}text");
    let mut second = NewCalls {
        oauth_id: two.oauth_id.clone(),
        ..first.clone()
    };
    second.calls.truncate(1);
    let both = vec![first.clone(), second.clone()];
    worked(a.queue_calls(effects(both)).await, rule);
    let found = some(next(b, &one.oauth_id, rule).await, rule);
    same(&found.calls, &first, rule);
    same((found.position, found.is_sending), (0, false), rule);
    worked(b.delete_calls(found.number).await, rule);
    let found = some(next(a, &two.oauth_id, rule).await, rule);
    same(&found.calls, &second, rule);
}

async fn calls_keep_the_order_of_commits(pair: &Pair) {
    let rule = "an installation's calls have the order of the entries that caused them";
    let by = install(&*pair[0], "one", None).await;
    let room = room(&*pair[0], "ops").await.id;
    let [ann] = people(&*pair[0], ["Ann"]).await;
    let mut posting = JoinSet::new();
    for number in 0..CROWD {
        let text = number.to_string();
        let entry = Entry::message(room, &ann, Message::new(text.clone(), &[]));
        let effects = effects(vec![calls(&by, room, &entry.id)]);
        let storage = Arc::clone(&pair[number % 2]);
        posting.spawn(async move { storage.post(&entry, effects).await });
    }
    for posted in posting.join_all().await {
        same(worked(posted, rule), Posted::New, rule);
    }
    let entries = worked(pair[0].timeline(room, u32::MAX).await, rule);
    let entries: Vec<_> = entries.into_iter().map(|entry| entry.id).collect();
    same(texts(&pair[1], &by.oauth_id, rule).await, entries, rule);
}

async fn progress_of_calls_is_stored([a, b]: &Pair) {
    let rule = "both handles see which call is being sent, and which ones are over";
    let by = install(&**a, "one", None).await;
    let room = room(&**a, "ops").await.id;
    worked(
        a.queue_calls(effects(vec![calls(&by, room, "a")])).await,
        rule,
    );
    let number = some(next(a, &by.oauth_id, rule).await, rule).number;
    for (position, is_sending) in [(0, true), (0, false), (0, true), (1, true), (1, false)] {
        let marked = match is_sending {
            true => a.mark_sending(number, position).await,
            false => a.mark_waiting(number, position).await,
        };
        holds(worked(marked, rule), rule, "the calls are gone");
        let found = some(next(b, &by.oauth_id, rule).await, rule);
        same(found.number, number, rule);
        same(
            (found.position, found.is_sending),
            (position, is_sending),
            rule,
        );
    }
    worked(b.delete_calls(number).await, rule);
    worked(b.delete_calls(number).await, rule);
    same(next(a, &by.oauth_id, rule).await, None, rule);
    let marks = [
        a.mark_sending(number, 0).await,
        a.mark_waiting(number, 0).await,
    ];
    for marked in marks {
        holds(!worked(marked, rule), rule, "deleted calls were marked");
    }
    worked(
        a.queue_calls(effects(vec![calls(&by, room, "b")])).await,
        rule,
    );
    let later = some(next(b, &by.oauth_id, rule).await, rule).number;
    holds(later > number, rule, "a number was given again");
}

async fn calls_beyond_the_limits_are_dropped([a, b]: &Pair) {
    let rule =
        "calls beyond the limits of one installation are dropped, and their change is stored";
    let (one, two) = (
        install(&**a, "one", None).await,
        install(&**a, "two", None).await,
    );
    let room = room(&**a, "ops").await.id;
    let dropped = Arc::new(Mutex::new(Vec::new()));
    let queue = async |new: Vec<NewCalls>| {
        let dropped = Arc::clone(&dropped);
        let effects = Effects::calls(new, move |these| dropped.lock().extend(these.to_vec()));
        worked(a.queue_calls(effects).await, rule);
    };
    let dropped_ids = || -> Vec<_> {
        let dropped = std::mem::take(&mut *dropped.lock());
        let ids = dropped.into_iter();
        ids.map(|one| (one.calls.oauth_id, one.reason)).collect()
    };
    for _ in 0..MAX_QUEUED_EVENTS {
        queue(vec![calls(&one, room, "a")]).await;
    }
    same(dropped_ids(), vec![], rule);
    let both = || vec![calls(&one, room, "b"), calls(&two, room, "b")];
    queue(both()).await;
    let full = (one.oauth_id.clone(), DropReason::Full);
    same(dropped_ids(), vec![full.clone()], rule);
    // Calls that are being sent do not count.
    let first = some(next(b, &one.oauth_id, rule).await, rule);
    worked(b.mark_sending(first.number, 0).await, rule);
    queue(both()).await;
    same(dropped_ids(), vec![], rule);
    queue(both()).await;
    same(dropped_ids(), vec![full], rule);
    same(texts(b, &two.oauth_id, rule).await.len(), 3, rule);

    let half = "x".repeat(MAX_QUEUED_BYTES as usize / 5);
    for _ in 0..2 {
        // The text is in the item, too.
        queue(vec![calls(&two, room, &half)]).await;
    }
    same(dropped_ids(), vec![], rule);
    queue(vec![calls(&two, room, &half)]).await;
    same(
        dropped_ids(),
        vec![(two.oauth_id.clone(), DropReason::Full)],
        rule,
    );
}

async fn calls_go_with_their_installation([a, b]: &Pair) {
    let rule = "calls go with their installation, unless they have its last secret";
    let room = room(&**a, "ops").await.id;
    let (by, other) = (
        install(&**a, "one", Some(room)).await,
        install(&**a, "two", None).await,
    );
    let last = |text: &str| NewCalls {
        last_secret: Some("secret".into()),
        ..calls(&by, room, text)
    };
    let first = vec![calls(&by, room, "a"), calls(&other, room, "b")];
    worked(a.queue_calls(effects(first)).await, rule);
    worked(a.queue_calls(effects(vec![last("before")])).await, rule);
    let removed = b.remove_room(room, 1, effects(vec![last("with it")])).await;
    same(worked(removed, rule).map(|left| left.len()), Some(1), rule);
    let dropped = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&dropped);
    let late = Effects::calls(vec![calls(&by, room, "late")], move |these| {
        *seen.lock() = these.first().map(|one| one.reason);
    });
    worked(b.queue_calls(late).await, rule);
    same(*dropped.lock(), Some(DropReason::Removed), rule);
    let found = some(next(a, &by.oauth_id, rule).await, rule);
    same(found.calls, last("before"), rule);
    let left = texts(a, &by.oauth_id, rule).await;
    same(left, vec!["before".to_owned(), "with it".to_owned()], rule);
    let left = texts(a, &other.oauth_id, rule).await;
    same(left, vec!["b".to_owned()], rule);
}
