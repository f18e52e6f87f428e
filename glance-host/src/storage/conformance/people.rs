//! The rules of people, their identities and sessions.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{CROWD, Pair, holds, install, no_sign_in_effects, people, room, same, some, worked};
use crate::model::{Identity, PrivateMessage, Session, User};
use crate::storage::{Effects, PersonChange, Storage};

pub(super) async fn check(make: &impl AsyncFn() -> Pair) {
    people_are_found_by_mention_name(&make().await).await;
    people_are_listed_without_removed_ones(&make().await).await;
    change_is_refused_if_the_person_changed(&make().await).await;
    last_admin_stays(&make().await).await;
    concurrent_demotions_leave_one_admin(&make().await).await;
    removed_person_loses_sessions_and_private_messages(&make().await).await;
    removed_person_gets_no_session(&make().await).await;
    embed_guest_is_unique_and_unchangeable(&make().await).await;
    identity_finds_its_person_again(&make().await).await;
    first_person_is_an_admin(&make().await).await;
    identity_decides_who_is_an_admin(&make().await).await;
    concurrent_sign_ins_create_one_person(&make().await).await;
    expired_sessions_are_deleted(&make().await).await;
}

fn admin(user: &User) -> User {
    User {
        is_admin: true,
        ..user.clone()
    }
}

fn member(user: &User) -> User {
    User {
        is_admin: false,
        ..user.clone()
    }
}

async fn make_admin(storage: &dyn Storage, user: &User) -> User {
    let rule = "a person becomes an admin";
    let changed = worked(
        storage
            .change_person(user, &admin(user), Effects::none())
            .await,
        rule,
    );
    same(changed, PersonChange::Done, rule);
    admin(user)
}

fn identity(provider: Option<&str>, subject: &str, name: &str) -> Identity {
    Identity {
        provider: provider.map(str::to_owned),
        subject: subject.to_owned(),
        name: name.to_owned(),
        email: None,
        timezone: None,
        is_admin: None,
    }
}

async fn people_are_found_by_mention_name([a, b]: &Pair) {
    let rule = "people are found by mention name in any case, by email address and by id";
    let [before, bo] = people(&**a, ["Ärzte Ann", "ärzte  ann"]).await;
    let found = async |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let found = worked(b.users_mentioned(&names).await, rule);
        found.into_iter().map(|user| user.id).collect::<Vec<_>>()
    };
    same(
        found(&["ÄRZTEann", "nobody"]).await,
        vec![before.id, bo.id],
        rule,
    );
    same(found(&["Ärzte Ann", "ärzte", ""]).await, vec![], rule);
    let begun = async |starts, at_most| {
        let found = worked(b.users_to_mention(starts, at_most).await, rule);
        found.into_iter().map(|user| user.id).collect::<Vec<_>>()
    };
    same(begun("ÄRZ", 9).await, vec![before.id, bo.id], rule);
    same(begun("ä", 1).await, vec![before.id], rule);
    same(begun("ärzte ", 9).await, vec![], rule);
    same(begun("a", 9).await, vec![], rule);

    let mut ann = before.clone();
    ann.name = "Ann".to_owned();
    ann.email = Some("Ann@Example.com".to_owned());
    let _ = worked(a.change_person(&before, &ann, Effects::none()).await, rule);
    same(found(&["ärzteann"]).await, vec![bo.id], rule);
    same(found(&["ann"]).await, vec![ann.id], rule);
    let at = async |email| worked(b.find_user_by_email(email).await, rule);
    same(at("ann@example.COM").await, Some(ann.clone()), rule);
    same(at("ann@example").await, None, rule);

    let _ = worked(a.remove_person(ann.id, Effects::none()).await, rule);
    ann.is_removed = true;
    same(found(&["ann"]).await, vec![], rule);
    same(at("ann@example.com").await, None, rule);
    let both = [bo.id, 99.into(), ann.id];
    let with = worked(b.users_by_id(&both).await, rule);
    same(with, vec![ann.clone(), bo], rule);
    same(worked(b.users_by_id(&[]).await, rule), vec![], rule);
    same(worked(b.user(u64::MAX.into()).await, rule), None, rule);
    same(worked(b.find_user("Ann").await, rule), Some(ann), rule);
}

