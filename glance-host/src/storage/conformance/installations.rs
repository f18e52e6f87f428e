//! The rules of installations.

use glance_sdk::model::Descriptor;

use super::{Pair, holds, install, installed, no_installation_effects, room, same, some, worked};
use crate::model::{InstallationQuery, Place};
use crate::storage::Effects;

pub(super) async fn check(make: &impl AsyncFn() -> Pair) {
    installation_shows_once_accepted(&make().await).await;
    add_on_is_installed_once_in_a_place(&make().await).await;
    installations_are_listed_by_id(&make().await).await;
    descriptor_and_secret_are_replaced(&make().await).await;
    removal_call_is_pending(&make().await).await;
    unknown_installation_has_no_removal_call(&make().await).await;
}

async fn installation_shows_once_accepted([a, b]: &Pair) {
    let rule = "an installation is found by its id, and shows once it is accepted";
    let room = room(&**a, "ops").await;
    let one = installed("one", Some(room.id));
    holds(
        worked(a.begin_installation(&one, 7).await, rule),
        rule,
        "refused",
    );
    holds(
        worked(b.installation(&one.oauth_id).await, rule).is_some(),
        rule,
        "it is not found",
    );
    let secret = worked(b.secret(&one.oauth_id).await, rule);
    same(secret, Some(one.oauth_secret.clone()), rule);
    same(worked(b.secret(&"two".into()).await, rule), None, rule);
    holds(
        worked(b.installations_in(room.id).await, rule).is_empty(),
        rule,
        "too early",
    );
    same(worked(b.count_installations().await, rule), 0, rule);
    worked(
        b.finish_installation(&one.oauth_id, Effects::none()).await,
        rule,
    );
    same(
        worked(a.installations_in(room.id).await, rule).len(),
        1,
        rule,
    );
    same(worked(a.count_installations().await, rule), 1, rule);
    let elsewhere = worked(a.installations_in(99.into()).await, rule);
    holds(elsewhere.is_empty(), rule, "it shows in another room");
    install(&**a, "all", None).await;
    same(
        worked(b.installations_in(99.into()).await, rule).len(),
        1,
        rule,
    );
    same(worked(b.global_installations().await, rule).len(), 1, rule);
    let places = worked(b.installed_in("one", None).await, rule);
    same(places, vec![Place::Room(room.id)], rule);
    let places = worked(b.installed_in("all", Some(room.id)).await, rule);
    same(places, vec![Place::Global], rule);
}

async fn add_on_is_installed_once_in_a_place([a, b]: &Pair) {
    let rule = "an add-on is installed at most once for each room";
    let one = room(&**a, "one").await;
    let two = room(&**a, "two").await;
    let place = |id: &str, room| {
        let mut installed = installed(id, room);
        installed.descriptor = Descriptor::new("same", "Same", "https://a.example/");
        installed
    };
    for (id, room, is_stored) in [
        ("first", Some(one.id), true),
        ("second", Some(one.id), false),
        ("third", Some(two.id), true),
        ("fourth", None, false),
    ] {
        let stored = worked(b.begin_installation(&place(id, room), 1).await, rule);
        same(stored, is_stored, rule);
    }
    for id in ["first", "third"] {
        holds(
            worked(a.remove_installation(&id.into()).await, rule),
            rule,
            "it is not there",
        );
    }
    let global = worked(b.begin_installation(&place("fifth", None), 1).await, rule);
    holds(global, rule, "it is refused though the others are gone");
    let beside = worked(
        a.begin_installation(&place("sixth", Some(one.id)), 1).await,
        rule,
    );
    holds(!beside, rule, "a room's stands beside that of all rooms");
}

