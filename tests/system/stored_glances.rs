//! Tests that the host stores the newest data of glances: what a page shows before an add-on answers, and which queries
//! are needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use glance_host::storage::Effects;
use glance_host::testing::{TestRoom, http_client};
use glance_host::viewer::Sidebar;
use glance_host::{Clock, Host};
use glance_sdk::axum::http::StatusCode;
use glance_sdk::glance::Glance;
use glance_sdk::model::{self, Audience, Icon, UiUpdate};
use glance_sdk::prelude::*;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::add_on::{Pager, add_on, always, data};
use crate::page::Page;

const ALWAYS: &str = "com.example.incidents:always";

async fn html(host: &Host, room: &TestRoom) -> String {
    let page = http_client().get(host.room_url(&room.room)).send().await;
    let page = page.unwrap();
    assert_eq!(page.headers()["cache-control"], "no-store");
    page.text().await.unwrap()
}

#[tokio::test]
async fn push_survives_a_restart_and_is_in_the_page_itself() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Host::builder().port(0).data(folder.path()).start();
    let host = start().await.unwrap();
    let room = host.room("ops").await;
    let pager = Pager::new(4);
    let installed = room.install(add_on(&pager)).await;
    let client = installed.client().await;
    client.group().push::<always>(data(7)).await.unwrap();
    drop(installed);
    host.shutdown().await;

    let host = start().await.unwrap();
    let room = host.room("ops").await;
    let page = html(&host, &room).await;
    assert!(page.contains("<b>7</b> incidents"), "{page}");
    assert!(page.contains(r#"<span class="lozenge" data-kind="error" title="OPEN">"#));
    assert!(
        !page.contains("com.example.incidents:incidents"),
        "a push to one glance brings no data for another, whose condition hides it"
    );
    // The add-on is gone, so the query fails and the line stays.
    let mut page = Page::open(&host, &room).await;
    assert_eq!(page.lines[ALWAYS]["label"], "<b>7</b> incidents");
    page.until(|lines| lines[ALWAYS]["stale"].is_object()).await;
    let line = &page.lines[ALWAYS];
    assert_eq!(line["state"], "ready");
    assert_eq!(line["label"], "<b>7</b> incidents");
    assert!(line["stale"]["since"].as_i64().unwrap() > 1_700_000_000_000);
    assert_ne!(line["stale"]["problem"], "");
}

#[tokio::test]
async fn line_stays_with_its_age_until_the_add_on_is_back() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let pager = Pager::new(4);
    let _installed = room.install(add_on(&pager)).await;
    let mut viewer = room.viewer("ann").await;
    viewer.label("always", "4 incidents").await;
    pager.break_down(true);
    let line = viewer.sidebar().line("always").unwrap().clone();
    viewer.retry(&line);
    let sidebar = viewer
        .wait_for(|sidebar| {
            sidebar
                .line("always")
                .is_some_and(|line| line.stale.is_some())
        })
        .await;
    let line = sidebar.line("always").unwrap();
    assert_eq!(
        (line.label_text(), line.is_failed()),
        ("4 incidents".into(), false)
    );
    assert_eq!(
        line.stale.as_ref().unwrap().problem,
        "It answered 503 Service Unavailable."
    );

    pager.break_down(false);
    pager.set(5);
    let line = Arc::clone(line);
    viewer.retry(&line);
    let sidebar = viewer.label("always", "5 incidents").await;
    assert_eq!(sidebar.line("always").unwrap().stale, None);
}

/// Shows who looks.
#[glance(key = "own", name = "Own", icon = "/own.svg")]
async fn own(query: GlanceQuery) -> GlanceData {
    GlanceData::new(label!("For person <b>{}</b>", query.user_id().unwrap()))
}

