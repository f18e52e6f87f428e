//! The rules of unfinished installations and of the hand-offs that complete them.

use std::sync::Arc;

use glance_sdk::model::{Descriptor, InstallationData};
use tokio::task::JoinSet;

use super::{
    CROWD, Pair, holds, install, installed, no_installation_effects, room, same, some, worked,
};
use crate::model::{Handoff, Installed};
use crate::storage::Effects;

pub(super) async fn check(make: &impl AsyncFn() -> Pair) {
    handoffs_are_found_until_they_expire(&make().await).await;
    data_is_taken_once(&make().await).await;
    handoff_completes_its_installation_once(&make().await).await;
    installation_whose_data_was_not_taken_is_deleted(&make().await).await;
    unfinished_installations_leave_in_time(&make().await).await;
    new_installation_replaces_one_that_waits_for_a_browser(&make().await).await;
}

/// Returns a hand-off of an add-on until 100 s after 1970.
fn handoff(name: &str, installed: &Installed, completes: bool) -> Handoff {
    let data = InstallationData::new(
        installed.oauth_id.clone(),
        installed.oauth_secret.clone(),
        "https://host.example/v2/capabilities",
        1.into(),
    );
    Handoff {
        name: name.to_owned(),
        completes: completes.then(|| installed.oauth_id.clone()),
        add_on_name: "\"Ä\"".to_owned(),
        page: "https://a.example/page?a=b".to_owned(),
        data_name: format!("data of {name}"),
        data,
        is_data_taken: false,
        expires_at: 100,
    }
}

async fn handoffs_are_found_until_they_expire([a, b]: &Pair) {
    let rule = "a hand-off is found until it expires, also if its installation is gone";
    let one = handoff("one", &installed("gone", None), false);
    worked(a.put_handoff(&one).await, rule);
    same(worked(b.handoff("one", 99).await, rule), Some(one), rule);
    same(worked(b.handoff("one", 100).await, rule), None, rule);
    same(worked(b.handoff("two", 99).await, rule), None, rule);
    let data = worked(b.take_handoff_data("data of one", 100).await, rule);
    same(data, None, rule);
    same(
        worked(
            b.finish_handoff("one", 100, no_installation_effects())
                .await,
            rule,
        ),
        None,
        rule,
    );
    worked(b.leave_unfinished(0, 99).await, rule);
    let found = worked(a.handoff("one", 0).await, rule);
    holds(found.is_some(), rule, "it was deleted too early");
    worked(b.leave_unfinished(0, 100).await, rule);
    same(worked(a.handoff("one", 0).await, rule), None, rule);
}

async fn data_is_taken_once(pair: &Pair) {
    let rule = "one of concurrent readers gets the data of a hand-off";
    let one = handoff("one", &installed("gone", None), false);
    worked(pair[0].put_handoff(&one).await, rule);
    let mut taking = JoinSet::new();
    for number in 0..CROWD {
        let storage = Arc::clone(&pair[number % 2]);
        taking.spawn(async move { storage.take_handoff_data("data of one", 1).await });
    }
    let taken = taking.join_all().await.into_iter();
    let taken: Vec<_> = taken.filter_map(|data| worked(data, rule)).collect();
    same(taken, vec![one.data], rule);
    let found = some(worked(pair[1].handoff("one", 1).await, rule), rule);
    holds(found.is_data_taken, rule, "it is not marked");
}

async fn handoff_completes_its_installation_once(pair: &Pair) {
    let rule = "a hand-off ends once, and its installation is accepted then";
    let [a, b] = pair;
    let one = installed("one", None);
    worked(a.begin_installation(&one, 1).await, rule);
    worked(a.put_handoff(&handoff("one", &one, true)).await, rule);
    worked(b.take_handoff_data("data of one", 1).await, rule);
    same(worked(b.count_installations().await, rule), 0, rule);
    let mut ending = JoinSet::new();
    for number in 0..CROWD {
        let storage = Arc::clone(&pair[number % 2]);
        ending.spawn(async move {
            storage
                .finish_handoff("one", 1, no_installation_effects())
                .await
        });
    }
    let ended = ending.join_all().await.into_iter();
    let ended: Vec<_> = ended.filter_map(|ended| worked(ended, rule)).collect();
    let expected = Handoff {
        is_data_taken: true,
        ..handoff("one", &one, true)
    };
    same(ended, vec![expected], rule);
    same(worked(a.count_installations().await, rule), 1, rule);
    worked(b.leave_unfinished(i64::MAX, i64::MAX).await, rule);
    same(worked(a.count_installations().await, rule), 1, rule);
}

