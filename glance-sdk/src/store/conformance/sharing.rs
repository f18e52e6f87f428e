//! The rules about data that processes share: access tokens and used requests.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{CROWD, holds, installation, put, worked};
use crate::model::{OauthId, Secret};
use crate::store::{AccessToken, Claimed, InstallationStore, RequestClaim};

const NOW: i64 = 1_700_000_000;

/// A name of the maximal length.
const NAME: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Returns whether the store shares anything: the default implementations of the methods do not.
pub(super) async fn shares(store: &dyn InstallationStore) -> bool {
    let rule = "a store that shares access tokens shares used requests too";
    put(store, &installation("one", "secret", 1)).await;
    let token = AccessToken::new("token".into(), NOW + 60);
    let id = OauthId::from("one");
    let keeps = worked(store.put_access_token(&id, NAME, &token, NOW).await, rule);
    let claimed = worked(store.claim_request(&claim("one", 1, NOW + 60)).await, rule);
    holds(
        keeps == (claimed != Claimed::NotShared),
        rule,
        format_args!("`put_access_token` returned {keeps}, `claim_request` {claimed:?}"),
    );
    keeps
}

pub(super) async fn stores_tokens(store: &dyn InstallationStore) {
    let rule = "an access token exists from its put to its removal or that of its installation";
    let (one, two) = (OauthId::from("one"), OauthId::from("two"));
    let is = async |id: &OauthId, name: &str, expected: Option<&AccessToken>| {
        let found = worked(store.access_token(id, name).await, rule);
        // Compared by secret and time, but displayed without them.
        holds(
            found.as_ref() == expected,
            rule,
            format_args!("`access_token` of {id} returned {found:?}, not {expected:?}"),
        );
    };
    let puts = async |id: &OauthId, name: &str, token: &AccessToken, expected: bool| {
        let kept = worked(store.put_access_token(id, name, token, NOW).await, rule);
        holds(
            kept == expected,
            rule,
            format_args!("`put_access_token` of {id} returned {kept}"),
        );
    };
    let removes = async |refused: &str, expected: bool| {
        let refused = Secret::from(refused);
        let removed = store.remove_access_token(&one, NAME, &refused);
        let removed = worked(removed.await, rule);
        holds(
            removed == expected,
            rule,
            format_args!("`remove_access_token` returned {removed}"),
        );
    };
    let first = AccessToken::new("first \u{1F511}".into(), NOW + 60);
    let second = AccessToken::new("second".into(), NOW + 120);
    let other = AccessToken::new("other".into(), NOW + 60);
    is(&one, NAME, None).await;
    puts(&one, NAME, &first, false).await;
    is(&one, NAME, None).await;
    put(store, &installation("one", "secret", 1)).await;
    put(store, &installation("two", "secret", 1)).await;
    is(&one, NAME, None).await;
    puts(&one, NAME, &first, true).await;
    puts(&one, "other", &other, true).await;
    puts(&two, NAME, &other, true).await;
    is(&one, NAME, Some(&first)).await;
    is(&one, "other", Some(&other)).await;
    is(&one, "nothing", None).await;
    puts(&one, NAME, &second, true).await;
    is(&one, NAME, Some(&second)).await;
    put(store, &installation("one", "secret", 2)).await;
    is(&one, NAME, Some(&second)).await;
    removes("first \u{1F511}", false).await;
    is(&one, NAME, Some(&second)).await;
    removes("second", true).await;
    is(&one, NAME, None).await;
    removes("second", false).await;
    is(&one, "other", Some(&other)).await;
    worked(store.remove(&one).await, rule);
    is(&one, "other", None).await;
    is(&two, NAME, Some(&other)).await;
    put(store, &installation("one", "secret", 1)).await;
    is(&one, "other", None).await;
}

pub(super) async fn bounds_tokens(store: &dyn InstallationStore) {
    let rule = "a put removes expired access tokens, and of too many those that expire \
                first";
    put(store, &installation("one", "secret", 1)).await;
    let id = OauthId::from("one");
    let most = AccessToken::MAX_PER_INSTALLATION;
    let keeps = async |name: &str, renew_at: i64, now: i64| {
        let token = AccessToken::new("token".into(), renew_at);
        worked(store.put_access_token(&id, name, &token, now).await, rule);
    };
    let has = async |name: &str| worked(store.access_token(&id, name).await, rule).is_some();
    keeps("ends", NOW + 10, NOW).await;
    keeps("later", NOW + 20, NOW + 9).await;
    holds(has("ends").await, rule, "one was removed before its time");
    keeps("latest", NOW + 500, NOW + 10).await;
    holds(!has("ends").await, rule, "one exists after its time");
    holds(has("later").await, rule, "one was removed before its time");
    for number in 0..most {
        let renew_at = NOW + 100 + number as i64;
        keeps(&format!("name {number}"), renew_at, NOW + 10).await;
    }
    let mut left = Vec::new();
    for number in 0..most {
        left.push(has(&format!("name {number}")).await);
    }
    holds(
        left == [vec![false], vec![true; most - 1]].concat(),
        rule,
        format_args!("of {most} that followed another, {left:?} exist"),
    );
    holds(
        has("latest").await,
        rule,
        "the one that expires last was removed",
    );
}

