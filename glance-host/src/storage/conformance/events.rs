//! The rules of events and their log.

use std::time::Duration;

use glance_sdk::model::{Notification, RoomId};
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    CROWD, Pair, Received, broken, holds, install, no_installation_effects, people, posted, room,
    same, some, worked,
};
use crate::model::event::{
    AccessChange, Committed, Event, LoggedBody, LoggedEvent, Position, Topic,
};
use crate::model::{Content, Data, Entry, Installed, Place, Push, Room, Version};
use crate::storage::{Effects, MAX_LOGGED_EVENTS, RoomChange, Storage};

pub(super) async fn check(make: &impl AsyncFn() -> Pair) {
    events_have_the_order_of_commits(&make().await).await;
    events_are_read_after_a_position(&make().await).await;
    entries_are_read_after_a_position(&make().await).await;
    other_positions_start_over(&make().await).await;
    push_is_logged_with_its_newest_data(&make().await).await;
    changes_without_effects_log_nothing(&make().await).await;
    receivers_get_events_of_their_handle(&make().await).await;
    log_is_bounded_per_room(&make().await).await;
    old_events_are_deleted(&make().await).await;
    events_are_deleted_with_their_room(&make().await).await;
}

fn entry(room: RoomId, by: &Installed, text: &str) -> Entry {
    let content = Content::Notification(Box::new(Notification::text(text)));
    Entry::new(room, by, content)
}

fn changed(topic: Topic) -> Effects {
    Effects::none().event(topic, Event::Changed)
}

/// Stores a change that has just these effects.
async fn publish(storage: &dyn Storage, effects: Effects, rule: &str) {
    worked(storage.queue_calls(effects).await, rule);
}

async fn position(storage: &dyn Storage, room: RoomId, rule: &str) -> Position {
    some(worked(storage.position(room).await, rule), rule)
}

async fn events(
    storage: &dyn Storage,
    room: RoomId,
    after: &Position,
    rule: &str,
) -> Vec<LoggedEvent> {
    some(worked(storage.events_after(room, after).await, rule), rule)
}

/// Checks that a position is none from which events can be read.
async fn starts_over(storage: &dyn Storage, room: RoomId, after: &Position, rule: &str) {
    same(
        worked(storage.events_after(room, after).await, rule),
        None,
        rule,
    );
    let last = worked(storage.version(room).await, rule);
    let entries = storage.entries_after(room, after, last, 9);
    same(worked(entries.await, rule), None, rule);
}

async fn events_have_the_order_of_commits(pair: &Pair) {
    let rule = "numbers of events have no gap, and the order of the commits";
    let by = install(&*pair[0], "one", None).await;
    let room = room(&*pair[0], "ops").await.id;
    let before = position(&*pair[0], room, rule).await;
    let mut posting = JoinSet::new();
    for number in 0..CROWD {
        let entry = entry(room, &by, &number.to_string());
        let storage = [&pair[0], &pair[1]][number % 2].clone();
        posting.spawn(async move { storage.post(&entry, posted(&entry)).await });
    }
    for posted in posting.join_all().await {
        let _ = worked(posted, rule);
    }
    let timeline = worked(pair[1].timeline(room, u32::MAX).await, rule);
    let first = before.version.room + 1;
    let expected = timeline.into_iter().zip(first..).map(|(entry, number)| {
        let version = Version {
            room: number,
            ..before.version
        };
        let body = LoggedBody::Posted(entry.id);
        LoggedEvent { version, body }
    });
    let logged = events(&*pair[0], room, &before, rule).await;
    same(logged, expected.collect(), rule);
}

async fn events_are_read_after_a_position([a, b]: &Pair) {
    let rule = "a room's events after a position are read with those of all rooms, in their order";
    let (one, two) = (room(&**a, "one").await.id, room(&**a, "two").await.id);
    let mut seen = position(&**a, one, rule).await;
    let access = Event::Access(AccessChange::Person(1.into()));
    for (topic, event) in [
        (Topic::Room(one), Event::Changed),
        (Topic::AllRooms, Event::QueryAgain("a".into())),
        (Topic::Room(two), Event::Changed),
        (Topic::Access, access.clone()),
        (Topic::Room(one), Event::Introduced("a".into())),
        (Topic::Room(one), Event::Introduced("b".into())),
    ] {
        publish(&**a, Effects::none().event(topic, event), rule).await;
    }
    let expected = [
        Event::Changed,
        Event::QueryAgain("a".into()),
        access,
        Event::Introduced("a".into()),
        Event::Introduced("b".into()),
    ];
    for missed in 0..=expected.len() {
        let found = events(&**b, one, &seen, rule).await;
        let bodies: Vec<_> = found.iter().map(|logged| logged.body.clone()).collect();
        let expected = expected[missed..].iter().cloned().map(LoggedBody::Event);
        same(bodies, expected.collect(), rule);
        let versions: Vec<_> = found.iter().map(|logged| logged.version).collect();
        holds(versions.is_sorted(), rule, "the versions are not in order");
        if let Some(first) = versions.first().copied() {
            holds(first.is_after(seen.version), rule, "it was seen");
            seen.version = seen.version.advanced_to(first);
        }
    }
    same(seen, position(&**a, one, rule).await, rule);
}