async fn installations_are_listed_by_id([a, b]: &Pair) {
    let rule = "installations are listed by id, page by page";
    let room = room(&**a, "ops").await;
    install(&**a, "b", None).await;
    install(&**a, "a", Some(room.id)).await;
    let began = installed("c", None);
    worked(a.begin_installation(&began, 3).await, rule);
    let all = InstallationQuery::default();
    let listed = worked(b.list_installations(&all, None, 9).await, rule);
    let found: Vec<_> = listed
        .iter()
        .map(|one| {
            (
                one.installed.oauth_id.as_str(),
                one.is_accepted,
                one.installed_at,
            )
        })
        .collect();
    same(
        found,
        vec![
            ("a", true, Some(1)),
            ("b", true, Some(1)),
            ("c", false, Some(3)),
        ],
        rule,
    );
    let ids = async |query: InstallationQuery, after: Option<&str>, at_most| {
        let after = after.map(Into::into);
        let listed = b.list_installations(&query, after.as_ref(), at_most).await;
        let listed = worked(listed, rule).into_iter();
        let ids = listed.map(|one| one.installed.oauth_id.to_string());
        ids.collect::<Vec<_>>()
    };
    same(
        ids(all.clone(), Some("a"), 1).await,
        vec!["b".to_owned()],
        rule,
    );
    let mut query = all.clone();
    query.key = Some("c".to_owned());
    same(ids(query, None, 9).await, vec!["c".to_owned()], rule);
    let mut query = all.clone();
    query.place = Some(Place::Room(room.id));
    same(ids(query, None, 9).await, vec!["a".to_owned()], rule);
    let mut query = all;
    query.id = Some("b".into());
    same(ids(query, None, 9).await, vec!["b".to_owned()], rule);
}

async fn descriptor_and_secret_are_replaced([a, b]: &Pair) {
    let rule = "the descriptor and the secret of an installation can be replaced";
    let one = install(&**a, "one", None).await;
    let moved = Descriptor::new("one", "Moved", "https://b.example/");
    let url = "https://b.example/";
    // A handle may keep what it read.
    worked(a.installation(&one.oauth_id).await, rule);
    worked(
        b.replace_descriptor(&one.oauth_id, url, &moved, Effects::none())
            .await,
        rule,
    );
    let stored = some(worked(a.installation(&one.oauth_id).await, rule), rule);
    same(&*stored.descriptor.name, "Moved", rule);
    worked(b.replace_secret(&one.oauth_id, &"new".into()).await, rule);
    let stored = some(worked(a.installation(&one.oauth_id).await, rule), rule);
    same(&*stored.descriptor.name, "Moved", rule);
    same(&*stored.descriptor_url, url, rule);
    same(stored.oauth_secret.expose(), "new", rule);
}

async fn removal_call_is_pending([a, b]: &Pair) {
    let rule = "the removal call of an installation is pending until it is deleted";
    for id in ["one", "two"] {
        install(&**a, id, None).await;
    }
    let left = worked(
        b.leave(&"one".into(), 5, no_installation_effects()).await,
        rule,
    );
    holds(left.is_some(), rule, "there was none");
    let again = worked(
        a.leave(&"one".into(), 6, no_installation_effects()).await,
        rule,
    );
    holds(again.is_none(), rule, "it left twice");
    worked(
        a.leave(&"two".into(), 7, no_installation_effects()).await,
        rule,
    );
    holds(
        worked(a.installation(&"one".into()).await, rule).is_none(),
        rule,
        "it is there",
    );
    let leaving = worked(a.leaving(None, 9).await, rule);
    let found: Vec<_> = leaving
        .iter()
        .map(|one| (one.oauth_id.as_str(), &*one.callback_url, one.since))
        .collect();
    let url = "https://a.example/installed";
    same(found, vec![("one", url, 5), ("two", url, 7)], rule);
    let after = worked(b.leaving(Some(&"one".into()), 9).await, rule);
    same(after.len(), 1, rule);
    holds(
        worked(b.is_leaving(&"one".into()).await, rule),
        rule,
        "it leaves not",
    );
    holds(
        worked(b.forget_leaving(&"one".into()).await, rule),
        rule,
        "it was told",
    );
    holds(
        !worked(a.forget_leaving(&"one".into()).await, rule),
        rule,
        "it was told twice",
    );
    holds(
        !worked(a.is_leaving(&"one".into()).await, rule),
        rule,
        "it still leaves",
    );
}

async fn unknown_installation_has_no_removal_call([a, b]: &Pair) {
    let rule = "an installation that its add-on does not know is removed without a removal call";
    let one = installed("one", None);
    worked(a.begin_installation(&one, 1).await, rule);
    holds(
        worked(b.remove_installation(&one.oauth_id).await, rule),
        rule,
        "there was none",
    );
    holds(
        !worked(b.is_leaving(&one.oauth_id).await, rule),
        rule,
        "its add-on is told",
    );
    holds(
        !worked(a.remove_installation(&one.oauth_id).await, rule),
        rule,
        "it went twice",
    );
}