async fn people_are_listed_without_removed_ones([a, b]: &Pair) {
    let rule = "people are listed by id, removed ones in a separate list";
    let [ann, bo, cy, dee] = people(&**a, ["Ann", "Bo", "Cy", "Dee"]).await;
    let guest = User {
        is_guest: true,
        ..bo.clone()
    };
    let _ = worked(a.change_person(&bo, &guest, Effects::none()).await, rule);
    let _ = worked(a.remove_person(cy.id, Effects::none()).await, rule);
    worked(b.set_timezone(dee.id, "Europe/Paris").await, rule);
    let dee = User {
        timezone: "Europe/Paris".to_owned(),
        ..dee
    };
    let all = worked(b.users().await, rule);
    same(all, vec![ann.clone(), guest.clone(), dee.clone()], rule);
    let removed = worked(b.removed_users().await, rule);
    same(
        removed.iter().map(|user| user.id).collect(),
        vec![cy.id],
        rule,
    );
    let members = worked(b.list_users(false, 0, 9).await, rule);
    same(members, vec![ann, dee.clone()], rule);
    let second = worked(b.list_users(true, 1, 1).await, rule);
    same(second, vec![guest], rule);
}

async fn change_is_refused_if_the_person_changed([a, b]: &Pair) {
    let rule =
        "a person changes only if they still equal the state before, and their name is unique";
    let [ann, bo] = people(&**a, ["Ann", "Bo"]).await;
    let named = |name: &str| User {
        name: name.to_owned(),
        ..ann.clone()
    };
    let taken = worked(
        b.change_person(&ann, &named("Bo"), Effects::none()).await,
        rule,
    );
    same(taken, PersonChange::NameTaken, rule);
    let done = worked(
        b.change_person(&ann, &named("Anna"), Effects::none()).await,
        rule,
    );
    same(done, PersonChange::Done, rule);
    let stale = worked(
        a.change_person(&ann, &named("Anne"), Effects::none()).await,
        rule,
    );
    same(stale, PersonChange::Stale, rule);
    same(
        worked(a.user(ann.id).await, rule),
        Some(named("Anna")),
        rule,
    );
    let nobody = User {
        id: 99.into(),
        ..bo
    };
    let gone = worked(
        a.change_person(&nobody, &nobody, Effects::none()).await,
        rule,
    );
    same(gone, PersonChange::Gone, rule);
    let gone = worked(a.remove_person(nobody.id, Effects::none()).await, rule);
    same(gone, PersonChange::Gone, rule);
}

async fn last_admin_stays([a, b]: &Pair) {
    let rule = "the last admin cannot be demoted or removed";
    let [ann, bo] = people(&**a, ["Ann", "Bo"]).await;
    let ann = make_admin(&**a, &ann).await;
    let last = worked(
        b.change_person(&ann, &member(&ann), Effects::none()).await,
        rule,
    );
    same(last, PersonChange::LastAdmin, rule);
    let last = worked(b.remove_person(ann.id, Effects::none()).await, rule);
    same(last, PersonChange::LastAdmin, rule);
    same(worked(b.user(ann.id).await, rule), Some(ann.clone()), rule);
    make_admin(&**b, &bo).await;
    let removed = worked(a.remove_person(ann.id, Effects::none()).await, rule);
    same(removed, PersonChange::Done, rule);
    let first = worked(b.first_admin().await, rule);
    same(first.map(|user| user.id), Some(bo.id), rule);
    let last = worked(b.remove_person(bo.id, Effects::none()).await, rule);
    same(last, PersonChange::LastAdmin, rule);
}

async fn concurrent_demotions_leave_one_admin(pair: &Pair) {
    let rule = "of two admins who demote each other concurrently one stays an admin";
    let [ann, bo] = people(&*pair[0], ["Ann", "Bo"]).await;
    for _ in 0..CROWD {
        let mut demoting = JoinSet::new();
        for (storage, person) in pair.iter().zip([&ann, &bo]) {
            let now = some(worked(storage.user(person.id).await, rule), rule);
            let _ = worked(
                storage
                    .change_person(&now, &admin(&now), Effects::none())
                    .await,
                rule,
            );
            let storage = Arc::clone(storage);
            let person = admin(person);
            demoting.spawn(async move {
                storage
                    .change_person(&person, &member(&person), Effects::none())
                    .await
            });
        }
        demoting.join_all().await;
        holds(
            worked(pair[0].first_admin().await, rule).is_some(),
            rule,
            "none stayed",
        );
    }
}

