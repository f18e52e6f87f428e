//! Tests failures between host and add-on, and the reactions of the SDK and the viewer.

use std::time::Duration;

use glance_host::testing::{Exchange, Fault, FaultHost, Party, Purpose, TestAddOn, TestRoom};
use glance_host::viewer::LineState;
use glance_host::{Clock, Host};
use glance_sdk::client::{Client, Method};
use glance_sdk::model::{Glance, Notification, Scope};
use glance_sdk::prelude::*;

use crate::add_on::{Pager, add_on, always, data};
use crate::install::is_empty;

const SCOPES: [Scope; 3] = [Scope::ViewGroup, Scope::SendNotification, Scope::ViewRoom];

struct Scene {
    host: FaultHost,
    room: TestRoom,
    add_on: TestAddOn,
    client: Client,
}

impl Scene {
    async fn set() -> Self {
        let host = FaultHost::start().await;
        let room = host.room("ops").await;
        let add_on = room.install(add_on(&Pager::new(1)).scopes(SCOPES)).await;
        let client = add_on.client().await;
        Self {
            host,
            room,
            add_on,
            client,
        }
    }

    async fn notify(&self, text: &str) -> glance_sdk::Result<()> {
        let room = self.client.room(self.room.room.id);
        room.notify(&Notification::text(text)).await
    }

    async fn said(&self) -> Vec<String> {
        let all = self.room.notifications().await.into_iter();
        all.map(|notification| notification.message).collect()
    }
}

fn notifications(fault: Fault) -> Fault {
    fault.on(Method::Post, "/v2/room/*/notification")
}

#[tokio::test]
async fn rate_limited_call_is_retried_after_limit() {
    let scene = Scene::set().await;
    let busy = notifications(Fault::status(429).retry_after(0)).times(3);
    let busy = scene.host.inject(busy);
    scene.notify("at last").await.unwrap();
    assert_eq!(busy.hits(), 3);
    assert_eq!(scene.said().await, ["at last"], "a refusal is no arrival");

    let busy = Fault::status(429).retry_after(3600);
    let busy = scene.host.inject(notifications(busy));
    let error = scene.notify("never").await.unwrap_err();
    assert_eq!(error.kind(), glance_sdk::ErrorKind::RateLimited);
    assert_eq!(busy.hits(), 1, "an hour is longer than a call waits");
}

#[tokio::test]
async fn only_idempotent_calls_are_retried_on_host_errors() {
    let scene = Scene::set().await;
    let room = scene.room.room.id;
    // A call that may have had an effect is not repeated.
    let fault = scene
        .host
        .inject(notifications(Fault::status(503)).times(1));
    let error = scene.notify("once").await.unwrap_err();
    assert_eq!(error.kind(), glance_sdk::ErrorKind::Unreachable);
    assert_eq!(fault.hits(), 1);
    assert!(scene.said().await.is_empty());

    let reading = |fault: Fault| fault.on(Method::Get, "/v2/room/*");
    for fault in [
        Fault::status(503),
        Fault::drop_connection(),
        Fault::lost_answer(),
        Fault::half_an_answer(),
    ] {
        let what = format!("{fault:?}");
        let fault = scene.host.inject(reading(fault).times(3));
        let known = scene.client.room(room).get().await;
        assert_eq!(known.unwrap().name.as_deref(), Some("ops"), "{what}");
        assert_eq!(fault.hits(), 3, "{what}");
    }
    // A truncated response arrives in part, a missing one not at all.
    let url = format!("{}/v2/capabilities", scene.host.base_url());
    let half = scene.host.inject(Fault::half_an_answer());
    let answer = glance_host::testing::http_client()
        .get(&url)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
    drop(half);
    let _dropped = scene.host.inject(Fault::drop_connection().times(1));
    assert!(
        glance_host::testing::http_client()
            .get(&url)
            .send()
            .await
            .is_err()
    );

    // A permanent failure is an error at once.
    let fault = scene.host.inject(reading(Fault::status(500)));
    let error = scene.client.room(room).get().await.unwrap_err();
    assert_eq!(error.kind(), glance_sdk::ErrorKind::Unreachable);
    assert_eq!(fault.hits(), 1);
}

