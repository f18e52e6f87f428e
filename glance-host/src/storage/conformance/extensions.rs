//! The rules of runtime glances, webhooks and runtime actions.

use glance_sdk::model::{
    Action, ActionLocation, Audience, Descriptor, Event, Glance, Icon, Webhook,
};

use super::{Pair, holds, install, installed, no_installation_effects, room, same, worked};
use crate::model::{
    MAX_EXTENSION_BYTES, MAX_RUNTIME_ACTIONS, MAX_RUNTIME_GLANCES, MAX_RUNTIME_WEBHOOKS, Place,
    Restriction, RuntimeAction, RuntimeGlance,
};
use crate::storage::Effects;

pub(super) async fn check(make: &impl AsyncFn() -> Pair) {
    place_has_a_quota_of_glances(&make().await).await;
    glance_key_is_global_or_of_rooms(&make().await).await;
    glances_are_listed_by_key(&make().await).await;
    shared_glance_is_found_in_any_place(&make().await).await;
    room_has_a_quota_of_webhooks(&make().await).await;
    declared_webhooks_follow_the_descriptor(&make().await).await;
    place_has_a_quota_of_actions(&make().await).await;
    extensions_are_deleted_with_their_installation(&make().await).await;
    extensions_have_a_quota_of_bytes(&make().await).await;
}

fn glance(key: &str, place: Place) -> RuntimeGlance {
    RuntimeGlance {
        oauth_id: "one".into(),
        place,
        glance: Glance::new(key, key, Icon::new("https://a.example/i.png")),
    }
}

fn action(key: &str, place: Place) -> RuntimeAction {
    RuntimeAction {
        oauth_id: "one".into(),
        place,
        action: Action::new(key, key, ActionLocation::Input, "panel"),
    }
}

fn webhook(key: Option<&str>, url: &str) -> Webhook {
    let mut webhook = Webhook::new(Event::RoomMessage, url);
    webhook.key = key.map(ToOwned::to_owned);
    webhook
}

async fn place_has_a_quota_of_glances([a, b]: &Pair) {
    let rule = "an installation may have ten runtime glances per room and ten global ones";
    install(&**a, "one", None).await;
    for (prefix, place) in [
        ("a", Place::Room(1.into())),
        ("b", Place::Room(2.into())),
        ("g", Place::Global),
    ] {
        for number in 0..MAX_RUNTIME_GLANCES {
            let put = b
                .put_glance(
                    &glance(&format!("{prefix}{number}"), place),
                    Effects::none(),
                )
                .await;
            same(worked(put, rule), Ok(()), rule);
        }
        let one_more = a
            .put_glance(&glance(&format!("{prefix} more"), place), Effects::none())
            .await;
        same(worked(one_more, rule), Err(Restriction::TooMany), rule);
        let again = a
            .put_glance(&glance(&format!("{prefix}0"), place), Effects::none())
            .await;
        same(worked(again, rule), Ok(()), "replacing a glance adds none");
    }
}

async fn glance_key_is_global_or_of_rooms([a, b]: &Pair) {
    let rule = "a runtime glance in a room and a global one cannot have the same key";
    let id = install(&**a, "one", None).await.oauth_id;
    let (one, two) = (Place::Room(1.into()), Place::Room(2.into()));
    let put = async |place| {
        worked(
            b.put_glance(&glance("k", place), Effects::none()).await,
            rule,
        )
    };
    same(put(one).await, Ok(()), rule);
    same(put(two).await, Ok(()), rule);
    same(
        put(Place::Global).await,
        Err(Restriction::KeyElsewhere),
        rule,
    );
    for place in [one, two] {
        holds(
            worked(
                a.remove_glance(&id, place, "k", Effects::none()).await,
                rule,
            ),
            rule,
            "there is none",
        );
    }
    same(put(Place::Global).await, Ok(()), rule);
    same(put(one).await, Err(Restriction::KeyElsewhere), rule);
}

async fn glances_are_listed_by_key([a, b]: &Pair) {
    let rule = "the glances of a room and of all rooms are listed by key";
    let id = install(&**a, "one", None).await.oauth_id;
    let here = Place::Room(1.into());
    for (key, place) in [
        ("c", Place::Global),
        ("a", here),
        ("b", Place::Room(2.into())),
    ] {
        same(
            worked(
                a.put_glance(&glance(key, place), Effects::none()).await,
                rule,
            ),
            Ok(()),
            rule,
        );
    }
    let listed = worked(b.glances_in(&id, 1.into()).await, rule);
    let keys: Vec<_> = listed
        .iter()
        .map(|one| (&*one.glance.key, one.place))
        .collect();
    same(keys, vec![("a", here), ("c", Place::Global)], rule);
    holds(
        worked(b.has_glance(&id, "b").await, rule),
        rule,
        "there is no b",
    );
    let found = worked(b.glance(&id, here, "b").await, rule);
    holds(found.is_none(), rule, "another room has it");
    holds(
        !worked(b.remove_glance(&id, here, "b", Effects::none()).await, rule),
        rule,
        "another room had it",
    );
}