async fn removed_person_loses_sessions_and_private_messages([a, b]: &Pair) {
    let rule =
        "a removed person loses admin rights, sessions and private messages, and keeps memberships";
    let [ann, bo, cy] = people(&**a, ["Ann", "Bo", "Cy"]).await;
    make_admin(&**a, &bo).await;
    let ann = make_admin(&**a, &ann).await;
    let room = room(&**a, "ops").await;
    worked(a.add_member(room.id, ann.id).await, rule);
    let sender = install(&**a, "sender", None).await;
    for (person, digest) in [(&ann, 1), (&cy, 2)] {
        worked(a.put_session(&session(person, digest), 0).await, rule);
        let message = PrivateMessage::new(person.id, &sender, "hi", "text".into(), false);
        worked(a.put_private_message(&message).await, rule);
    }
    let removed = worked(b.remove_person(ann.id, Effects::none()).await, rule);
    same(removed, PersonChange::Done, rule);
    let now = some(worked(a.user(ann.id).await, rule), rule);
    holds(now.is_removed && !now.is_admin, rule, format!("{now:?}"));
    let back = User {
        is_removed: false,
        ..now.clone()
    };
    let let_back = worked(a.change_person(&now, &back, Effects::none()).await, rule);
    same(let_back, PersonChange::Done, rule);
    same(worked(b.session(&[1]).await, rule), None, rule);
    let messages = worked(b.private_messages(ann.id, 9).await, rule);
    same(messages.len(), 0, rule);
    same(
        worked(b.memberships(ann.id).await, rule),
        vec![room.id],
        rule,
    );
    holds(
        worked(b.session(&[2]).await, rule).is_some(),
        rule,
        "another's session is gone",
    );
    let messages = worked(b.private_messages(cy.id, 9).await, rule);
    same(messages.len(), 1, rule);
}

async fn removed_person_gets_no_session([a, b]: &Pair) {
    let rule = "a removed person gets no session";
    let [ann] = people(&**a, ["Ann"]).await;
    let _ = worked(a.remove_person(ann.id, Effects::none()).await, rule);
    worked(b.put_session(&session(&ann, 1), 0).await, rule);
    same(worked(a.session(&[1]).await, rule), None, rule);
}

async fn embed_guest_is_unique_and_unchangeable([a, b]: &Pair) {
    let rule = "the account for guests of other sites is unique, unlisted and unchangeable";
    let guest = worked(a.embed_guest().await, rule);
    same(worked(b.embed_guest().await, rule), guest.clone(), rule);
    same(
        worked(b.user(guest.id).await, rule),
        Some(guest.clone()),
        rule,
    );
    same(worked(b.users().await, rule), vec![], rule);
    same(worked(b.find_user(&guest.name).await, rule), None, rule);
    let changed = worked(
        b.change_person(&guest, &admin(&guest), Effects::none())
            .await,
        rule,
    );
    same(changed, PersonChange::Gone, rule);
    let removed = worked(b.remove_person(guest.id, Effects::none()).await, rule);
    same(removed, PersonChange::Gone, rule);
    worked(b.update_user(&admin(&guest)).await, rule);
    worked(b.set_timezone(guest.id, "Asia/Tokyo").await, rule);
    same(worked(a.user(guest.id).await, rule), Some(guest), rule);
}

