//! The rules of the newest data of glances.

use glance_sdk::model::{Descriptor, Glance, Icon, RoomId, UserId};
use serde_json::json;

use super::{Pair, Received, broken, holds, install, installed, people, room, same, some, worked};
use crate::model::event::{Committed, Event};
use crate::model::{Data, GlanceValue, Place, Push, QueryAnswer, RuntimeGlance, Source, Version};
use crate::storage::{Effects, MAX_INSTALLATION_BYTES, PersonChange, Storage};

pub(super) async fn check(make: &impl AsyncFn() -> Pair) {
    newest_push_wins_in_all_orders(&make).await;
    pushes_have_growing_versions(&make().await).await;
    push_without_its_place_stores_nothing(&make().await).await;
    answer_replaces_what_was_there_when_its_query_began(&make().await).await;
    change_keeps_its_time_while_only_metadata_changes(&make().await).await;
    data_is_deleted_with_what_it_is_for(&make).await;
    changed_glance_loses_its_data(&make().await).await;
    data_of_persons_is_evicted_first(&make().await).await;
}

fn data(label: &str) -> Data {
    let data = json!({ "label": { "type": "html", "value": label } });
    let data = Data::new(data);
    worked(data.map_err(super::StorageError::other), "data is small")
}

fn push(place: Place, user: Option<UserId>, label: &str) -> Push {
    Push::new(
        "one".into(),
        place,
        user,
        1,
        [("g".to_owned(), data(label))],
    )
}

/// Stores a push. Returns the version with which it is published.
async fn pushed(storage: &dyn Storage, push: Push, rule: &str) -> Version {
    let receiver = Received::of(storage);
    let is_stored = worked(storage.push(push).await, rule);
    holds(is_stored, rule, "the push was not stored");
    match receiver.take().as_slice() {
        [
            Committed {
                version: Some(version),
                event: Event::Pushed(push),
                ..
            },
        ] if push.version == *version => *version,
        received => broken(rule, format_args!("{received:?}")),
    }
}

async fn latest(
    storage: &dyn Storage,
    room: RoomId,
    user: UserId,
    rule: &str,
) -> Option<GlanceValue> {
    let mut latest = worked(storage.latest(room, user).await, rule).into_iter();
    let found = latest.next();
    holds(latest.next().is_none(), rule, "a glance has two values");
    found
}

async fn newest_push_wins_in_all_orders(make: &impl AsyncFn() -> Pair) {
    let rule = "the last push for all rooms, a room, a person, or a person in a room shows";
    for order in orders([0, 1, 2, 3]) {
        let [a, b] = make().await;
        let room = room(&*a, "ops").await;
        let [ann, ben] = people(&*a, ["Ann", "Ben"]).await;
        install(&*a, "one", None).await;
        let kinds = [
            (Place::Global, None),
            (Place::Room(room.id), None),
            (Place::Global, Some(ann.id)),
            (Place::Room(room.id), Some(ann.id)),
        ];
        for (turn, kind) in order.into_iter().enumerate() {
            let (place, user) = kinds[kind];
            let storage = if turn % 2 == 0 { &a } else { &b };
            pushed(&**storage, push(place, user, &turn.to_string()), rule).await;
            let own = some(latest(&*b, room.id, ann.id, rule).await, rule);
            same(own.data, data(&turn.to_string()), rule);
            same(own.is_for_everyone, user.is_none(), rule);
        }
        let others = latest(&*a, room.id, ben.id, rule).await;
        let last = order.iter().rposition(|kind| *kind < 2).unwrap_or_default();
        same(some(others, rule).data, data(&last.to_string()), rule);
    }
}

/// Returns all orders of four numbers.
fn orders(numbers: [usize; 4]) -> Vec<[usize; 4]> {
    let mut orders = Vec::new();
    for index in 0..256_usize {
        let order = [index / 64, index / 16 % 4, index / 4 % 4, index % 4];
        let mut sorted = order;
        sorted.sort_unstable();
        if sorted == numbers {
            orders.push(order);
        }
    }
    orders
}