#[tokio::test]
async fn answer_for_one_person_is_stored_for_them_only() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let _installed = room
        .install(AddOn::new("com.example.own", "Own").glance::<own>())
        .await;
    let ann = host.user("Ann", |_| {}).await;
    let ben = host.user("Ben", |_| {}).await;
    let guest = host.state().embed_guest().await.unwrap();
    room.viewer("Ann").await.glance::<own>().await;
    let room_id = room.room.id;
    let latest = async |user| host.state().latest(room_id, user).await.unwrap();
    let stored = loop {
        match latest(ann.id).await.pop() {
            Some(stored) => break stored,
            None => tokio::task::yield_now().await,
        }
    };
    let label = format!("For person <b>{}</b>", ann.id);
    assert_eq!(stored.data.value()["label"]["value"], label);
    assert!(latest(ben.id).await.is_empty());
    assert!(latest(guest.id).await.is_empty());
    assert!(!html(&host, &room).await.contains("For person"));
    let again = room.viewer("Ann").await.sidebar();
    let line = again.line("own").unwrap();
    assert_eq!(
        line.label_text(),
        format!("For person {}", ann.id),
        "at once"
    );
}

/// Counts its queries, and answers when the test lets it.
#[derive(Clone)]
struct Builds {
    queries: Arc<AtomicU32>,
    queue_queries: Arc<AtomicU32>,
    broken: Arc<AtomicU32>,
    is_down: Arc<AtomicBool>,
    answers: Arc<Semaphore>,
}

#[derive(Serialize, GlanceMetadata)]
struct Broken {
    broken: u32,
}

#[glance(
    key = "builds",
    name = "Builds",
    icon = "/builds.svg",
    audience = "room",
    when(broken > 0)
)]
async fn builds(
    query: RoomQuery,
    State(builds): State<Builds>,
) -> Result<GlanceData<Broken>, StatusCode> {
    builds.queries.fetch_add(1, Ordering::SeqCst);
    if builds.is_down.load(Ordering::SeqCst) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    builds.answers.acquire().await.unwrap().forget();
    let broken = builds.broken.load(Ordering::SeqCst);
    let room = query.room_id();
    Ok(GlanceData::new(label!("{broken} broken in {room}")).metadata(Broken { broken }))
}

/// Shows to admins only.
#[glance(
    key = "queue",
    name = "Queue",
    icon = "/queue.svg",
    audience = "room",
    when(user::is_admin)
)]
async fn queue(_: RoomQuery, State(builds): State<Builds>) -> GlanceData {
    builds.queue_queries.fetch_add(1, Ordering::SeqCst);
    GlanceData::new(label!("Nothing waits"))
}

impl Builds {
    fn new(answers: usize) -> Self {
        Self {
            queries: Arc::default(),
            queue_queries: Arc::default(),
            broken: Arc::default(),
            is_down: Arc::default(),
            answers: Arc::new(Semaphore::new(answers)),
        }
    }

    fn add_on(&self) -> AddOn<Self> {
        AddOn::new("com.example.builds", "Builds")
            .state(self.clone())
            .glance::<builds>()
            .glance::<queue>()
    }

