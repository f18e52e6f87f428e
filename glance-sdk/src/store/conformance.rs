//! A test suite with the rules of installation stores, which a store runs on itself.
//!
//! ```
//! use glance_sdk::store::{MemoryStore, conformance};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! conformance::check(async || MemoryStore::default()).await;
//! # });
//! ```
//!
//! In a store's own tests this is the body of one `#[tokio::test(flavor = "multi_thread")]`: the
//! rules about concurrent changes need several threads.

mod removal;
mod sharing;

use std::fmt;
use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use super::{Endpoints, Installation, InstallationStore};
use crate::model::{GroupId, InstallationData, OauthId, RoomId};
use crate::{ErrorKind, Result};

/// The number of concurrent changes in the rules about concurrency.
const CROWD: usize = 64;

/// Checks all rules, each on an empty store from `make`.
///
/// ```no_run
/// use glance_sdk::store::{SqliteStore, conformance};
///
/// #[tokio::test(flavor = "multi_thread")]
/// async fn store_conforms() {
///     let folder = tempfile::tempdir().unwrap();
///     let files = std::sync::atomic::AtomicU32::new(0);
///     let new = async || {
///         let number = files.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
///         SqliteStore::open(folder.path().join(format!("{number}.sqlite"))).unwrap()
///     };
///     conformance::check(new).await;
/// }
/// ```
///
/// # Panics
///
/// Panics with a sentence that names the rule if the store breaks one.
pub async fn check<S: InstallationStore>(make: impl AsyncFn() -> S) {
    puts_and_removes(&make().await).await;
    preserves_unknown_members(&make().await).await;
    preserves_unusual_values(&make().await).await;
    replaces_with_the_same_secret(&make().await).await;
    refuses_another_secret(&make().await).await;
    replaces_a_known_secret_only(&make().await).await;
    lets_one_of_many_secrets_win(Arc::new(make().await)).await;
    loses_no_concurrent_put(Arc::new(make().await)).await;
    pages_by_id(&make().await).await;
    finds_by_room_and_group(&make().await).await;
    counts_by_origin(&make().await).await;
    removal::stores_checks(&make().await).await;
    removal::lists_due_checks(&make().await).await;
    removal::gives_a_check_to_one(Arc::new(make().await)).await;
    shows_no_secret(&make().await).await;
    if sharing::shares(&make().await).await {
        check_sharing(&make).await;
    }
}

/// Checks the rules about data that processes share: access tokens and used requests, each on an
/// empty store from `make`. [`check`] includes them, unless the store has the default
/// implementations, which share nothing.
///
/// ```
/// use glance_sdk::store::{MemoryStore, conformance};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// conformance::check_sharing(async || MemoryStore::default()).await;
/// # });
/// ```
///
/// # Panics
///
/// Panics with a sentence that names the rule if the store breaks one.
pub async fn check_sharing<S: InstallationStore>(make: impl AsyncFn() -> S) {
    sharing::stores_tokens(&make().await).await;
    sharing::bounds_tokens(&make().await).await;
    sharing::lets_requests_through_once(&make().await).await;
    sharing::gives_a_request_to_one(Arc::new(make().await)).await;
    sharing::shows_no_token(&make().await).await;
}

async fn puts_and_removes(store: &dyn InstallationStore) {
    let rule = "an installation exists from its put to its removal";
    let id = OauthId::from("one");
    holds(
        get(store, &id).await.is_none(),
        rule,
        "a new store contains one",
    );
    holds(
        !worked(store.remove(&id).await, rule),
        rule,
        "`remove` returned true in a new store",
    );
    put(store, &installation("one", "secret", 1)).await;
    put(store, &installation("two", "secret", 2)).await;
    same(
        get(store, &id).await,
        Some(installation("one", "secret", 1)),
        rule,
    );
    holds(
        worked(store.remove(&id).await, rule),
        rule,
        "`remove` returned false",
    );
    holds(
        get(store, &id).await.is_none(),
        rule,
        "it exists after `remove`",
    );
    same(
        get(store, &"two".into()).await,
        Some(installation("two", "secret", 2)),
        rule,
    );
    put(store, &installation("one", "another secret", 3)).await;
    same(
        get(store, &id).await,
        Some(installation("one", "another secret", 3)),
        "a removed id may be stored again with another secret",
    );
}