async fn pushes_have_growing_versions([a, b]: &Pair) {
    let rule = "the version of each push is greater than that of all before it in a room";
    let room = room(&**a, "ops").await;
    install(&**a, "one", None).await;
    let mut last = worked(b.version(room.id).await, rule);
    for place in [
        Place::Room(room.id),
        Place::Global,
        Place::Room(room.id),
        Place::Global,
        Place::Global,
    ] {
        let version = pushed(&**a, push(place, None, "x"), rule).await;
        holds(
            version > last,
            rule,
            format_args!("{version:?} after {last:?}"),
        );
        let current = worked(b.version(room.id).await, rule);
        holds(current >= version, rule, "the room's version is older");
        last = version;
    }
}

async fn push_without_its_place_stores_nothing([a, b]: &Pair) {
    let rule = "a push stores nothing if its installation, room or person is gone";
    let room = room(&**a, "ops").await;
    install(&**a, "one", None).await;
    for push in [
        Push {
            oauth_id: "other".into(),
            ..push(Place::Room(room.id), None, "x")
        },
        push(Place::Room(9_999.into()), None, "x"),
        push(Place::Room(room.id), Some(9_999.into()), "x"),
    ] {
        let receiver = Received::of(&**b);
        let is_stored = worked(b.push(push).await, rule);
        holds(!is_stored, rule, "it was stored");
        same(receiver.take(), vec![], rule);
    }
    let found = latest(&**a, room.id, room.owner, rule).await;
    same(found, None, rule);
}

async fn answer_replaces_what_was_there_when_its_query_began([a, b]: &Pair) {
    let rule = "an answer replaces the data from before its query, and a push during it stays";
    let room = room(&**a, "ops").await;
    install(&**a, "one", None).await;
    let here = Place::Room(room.id);
    let answer = |label: &str, version, user| QueryAnswer {
        oauth_id: "one".into(),
        key: "g".to_owned(),
        room: room.id,
        user,
        data: data(label),
        at: 2,
        version,
    };
    for user in [None, Some(room.owner)] {
        pushed(&**a, push(here, None, "pushed"), rule).await;
        let version = worked(b.version(room.id).await, rule);
        worked(
            b.store_answers(vec![answer("answered", version, user)])
                .await,
            rule,
        );
        let found = some(latest(&**a, room.id, room.owner, rule).await, rule);
        same(
            (found.data, found.source),
            (data("answered"), Source::Query),
            rule,
        );
        pushed(&**a, push(here, None, "during"), rule).await;
        worked(
            b.store_answers(vec![answer("late", version, user)]).await,
            rule,
        );
        let found = some(latest(&**a, room.id, room.owner, rule).await, rule);
        same(
            (found.data, found.source),
            (data("during"), Source::Push),
            rule,
        );
    }
    let gone = QueryAnswer {
        oauth_id: "gone".into(),
        ..answer("x", Version::default(), None)
    };
    worked(
        b.store_answers(vec![gone]).await,
        "an answer of a removed add-on is no error",
    );
}

async fn change_keeps_its_time_while_only_metadata_changes([a, b]: &Pair) {
    let rule = "the time of the change is that of the last other label or status";
    let room = room(&**a, "ops").await;
    install(&**a, "one", None).await;
    for (at, label, count, changed_at) in [
        (10, "one", 1, 10),
        (20, "one", 2, 10),
        (30, "two", 2, 30),
        (40, "two", 2, 30),
    ] {
        let value = json!({ "label": { "type": "html", "value": label }, "metadata": count });
        let data = worked(Data::new(value).map_err(super::StorageError::other), rule);
        let place = Place::Room(room.id);
        let push = Push::new(
            "one".into(),
            place,
            None,
            at,
            [("g".to_owned(), data.clone())],
        );
        pushed(&**a, push, rule).await;
        let found = some(latest(&**b, room.id, room.owner, rule).await, rule);
        same(
            (found.received_at, found.changed_at),
            (at, changed_at),
            rule,
        );
        same(found.data, data, rule);
    }
}