async fn shared_glance_is_found_in_any_place([a, b]: &Pair) {
    let rule = "a runtime glance whose audience is the room is found by its key in any place";
    let id = install(&**a, "one", None).await.oauth_id;
    let other = install(&**a, "two", None).await.oauth_id;
    let (one, two) = (Place::Room(1.into()), Place::Room(2.into()));
    let put = async |key, place, audience| {
        let mut glance = glance(key, place);
        glance.glance.audience = audience;
        same(
            worked(a.put_glance(&glance, Effects::none()).await, rule),
            Ok(()),
            rule,
        );
    };
    let is_shared = async |id, key| worked(b.has_glance_shared_by_room(id, key).await, rule);
    for (key, place, audience, expected) in [
        ("k", one, None, false),
        ("k", two, Some(Audience::Room), true),
        ("global", Place::Global, Some(Audience::Room), true),
        ("person", Place::Global, Some(Audience::Person), false),
        ("team", Place::Global, Some("team".into()), false),
    ] {
        put(key, place, audience).await;
        same(is_shared(&id, key).await, expected, rule);
    }
    for (id, key) in [(&id, "none"), (&other, "k")] {
        same(is_shared(id, key).await, false, rule);
    }
    put("k", two, None).await;
    same(is_shared(&id, "k").await, false, rule);
    let removed = a
        .remove_glance(&id, Place::Global, "global", Effects::none())
        .await;
    holds(worked(removed, rule), rule, "there was none");
    same(is_shared(&id, "global").await, false, rule);
}

async fn room_has_a_quota_of_webhooks([a, b]: &Pair) {
    let rule = "an installation may create ten webhooks per room, and numbers are never reused";
    let id = install(&**a, "one", None).await.oauth_id;
    let (one, two) = (room(&**a, "one").await.id, room(&**a, "two").await.id);
    let put = async |room, webhook: Webhook| worked(b.put_webhook(&id, room, &webhook).await, rule);
    let url = "https://a.example/";
    let mut numbers = Vec::new();
    for number in 1..MAX_RUNTIME_WEBHOOKS {
        let key = format!("k{number}");
        numbers.push(put(one, webhook(Some(&key), url)).await);
    }
    let last = put(one, webhook(None, url)).await;
    for key in [None, Some("more")] {
        same(
            put(one, webhook(key, url)).await,
            Err(Restriction::TooMany),
            rule,
        );
    }
    let again = put(one, webhook(Some("k3"), "https://b.example/")).await;
    same(again, numbers[2], "replacing a webhook keeps its number");
    holds(
        put(two, webhook(Some("k9"), url)).await.is_ok(),
        rule,
        "another room has none left",
    );
    let last = last.unwrap_or_default();
    holds(
        worked(a.remove_webhook(&id, last).await, rule),
        rule,
        "there is none",
    );
    holds(
        !worked(b.remove_webhook(&id, last).await, rule),
        rule,
        "it was removed twice",
    );
    let next = put(one, webhook(None, url)).await.unwrap_or_default();
    holds(next > last, rule, format!("{next} is not above {last}"));
    let listed = worked(a.webhooks_of(&id, one).await, rule);
    same(listed.len(), MAX_RUNTIME_WEBHOOKS as usize, rule);
    same(&*listed[2].webhook.url, "https://b.example/", rule);
}