async fn preserves_unknown_members(store: &dyn InstallationStore) {
    let mut sent = installation("one", "secret", 1);
    let unknown = json!({"nested": [1, null, "\u{0}\u{1F6A8}"], "empty": {}});
    sent.data.extra.insert("roomName".into(), unknown);
    put(store, &sent).await;
    same(
        get(store, &"one".into()).await,
        Some(sent),
        "unknown members of the installation data are kept",
    );
}

async fn preserves_unusual_values(store: &dyn InstallationStore) {
    let rule = "ids, secrets and numbers are kept unchanged";
    let long = "x".repeat(2000);
    let ids = [
        "",
        "'; DROP TABLE installation; --",
        "%",
        "\u{1F6A8} é\n",
        &long,
    ];
    for id in ids {
        let mut sent = installation(id, "se'cr\"et \u{1F511}", u64::MAX);
        sent.data.group_id = u64::MAX.into();
        put(store, &sent).await;
        same(get(store, &id.into()).await, Some(sent), rule);
    }
    let found = worked(store.in_room(u64::MAX.into()).await, rule);
    holds(
        found.len() == ids.len(),
        rule,
        format_args!("`in_room` returned {} of {}", found.len(), ids.len()),
    );
    holds(
        get(store, &"X".repeat(2000).into()).await.is_none(),
        "ids are case-sensitive",
        "an id found the installation of another",
    );
}

async fn replaces_with_the_same_secret(store: &dyn InstallationStore) {
    let rule = "a put with the same id and secret replaces the installation";
    put(store, &installation("one", "secret", 1)).await;
    let mut second = installation("one", "secret", 2);
    second.data.group_id = 9.into();
    second.endpoints = Endpoints::new("http://moved/token", "http://moved/v2/");
    put(store, &second).await;
    same(get(store, &"one".into()).await, Some(second), rule);
    let room = worked(store.in_room(1.into()).await, rule);
    holds(room.is_empty(), rule, "the previous room still contains it");
    let group = worked(store.in_group(1.into()).await, rule);
    holds(
        group.is_empty(),
        rule,
        "the previous group still contains it",
    );
}

async fn refuses_another_secret(store: &dyn InstallationStore) {
    let rule =
        "a put with a stored id and another secret is refused as a conflict and changes nothing";
    put(store, &installation("one", "secret", 1)).await;
    for stolen in ["stolen", "", "secret ", "secre", "SECRET"] {
        match store.put(&installation("one", stolen, 2)).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            other => broken(rule, format_args!("`put` returned {other:?}")),
        }
        same(
            get(store, &"one".into()).await,
            Some(installation("one", "secret", 1)),
            rule,
        );
        let room = worked(store.in_room(2.into()).await, rule);
        holds(room.is_empty(), rule, "`in_room` returned the refused one");
    }
}

async fn replaces_a_known_secret_only(store: &dyn InstallationStore) {
    let rule = "`replace` changes the secret only if it is given the stored one";
    let new = installation("one", "new", 2);
    holds(
        !worked(store.replace(&"old".into(), &new).await, rule),
        rule,
        "it returned true for an unknown installation",
    );
    holds(
        get(store, &"one".into()).await.is_none(),
        rule,
        "it stored an unknown installation",
    );
    let old = installation("one", "old", 1);
    put(store, &old).await;
    holds(
        !worked(store.replace(&"other".into(), &new).await, rule),
        rule,
        "it returned true for another secret",
    );
    same(get(store, &"one".into()).await, Some(old), rule);
    holds(
        worked(store.replace(&"old".into(), &new).await, rule),
        rule,
        "it returned false for the stored secret",
    );
    same(get(store, &"one".into()).await, Some(new), rule);
    let room = worked(store.in_room(1.into()).await, rule);
    holds(room.is_empty(), rule, "the previous room still contains it");
}

