//! Tests glances whose data everyone in a room sees.

use glance_host::Host;
use glance_sdk::ErrorKind;
use glance_sdk::glance::Glance;
use glance_sdk::model::{Audience, UiUpdate};
use glance_sdk::prelude::*;

#[glance(key = "shared", name = "Shared", icon = "/i.svg", audience = "room")]
async fn shared(query: RoomQuery, State(broken): State<u32>) -> Result<GlanceData, Failure> {
    let room = query.client().await?.room(query.room_id()).get().await?;
    Ok(GlanceData::new(label!(
        "{broken} in {}",
        room.name.unwrap_or_default()
    )))
}

#[glance(key = "runtime", name = "Runtime", icon = "/i.svg", audience = "room")]
async fn runtime(query: RoomQuery) -> GlanceData {
    GlanceData::new(label!("in {}", query.room_id()))
}

#[glance(key = "personal", name = "Personal", icon = "/i.svg")]
async fn personal() -> GlanceData {
    data("query")
}

fn add_on() -> AddOn<u32> {
    AddOn::new("com.example.shared", "Shared")
        .state(2)
        .glance::<shared>()
        .glance::<personal>()
        .runtime_glance::<runtime>()
        .asset(
            "/i.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        )
}

fn data(label: &str) -> GlanceData {
    GlanceData::new(label!("{label}"))
}

#[tokio::test]
async fn room_query_names_room_and_installation() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let declared = add_on.installed().descriptor.glance("shared").unwrap();
    assert_eq!(declared.audience, Some(Audience::Room));
    let mut viewer = room.viewer("ann").await;
    viewer.label("shared", "2 in ops").await;
}

#[tokio::test]
async fn glance_of_room_is_not_pushed_to_one_person() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let client = add_on.client().await;
    let (id, user) = (room.room.id, host.user("ann", |_| {}).await.id);
    let glances = client.room(id).glances();
    glances.create_registered::<runtime>().await.unwrap();
    let created = client.room(id).glances().get(runtime::KEY).await.unwrap();
    assert_eq!(created.audience, Some(Audience::Room));
    let mut viewer = room.viewer("ann").await;
    viewer.label("shared", "2 in ops").await;
    viewer.label("runtime", &format!("in {id}")).await;

    for key in [shared::KEY, runtime::KEY] {
        // Keys are not checked at compile time. The other glance of the push is not changed either.
        let mut update = UiUpdate::one(personal::KEY, data("refused"));
        update
            .glance
            .extend(UiUpdate::one(key, data("refused")).glance);
        for refused in [
            client.user(user).update(&update).await,
            client.room(id).user(user).update(&update).await,
        ] {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert_eq!(error.status(), Some(400));
            let expected = format!(
                "Glance {key} cannot be pushed to one person, because its audience is room: everyone in a room sees \
                 the same data; push it to addon/ui/room/{{room}} or addon/ui"
            );
            assert_eq!(error.host_message(), Some(&*expected));
        }
    }
    let both = UiUpdate::one(shared::KEY, data("pushed"));
    client.room(id).update(&both).await.unwrap();
    client
        .group()
        .push::<runtime>(data("pushed too"))
        .await
        .unwrap();
    viewer.label("shared", "pushed").await;
    let sidebar = viewer.label("runtime", "pushed too").await;
    let line = sidebar.line("personal").unwrap();
    assert_eq!(line.label_text(), "query");
}

#[tokio::test]
async fn glance_of_one_room_is_not_pushed_to_one_person_in_all_rooms() {
    let host = Host::start().await;
    let (ops, dev) = (host.room("ops").await, host.room("dev").await);
    let add_on = host.install_everywhere(add_on()).await;
    let client = add_on.client().await;
    let user = host.user("ann", |_| {}).await.id;
    let glances = client.room(ops.room.id).glances();
    glances.create_registered::<runtime>().await.unwrap();
    let mut viewer = ops.viewer("ann").await;
    let queried = format!("in {}", ops.room.id);
    viewer.label("runtime", &queried).await;

    let update = UiUpdate::one(runtime::KEY, data("refused"));
    let refused = client.user(user).update(&update).await.unwrap_err();
    assert_eq!(refused.status(), Some(400));
    // Another room may have a glance with this key that differs per person.
    let mut personal = runtime::descriptor().query_url("/personal");
    personal.audience = None;
    let glances = client.room(dev.room.id).glances();
    glances.create(&personal).await.unwrap();
    let refused = client.user(user).update(&update).await.unwrap_err();
    assert_eq!(refused.status(), Some(400));
    assert_eq!(
        viewer.sidebar().line("runtime").unwrap().label_text(),
        queried
    );
    let update = UiUpdate::one(runtime::KEY, data("accepted"));
    let in_dev = client.room(dev.room.id).user(user);
    in_dev.update(&update).await.unwrap();
    let glances = client.room(ops.room.id).glances();
    glances.remove(runtime::KEY).await.unwrap();
    client.user(user).update(&update).await.unwrap();
}

#[tokio::test]
async fn pusher_refuses_glance_of_room_for_one_person() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let (pusher, oauth_id) = (add_on.pusher(), add_on.oauth_id());
    let (id, user) = (room.room.id, host.user("ann", |_| {}).await.id);
    for to in [To::User(user), To::RoomUser(id, user)] {
        let error = pusher.push::<shared>(oauth_id, to, data("x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("glance `shared`"), "{error}");
        pusher.push::<personal>(oauth_id, to, data("x")).unwrap();
    }
    for to in [To::Room(id), To::Group] {
        pusher.push::<shared>(oauth_id, to, data("x")).unwrap();
    }
    pusher.flush().await;
    assert_eq!(pusher.pushed().failed, 0);
}