async fn declared_webhooks_follow_the_descriptor([a, b]: &Pair) {
    let rule = "declared webhooks change with the descriptor, and listen after the installation is accepted";
    let new = installed("one", None);
    worked(a.begin_installation(&new, 1).await, rule);
    let id = new.oauth_id;
    let declare = async |webhooks: Vec<Webhook>| {
        let url = "https://a.example/";
        let mut descriptor = Descriptor::new("one", "A", url);
        descriptor.capabilities.webhook = Some(webhooks.into());
        worked(
            b.replace_descriptor(&id, url, &descriptor, Effects::none())
                .await,
            rule,
        );
        let listed = worked(a.webhooks_of(&id, 1.into()).await, rule);
        listed.iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let (one, two) = (
        webhook(None, "https://1.example/"),
        webhook(None, "https://2.example/"),
    );
    let first = declare(vec![one.clone(), one.clone()]).await;
    same(first.len(), 2, "the same webhook twice is called twice");
    let second = declare(vec![two, one]).await;
    same(second.len(), 2, rule);
    holds(
        first.contains(&second[0]),
        rule,
        "one that stays has another number",
    );
    let removed = worked(a.remove_webhook(&id, second[0]).await, rule);
    holds(
        !removed,
        rule,
        "a declared webhook was removed by its number",
    );
    let on = async |event: Event| worked(b.webhooks_on(&event, 1.into()).await, rule).len();
    same(on(Event::RoomMessage).await, 0, rule);
    worked(a.finish_installation(&id, Effects::none()).await, rule);
    same(on(Event::RoomMessage).await, 2, rule);
    same(on(Event::RoomEnter).await, 0, rule);
    worked(a.remove_installation(&id).await, rule);
    same(on(Event::RoomMessage).await, 0, rule);
}

async fn extensions_have_a_quota_of_bytes([a, b]: &Pair) {
    let rule = "the extensions of an installation have a maximum of bytes in all rooms together";
    let id = install(&**a, "one", None).await.oauth_id;
    let here = room(&**a, "ops").await.id;
    let long = "x".repeat(MAX_EXTENSION_BYTES as usize * 2 / 5);
    let place = |number: u64| Place::Room(number.into());
    let put_glance = async |number, name: &str| {
        let mut glance = glance(&format!("k{number}"), place(number));
        glance.glance.name = name.into();
        worked(a.put_glance(&glance, Effects::none()).await, rule)
    };
    let put_action = async |number, name: &str| {
        let mut action = action("k", place(number));
        action.action.name = name.into();
        worked(b.put_action(&action, Effects::none()).await, rule)
    };
    let put_webhook = async |url: &str| {
        let webhook = webhook(Some("k"), url);
        worked(a.put_webhook(&id, here, &webhook).await, rule).map(drop)
    };
    let too_large = Err(Restriction::TooLarge);
    same(put_glance(1, &long).await, Ok(()), rule);
    same(put_action(1, &long).await, Ok(()), rule);
    same(put_webhook(&long).await, too_large, rule);
    same(put_webhook(&long[..long.len() / 4]).await, Ok(()), rule);
    same(put_glance(2, &long).await, too_large, rule);
    same(put_action(2, &long).await, too_large, rule);
    same(put_webhook(&long).await, too_large, rule);
    same(
        put_glance(1, &long).await,
        Ok(()),
        "the same size fits again",
    );
    same(put_glance(2, "short").await, Ok(()), rule);
    let rule = "what was replaced or deleted leaves space";
    same(put_action(1, "short").await, Ok(()), rule);
    same(put_glance(3, &long).await, Ok(()), rule);
    let removed = b.remove_glance(&id, place(3), "k3", Effects::none()).await;
    holds(worked(removed, rule), rule, "it is not there");
    same(put_action(3, &long).await, Ok(()), rule);
}

async fn place_has_a_quota_of_actions([a, b]: &Pair) {
    let rule = "an installation may have ten runtime actions per place, and those of the room are listed first";
    let id = install(&**a, "one", None).await.oauth_id;
    let here = Place::Room(1.into());
    for number in 0..MAX_RUNTIME_ACTIONS {
        let put = b
            .put_action(&action(&format!("k{number}"), here), Effects::none())
            .await;
        same(worked(put, rule), Ok(()), rule);
    }
    for (key, place, expected) in [
        ("more", here, Err(Restriction::TooMany)),
        ("k0", here, Ok(())),
        ("g", Place::Global, Ok(())),
    ] {
        let put = a.put_action(&action(key, place), Effects::none()).await;
        same(worked(put, rule), expected, rule);
    }
    let listed = worked(b.actions_in(&id, 1.into()).await, rule);
    same(listed.len() as u32, MAX_RUNTIME_ACTIONS + 1, rule);
    same(
        listed.last().map(|last| last.place),
        Some(Place::Global),
        rule,
    );
    holds(
        worked(b.action(&id, here, "k1").await, rule).is_some(),
        rule,
        "k1 is not found",
    );
    holds(
        worked(
            b.remove_action(&id, here, "k1", Effects::none()).await,
            rule,
        ),
        rule,
        "there is no k1",
    );
    holds(
        !worked(
            a.remove_action(&id, here, "k1", Effects::none()).await,
            rule,
        ),
        rule,
        "k1 went twice",
    );
}

async fn extensions_are_deleted_with_their_installation([a, b]: &Pair) {
    let rule = "removing an installation deletes what it created";
    let id = install(&**a, "one", None).await.oauth_id;
    let room = room(&**a, "ops").await.id;
    same(
        worked(
            a.put_glance(&glance("k", Place::Global), Effects::none())
                .await,
            rule,
        ),
        Ok(()),
        rule,
    );
    let put = a
        .put_action(&action("k", Place::Global), Effects::none())
        .await;
    same(worked(put, rule), Ok(()), rule);
    let put = a
        .put_webhook(&id, room, &webhook(None, "https://a.example/"))
        .await;
    holds(worked(put, rule).is_ok(), rule, "no webhook");
    worked(b.leave(&id, 1, no_installation_effects()).await, rule);
    holds(
        !worked(a.has_glance(&id, "k").await, rule),
        rule,
        "a glance is left",
    );
    holds(
        worked(a.actions_in(&id, room).await, rule).is_empty(),
        rule,
        "an action is left",
    );
    holds(
        worked(a.webhooks_of(&id, room).await, rule).is_empty(),
        rule,
        "a webhook is left",
    );
}
