//! The rules of rooms and their members.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{CROWD, Pair, holds, install, new_room, no_effects, people, room, same, some, worked};
use crate::model::Room;
use crate::model::access::Access;
use crate::storage::{Effects, RoomChange, Storage};

pub(super) async fn check(make: &impl AsyncFn() -> Pair) {
    room_names_are_unique(&make().await).await;
    first_room_is_created_once(&make().await).await;
    rooms_are_found_and_listed(&make().await).await;
    change_is_refused_if_the_room_changed(&make().await).await;
    one_of_concurrent_changes_wins(&make().await).await;
    deleted_room_loses_its_content(&make().await).await;
    members_are_listed(&make().await).await;
    listed_rooms_are_those_a_person_may_enter(&make().await).await;
}

async fn room_names_are_unique([a, b]: &Pair) {
    let rule = "no two rooms have the same name";
    let [ann] = people(&**a, ["Ann"]).await;
    let first = some(
        worked(
            a.create_room(&new_room("ops", &ann), no_effects()).await,
            rule,
        ),
        rule,
    );
    same(
        worked(
            b.create_room(&new_room("ops", &ann), no_effects()).await,
            rule,
        ),
        None,
        rule,
    );
    let found = worked(b.get_or_create_room("ops", ann.id).await, rule);
    same(found, first.clone(), rule);
    let other = worked(b.get_or_create_room("dev", ann.id).await, rule);
    holds(other.id != first.id, rule, "both have one id");
}

async fn first_room_is_created_once(pair: &Pair) {
    let rule = "the first room is created only if there is no room";
    let [ann] = people(&*pair[0], ["Ann"]).await;
    let mut creating = JoinSet::new();
    for number in 0..CROWD {
        let storage = Arc::clone(&pair[number % 2]);
        let new = new_room(&format!("Lobby {number}"), &ann);
        creating.spawn(async move { storage.create_first_room(&new, no_effects()).await });
    }
    let created = creating.join_all().await;
    let created = created
        .into_iter()
        .filter(|created| matches!(created, Ok(Some(_))));
    same(created.count(), 1, rule);
    same(worked(pair[1].rooms().await, rule).len(), 1, rule);
}

async fn rooms_are_found_and_listed([a, b]: &Pair) {
    let rule = "rooms are found by id and name, and listed by id";
    let one = room(&**a, "one").await;
    let two = room(&**b, "two").await;
    same(worked(a.room(two.id).await, rule), Some(two.clone()), rule);
    same(
        worked(b.find_room("one").await, rule),
        Some(one.clone()),
        rule,
    );
    same(worked(b.find_room("three").await, rule), None, rule);
    same(worked(b.room(u64::MAX.into()).await, rule), None, rule);
    same(worked(b.first_room().await, rule), Some(one.clone()), rule);
    let archived = Room {
        is_archived: true,
        ..one.clone()
    };
    same(
        worked(a.change_room(&one, &archived, Effects::none()).await, rule),
        RoomChange::Done,
        rule,
    );
    let listed = worked(b.list_rooms(false, 0, 9).await, rule);
    same(listed, vec![two.clone()], rule);
    let listed = worked(b.list_rooms(true, 1, 9).await, rule);
    same(listed, vec![two.clone()], rule);
    let listed = worked(b.list_rooms(true, 0, 1).await, rule);
    same(listed, vec![archived], rule);
}

async fn change_is_refused_if_the_room_changed([a, b]: &Pair) {
    let rule = "a room changes only if it still equals the state before, and its name is unique";
    let one = room(&**a, "one").await;
    let two = room(&**a, "two").await;
    let named = |room: &Room, name: &str| Room {
        name: name.to_owned(),
        ..room.clone()
    };
    let change = async |storage: &Arc<dyn Storage>, before: &Room, after: &Room| {
        let changed = storage.change_room(before, after, Effects::none()).await;
        worked(changed, rule)
    };
    let taken = change(b, &one, &named(&one, "two")).await;
    same(taken, RoomChange::NameTaken, rule);
    let done = change(b, &one, &named(&one, "three")).await;
    same(done, RoomChange::Done, rule);
    let stale = change(a, &one, &named(&one, "four")).await;
    same(stale, RoomChange::Stale, rule);
    let stored = worked(a.room(one.id).await, rule);
    same(stored, Some(named(&one, "three")), rule);
    worked(b.remove_room(two.id, 1, Effects::none()).await, rule);
    let gone = change(a, &two, &named(&two, "five")).await;
    same(gone, RoomChange::Gone, rule);
}

async fn one_of_concurrent_changes_wins(pair: &Pair) {
    let rule = "one of concurrent changes to the same state of a room is stored";
    let before = room(&*pair[0], "one").await;
    let mut changing = JoinSet::new();
    for number in 0..CROWD {
        let storage = Arc::clone(&pair[number % 2]);
        let before = before.clone();
        let after = Room {
            topic: number.to_string(),
            ..before.clone()
        };
        changing.spawn(async move { storage.change_room(&before, &after, Effects::none()).await });
    }
    let changes = changing.join_all().await;
    let is = |expected| move |change: &&_| matches!(change, Ok(found) if *found == expected);
    same(changes.iter().filter(is(RoomChange::Done)).count(), 1, rule);
    let stale = changes.iter().filter(is(RoomChange::Stale)).count();
    same(stale, CROWD - 1, rule);
}

