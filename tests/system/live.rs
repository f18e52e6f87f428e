//! Tests the page's event stream: events arrive there, however slow the reader.

use glance_host::Host;
use glance_sdk::model::{Condition, Glance, GlanceData, Icon, Match, UiUpdate};
use glance_sdk::prelude::*;
use serde_json::json;

use crate::add_on::{Pager, add_on, always, data, incidents};
use crate::page::{Page, label};

const INCIDENTS: &str = "com.example.incidents:incidents";
const ALWAYS: &str = "com.example.incidents:always";
const CARRIED: &str = "com.example.incidents:carried";

#[tokio::test]
async fn page_follows_pushes_and_metadata() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(4))).await;
    let client = add_on.client().await;
    let here = || client.room(room.room.id);
    let mut page = Page::open(&host, &room).await;
    let shows = |id, text: &'static str| move |lines: &_| label(lines, id) == Some(text);
    page.until(shows(INCIDENTS, "<b>4</b> incidents")).await;

    here().push::<incidents>(data(0)).await.unwrap();
    page.until(|lines| !lines.contains_key(INCIDENTS)).await;
    here().push::<incidents>(data(2)).await.unwrap();
    page.until(shows(INCIDENTS, "<b>2</b> incidents")).await;
    let without_metadata = GlanceData::new(label!("no metadata"));
    here().push::<incidents>(without_metadata).await.unwrap();
    page.until(|lines| !lines.contains_key(INCIDENTS)).await;

    let mut hidden = Glance::new("carried", "Carried", Icon::new("https://example.com/i.png"));
    hidden.conditions = Some(vec![Condition::glance_matches([Match::gt("open", 0)])]);
    here().glances().create(&hidden).await.unwrap();
    here().push::<always>(data(7)).await.unwrap();
    page.until(shows(ALWAYS, "<b>7</b> incidents")).await;
    assert!(!page.lines.contains_key(CARRIED), "it has no data yet");
    here()
        .update(&UiUpdate::one("carried", data(1)))
        .await
        .unwrap();
    page.until(shows(CARRIED, "<b>1</b> incidents")).await;
    here().glances().remove("carried").await.unwrap();
    page.until(|lines| !lines.contains_key(CARRIED)).await;
}

#[tokio::test]
async fn push_for_one_person_reaches_only_their_pages() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(4))).await;
    let client = add_on.client().await;
    let mut page = Page::open(&host, &room).await;
    let mut member = room.viewer("member").await;
    let member_id = host.user("member", |_| {}).await.id;
    let shows = |text: &'static str| move |lines: &_| label(lines, ALWAYS) == Some(text);
    page.until(shows("<b>4</b> incidents")).await;
    member.label("always", "4 incidents").await;

    client.user(1).push::<always>(data(5)).await.unwrap();
    client
        .user(member_id)
        .push::<always>(data(6))
        .await
        .unwrap();
    page.until(shows("<b>5</b> incidents")).await;
    member.label("always", "6 incidents").await;
    client.group().push::<incidents>(data(9)).await.unwrap();
    page.until(|lines| label(lines, INCIDENTS) == Some("<b>9</b> incidents"))
        .await;
    assert_eq!(label(&page.lines, ALWAYS), Some("<b>5</b> incidents"));
}

#[tokio::test]
async fn retry_queries_one_glance_of_one_page() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let pager = Pager::new(4);
    pager.break_down(true);
    let _add_on = room.install(add_on(&pager)).await;
    let (mut one, mut other) = (
        Page::open(&host, &room).await,
        Page::open(&host, &room).await,
    );
    for page in [&mut one, &mut other] {
        let failed = |id, lines: &std::collections::BTreeMap<_, serde_json::Value>| {
            lines.get(id).is_some_and(|line| line["state"] == "failed")
        };
        page.until(|lines| failed(INCIDENTS, lines) && failed(ALWAYS, lines))
            .await;
    }
    pager.break_down(false);
    let queries_before = pager.queries();
    assert_eq!(one.try_again(ALWAYS).await, 204);
    assert_eq!(one.event().await, "line");
    assert_eq!(one.lines[ALWAYS]["state"], "loading");
    one.until(|lines| label(lines, ALWAYS) == Some("<b>4</b> incidents"))
        .await;
    assert_eq!(pager.queries(), queries_before + 1);
    assert_eq!(one.lines[INCIDENTS]["state"], "failed");
    assert_eq!(other.lines[ALWAYS]["state"], "failed");

    let gone = one.name.clone();
    drop(one);
    other.name = gone;
    while other.try_again(ALWAYS).await != 404 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn reconnected_page_queries_again() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let pager = Pager::new(4);
    let add_on = room.install(add_on(&pager)).await;
    let mut page = Page::open(&host, &room).await;
    page.until(|lines| label(lines, ALWAYS) == Some("<b>4</b> incidents"))
        .await;
    drop(page);
    // Nobody is connected; the host stores the push.
    pager.set(5);
    let client = add_on.client().await;
    client.group().push::<always>(data(5)).await.unwrap();
    pager.set(6);
    let mut page = Page::open(&host, &room).await;
    let before_the_answer = label(&page.lines, ALWAYS);
    assert_eq!(before_the_answer, Some("<b>5</b> incidents"));
    page.until(|lines| label(lines, ALWAYS) == Some("<b>6</b> incidents"))
        .await;
}

/// Some pushes are large enough to fill the buffers to a page that does not read; many small ones
/// follow, more than the host stores for it.
#[tokio::test]
async fn slow_reader_delays_nobody_and_catches_up() {
    let host = Host::builder().port(0).rate_limit(u32::MAX);
    let host = host.start().await.unwrap();
    let room = host.room("ops").await;
    let pager = Pager::new(1);
    let add_on = room.install(add_on(&pager)).await;
    let client = add_on.client().await;
    let client = client.room(room.room.id);
    let mut still = Page::open_unread(&host, &room).await;
    let mut page = Page::open(&host, &room).await;
    page.until(|lines| label(lines, ALWAYS) == Some("<b>1</b> incidents"))
        .await;
    while pager.queries() < 4 {
        tokio::task::yield_now().await;
    }

    for number in 0..180 {
        let text = number.to_string();
        let picture = format!("data:image/png;base64,{}", "A".repeat(30_000));
        let status = json!({ "type": "icon", "value": { "url": picture, "url@2x": picture } });
        let words = json!({ "type": "html", "value": text });
        let large = json!({ "key": "always", "content": { "label": words, "status": status } });
        let update: UiUpdate = serde_json::from_value(json!({ "glance": [large] })).unwrap();
        client.update(&update).await.unwrap();
        page.until(|lines| label(lines, ALWAYS) == Some(&text))
            .await;
    }
    for number in 2..=400 {
        pager.set(number);
        client.push::<incidents>(data(number)).await.unwrap();
    }
    let truth = |lines: &_| label(lines, INCIDENTS) == Some("<b>400</b> incidents");
    page.until(truth).await;
    assert_eq!(pager.queries(), 4, "who reads along has no need to ask");
    still
        .until(|lines| truth(lines) && label(lines, ALWAYS) == Some("179"))
        .await;
    assert_eq!(pager.queries(), 4, "who was left behind reads the log");
}