async fn data_is_deleted_with_what_it_is_for(make: &impl AsyncFn() -> Pair) {
    let rule = "data is deleted with its installation, its room or its person";
    for what in ["installation", "room", "person"] {
        let [a, b] = make().await;
        let room = room(&*a, "ops").await;
        let [ann] = people(&*a, ["Ann"]).await;
        let one = install(&*a, "one", None).await;
        pushed(&*a, push(Place::Room(room.id), Some(ann.id), "x"), rule).await;
        match what {
            "installation" => {
                holds(
                    worked(b.remove_installation(&one.oauth_id).await, rule),
                    rule,
                    what,
                );
                install(&*a, "one", None).await;
            }
            "room" => drop(some(
                worked(b.remove_room(room.id, 1, Effects::none()).await, rule),
                rule,
            )),
            _ => {
                let removed = worked(b.remove_person(ann.id, Effects::none()).await, rule);
                holds(matches!(removed, PersonChange::Done), rule, "not removed");
            }
        }
        same(latest(&*a, room.id, ann.id, rule).await, None, rule);
    }
}

async fn changed_glance_loses_its_data([a, b]: &Pair) {
    let rule = "a glance that is declared in another way, replaced or removed loses its data";
    let room = room(&**a, "ops").await;
    let one = install(&**a, "one", None).await;
    let glance = |key: &str| Glance::new(key, "name", Icon::new("https://a.example/i.png"));
    let declare = async |glances: Vec<Glance>| {
        let mut descriptor: Descriptor = installed("one", None).descriptor;
        descriptor.capabilities.glance = Some(glances);
        let replaced = a
            .replace_descriptor(
                &one.oauth_id,
                "https://a.example/",
                &descriptor,
                Effects::none(),
            )
            .await;
        worked(replaced, rule);
    };
    let has_data = async || latest(&**b, room.id, room.owner, rule).await.is_some();
    let here = Place::Room(room.id);
    declare(vec![glance("g"), glance("other")]).await;
    pushed(&**a, push(here, None, "x"), rule).await;
    declare(vec![glance("g")]).await;
    holds(has_data().await, rule, "the same glance lost its data");
    declare(vec![glance("g").weight(7)]).await;
    holds(!has_data().await, rule, "another weight");
    pushed(&**a, push(Place::Global, None, "x"), rule).await;
    declare(vec![]).await;
    holds(!has_data().await, rule, "it is gone");

    let runtime = |glance| RuntimeGlance {
        oauth_id: one.oauth_id.clone(),
        place: here,
        glance,
    };
    let put = async |glance| {
        let put = worked(a.put_glance(&runtime(glance), Effects::none()).await, rule);
        same(put, Ok(()), rule);
    };
    put(glance("g")).await;
    pushed(&**a, push(here, None, "x"), rule).await;
    put(glance("g")).await;
    holds(
        has_data().await,
        rule,
        "the same runtime glance lost its data",
    );
    put(glance("g").weight(7)).await;
    holds(
        !has_data().await,
        rule,
        "another runtime glance has its data",
    );
    pushed(&**a, push(here, None, "x"), rule).await;
    let removed = worked(
        a.remove_glance(&one.oauth_id, here, "g", Effects::none())
            .await,
        rule,
    );
    holds(removed, rule, "there was none");
    holds(!has_data().await, rule, "a removed glance has data");
}

async fn data_of_persons_is_evicted_first([a, b]: &Pair) {
    let rule =
        "above its limit an installation loses the oldest data of persons, and a push is stored";
    let room = room(&**a, "ops").await;
    let [ann, ben] = people(&**a, ["Ann", "Ben"]).await;
    install(&**a, "one", None).await;
    let here = Place::Room(room.id);
    let large = "x".repeat(30_000);
    let push =
        |user, at: i64, key: String| Push::new("one".into(), here, user, at, [(key, data(&large))]);
    pushed(&**a, push(None, 0, "everyone's".to_owned()), rule).await;
    pushed(&**a, push(Some(ben.id), 0, "Ben's".to_owned()), rule).await;
    let count = i64::try_from(MAX_INSTALLATION_BYTES / 30_000).unwrap_or_default();
    for at in 1..=count {
        pushed(&**a, push(Some(ann.id), at, at.to_string()), rule).await;
    }
    let of_ann = worked(b.latest(room.id, ann.id).await, rule);
    let is_there = |key: &str| of_ann.iter().any(|value| value.key == key);
    holds(is_there("everyone's"), rule, "everyone's data is gone");
    holds(
        is_there(&count.to_string()),
        rule,
        "the last push is not there",
    );
    holds(!is_there("1"), rule, "the oldest is still there");
    let of_ben = worked(b.latest(room.id, ben.id).await, rule);
    same(of_ben.len(), 1, rule);
}
