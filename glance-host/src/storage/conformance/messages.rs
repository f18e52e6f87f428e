//! The rules of timelines and private messages.

use std::sync::Arc;

use glance_sdk::model::{Notification, RoomId};
use tokio::task::JoinSet;

use super::{
    CROWD, Pair, Received, holds, install, no_installation_effects, people, posted, room, same,
    worked,
};
use crate::model::event::Event;
use crate::model::{
    Content, Entry, Installed, MAX_PRIVATE_MESSAGES, Message, PrivateMessage, Side, User,
};
use crate::storage::{Effects, Posted};

pub(super) async fn check(make: &impl AsyncFn() -> Pair) {
    timeline_has_the_order_of_posting(&make().await).await;
    entries_have_effects_in_stored_order(&make().await).await;
    entry_ids_are_unique(&make().await).await;
    entries_stay_after_their_writers(&make().await).await;
    newest_private_messages_are_kept(&make().await).await;
    private_messages_are_read_in_order(&make().await).await;
    old_messages_are_deleted_oldest_first(&make().await).await;
    full_timelines_lose_their_oldest_entries(&make().await).await;
}

fn entry(room: RoomId, by: &Installed, text: &str) -> Entry {
    let content = Content::Notification(Box::new(Notification::text(text)));
    Entry::new(room, by, content)
}

fn private(to: &User, by: &Installed, text: &str) -> PrivateMessage {
    PrivateMessage::new(to.id, by, text, "text".into(), false)
}

fn ids(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| &*entry.id).collect()
}

async fn timeline_has_the_order_of_posting([a, b]: &Pair) {
    let rule = "a room's timeline has the order in which its entries were posted";
    let by = install(&**a, "one", None).await;
    let (one, two) = (room(&**a, "one").await.id, room(&**a, "two").await.id);
    let written = [
        entry(one, &by, "a"),
        entry(one, &by, "b"),
        entry(two, &by, "c"),
        entry(one, &by, "d"),
    ];
    for (entry, storage) in written.iter().zip([a, b, a, b]) {
        same(
            worked(storage.post(entry, Effects::none()).await, rule),
            Posted::New,
            rule,
        );
    }
    let [first, second, elsewhere, last] = &written;
    let timeline = worked(a.timeline(one, 2).await, rule);
    same(timeline, vec![second.clone(), last.clone()], rule);
    let history = worked(b.history(one, 1, 9).await, rule);
    same(ids(&history), vec![&*second.id, &*first.id], rule);
    same(
        worked(b.entry(two, &elsewhere.id).await, rule),
        Some(elsewhere.clone()),
        rule,
    );
    same(worked(b.entry(one, &elsewhere.id).await, rule), None, rule);
    for (of, side, at_most, expected) in [
        (last, Side::Before, 9, vec![second, first]),
        (last, Side::Before, 1, vec![second]),
        (first, Side::After, 9, vec![second, last]),
        (first, Side::Before, 9, vec![]),
        (last, Side::After, 9, vec![]),
        (elsewhere, Side::After, 9, vec![]),
    ] {
        let beside = worked(a.history_beside(one, &of.id, side, at_most).await, rule);
        let expected: Vec<_> = expected.into_iter().cloned().collect();
        same(beside, expected, rule);
    }
}

async fn entries_have_effects_in_stored_order(pair: &Pair) {
    let rule = "the effects of stored entries happen after the commit, in the stored order";
    let by = install(&*pair[0], "one", None).await;
    let room = room(&*pair[0], "ops").await.id;
    let received = Received::of(&*pair[0]);
    let mut posting = JoinSet::new();
    for number in 0..CROWD {
        // Two of them have the same id; one is stored.
        let mut entry = entry(room, &by, &number.to_string());
        entry.id = number.max(1).to_string();
        let storage = Arc::clone(&pair[0]);
        posting.spawn(async move { storage.post(&entry, posted(&entry)).await });
    }
    for posted in posting.join_all().await {
        let _ = worked(posted, rule);
    }
    let stored = worked(pair[1].timeline(room, u32::MAX).await, rule);
    let stored: Vec<_> = stored.into_iter().map(|entry| entry.id).collect();
    let published = received.take().into_iter();
    let published = published.filter_map(|committed| match committed.event {
        Event::Posted(posted) => Some(posted.entry.id.clone()),
        _ => None,
    });
    same(published.collect(), stored, rule);
}

async fn entry_ids_are_unique([a, b]: &Pair) {
    let rule = "an entry id is unique in all rooms";
    let by = install(&**a, "one", None).await;
    let (one, two) = (room(&**a, "one").await.id, room(&**a, "two").await.id);
    let first = entry(one, &by, "a");
    same(
        worked(a.post(&first, Effects::none()).await, rule),
        Posted::New,
        rule,
    );
    for room in [one, two] {
        let mut again = entry(room, &by, "another");
        again.id.clone_from(&first.id);
        same(
            worked(b.post(&again, Effects::none()).await, rule),
            Posted::Exists,
            rule,
        );
    }
    same(worked(b.timeline(one, 9).await, rule), vec![first], rule);
    same(worked(b.timeline(two, 9).await, rule), vec![], rule);
}

