//! The rules about removal checks.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{CROWD, holds, installation, put, worked};
use crate::model::OauthId;
use crate::store::{InstallationStore, RemovalCheck};

pub(super) async fn stores_checks(store: &dyn InstallationStore) {
    let rule = "a removal check exists from the put of its installation to its removal, and \
                changes only if the expected one is stored";
    let id = OauthId::from("one");
    let nothing = RemovalCheck::default();
    let first = RemovalCheck::new(1, Some(1_700_000_000), Some(1_700_000_060));
    let second = RemovalCheck::new(4, Some(1_700_000_060), None);
    let is = async |expected: Option<&RemovalCheck>| {
        let found = worked(store.removal_check(&id).await, rule);
        holds(
            found.as_ref() == expected,
            rule,
            format_args!("`removal_check` returned {found:?}, not {expected:?}"),
        );
    };
    let sets = async |from: &RemovalCheck, to: &RemovalCheck, expected: bool| {
        let set = worked(store.set_removal_check(&id, from, to).await, rule);
        holds(
            set == expected,
            rule,
            format_args!("`set_removal_check` from {from:?} to {to:?} returned {set}"),
        );
    };
    is(None).await;
    sets(&nothing, &first, false).await;
    is(None).await;
    put(store, &installation("one", "secret", 1)).await;
    put(store, &installation("two", "secret", 1)).await;
    is(Some(&nothing)).await;
    sets(&first, &second, false).await;
    is(Some(&nothing)).await;
    sets(&nothing, &first, true).await;
    is(Some(&first)).await;
    sets(&nothing, &second, false).await;
    put(store, &installation("one", "secret", 2)).await;
    is(Some(&first)).await;
    sets(&first, &second, true).await;
    let renewed = installation("one", "another secret", 2);
    worked(store.replace(&"secret".into(), &renewed).await, rule);
    is(Some(&second)).await;
    let other = worked(store.removal_check(&"two".into()).await, rule);
    holds(
        other.as_ref() == Some(&nothing),
        rule,
        "the check of another installation changed",
    );
    worked(store.remove(&id).await, rule);
    is(None).await;
    put(store, &installation("one", "third secret", 1)).await;
    is(Some(&nothing)).await;
}

pub(super) async fn lists_due_checks(store: &dyn InstallationStore) {
    let rule = "`due_removal_checks` returns the checks that are due by then, the earliest first";
    let due = |due_at: i64| RemovalCheck::new(0, None, Some(due_at));
    for (id, check) in [
        ("d", due(20)),
        ("b", due(10)),
        ("a", due(20)),
        ("c", due(-5)),
        ("e", due(30)),
        ("f", RemovalCheck::new(4, Some(5), None)),
        ("g", RemovalCheck::default()),
    ] {
        put(store, &installation(id, "secret", 1)).await;
        let (id, nothing) = (OauthId::from(id), RemovalCheck::default());
        worked(store.set_removal_check(&id, &nothing, &check).await, rule);
    }
    for (until, limit, expected) in [
        (-6, 10, &[][..]),
        (10, 10, &["c", "b"]),
        (20, 10, &["c", "b", "a", "d"]),
        (20, 3, &["c", "b", "a"]),
        (i64::MAX, 10, &["c", "b", "a", "d", "e"]),
        (i64::MAX, 0, &[]),
    ] {
        let found = worked(store.due_removal_checks(until, limit).await, rule);
        let ids: Vec<_> = found.iter().map(|(id, _)| id.as_str()).collect();
        holds(
            ids == expected,
            rule,
            format_args!("until {until} it returned {ids:?}, not {expected:?}"),
        );
        let stored = found.first().map(|(_, check)| check);
        holds(
            stored.is_none_or(|check| *check == due(-5)),
            rule,
            format_args!("the first is {stored:?}"),
        );
    }
}

pub(super) async fn gives_a_check_to_one<S: InstallationStore>(store: Arc<S>) {
    let rule = "of concurrent changes of one removal check exactly one wins";
    put(&*store, &installation("one", "secret", 1)).await;
    let mut changes = JoinSet::new();
    for number in 0..CROWD {
        let store = Arc::clone(&store);
        changes.spawn(async move {
            let (id, nothing) = (OauthId::from("one"), RemovalCheck::default());
            let new = RemovalCheck::new(1, Some(number as i64), None);
            let set = store.set_removal_check(&id, &nothing, &new).await;
            (new, set)
        });
    }
    let mut winners = Vec::new();
    for (new, set) in changes.join_all().await {
        if worked(set, rule) {
            winners.push(new);
        }
    }
    let stored = worked(store.removal_check(&"one".into()).await, rule);
    holds(
        winners.len() == 1 && stored.as_ref() == winners.first(),
        rule,
        format_args!("{winners:?} won, and {stored:?} is stored"),
    );
}