    fn queries(&self) -> u32 {
        self.queries.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn room_is_queried_once_for_everyone_in_it() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    host.user("Ann", |ann| ann.is_admin = true).await;
    let add_on = Builds::new(0);
    add_on.broken.store(1, Ordering::SeqCst);
    let installed = room.install(add_on.add_on()).await;
    let mut viewers = vec![room.viewer("Ann").await];
    for number in 0..20 {
        viewers.push(room.viewer(&format!("viewer {number}")).await);
    }
    add_on.answers.add_permits(1);
    let here = room.room.id;
    let keys = |sidebar: &Sidebar| -> Vec<_> {
        sidebar.lines.iter().map(|line| line.key.clone()).collect()
    };
    for (number, viewer) in viewers.iter_mut().enumerate() {
        viewer.label("builds", &format!("1 broken in {here}")).await;
        let sidebar = viewer.settled().await;
        let shown = keys(&sidebar);
        match number {
            0 => assert_eq!(shown, ["builds", "queue"]),
            _ => assert_eq!(shown, ["builds"], "the condition is each viewer's own"),
        }
    }
    let queries = || {
        (
            add_on.queries(),
            add_on.queue_queries.load(Ordering::SeqCst),
        )
    };
    assert_eq!(queries(), (1, 1));
    let late = room.viewer("Ann").await.sidebar();
    assert_eq!(keys(&late), ["builds", "queue"]);
    assert_eq!((late.loading, queries()), (0, (1, 1)), "no query");

    // A push restarts the age and reaches everyone.
    let client = installed.client().await;
    let broken = GlanceData::new(label!("2 broken")).metadata(Broken { broken: 2 });
    client.room(here).push::<builds>(broken).await.unwrap();
    for viewer in &mut viewers {
        viewer.label("builds", "2 broken").await;
    }
    let late = room.viewer("late").await.sidebar();
    assert_eq!(late.lines[0].label_text(), "2 broken");
    assert_eq!(queries(), (1, 1));
}

#[tokio::test]
async fn expired_data_of_a_room_is_queried_when_a_page_opens() {
    let clock = Clock::standing_at(1_700_000_000);
    let host = Host::builder().clock(clock.clone()).start().await.unwrap();
    let room = host.room("ops").await;
    let add_on = Builds::new(9);
    add_on.broken.store(1, Ordering::SeqCst);
    let _installed = room.install(add_on.add_on()).await;
    let here = room.room.id;
    let mut early = room.viewer("early").await;
    early.label("builds", &format!("1 broken in {here}")).await;
    early.settled().await;
    clock.advance(Duration::from_secs(299));
    let young = room.viewer("young").await.sidebar();
    assert_eq!(
        (young.lines.len(), young.loading, add_on.queries()),
        (1, 0, 1)
    );

    add_on.broken.store(2, Ordering::SeqCst);
    clock.advance(Duration::from_secs(1));
    let mut late = room.viewer("late").await;
    let before = late.sidebar();
    assert_eq!(before.lines[0].label_text(), format!("1 broken in {here}"));
    for viewer in [&mut late, &mut early] {
        viewer.label("builds", &format!("2 broken in {here}")).await;
    }
    assert_eq!(add_on.queries(), 2, "by nobody but the page that opened");
    // A clock that was set back tells no age.
    clock.advance(Duration::from_secs(1));
    clock.set(1_600_000_000);
    room.viewer("back").await.settled().await;
    assert_eq!(add_on.queries(), 3);
}

/// Is queried again after a minute.
#[glance(
    key = "minute",
    name = "Minute",
    icon = "/minute.svg",
    audience = "room",
    max_age = 60
)]
async fn minute(State(builds): State<Builds>) -> GlanceData {
    let queries = builds.queries.fetch_add(1, Ordering::SeqCst) + 1;
    GlanceData::new(label!("minute {queries}"))
}

/// Is created at run time, and queried again after an hour.
#[glance(
    key = "hour",
    name = "Hour",
    icon = "/hour.svg",
    audience = "room",
    max_age = 3_600
)]
async fn hour(State(builds): State<Builds>) -> GlanceData {
    let queries = builds.queue_queries.fetch_add(1, Ordering::SeqCst) + 1;
    GlanceData::new(label!("hour {queries}"))
}