#[tokio::test]
async fn lost_response_causes_no_duplicate_message() {
    let scene = Scene::set().await;
    let lost = scene
        .host
        .inject(notifications(Fault::lost_answer()).times(1));
    assert!(scene.notify("once").await.is_err());
    assert_eq!(
        (lost.hits(), scene.said().await),
        (1, vec!["once".to_owned()])
    );

    let path = "/v2/room/*/extension/glance/*";
    let lost = Fault::lost_answer().on(Method::Put, path).times(2);
    let lost = scene.host.inject(lost);
    let glance = Glance::new("runtime", "Runtime", Icon::new("https://example.com/i.png"));
    let glances = scene.client.room(scene.room.room.id).glances();
    glances.create(&glance).await.unwrap();
    assert_eq!(lost.hits(), 2);
    let mut viewer = scene.room.viewer("ann").await;
    viewer.wait_for(|sidebar| sidebar.lines.len() == 3).await;
}

#[tokio::test]
async fn revoked_token_is_renewed_and_rotated_secret_ends_calls() {
    let scene = Scene::set().await;
    let id = scene.add_on.oauth_id();
    let tokens = || {
        let calls = scene.host.calls().into_iter();
        calls.filter(|call| call.purpose == Purpose::Token).count()
    };
    let before = tokens();
    scene.host.revoke_tokens(id).await;
    scene.notify("still here").await.unwrap();
    assert_eq!(tokens(), before + 1);
    assert_eq!(scene.said().await, ["still here"]);

    scene.host.rotate_secret(id).await;
    let error = scene.notify("who am I?").await.unwrap_err();
    assert_eq!(error.kind(), glance_sdk::ErrorKind::Unauthorized);
    assert!(scene.client.is_gone());
    let before = scene.host.calls().len();
    assert!(scene.notify("who am I?").await.is_err());
    assert_eq!(
        scene.host.calls().len(),
        before,
        "nothing more is sent for it"
    );
}

#[tokio::test]
async fn pusher_delivers_newest_data_after_host_outage() {
    let mut scene = Scene::set().await;
    let room = scene.room.room.id;
    let mut viewer = scene.room.viewer("ann").await;
    viewer.glance::<always>().await;
    scene.host.down().await;
    let pusher = scene.add_on.pusher().clone();
    for open in 2..=9 {
        let to = To::Room(room);
        pusher
            .push::<always>(scene.add_on.oauth_id(), to, data(open))
            .unwrap();
    }
    let error = scene.client.room(room).get().await.unwrap_err();
    assert_eq!(error.kind(), glance_sdk::ErrorKind::Unreachable);
    scene.host.up();
    viewer.label("always", "9 incidents").await;
    pusher.flush().await;
    let pushes = |call: &Exchange| call.path().ends_with(&format!("/addon/ui/room/{room}"));
    let labels: Vec<_> = scene
        .host
        .calls()
        .iter()
        .filter(|call| pushes(call) && call.status == Some(204))
        .map(|call| call.body["glance"][0]["content"]["label"]["value"].clone())
        .collect();
    assert_eq!(labels.last().unwrap(), "<b>9</b> incidents");
    assert!(
        labels.len() <= 2,
        "what was overtaken is not sent: {labels:?}"
    );
    scene.client.room(room).get().await.unwrap();
}