async fn entries_stay_after_their_writers([a, b]: &Pair) {
    let rule = "entries of a removed writer stay, with the name at that time";
    let by = install(&**a, "one", None).await;
    let room = room(&**a, "ops").await.id;
    let [ann] = people(&**a, ["Ann"]).await;
    let notified = entry(room, &by, "a");
    let said = Entry::message(room, &ann, Message::new("hi", &[]));
    for entry in [&notified, &said] {
        worked(a.post(entry, Effects::none()).await, rule);
    }
    worked(
        b.leave(&by.oauth_id, 1, no_installation_effects()).await,
        rule,
    );
    let _ = worked(b.remove_person(ann.id, Effects::none()).await, rule);
    same(
        worked(a.timeline(room, 9).await, rule),
        vec![notified, said],
        rule,
    );
}

async fn newest_private_messages_are_kept([a, b]: &Pair) {
    let rule = "the newest private messages of a person are kept";
    let by = install(&**a, "one", None).await;
    let [ann] = people(&**a, ["Ann"]).await;
    for number in 0..=MAX_PRIVATE_MESSAGES {
        let message = private(&ann, &by, &number.to_string());
        worked(a.put_private_message(&message).await, rule);
    }
    let kept = worked(b.private_messages(ann.id, u32::MAX).await, rule);
    same(kept.len() as u32, MAX_PRIVATE_MESSAGES, rule);
    same(&*kept[0].text, "1", rule);
    let newest = worked(b.private_messages(ann.id, 2).await, rule);
    same(newest, kept[kept.len() - 2..].to_vec(), rule);
}

async fn private_messages_are_read_in_order([a, b]: &Pair) {
    let rule = "marking a private message as read marks earlier ones too";
    let by = install(&**a, "one", None).await;
    let [ann, bo] = people(&**a, ["Ann", "Bo"]).await;
    let messages = ["a", "b", "c"].map(|text| private(&ann, &by, text));
    for message in messages.iter().chain([&private(&bo, &by, "d")]) {
        worked(a.put_private_message(message).await, rule);
    }
    same(worked(b.count_unread(ann.id).await, rule), 3, rule);
    worked(b.mark_read(ann.id, &messages[1].id).await, rule);
    worked(b.mark_read(bo.id, &messages[1].id).await, rule);
    let read = worked(a.private_messages(ann.id, 9).await, rule);
    let read: Vec<_> = read.iter().map(|message| message.is_read).collect();
    same(read, vec![true, true, false], rule);
    same(worked(a.count_unread(bo.id).await, rule), 1, rule);
}

async fn full_timelines_lose_their_oldest_entries([a, b]: &Pair) {
    let rule =
        "a timeline with too many bytes loses its oldest entries, and no more than necessary";
    let by = install(&**a, "one", None).await;
    let (one, two) = (room(&**a, "one").await.id, room(&**a, "two").await.id);
    let text = "x".repeat(10_000);
    let mut written = Vec::new();
    for (room, count) in [(one, 9), (two, 2)] {
        for at in 0..count {
            let mut entry = entry(room, &by, &text);
            entry.at = at;
            worked(a.post(&entry, Effects::none()).await, rule);
            written.push(entry.id);
        }
    }
    // Five entries and their rows fit, six do not.
    let bytes = 55_000;
    let delete = async |at_most| worked(b.delete_entries_above(bytes, at_most).await, rule);
    same(delete(3).await, 3, rule);
    same(delete(9).await, 1, rule);
    same(delete(9).await, 0, rule);
    let left = worked(a.timeline(one, 99).await, rule);
    same(
        ids(&left),
        written[4..9].iter().map(|id| &**id).collect(),
        rule,
    );
    same(worked(a.timeline(two, 99).await, rule).len(), 2, rule);
    let rule = "entries that were deleted by their age count no more";
    let deleted = worked(a.delete_messages_before(6, 99).await, rule);
    same(deleted, 4, rule);
    for _ in 0..2 {
        worked(a.post(&entry(one, &by, &text), Effects::none()).await, rule);
    }
    same(delete(9).await, 0, rule);
}

async fn old_messages_are_deleted_oldest_first([a, b]: &Pair) {
    let rule = "messages from before a time are deleted, the oldest first";
    let by = install(&**a, "one", None).await;
    let room = room(&**a, "ops").await.id;
    let [ann] = people(&**a, ["Ann"]).await;
    for at in [30, 10, 20] {
        let mut written = entry(room, &by, "a");
        written.at = at;
        worked(a.post(&written, Effects::none()).await, rule);
        let mut message = private(&ann, &by, "a");
        message.at = at;
        worked(a.put_private_message(&message).await, rule);
    }
    same(worked(b.delete_messages_before(30, 1).await, rule), 2, rule);
    let times = async || {
        let entries = worked(a.timeline(room, 9).await, rule);
        let messages = worked(a.private_messages(ann.id, 9).await, rule);
        let entries = entries.into_iter().map(|entry| entry.at);
        let messages = messages.into_iter().map(|message| message.at);
        (entries.collect::<Vec<_>>(), messages.collect::<Vec<_>>())
    };
    same(times().await, (vec![30, 20], vec![30, 20]), rule);
    same(worked(b.delete_messages_before(30, 9).await, rule), 2, rule);
    same(worked(b.delete_messages_before(30, 9).await, rule), 0, rule);
    same(times().await, (vec![30], vec![30]), rule);
    holds(
        worked(b.count_unread(ann.id).await, rule) == 1,
        rule,
        "not counted",
    );
}