async fn entries_are_read_after_a_position([a, b]: &Pair) {
    let rule = "the entries of a room are read after a position, in parts and up to an event";
    let by = install(&**a, "one", None).await;
    let room = room(&**a, "ops").await.id;
    let mut seen = position(&**b, room, rule).await;
    let mut written = Vec::new();
    for text in ["a", "b", "c", "d"] {
        let entry = entry(room, &by, text);
        worked(a.post(&entry, posted(&entry)).await, rule);
        publish(&**a, changed(Topic::Room(room)), rule).await;
        written.push(entry);
    }
    let last = Version {
        room: seen.version.room + 6,
        ..seen.version
    };
    for expected in [&written[..2], &written[2..3], &[]] {
        let found = worked(b.entries_after(room, &seen, last, 2).await, rule);
        let found = some(found, rule);
        seen.version = found.last().map_or(seen.version, |(version, _)| *version);
        let found: Vec<_> = found.into_iter().map(|(_, entry)| entry).collect();
        same(found, expected.to_vec(), rule);
    }
}

async fn other_positions_start_over([a, b]: &Pair) {
    let rule = "a position of another epoch, of the future, or of another room starts over";
    let room = room(&**a, "ops").await.id;
    publish(&**a, changed(Topic::Room(room)), rule).await;
    let now = position(&**a, room, rule).await;
    same(events(&**b, room, &now, rule).await, vec![], rule);
    for version in [
        Version {
            room: now.version.room + 1,
            ..now.version
        },
        Version {
            group: now.version.group + 1,
            ..now.version
        },
        Version {
            room: u64::MAX,
            group: u64::MAX,
        },
    ] {
        let future = Position {
            version,
            ..now.clone()
        };
        starts_over(&**b, room, &future, rule).await;
    }
    starts_over(&**b, 9_999.into(), &now, rule).await;
    worked(a.renew_epoch().await, rule);
    starts_over(&**b, room, &now, rule).await;
    let renewed = position(&**b, room, rule).await;
    same(events(&**b, room, &renewed, rule).await, vec![], rule);
}

async fn push_is_logged_with_its_newest_data([a, b]: &Pair) {
    let rule = "a push in the log has the newest data of its glances";
    let room = room(&**a, "ops").await.id;
    let [ann] = people(&**a, ["Ann"]).await;
    install(&**a, "one", None).await;
    let seen = position(&**b, room, rule).await;
    let push = |place, user, label: &str| {
        let data = Data::new(json!({ "label": { "type": "html", "value": label } }));
        let data = worked(data.map_err(super::StorageError::other), rule);
        Push::new("one".into(), place, user, 7, [("g".to_owned(), data)])
    };
    for (place, user) in [
        (Place::Global, None),
        (Place::Room(room), None),
        (Place::Room(room), Some(ann.id)),
    ] {
        for label in ["old", "new"] {
            let is_stored = worked(a.push(push(place, user, label)).await, rule);
            holds(is_stored, rule, "a push was not stored");
        }
    }
    let logged = events(&**b, room, &seen, rule).await;
    let found = logged.into_iter().map(|logged| match logged.body {
        LoggedBody::Event(Event::Pushed(push)) if push.version == logged.version => Push {
            version: Version::default(),
            ..(*push).clone()
        },
        body => broken(rule, format_args!("{body:?}")),
    });
    let expected = [
        push(Place::Global, None, "new"),
        push(Place::Room(room), None, "new"),
        push(Place::Room(room), Some(ann.id), "new"),
    ];
    let expected = expected.into_iter().flat_map(|push| [push.clone(), push]);
    same(found.collect(), expected.collect::<Vec<_>>(), rule);
}

async fn changes_without_effects_log_nothing([a, b]: &Pair) {
    let rule = "a change that is refused, fails or finds nothing has no events";
    let (one, two) = (room(&**a, "one").await, room(&**a, "two").await);
    let by = install(&**a, "a", None).await;
    let first = entry(one.id, &by, "a");
    worked(a.post(&first, Effects::none()).await, rule);
    let seen = [
        position(&**a, one.id, rule).await,
        position(&**a, two.id, rule).await,
    ];
    let received = Received::of(&**a);
    let effects = || {
        [Topic::Room(one.id), Topic::Room(two.id), Topic::Access]
            .into_iter()
            .fold(Effects::none(), |effects, topic| {
                effects.event(topic, Event::Changed)
            })
    };

    worked(a.post(&first, effects()).await, rule);
    let in_no_room = entry(9_999.into(), &by, "b");
    let failed = a.post(&in_no_room, effects()).await;
    holds(failed.is_err(), rule, "an entry of no room was stored");
    let named = |name: &str| Room {
        name: name.to_owned(),
        ..one.clone()
    };
    let stale = a.change_room(&named("x"), &named("y"), effects()).await;
    same(worked(stale, rule), RoomChange::Stale, rule);
    let taken = a.change_room(&one, &named("two"), effects()).await;
    same(worked(taken, rule), RoomChange::NameTaken, rule);
    worked(a.remove_room(9_999.into(), 1, effects()).await, rule);
    worked(a.remove_member(one.id, one.owner, effects()).await, rule);
    let _ = worked(a.remove_person(9_999.into(), effects()).await, rule);
    worked(a.remove_session(&[1], effects()).await, rule);
    let nobody = "nobody".into();
    worked(a.finish_installation(&nobody, effects()).await, rule);
    worked(a.leave(&nobody, 1, no_installation_effects()).await, rule);
    let url = "https://a.example/";
    let replaced = a.replace_descriptor(&nobody, url, &by.descriptor, effects());
    worked(replaced.await, rule);
    let place = Place::Room(one.id);
    worked(a.remove_glance(&nobody, place, "k", effects()).await, rule);
    worked(a.remove_action(&nobody, place, "k", effects()).await, rule);

    same(received.take(), vec![], rule);
    for (room, seen) in [one, two].iter().zip(seen) {
        same(events(&**b, room.id, &seen, rule).await, vec![], rule);
        same(position(&**b, room.id, rule).await, seen, rule);
    }
}