async fn lets_one_of_many_secrets_win<S: InstallationStore>(store: Arc<S>) {
    let rule = "of concurrent puts of one id with different secrets exactly one wins";
    let mut puts = JoinSet::new();
    for number in 0..CROWD {
        let store = Arc::clone(&store);
        puts.spawn(async move {
            let secret = format!("secret {number}");
            let answer = store.put(&installation("one", &secret, 1)).await;
            (secret, answer)
        });
    }
    let mut winners = Vec::new();
    for (secret, answer) in puts.join_all().await {
        match answer {
            Ok(()) => winners.push(secret),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => broken(rule, format_args!("a put failed: {error}")),
        }
    }
    let stored = get(&*store, &"one".into()).await;
    let stored = stored.map(|one| one.data.oauth_secret.expose().to_owned());
    holds(
        winners.len() == 1 && stored.as_ref() == winners.first(),
        rule,
        format_args!("{winners:?} won, and {stored:?} is stored"),
    );
}

async fn loses_no_concurrent_put<S: InstallationStore>(store: Arc<S>) {
    let rule = "concurrent puts lose nothing";
    let mut puts = JoinSet::new();
    for number in 0..CROWD {
        let store = Arc::clone(&store);
        puts.spawn(async move {
            let id = format!("id {number:03}");
            let (first, second) = (
                installation(&id, "secret", 1),
                installation(&id, "secret", 1),
            );
            let (one, other) = tokio::join!(store.put(&first), store.put(&second));
            one.and(other)
        });
    }
    for answer in puts.join_all().await {
        worked(answer, rule);
    }
    let found = worked(store.list().await, rule);
    let expected: Vec<_> = (0..CROWD).map(|number| format!("id {number:03}")).collect();
    holds(
        ids(&found) == expected,
        rule,
        format_args!("{CROWD} were put, and `list` returned {:?}", ids(&found)),
    );
}

async fn pages_by_id(store: &dyn InstallationStore) {
    let rule = "pages are ordered by the bytes of the ids and complete";
    let sorted = ["", "A", "B", "_", "a", "a b", "aa", "b", "é", "\u{1F6A8}"];
    for id in ["b", "a", "é", "B", "aa", "", "_", "\u{1F6A8}", "A", "a b"] {
        put(store, &installation(id, "secret", 1)).await;
    }
    for limit in [1, 3, sorted.len(), usize::MAX] {
        let mut seen: Vec<String> = Vec::new();
        loop {
            let after = seen.last().map(|id| OauthId::from(id.as_str()));
            let page = worked(store.page(after.as_ref(), limit).await, rule);
            let expected = limit.min(sorted.len() - seen.len());
            holds(
                page.len() == expected,
                rule,
                format_args!(
                    "a page of {limit} after {after:?} contains {}, not {expected}",
                    page.len()
                ),
            );
            if page.is_empty() {
                break;
            }
            seen.extend(page.iter().map(|one| one.oauth_id().to_string()));
        }
        holds(
            seen == sorted,
            rule,
            format_args!("pages of {limit} contain {seen:?}, not {sorted:?}"),
        );
    }
    let page = worked(store.page(None, 0).await, rule);
    holds(page.is_empty(), rule, "a page of 0 is not empty");
    let page = worked(store.page(Some(&"aZ".into()), 1).await, rule);
    holds(
        ids(&page) == ["aa"],
        "a page may start after an id that is not stored",
        format_args!("after \"aZ\" came {:?}", ids(&page)),
    );
    let all = worked(store.list().await, rule);
    holds(
        ids(&all) == sorted,
        "`list` returns all installations ordered by id",
        format_args!("it returned {:?}", ids(&all)),
    );
}

async fn finds_by_room_and_group(store: &dyn InstallationStore) {
    let rule = "`in_room` returns the installations in the room, `in_group` those in the group or its rooms";
    let made = [
        ("d", 1, Some(7)),
        ("c", 1, None),
        ("b", 1, Some(8)),
        ("a", 1, Some(7)),
        ("e", 2, Some(9)),
        ("f", 2, None),
    ];
    for (id, group, room) in made {
        let mut one = installation(id, "secret", 0);
        one.data.group_id = GroupId::new(group);
        one.data.room_id = room.map(RoomId::new);
        put(store, &one).await;
    }
    for (room, expected) in [(7, &["a", "d"][..]), (8, &["b"]), (9, &["e"]), (1, &[])] {
        let found = worked(store.in_room(room.into()).await, rule);
        holds(
            ids(&found) == expected,
            rule,
            format_args!("room {room} contains {:?}, not {expected:?}", ids(&found)),
        );
    }
    for (group, expected) in [(1, &["a", "b", "c", "d"][..]), (2, &["e", "f"]), (7, &[])] {
        let found = worked(store.in_group(group.into()).await, rule);
        holds(
            ids(&found) == expected,
            rule,
            format_args!("group {group} contains {:?}, not {expected:?}", ids(&found)),
        );
    }
    worked(store.remove(&"a".into()).await, rule);
    let found = worked(store.in_room(7.into()).await, rule);
    holds(ids(&found) == ["d"], rule, "it returned a removed one");
}

