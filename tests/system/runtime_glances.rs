//! Tests glances created at run time, and every restriction on them.

use glance_host::Host;
use glance_sdk::client::{self, Client};
use glance_sdk::glance::Glance as _;
use glance_sdk::model::{Glance, Icon};
use glance_sdk::prelude::*;
use glance_sdk::{Error, ErrorKind};
use reqwest::Method;

use crate::add_on::{Incidents, Pager, add_on, data};
use crate::rest::{self, Rest};

fn glance(key: &str) -> Glance {
    Glance::new(
        key,
        format!("Name of {key}"),
        Icon::new("https://example.com/icon.png"),
    )
}

#[tokio::test]
async fn runtime_glance_is_created_replaced_and_removed() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let pager = Pager::new(1);
    let add_on = room.install(add_on(&pager)).await;
    let client = add_on.client().await;
    let mut viewer = room.viewer("member").await;

    let mut created = glance("runtime");
    client
        .room(room.room.id)
        .glances()
        .create(&created)
        .await
        .unwrap();
    let sidebar = viewer
        .wait_for(|sidebar| sidebar.line("runtime").is_some())
        .await;
    assert_eq!(sidebar.line("runtime").unwrap().name, "Name of runtime");
    assert_eq!(
        client
            .room(room.room.id)
            .glances()
            .get("runtime")
            .await
            .unwrap(),
        created
    );

    // With a query it shows data: the add-on answers it like its own.
    created.query_url = Some(format!("{}/glance/always", add_on.base_url()));
    client
        .room(room.room.id)
        .glances()
        .create(&created)
        .await
        .unwrap();
    viewer.label("runtime", "1 incidents").await;

    client
        .room(room.room.id)
        .glances()
        .remove("runtime")
        .await
        .unwrap();
    viewer
        .wait_for(|sidebar| sidebar.line("runtime").is_none())
        .await;
    let gone = client
        .room(room.room.id)
        .glances()
        .remove("runtime")
        .await
        .unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

/// Old clients treat any other success status as a failure.
#[tokio::test]
async fn each_call_has_expected_status() {
    let host = Host::start().await;
    host.room("ops").await;
    let installed = host.install_everywhere(add_on(&Pager::new(1))).await;
    let rest = Rest::of(&host, &installed);
    let token = rest.token("").await;
    for path in ["extension/glance/g", "room/ops/extension/glance/r"] {
        let key = path.rsplit('/').next().unwrap();
        let put = || rest.call(&token, Method::PUT, path).json(&glance(key));
        for (request, expected) in [
            (put(), 204),
            (put(), 204),
            (rest.call(&token, Method::GET, path), 200),
            (rest.call(&token, Method::DELETE, path), 204),
            (rest.call(&token, Method::GET, path), 404),
        ] {
            let status = rest::status(request).await;
            assert_eq!(status.as_u16(), expected, "{path}");
        }
    }
}

/// Shown only where it is created; its URLs are relative, and its query uses the add-on's state.
#[glance(
    key = "late",
    name = "Late",
    icon = "/siren.svg",
    target = "list",
    when(open > 1)
)]
async fn late(query: GlanceQuery, State(pager): State<Pager>) -> GlanceData<Incidents> {
    data(pager.number() + query.room_id().get() as u32 * 100)
}

#[glance(key = "forgotten", name = "Forgotten", icon = "/siren.svg")]
async fn forgotten() -> GlanceData {
    GlanceData::new(label!("never seen"))
}

#[tokio::test]
async fn registered_glance_is_queried_and_pushed_where_created() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("other").await);
    let add_on = host
        .install_everywhere(add_on(&Pager::new(7)).runtime_glance::<late>())
        .await;
    let client = add_on.client().await;
    let glances = || client.room(room.room.id).glances();
    let mut viewer = room.viewer("member").await;
    assert!(viewer.settled().await.line(late::KEY).is_none());

    glances().create_registered::<late>().await.unwrap();
    let label = |open: u64| format!("{open} incidents");
    let of_room = room.room.id.get() * 100;
    viewer.label(late::KEY, &label(of_room + 7)).await;
    let created = glances().get(late::KEY).await.unwrap();
    let base_url = add_on.base_url();
    assert_eq!(created.query_url, Some(format!("{base_url}/glance/late")));
    assert_eq!(created.icon.url, format!("{base_url}/siren.svg"));
    let mut elsewhere = other.viewer("member").await;
    assert!(elsewhere.settled().await.line(late::KEY).is_none());

    // Its condition was transferred too: it hides and shows.
    let push = async |open| {
        let room = To::Room(room.room.id);
        let pushed = add_on
            .pusher()
            .push::<late>(add_on.oauth_id(), room, data(open));
        pushed.unwrap();
        add_on.pusher().flush().await;
    };
    push(1).await;
    viewer
        .wait_for(|sidebar| sidebar.line(late::KEY).is_none())
        .await;
    push(2).await;
    viewer.label(late::KEY, &label(2)).await;

    glances().create_registered::<late>().await.unwrap();
    glances().remove(late::KEY).await.unwrap();
    viewer
        .wait_for(|sidebar| sidebar.line(late::KEY).is_none())
        .await;

    let error = glances().create_registered::<forgotten>().await;
    let error: Error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("forgotten"), "{error}");
}