pub(super) async fn lets_requests_through_once(store: &dyn InstallationStore) {
    let rule = "a request is claimed once until it expires";
    let answers = async |id: &str, number: u8, expires_at: i64, now: i64, expected: Claimed| {
        let claim = RequestClaim {
            now,
            ..claim(id, number, expires_at)
        };
        let claimed = worked(store.claim_request(&claim).await, rule);
        holds(
            claimed == expected,
            rule,
            format_args!(
                "at {now} a claim of request {number} of {id} until {expires_at} was {claimed:?}"
            ),
        );
    };
    use Claimed::{First, Full, Replayed, Unknown};
    answers("one", 1, NOW + 60, NOW, Unknown).await;
    put(store, &installation("one", "secret", 1)).await;
    put(store, &installation("two", "secret", 1)).await;
    answers("one", 1, NOW + 60, NOW, First).await;
    answers("one", 1, NOW + 60, NOW, Replayed).await;
    answers("one", 1, NOW + 90, NOW + 59, Replayed).await;
    answers("two", 1, NOW + 60, NOW, First).await;
    answers("one", 2, NOW + 30, NOW, First).await;
    answers("one", 3, NOW + 60, NOW, First).await;
    // The limit is three.
    answers("one", 4, NOW + 60, NOW, Full).await;
    answers("one", 2, NOW + 60, NOW, Replayed).await;
    answers("two", 4, NOW + 60, NOW, First).await;
    // The second has expired.
    answers("one", 4, NOW + 90, NOW + 30, First).await;
    answers("one", 2, NOW + 90, NOW + 30, Full).await;
    answers("one", 1, NOW + 90, NOW + 60, First).await;
    put(store, &installation("one", "secret", 2)).await;
    answers("one", 4, NOW + 90, NOW + 60, Replayed).await;
    worked(store.remove(&"one".into()).await, rule);
    answers("one", 4, NOW + 90, NOW + 60, Unknown).await;
    put(store, &installation("one", "another secret", 1)).await;
    answers("one", 4, NOW + 90, NOW + 60, First).await;
    answers("one", 5, i64::MAX, NOW + 60, First).await;
}

pub(super) async fn gives_a_request_to_one<S: InstallationStore>(store: Arc<S>) {
    let rule = "of concurrent claims of one request exactly one is the first";
    put(&*store, &installation("one", "secret", 1)).await;
    for (now, expires_at) in [(NOW, NOW + 60), (NOW + 60, NOW + 120)] {
        let mut claims = JoinSet::new();
        for _ in 0..CROWD {
            let store = Arc::clone(&store);
            let claim = RequestClaim {
                now,
                ..claim("one", 1, expires_at)
            };
            claims.spawn(async move { store.claim_request(&claim).await });
        }
        let claims = claims.join_all().await;
        let claims: Vec<_> = claims.into_iter().map(|one| worked(one, rule)).collect();
        let firsts = claims.iter().filter(|one| **one == Claimed::First).count();
        let replays = claims
            .iter()
            .filter(|one| **one == Claimed::Replayed)
            .count();
        holds(
            (firsts, replays) == (1, CROWD - 1),
            rule,
            format_args!("{firsts} were the first and {replays} were replayed of {CROWD}"),
        );
    }
}

pub(super) async fn shows_no_token(store: &dyn InstallationStore) {
    let rule = "`Debug` contains no access token";
    put(store, &installation("one", "secret", 1)).await;
    let (id, token) = (
        OauthId::from("one"),
        AccessToken::new("topsecret".into(), NOW + 60),
    );
    worked(store.put_access_token(&id, NAME, &token, NOW).await, rule);
    let found = worked(store.access_token(&id, NAME).await, rule);
    holds(
        !format!("{store:?} {found:?}").contains("topsecret"),
        rule,
        "it contains one",
    );
}

/// Creates a claim of an installation that may have three requests.
fn claim(id: &str, number: u8, expires_at: i64) -> RequestClaim {
    RequestClaim::new(id.into(), [number; 32], expires_at, NOW, 3)
}