#[tokio::test]
async fn failed_pushes_end_with_newest_data() {
    let scene = Scene::set().await;
    let to = To::Room(scene.room.room.id);
    let mut viewer = scene.room.viewer("ann").await;
    viewer.glance::<always>().await;
    let pusher = scene.add_on.pusher();
    for (open, fault) in [
        Fault::lost_answer(),
        Fault::half_an_answer(),
        Fault::drop_connection(),
        Fault::status(500),
        Fault::status(503),
        Fault::status(429).retry_after(0),
    ]
    .into_iter()
    .enumerate()
    {
        let open = u32::try_from(open).unwrap() + 10;
        let what = format!("{fault:?}");
        let fault = fault.on(Method::Post, "/v2/addon/ui/**").times(1);
        let fault = scene.host.inject(fault);
        let push = |open| pusher.push::<always>(scene.add_on.oauth_id(), to, data(open));
        push(open).unwrap();
        fault.wait_for_hits(1).await;
        // Returns to the data that the host accepted last: it may have other data by now.
        push(1).unwrap();
        pusher.flush().await;
        let label = viewer.label("always", "1 incidents").await;
        assert_eq!(label.lines.len(), 2, "{what}");
        let last = scene
            .host
            .calls()
            .into_iter()
            .rfind(|call| call.path().contains("/addon/ui"));
        let last = last.unwrap();
        let content = &last.body["glance"][0]["content"];
        assert_eq!(content["label"]["value"], "<b>1</b> incidents", "{what}");
        assert_eq!(last.status, Some(204), "{what}");
    }
}

#[tokio::test]
async fn installation_with_lost_response_can_be_repeated() {
    let host = FaultHost::start().await;
    let room = host.room("ops").await;
    let pager = Pager::new(1);
    let lost = host.inject(Fault::lost_answer().at_add_ons().on(Method::Post, "/**"));
    let refused = room.try_install(add_on(&pager)).await.unwrap_err();
    assert!(
        refused.to_string().contains("connection was dropped"),
        "{refused}"
    );
    assert_eq!(lost.hits(), 1);
    drop(lost);
    assert!(is_empty(&host, &room).await);
    let token = host.call(|call| call.purpose == Purpose::Token).await;
    assert_eq!(
        token.status,
        Some(200),
        "the add-on believed it was installed"
    );
    let _add_on = room.install(add_on(&pager)).await;
    room.viewer("ann").await.glance::<always>().await;
}

#[tokio::test]
async fn interrupted_handshake_installs_nothing() {
    let host = FaultHost::start().await;
    let room = host.room("ops").await;
    for path in ["/v2/capabilities", "/v2/oauth/token"] {
        let method = match path {
            "/v2/capabilities" => Method::Get,
            _ => Method::Post,
        };
        let fault = host.inject(Fault::status(500).on(method, path));
        let refused = room.try_install(add_on(&Pager::new(1))).await.unwrap_err();
        assert!(refused.to_string().contains("refused"), "{refused}");
        assert!(fault.hits() >= 1, "{path}");
    }
    room.install(add_on(&Pager::new(1))).await;
}

#[tokio::test]
async fn faults_of_add_on_affect_only_its_own_glance() {
    let host = FaultHost::start().await;
    let room = host.room("ops").await;
    let _add_on = room.install(add_on(&Pager::new(2))).await;
    let query = "/glances/always";
    let found = host.call(|call| call.purpose == Purpose::Descriptor).await;
    let glances = found.answer["capabilities"]["glance"].as_array().unwrap();
    let always = glances.iter().find(|one| one["key"] == "always").unwrap();
    let url = always["queryUrl"].as_str().unwrap();
    let path = url.splitn(4, '/').nth(3).unwrap();
    let path = format!("/{path}");
    let at = |fault: Fault| fault.at_add_ons().on(Method::Get, path.clone());
    for (fault, words) in [
        (Fault::status(500), "500"),
        (
            Fault::status(200).body("<html>Out to lunch</html>"),
            "no JSON",
        ),
        (Fault::status(200).body("{\"label\":7}"), "no glance data"),
        (Fault::drop_connection(), "dropped"),
        (Fault::half_an_answer(), "dropped"),
    ] {
        let what = format!("{query}: {words}");
        let fault = host.inject(at(fault));
        let mut viewer = room.viewer("ann").await;
        let sidebar = viewer.settled().await;
        assert_eq!(fault.hits(), 1, "{what}");
        assert_eq!(
            sidebar.line("incidents").unwrap().label_text(),
            "2 incidents"
        );
        let line = sidebar.line("always").unwrap();
        assert!(
            matches!(line.state, LineState::Failed { .. }),
            "{what}: {line:?}"
        );
        // "Try again" reloads it.
        drop(fault);
        viewer.retry(line);
        viewer.label("always", "2 incidents").await;
    }

    let hang = host.inject(at(Fault::hang()));
    let mut viewer = room.viewer("bob").await;
    hang.wait_for_hits(1).await;
    viewer.label("incidents", "2 incidents").await;
    let sidebar = viewer.wait_for(|sidebar| sidebar.loading == 1).await;
    assert!(matches!(
        sidebar.line("always").unwrap().state,
        LineState::Loading
    ));
    drop(hang);
    viewer.settled().await;
}

