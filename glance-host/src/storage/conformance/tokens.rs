//! The rules of access tokens and tokens for scripts.

use glance_sdk::model::OauthId;

use super::{Pair, holds, install, no_installation_effects, people, room, same, some, worked};
use crate::model::{
    Installed, MAX_ADMIN_TOKENS, NewAdminToken, Room, StoredToken, TokenOwner, User,
};
use crate::storage::{Effects, RoomChange};

pub(super) async fn check(make: &impl AsyncFn() -> Pair) {
    expired_tokens_are_deleted(&make().await).await;
    changes_show_in_the_owner_of_a_token(&make().await).await;
    tokens_are_deleted_with_their_installation(&make().await).await;
    tokens_for_scripts_have_a_quota(&make().await).await;
    tokens_for_scripts_store_their_use(&make().await).await;
}

fn token(digest: u8, of: &OauthId, expires_at: i64) -> StoredToken {
    StoredToken {
        digest: vec![digest],
        oauth_id: of.clone(),
        scope: "view_room".to_owned(),
        expires_at,
    }
}

async fn expired_tokens_are_deleted([a, b]: &Pair) {
    let rule = "storing a token deletes expired ones";
    let id = install(&**a, "one", None).await.oauth_id;
    worked(a.put_token(&token(1, &id, 10), 0).await, rule);
    worked(a.put_token(&token(2, &id, 20), 0).await, rule);
    let found = worked(b.token(&[1]).await, rule);
    let found = found.map(|found| (found.oauth_id, found.scope, found.expires_at));
    same(found, Some((id.clone(), "view_room".to_owned(), 10)), rule);
    let found = some(worked(b.token_owner(&[1]).await, rule), rule);
    let TokenOwner {
        token: found,
        installed,
        room,
    } = &*found;
    same((&found.digest, found.expires_at), (&vec![1], 10), rule);
    same((&installed.oauth_id, room), (&id, &None), rule);
    holds(
        worked(a.token_owner(&[9]).await, rule).is_none(),
        rule,
        "there is a token that was not stored",
    );
    worked(b.put_token(&token(3, &id, 30), 15).await, rule);
    let is_there = async |digest: u8| worked(a.token(&[digest]).await, rule).is_some();
    holds(
        !is_there(1).await && is_there(2).await,
        rule,
        "another is gone",
    );
    holds(
        worked(b.remove_token(&[2]).await, rule),
        rule,
        "there was none",
    );
    holds(
        !worked(a.remove_token(&[2]).await, rule),
        rule,
        "it ended twice",
    );
    worked(b.remove_tokens(&id).await, rule);
    holds(!is_there(3).await, rule, "it is there");
}

async fn changes_show_in_the_owner_of_a_token([a, b]: &Pair) {
    let rule = "a token is read with its current installation and room";
    let ops = room(&**a, "ops").await;
    let mut installed = install(&**a, "one", Some(ops.id)).await;
    let id = installed.oauth_id.clone();
    worked(b.put_token(&token(1, &id, 10), 0).await, rule);
    let shows = async |installed: &Installed, room: &Room| {
        for storage in [a, b] {
            let owner = some(worked(storage.token_owner(&[1]).await, rule), rule);
            same(
                owner.installed.oauth_secret.expose(),
                installed.oauth_secret.expose(),
                rule,
            );
            same(owner.room.as_ref(), Some(room), rule);
        }
    };
    shows(&installed, &ops).await;
    // Each handle reads what the other one changed since its last read.
    let mut dev = ops.clone();
    dev.name = "dev".to_owned();
    let changed = a.change_room(&ops, &dev, Effects::none()).await;
    same(worked(changed, rule), RoomChange::Done, rule);
    installed.oauth_secret = "another".into();
    let secret = &installed.oauth_secret;
    worked(b.replace_secret(&id, secret).await, rule);
    shows(&installed, &dev).await;
    worked(a.remove_token(&[1]).await, rule);
    for storage in [a, b] {
        let left = worked(storage.token_owner(&[1]).await, rule);
        holds(left.is_none(), rule, "the token was revoked");
    }
}

async fn tokens_are_deleted_with_their_installation([a, b]: &Pair) {
    let rule = "removing an installation deletes its tokens";
    let (one, two) = (
        install(&**a, "one", None).await.oauth_id,
        install(&**a, "two", None).await.oauth_id,
    );
    worked(a.put_token(&token(1, &one, 10), 0).await, rule);
    worked(a.put_token(&token(2, &two, 10), 0).await, rule);
    worked(b.leave(&one, 1, no_installation_effects()).await, rule);
    holds(
        worked(a.token(&[1]).await, rule).is_none(),
        rule,
        "it is there",
    );
    holds(
        worked(a.token(&[2]).await, rule).is_some(),
        rule,
        "another's is gone",
    );
}

fn new(by: &User, name: &str, expires_at: i64) -> NewAdminToken {
    NewAdminToken {
        name: name.to_owned(),
        digest: name.as_bytes().to_vec(),
        created_by: by.id,
        expires_at,
    }
}

async fn tokens_for_scripts_have_a_quota([a, b]: &Pair) {
    let rule = "the number of valid tokens for scripts is limited, and revoked ones do not count";
    let [ann] = people(&**a, ["Ann"]).await;
    let create = async |name: &str, expires_at, now| {
        let new = new(&ann, name, expires_at);
        worked(b.create_admin_token(&new, now).await, rule).map(|created| created.id)
    };
    let mut first = None;
    for number in 0..MAX_ADMIN_TOKENS {
        let created = create(&number.to_string(), 100, 10).await;
        holds(created.is_some(), rule, "too few");
        first = first.or(created);
    }
    let first = first.unwrap_or_default();
    same(create("more", 200, 99).await, None, rule);
    holds(
        worked(a.revoke_admin_token(first, 50).await, rule),
        rule,
        "nothing to revoke",
    );
    holds(
        !worked(b.revoke_admin_token(first, 60).await, rule),
        rule,
        "it was revoked twice",
    );
    let revoked = worked(b.admin_token(first).await, rule);
    same(
        revoked.and_then(|token| token.revoked_at),
        Some(50),
        "the first time counts",
    );
    let last = create("more", 200, 99).await;
    holds(last.is_some(), rule, "there is no room");
    // Of those that ended the newest stay, and ids are not given again.
    for number in 0..3 {
        let later = create(&format!("later {number}"), 300, 250).await;
        holds(later > last, rule, "an id was given again");
    }
    let all = worked(a.admin_tokens().await, rule);
    same(all.len() as u32, MAX_ADMIN_TOKENS + 3, rule);
    holds(
        all.is_sorted_by(|newer, older| newer.id > older.id),
        rule,
        "not newest first",
    );
    same(worked(a.admin_token(first).await, rule), None, rule);
}

async fn tokens_for_scripts_store_their_use([a, b]: &Pair) {
    let rule = "a token for scripts stores the times of its creation and use";
    let [ann] = people(&**a, ["Ann"]).await;
    let created = worked(
        a.create_admin_token(&new(&ann, "deploy", 100), 10).await,
        rule,
    );
    let created = some(created, rule);
    same((created.created_at, created.last_used_at), (10, None), rule);
    worked(b.touch_admin_token(created.id, 20).await, rule);
    let used = worked(a.admin_token(created.id).await, rule);
    same(used.and_then(|token| token.last_used_at), Some(20), rule);
    same(worked(a.admin_token(u64::MAX).await, rule), None, rule);
}
