//! Tests what docs/running-a-host.md promises about changes that the host acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use glance_host::Host;
use glance_host::viewer::Sidebar;
use tokio::task::JoinSet;

use crate::add_on::{Pager, add_on, always, data};
use crate::timeline::Events;

/// The number of the last push, or of the last message of each writer.
const LAST: u32 = 50;

const WRITERS: u32 = 4;

fn shown(sidebar: &Sidebar) -> u32 {
    let label = sidebar.line("always").map(|line| line.label_text());
    let number = label.as_deref().and_then(|label| label.split(' ').next());
    number.map_or(0, |number| number.parse().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_pushes_in_the_order_of_acknowledgement() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(0))).await;
    let client = add_on.client().await;
    let mut viewers = Vec::new();
    for number in 0..5 {
        viewers.push(room.viewer(&format!("viewer {number}")).await);
    }
    let here = room.room.id;
    let pushing = tokio::spawn(async move {
        for number in 1..=LAST {
            let room = client.room(here);
            room.push::<always>(data(number)).await.unwrap();
        }
    });
    let mut watching = JoinSet::new();
    for mut viewer in viewers {
        watching.spawn(async move {
            let before = AtomicU32::new(0);
            let is_last = |sidebar: &Sidebar| {
                let now = shown(sidebar);
                let before = before.swap(now, Ordering::SeqCst);
                assert!(now >= before, "{now} after {before}");
                now == LAST
            };
            viewer.wait_for(is_last).await;
        });
    }
    watching.join_all().await;
    pushing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn new_page_shows_what_was_acknowledged_before() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on(&Pager::new(0))).await;
    let client = add_on.client().await;
    let acknowledged = Arc::new(AtomicU32::new(0));
    let (here, noted) = (room.room.id, Arc::clone(&acknowledged));
    let pushing = tokio::spawn(async move {
        for number in 1..=LAST {
            let room = client.room(here);
            room.push::<always>(data(number)).await.unwrap();
            noted.store(number, Ordering::SeqCst);
        }
    });
    let mut before = 0;
    while before < LAST {
        before = acknowledged.load(Ordering::SeqCst);
        let sidebar = room.viewer("ann").await.sidebar();
        let now = shown(&sidebar);
        assert!(now >= before, "{now} after {before} was acknowledged");
    }
    pushing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_have_one_order_in_all_pages() {
    let host = Arc::new(Host::start().await);
    let room = Arc::new(host.room("ops").await);
    let mut pages = Vec::new();
    for _ in 0..5 {
        pages.push(Events::connect(&host, &room).await);
    }
    let mut reading = JoinSet::new();
    for mut page in pages {
        reading.spawn(async move {
            let mut received = Vec::new();
            while received.len() < (WRITERS * LAST) as usize {
                let entry = page.next("entry").await;
                received.push(entry["id"].as_str().unwrap().to_owned());
            }
            received
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let room = Arc::clone(&room);
        writers.spawn(async move {
            for number in 0..LAST {
                room.says("ann", &format!("{writer}: {number}")).await;
            }
        });
    }
    writers.join_all().await;
    let stored = room.timeline().await;
    let stored: Vec<_> = stored.into_iter().map(|entry| entry.id).collect();
    for received in reading.join_all().await {
        assert_eq!(received, stored);
    }
}