#[tokio::test]
async fn latency_uses_test_clock() {
    let clock = Clock::standing_at(1_700_000_000);
    let host = Host::builder().port(0).clock(clock.clone());
    let host = host.start_with_faults().await.unwrap();
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(1)).scopes(SCOPES)).await;
    let slow = host.inject(notifications(Fault::latency(Duration::from_secs(60))));
    let client = add_on.client().await;
    let id = room.room.id;
    let notification = Notification::text("late");
    let calling = tokio::spawn(async move { client.room(id).notify(&notification).await });
    slow.wait_for_hits(1).await;
    clock.advance(Duration::from_secs(59));
    assert!(room.notifications().await.is_empty());
    clock.advance(Duration::from_secs(1));
    calling.await.unwrap().unwrap();
    assert_eq!(room.notification("late").await.message, "late");
}

#[tokio::test]
async fn recorded_calls_contain_no_secrets() {
    let scene = Scene::set().await;
    let mut viewer = scene.room.viewer("ann").await;
    viewer.glance::<always>().await;
    scene.notify("hi").await.unwrap();
    let calls = scene.host.calls();
    let shape: Vec<_> = calls.iter().map(|call| (call.from, call.purpose)).collect();
    // In the order of their ends: the add-on makes calls during its installation.
    assert_eq!(
        shape[..4],
        [
            (Party::Host, Purpose::Descriptor),
            (Party::AddOn, Purpose::Capabilities),
            (Party::AddOn, Purpose::Token),
            (Party::Host, Purpose::Installation),
        ]
    );
    let installed = scene.add_on.installed();
    let notified = calls
        .iter()
        .find(|call| call.purpose == Purpose::Api)
        .unwrap();
    assert_eq!(notified.installation.as_ref(), Some(&installed.oauth_id));
    assert_eq!(
        (notified.method.as_str(), notified.status),
        ("POST", Some(204))
    );
    assert_eq!(notified.headers["authorization"], "Bearer {{token}}");
    let query = calls
        .iter()
        .find(|call| call.purpose == Purpose::Query)
        .unwrap();
    assert_eq!(query.claims["context"]["room_id"], scene.room.room.id.get());
    assert!(
        query.url.contains("signed_request={{signed}}"),
        "{}",
        query.url
    );
    let all = format!("{calls:?}");
    assert!(!all.contains(installed.oauth_secret.expose()));
    assert!(!all.contains("eyJ"), "no signed request");
    assert!(all.contains("{{secret}}") && all.contains("{{token}}"));
}

#[tokio::test]
async fn calls_are_recorded_while_event_stream_is_open() {
    let host = FaultHost::start().await;
    let room = host.room("ops").await;
    let mut calls = host.follow_calls();
    let installed = room.install(add_on(&Pager::new(2))).await;
    let mut events = glance_host::testing::http_client()
        .get(format!("{}/events", host.room_url(&room.room)))
        .send()
        .await
        .unwrap();
    let mut received = String::new();
    while !received.contains("<b>2</b> incidents") {
        received += &String::from_utf8_lossy(&events.chunk().await.unwrap().unwrap());
    }
    let mut purposes = Vec::new();
    while purposes.last() != Some(&Purpose::Query) {
        purposes.push(calls.next().await.purpose);
    }
    assert!(purposes.contains(&Purpose::Installation), "{purposes:?}");

    // Each of the two glances is queried twice.
    calls.next().await;
    host.query_again(installed.installed());
    while calls.next().await.purpose != Purpose::Query {}
}