#[tokio::test]
async fn registered_glance_follows_rules_of_declared_ones() {
    #[glance(key = "lost", name = "Lost", icon = "/siren.svg", target = "no-panel")]
    async fn lost() -> GlanceData {
        GlanceData::new(label!("x"))
    }
    let pager = Pager::new(1);
    let twice = add_on(&pager).runtime_glance::<crate::add_on::always>();
    let problem = twice.build("https://example.com").unwrap_err();
    assert!(
        problem
            .to_string()
            .contains("two glances have the key `always`"),
        "{problem}"
    );
    let problem = add_on(&pager).runtime_glance::<lost>();
    let problem = problem.build("https://example.com").unwrap_err();
    assert_eq!(problem.kind(), ErrorKind::Configuration);
    assert!(problem.to_string().contains("no-panel"), "{problem}");
}

#[tokio::test]
async fn global_glance_shows_in_every_room() {
    let host = Host::start().await;
    let rooms = [host.room("one").await, host.room("two").await];
    let add_on = host.install_everywhere(add_on(&Pager::new(1))).await;
    let client = add_on.client().await;

    client
        .group()
        .glances()
        .create(&glance("global"))
        .await
        .unwrap();
    assert_eq!(
        client.group().glances().get("global").await.unwrap(),
        glance("global")
    );
    for room in &rooms {
        room.viewer("member")
            .await
            .wait_for(|sidebar| sidebar.line("global").is_some())
            .await;
    }
    client.group().glances().remove("global").await.unwrap();
    let gone = client.group().glances().get("global").await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn each_restriction_on_glances_has_message() {
    let host = Host::start().await;
    let (one, two) = (host.room("one").await, host.room("two").await);
    let add_on = host.install_everywhere(add_on(&Pager::new(1))).await;
    let client = add_on.client().await;
    let in_room = || client.room(one.room.id).glances();

    for n in 0..10 {
        in_room()
            .create(&glance(&format!("room-{n}")))
            .await
            .unwrap();
        client
            .group()
            .glances()
            .create(&glance(&format!("global-{n}")))
            .await
            .unwrap();
    }
    client
        .room(two.room.id)
        .glances()
        .create(&glance("room-10"))
        .await
        .unwrap();
    in_room().create(&glance("room-9")).await.unwrap();
    client.group().glances().remove("global-9").await.unwrap();

    // This client does not send requests that it knows to be refused; without that knowledge, the
    // host refuses them with the same message.
    for (refused, kind) in [
        (in_room().create(&glance("room-11")).await, ErrorKind::Quota),
        (
            client.group().glances().create(&glance("room-0")).await,
            ErrorKind::KeyTaken,
        ),
        (
            client
                .room(two.room.id)
                .glances()
                .create(&glance("global-0"))
                .await,
            ErrorKind::KeyTaken,
        ),
    ] {
        assert_eq!(refused.unwrap_err().kind(), kind);
    }
    let rooms = [one.room.id, two.room.id].map(|id| id.to_string());
    for (refused, kind, status, words) in [
        (
            put(&client, Some(&rooms[0]), "room-11").await,
            ErrorKind::Quota,
            409,
            "10 glances in this room",
        ),
        (
            put(&client, None, "room-0").await,
            ErrorKind::KeyTaken,
            409,
            "A room has a glance with the key room-0",
        ),
        (
            put(&client, None, "room-10").await,
            ErrorKind::KeyTaken,
            409,
            "A room has a glance",
        ),
        (
            put(&client, Some(&rooms[1]), "global-0").await,
            ErrorKind::KeyTaken,
            409,
            "A global glance has the key",
        ),
        (
            in_room().remove("incidents").await,
            ErrorKind::Refused,
            403,
            "declared in the descriptor and cannot be removed",
        ),
        (
            client.group().glances().remove("incidents").await,
            ErrorKind::Refused,
            403,
            "declared in the descriptor",
        ),
        (
            put(&client, Some(&rooms[0]), "incidents").await,
            ErrorKind::Refused,
            403,
            "cannot be replaced",
        ),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(
            (error.kind(), error.status()),
            (kind, Some(status)),
            "{error}"
        );
        assert!(error.host_message().unwrap().contains(words), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }

    client
        .group()
        .glances()
        .create(&glance("global-9"))
        .await
        .unwrap();
    let eleventh = put(&client, None, "global-10").await.unwrap_err();
    assert!(
        eleventh.to_string().contains("10 global glances"),
        "{eleventh}"
    );
}

/// Creates a glance without the client's knowledge of restrictions.
async fn put(client: &Client, room: Option<&str>, key: &str) -> glance_sdk::Result<()> {
    let room = room.iter().flat_map(|room| ["room", room]);
    let path = room.chain(["extension", "glance", key]);
    let request = client.request(client::Method::Put, path);
    request.body(&glance(key))?.send().await
}

#[tokio::test]
async fn room_installation_creates_glances_in_its_room_only() {
    let host = Host::start().await;
    let (own, other) = (host.room("own").await, host.room("other").await);
    let add_on = own.install(add_on(&Pager::new(1))).await;
    let client = add_on.client().await;

    let elsewhere = client.room(other.room.id);
    let error = elsewhere.glances().create(&glance("g")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = client
        .group()
        .glances()
        .create(&glance("g"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
}

#[tokio::test]
async fn runtime_glances_are_removed_with_installation() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(1))).await;
    let client = installed.client().await;
    client
        .room(room.room.id)
        .glances()
        .create(&glance("runtime"))
        .await
        .unwrap();

    host.uninstall(installed.oauth_id()).await.unwrap();
    let _again = room.install(add_on(&Pager::new(1))).await;
    assert!(
        room.viewer("member")
            .await
            .settled()
            .await
            .line("runtime")
            .is_none()
    );
}