#[tokio::test]
async fn each_glance_of_a_room_has_its_own_age() {
    let clock = Clock::standing_at(1_700_000_000);
    let host = Host::builder().clock(clock.clone()).start().await.unwrap();
    let room = host.room("ops").await;
    let counts = Builds::new(0);
    let add_on = AddOn::new("com.example.ages", "Ages").state(counts.clone());
    let add_on = add_on.glance::<minute>().runtime_glance::<hour>();
    let installed = room.install(add_on).await;
    let client = installed.client().await;
    let glances = client.room(room.room.id).glances();
    glances.create_registered::<hour>().await.unwrap();
    assert_eq!(
        glances.get(hour::KEY).await.unwrap().max_age,
        Some(3_600),
        "the member of a runtime glance"
    );
    let mut name = 0;
    let mut open = async || {
        name += 1;
        let mut viewer = room.viewer(&format!("viewer {name}")).await;
        viewer.settled().await;
        let hours = counts.queue_queries.load(Ordering::SeqCst);
        (counts.queries(), hours)
    };
    assert_eq!(open().await, (1, 1));
    clock.advance(Duration::from_secs(59));
    assert_eq!(open().await, (1, 1));
    clock.advance(Duration::from_secs(1));
    assert_eq!(open().await, (2, 1));
    clock.advance(Duration::from_secs(3_539));
    assert_eq!(open().await, (3, 1), "an hour is not over");
    clock.advance(Duration::from_secs(1));
    assert_eq!(open().await, (3, 2));

    // A host that did not know the member stored any number.
    let id = installed.oauth_id();
    let stored = host.state().installation(id).await.unwrap().unwrap();
    let mut descriptor = stored.descriptor.clone();
    descriptor.capabilities.glance.as_mut().unwrap()[0].max_age = Some(0);
    let url = &stored.descriptor_url;
    let replaced = host
        .state()
        .replace_descriptor(id, url, &descriptor, Effects::none())
        .await;
    replaced.unwrap();
    // The host reads the glances of a room again after a change that it made itself.
    glances.create_registered::<hour>().await.unwrap();
    open().await;
    let (queries, _) = open().await;
    assert_eq!(open().await.0, queries, "it is one second");
    clock.advance(Duration::from_secs(1));
    assert_eq!(open().await.0, queries + 1);
}

#[tokio::test]
async fn age_out_of_range_is_refused() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room
        .install(Builds::new(9).add_on().runtime_glance::<hour>())
        .await;
    let client = installed.client().await;
    let icon = Icon::new("https://a.example/i.svg");
    let glance = model::Glance::new("g", "G", icon)
        .audience(Audience::Room)
        .max_age(Duration::from_secs(86_401));
    let glances = client.room(room.room.id).glances();
    let refused = glances.create(&glance).await.unwrap_err();
    assert_eq!(refused.status(), Some(400));
    let text = refused.to_string();
    let expected = "`maxAge` is 86401, it must be 1 to 86400 seconds";
    assert!(text.contains(expected), "{text}");
}

#[tokio::test]
async fn failed_query_of_a_room_fails_for_all_and_recovers_for_all() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = Builds::new(9);
    add_on.is_down.store(true, Ordering::SeqCst);
    let _installed = room.install(add_on.add_on()).await;
    let mut viewers = [room.viewer("Ann").await, room.viewer("Ben").await];
    let failed = |sidebar: &Sidebar| sidebar.line("builds").is_some_and(|line| line.is_failed());
    for viewer in &mut viewers {
        viewer.wait_for(failed).await;
    }
    add_on.is_down.store(false, Ordering::SeqCst);
    add_on.broken.store(3, Ordering::SeqCst);
    let queries = add_on.queries();
    let line = viewers[0].sidebar().lines[0].clone();
    viewers[0].retry(&line);
    for viewer in &mut viewers {
        let label = format!("3 broken in {}", room.room.id);
        viewer.label("builds", &label).await;
    }
    assert_eq!(add_on.queries(), queries + 1, "one query for both");
}

#[tokio::test]
async fn too_large_data_is_refused_with_the_place_and_the_limit() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(&Pager::new(1))).await;
    let client = installed.client().await;
    let label = json!({ "type": "html", "value": "x".repeat(65_536) });
    let update: Value = json!({ "glance": [{ "key": "always", "content": { "label": label } }] });
    let update: UiUpdate = serde_json::from_value(update).unwrap();
    let refused = client.room(room.room.id).update(&update).await.unwrap_err();
    assert_eq!(refused.status(), Some(400));
    let text = refused.to_string();
    assert!(text.contains("/glance/0/content: it has 65"), "{text}");
    assert!(text.contains("at most 65536"), "{text}");
}