async fn counts_by_origin(store: &dyn InstallationStore) {
    let rule = "`count` counts all installations, or those of an origin";
    let counted = async |origin: Option<&str>, expected: u64| {
        let found = worked(store.count(origin).await, rule);
        holds(
            found == expected,
            rule,
            format_args!("for {origin:?} it counted {found}, not {expected}"),
        );
    };
    let (one, other) = (
        Some("https://one.example"),
        Some("https://other.example:8443"),
    );
    counted(None, 0).await;
    for (id, url) in [
        ("a", "https://one.example/v2/capabilities"),
        ("b", "HTTPS://ONE.example:443/elsewhere"),
        ("c", "https://other.example:8443/v2/capabilities"),
        ("d", "no address"),
    ] {
        let mut installation = installation(id, "secret", 1);
        installation.data.capabilities_url = url.to_owned();
        put(store, &installation).await;
    }
    counted(None, 4).await;
    counted(one, 2).await;
    counted(other, 1).await;
    counted(Some("https://one.example.org"), 0).await;
    let mut moved = installation("a", "secret", 1);
    moved.data.capabilities_url = "https://other.example:8443/c".to_owned();
    put(store, &moved).await;
    worked(store.remove(&"b".into()).await, rule);
    counted(None, 3).await;
    counted(one, 0).await;
    counted(other, 2).await;
}

async fn shows_no_secret(store: &dyn InstallationStore) {
    let rule = "`Debug` and errors contain no secret";
    put(store, &installation("one", "topsecret", 1)).await;
    let refused = store.put(&installation("one", "othersecret", 1)).await;
    let shown = format!(
        "{store:?} {:?} {refused:?}",
        get(store, &"one".into()).await
    );
    holds(
        !shown.contains("topsecret") && !shown.contains("othersecret"),
        rule,
        "they contain one",
    );
}

fn installation(id: &str, secret: &str, room: u64) -> Installation {
    let mut data = InstallationData::new(
        id.into(),
        secret.into(),
        "http://chat.example/v2/capabilities",
        1.into(),
    );
    data.room_id = Some(room.into());
    Installation::new(
        data,
        Endpoints::new(
            "http://chat.example/v2/oauth/token",
            "http://chat.example/v2/",
        ),
    )
}

fn ids(installations: &[Installation]) -> Vec<&str> {
    let ids = installations.iter().map(Installation::oauth_id);
    ids.map(OauthId::as_str).collect()
}

async fn put(store: &dyn InstallationStore, installation: &Installation) {
    worked(store.put(installation).await, "a new installation is kept");
}

async fn get(store: &dyn InstallationStore, id: &OauthId) -> Option<Installation> {
    worked(store.get(id).await, "an installation can be looked up")
}

fn same(found: Option<Installation>, expected: Option<Installation>, rule: &str) {
    let plain = |one: Installation| (json!(one.data), one.endpoints);
    let (found, expected) = (found.map(plain), expected.map(plain));
    holds(
        found == expected,
        rule,
        format_args!("`get` returned {found:?}, not {expected:?}"),
    );
}

fn worked<T>(answer: Result<T>, rule: &str) -> T {
    match answer {
        Ok(value) => value,
        Err(error) => broken(rule, format_args!("the store failed: {error:#}")),
    }
}

fn holds(is_kept: bool, rule: &str, found: impl fmt::Display) {
    if !is_kept {
        broken(rule, found);
    }
}

#[expect(clippy::panic, reason = "a test suite reports failures by panicking")]
fn broken(rule: &str, found: impl fmt::Display) -> ! {
    panic!("the store breaks a rule ({rule}): {found}")
}