async fn receivers_get_events_of_their_handle([a, _]: &Pair) {
    let rule = "a receiver gets each event once, after the commit, until it is dropped";
    let one = room(&**a, "one").await.id;
    let (first, second) = (Received::of(&**a), Received::of(&**a));
    publish(&**a, changed(Topic::Room(one)), rule).await;
    drop(second);
    publish(&**a, changed(Topic::AllRooms), rule).await;
    let Version { group, room } = worked(a.version(one).await, rule);
    let committed = |topic, version| Committed {
        topic,
        version: Some(version),
        event: Event::Changed,
    };
    let of_room = Version {
        group: group - 1,
        room,
    };
    let expected = vec![
        committed(Topic::Room(one), of_room),
        committed(Topic::AllRooms, Version { group, room: 0 }),
    ];
    same(first.take(), expected, rule);
}

async fn log_is_bounded_per_room([a, b]: &Pair) {
    let rule = "the log has the newest events of each room, and not many more than it must";
    let (busy, quiet) = (room(&**a, "busy").await.id, room(&**a, "quiet").await.id);
    let seen = position(&**a, quiet, rule).await;
    publish(&**a, changed(Topic::Room(quiet)), rule).await;
    let oldest = position(&**a, busy, rule).await;
    let topic = Topic::Room(busy);
    let many = (0..2 * MAX_LOGGED_EVENTS).fold(Effects::none(), |effects, _| {
        effects.event(topic, Event::Changed)
    });
    publish(&**a, many, rule).await;
    starts_over(&**b, busy, &oldest, rule).await;
    let mut kept = position(&**b, busy, rule).await;
    kept.version.room -= MAX_LOGGED_EVENTS;
    let found = events(&**b, busy, &kept, rule).await.len() as u64;
    same(found, MAX_LOGGED_EVENTS, rule);
    same(events(&**b, quiet, &seen, rule).await.len(), 1, rule);
}

async fn old_events_are_deleted([a, b]: &Pair) {
    let rule = "events are deleted at an age, the oldest first";
    let room = room(&**a, "ops").await.id;
    let seen = position(&**a, room, rule).await;
    publish(&**a, changed(Topic::Room(room)), rule).await;
    let next = position(&**a, room, rule).await;
    publish(&**a, changed(Topic::Room(room)), rule).await;
    let hour = Duration::from_secs(60 * 60);
    same(worked(b.delete_old_events(hour, 9).await, rule), 0, rule);
    same(events(&**b, room, &seen, rule).await.len(), 2, rule);
    let now = Duration::ZERO;
    same(worked(b.delete_old_events(now, 1).await, rule), 1, rule);
    starts_over(&**b, room, &seen, rule).await;
    same(events(&**b, room, &next, rule).await.len(), 1, rule);
    same(worked(b.delete_old_events(now, 9).await, rule), 1, rule);
    let current = position(&**b, room, rule).await;
    same(events(&**b, room, &current, rule).await, vec![], rule);
}

async fn events_are_deleted_with_their_room([a, b]: &Pair) {
    let rule = "the events of a room are deleted with it, and its last ones have no number";
    let one = room(&**a, "one").await.id;
    let seen = position(&**a, one, rule).await;
    publish(&**a, changed(Topic::Room(one)), rule).await;
    let received = Received::of(&**a);
    let effects = changed(Topic::Room(one)).access(AccessChange::Room(one));
    worked(a.remove_room(one, 1, effects).await, rule);
    let versions: Vec<_> = received.take().iter().map(|event| event.version).collect();
    same(versions.len(), 2, rule);
    same(versions[0], None, rule);
    holds(
        versions[1].is_some(),
        rule,
        "other pages do not learn of it",
    );
    starts_over(&**b, one, &seen, rule).await;
    same(worked(b.position(one).await, rule), None, rule);
    same(
        worked(b.delete_old_events(Duration::ZERO, 9).await, rule),
        1,
        rule,
    );
}