async fn identity_finds_its_person_again([a, b]: &Pair) {
    let rule = "an identity finds its person again under any name";
    let first = worked(
        a.sign_in(&identity(Some("p"), "1", "Ann"), no_sign_in_effects())
            .await,
        rule,
    );
    let mut again = identity(Some("p"), "1", "Somebody");
    again.email = Some("ann@example.com".to_owned());
    again.timezone = Some("Europe/Paris".to_owned());
    let second = worked(b.sign_in(&again, no_sign_in_effects()).await, rule);
    same(&second.before, &first.after, rule);
    same(&*second.after.name, "Ann", rule);
    same(second.after.email.as_deref(), Some("ann@example.com"), rule);
    same(&*second.after.timezone, "Europe/Paris", rule);
    let stored = worked(a.user(second.after.id).await, rule);
    same(stored, Some(second.after), rule);
    let other = worked(
        a.sign_in(&identity(Some("q"), "1", "Ann"), no_sign_in_effects())
            .await,
        rule,
    );
    same(&*other.after.name, "Ann 2", "two people have two names");
    let named = worked(
        a.sign_in(&identity(None, "Ann", "Ann"), no_sign_in_effects())
            .await,
        rule,
    );
    same(
        named.after.id,
        first.after.id,
        "without a provider the name counts",
    );
}

async fn first_person_is_an_admin([a, b]: &Pair) {
    let rule = "the first person who signs in is an admin, the next are not";
    let first = worked(
        a.sign_in(&identity(None, "Ann", "Ann"), no_sign_in_effects())
            .await,
        rule,
    );
    holds(
        !first.before.is_admin && first.after.is_admin,
        rule,
        "the first does not",
    );
    let second = worked(
        b.sign_in(&identity(None, "Bo", "Bo"), no_sign_in_effects())
            .await,
        rule,
    );
    holds(!second.after.is_admin, rule, "the second does");
}

async fn identity_decides_who_is_an_admin([a, b]: &Pair) {
    let rule = "an identity that says who is an admin decides, except about removed people";
    let mut ann = identity(Some("p"), "1", "Ann");
    ann.is_admin = Some(true);
    let person = worked(a.sign_in(&ann, no_sign_in_effects()).await, rule).after;
    holds(person.is_admin, rule, "she is none");
    ann.is_admin = Some(false);
    let person = worked(b.sign_in(&ann, no_sign_in_effects()).await, rule).after;
    holds(!person.is_admin, rule, "she is one");
    let _ = worked(b.remove_person(person.id, Effects::none()).await, rule);
    ann.is_admin = Some(true);
    let signed_in = worked(a.sign_in(&ann, no_sign_in_effects()).await, rule);
    same(&signed_in.before, &signed_in.after, rule);
    holds(!signed_in.after.is_admin, rule, "she is one though removed");
}

async fn concurrent_sign_ins_create_one_person(pair: &Pair) {
    let rule = "concurrent sign-ins of one identity create one person";
    let mut signing_in = JoinSet::new();
    for number in 0..CROWD {
        let storage = Arc::clone(&pair[number % 2]);
        signing_in.spawn(async move {
            storage
                .sign_in(&identity(Some("p"), "1", "Ann"), no_sign_in_effects())
                .await
        });
    }
    for signed_in in signing_in.join_all().await {
        let signed_in = worked(signed_in, rule);
        holds(
            signed_in.after.is_admin,
            rule,
            "the only person is no admin",
        );
    }
    same(worked(pair[1].users().await, rule).len(), 1, rule);
}

fn session(user: &User, digest: u8) -> Session {
    Session {
        digest: vec![digest],
        user: user.id,
        began_at: 10,
        expires_at: 20,
    }
}

async fn expired_sessions_are_deleted([a, b]: &Pair) {
    let rule = "storing a session deletes expired ones";
    let [ann] = people(&**a, ["Ann"]).await;
    for digest in [1, 2] {
        worked(a.put_session(&session(&ann, digest), 10).await, rule);
    }
    same(
        worked(b.session(&[1]).await, rule),
        Some(session(&ann, 1)),
        rule,
    );
    worked(b.prolong_session(&[1], 30).await, rule);
    worked(b.prolong_session(&[9], 30).await, rule);
    same(worked(a.session(&[9]).await, rule), None, rule);
    worked(a.put_session(&session(&ann, 3), 20).await, rule);
    let prolonged = worked(a.session(&[1]).await, rule);
    same(prolonged.map(|session| session.expires_at), Some(30), rule);
    same(worked(b.session(&[2]).await, rule), None, rule);
    holds(
        worked(b.remove_session(&[1], Effects::none()).await, rule),
        rule,
        "there was none",
    );
    holds(
        !worked(a.remove_session(&[1], Effects::none()).await, rule),
        rule,
        "it ended twice",
    );
}