async fn deleted_room_loses_its_content([a, b]: &Pair) {
    let rule = "deleting a room deletes its content, and no other room gets its id";
    let gone = room(&**a, "gone").await;
    let own = install(&**a, "own", Some(gone.id)).await;
    let global = install(&**a, "global", None).await;
    worked(b.add_member(gone.id, gone.owner).await, rule);
    let left = worked(b.remove_room(gone.id, 5, Effects::none()).await, rule);
    let left = left.unwrap_or_default();
    same(left.len(), 1, rule);
    same(&left[0].oauth_id, &own.oauth_id, rule);
    holds(
        worked(a.is_leaving(&own.oauth_id).await, rule),
        rule,
        "its installation does not leave",
    );
    same(worked(a.room(gone.id).await, rule), None, rule);
    same(worked(a.memberships(gone.owner).await, rule), vec![], rule);
    let kept = worked(a.installation(&global.oauth_id).await, rule);
    holds(
        kept.is_some(),
        rule,
        "an installation for all rooms is gone",
    );
    let again = worked(a.remove_room(gone.id, 6, Effects::none()).await, rule);
    holds(again.is_none(), rule, "it was deleted twice");
    let next = room(&**b, "gone").await;
    holds(next.id > gone.id, rule, "the id was given again");
}

async fn members_are_listed([a, b]: &Pair) {
    let rule = "a membership lasts until it is removed, and lists leave out removed people";
    let room = room(&**a, "ops").await;
    let [ann, bo] = people(&**a, ["Ann", "Bo"]).await;
    for person in [&ann, &bo, &ann] {
        worked(b.add_member(room.id, person.id).await, rule);
    }
    let members = worked(a.members(room.id).await, rule);
    same(members, vec![ann.clone(), bo.clone()], rule);
    holds(
        worked(b.remove_member(room.id, bo.id, Effects::none()).await, rule),
        rule,
        "Bo was no member",
    );
    holds(
        !worked(a.remove_member(room.id, bo.id, Effects::none()).await, rule),
        rule,
        "a membership ended twice",
    );
    let _ = worked(b.remove_person(ann.id, Effects::none()).await, rule);
    same(worked(a.members(room.id).await, rule), vec![], rule);
    same(
        worked(a.memberships(ann.id).await, rule),
        vec![room.id],
        rule,
    );
    let guest = worked(a.embed_guest().await, rule);
    worked(a.add_member(room.id, guest.id).await, rule);
    same(worked(b.memberships(guest.id).await, rule), vec![], rule);
}

async fn listed_rooms_are_those_a_person_may_enter([a, b]: &Pair) {
    let rule = "the listed rooms of a person are those that they may enter";
    let mut users = Vec::new();
    for (name, is_admin, is_guest, is_removed) in [
        ("owner", false, false, false),
        ("guest who owns", false, true, false),
        ("admin", true, false, false),
        ("member", false, false, false),
        ("guest", false, true, false),
        ("removed", false, false, true),
    ] {
        let [mut user] = people(&**a, [name]).await;
        (user.is_admin, user.is_guest, user.is_removed) = (is_admin, is_guest, is_removed);
        worked(b.update_user(&user).await, rule);
        users.push(user);
    }
    for (number, (owner, is_public, is_archived, member)) in [
        (0, true, false, None),
        (0, false, false, None),
        (0, false, false, Some(3)),
        (0, true, false, Some(4)),
        (0, false, false, Some(4)),
        (0, false, true, Some(4)),
        (0, true, true, None),
        (1, false, false, None),
        (1, true, false, Some(5)),
    ]
    .into_iter()
    .enumerate()
    {
        let new = new_room(&format!("room {number}"), &users[owner]);
        let before = some(worked(a.create_room(&new, no_effects()).await, rule), rule);
        let after = Room {
            is_public,
            is_archived,
            ..before.clone()
        };
        let changed = worked(b.change_room(&before, &after, Effects::none()).await, rule);
        same(changed, RoomChange::Done, rule);
        if let Some(member) = member {
            worked(b.add_member(before.id, users[member].id).await, rule);
        }
    }
    let all = worked(a.rooms().await, rule);
    for user in &users {
        let access = Access::new(user, worked(b.memberships(user.id).await, rule));
        let open = all
            .iter()
            .filter(|room| !room.is_archived && access.may_enter(room));
        let open: Vec<_> = open.cloned().collect();
        let found = worked(a.rooms_open_to(user, 100).await, rule);
        same(found, open.clone(), rule);
        let first = worked(b.rooms_open_to(user, 2).await, rule);
        same(first, open[..open.len().min(2)].to_vec(), rule);
    }
}