async fn installation_whose_data_was_not_taken_is_deleted([a, b]: &Pair) {
    let rule = "a hand-off whose data was not taken ends with its installation";
    let (one, two) = (installed("one", None), install(&**a, "two", None).await);
    worked(a.begin_installation(&one, 1).await, rule);
    worked(a.put_handoff(&handoff("one", &one, true)).await, rule);
    worked(a.put_handoff(&handoff("two", &two, false)).await, rule);
    for name in ["one", "two"] {
        let ended = worked(
            b.finish_handoff(name, 1, no_installation_effects()).await,
            rule,
        );
        holds(ended.is_some(), rule, "there is none");
    }
    let left = worked(a.installation(&one.oauth_id).await, rule);
    holds(left.is_none(), rule, "it stays");
    let left = worked(a.installation(&two.oauth_id).await, rule);
    holds(left.is_some(), rule, "another one went");
}

async fn unfinished_installations_leave_in_time([a, b]: &Pair) {
    let rule = "an unfinished installation leaves when its time is over, and only then";
    install(&**a, "accepted", None).await;
    let [young, old, early, late] = ["young", "old", "early", "late"].map(|id| {
        let mut installed = installed(id, None);
        if id == "early" || id == "late" {
            installed.descriptor = Descriptor::new(id, id, "https://a.example/");
        }
        installed
    });
    for (installed, began) in [(&young, 10), (&old, 9), (&early, 1), (&late, 1)] {
        holds(
            worked(a.begin_installation(installed, began).await, rule),
            rule,
            "it was refused",
        );
    }
    worked(a.put_handoff(&handoff("early", &early, true)).await, rule);
    let later = Handoff {
        expires_at: 101,
        ..handoff("late", &late, true)
    };
    worked(a.put_handoff(&later).await, rule);
    let left = worked(b.leave_unfinished(10, 100).await, rule);
    let mut ids: Vec<_> = left.iter().map(|one| one.oauth_id.to_string()).collect();
    ids.sort();
    same(ids, vec!["early".to_owned(), "old".to_owned()], rule);
    for (id, is_told) in [(&old, true), (&early, false)] {
        let id = &id.oauth_id;
        let found = worked(a.installation(id).await, rule);
        holds(found.is_none(), rule, "it stays");
        same(worked(a.is_leaving(id).await, rule), is_told, rule);
    }
    same(worked(a.handoff("early", 0).await, rule), None, rule);
    same(worked(a.handoff("late", 0).await, rule), Some(later), rule);
    let again = worked(a.leave_unfinished(10, 100).await, rule);
    holds(again.is_empty(), rule, "it left twice");
    let finished = worked(
        b.finish_installation(&old.oauth_id, Effects::none()).await,
        rule,
    );
    holds(!finished, rule, "it was finished after it left");
    let finished = worked(
        b.finish_installation(&young.oauth_id, Effects::none())
            .await,
        rule,
    );
    holds(finished, rule, "it left too early");
}

async fn new_installation_replaces_one_that_waits_for_a_browser([a, b]: &Pair) {
    let rule = "an installation replaces one in its place that waits for a browser, and no other";
    let room = room(&**a, "ops").await.id;
    let of = |id: &str, key: &str, room| {
        let mut installed = installed(id, room);
        installed.descriptor = Descriptor::new(key, key, "https://a.example/");
        installed
    };
    let waits = of("waits", "browser", Some(room));
    let posted = of("posted", "callback", Some(room));
    for one in [&waits, &posted] {
        worked(a.begin_installation(one, 1).await, rule);
    }
    worked(a.put_handoff(&handoff("one", &waits, true)).await, rule);
    for (new, is_stored) in [
        (of("1", "browser", None), false),
        (of("2", "callback", Some(room)), false),
        (of("3", "browser", Some(room)), true),
    ] {
        let stored = worked(b.begin_installation(&new, 1).await, rule);
        same(stored, is_stored, rule);
    }
    let found = worked(a.installation(&waits.oauth_id).await, rule);
    holds(found.is_none(), rule, "the old one stays");
    same(worked(a.handoff("one", 1).await, rule), None, rule);
}
