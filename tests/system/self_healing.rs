//! Tests that a failed glance reloads after its add-on responds again.

use std::time::Duration;

use glance_host::{Clock, Host};
use glance_sdk::AddOn;

use crate::add_on::{Pager, incidents};

#[tokio::test]
async fn failed_glance_reloads_through_one_viewer() {
    let clock = Clock::standing_at(1_800_000_000);
    let host = Host::builder().port(0).clock(clock.clone());
    let host = host.start().await.unwrap();
    let room = host.room("ops").await;
    let pager = Pager::new(4);
    pager.break_down(true);
    let add_on = AddOn::new("com.example.incidents", "Incidents").state(pager.clone());
    let _add_on = room.install(add_on.glance::<incidents>()).await;
    let mut viewers = Vec::new();
    for name in ["Ann", "Bo", "Cy"] {
        let mut viewer = room.viewer(name).await;
        let sidebar = viewer.settled().await;
        assert!(sidebar.line("incidents").unwrap().is_failed());
        viewers.push(viewer);
    }
    assert_eq!(pager.queries(), 3);

    // The pauses start after a response, so the clock advances until the next query.
    while pager.queries() == 3 {
        clock.advance(Duration::from_secs(6));
        tokio::task::yield_now().await;
    }
    for viewer in &viewers {
        let sidebar = viewer.sidebar();
        assert!(sidebar.line("incidents").unwrap().is_failed());
        assert_eq!(sidebar.loading, 0, "nothing flickers while it is tried");
    }
    pager.break_down(false);
    while pager.queries() < 5 {
        clock.advance(Duration::from_secs(6));
        tokio::task::yield_now().await;
    }
    for viewer in &mut viewers {
        viewer.label("incidents", "4 incidents").await;
    }
    assert_eq!(
        pager.queries(),
        7,
        "one tried twice, and then the other two followed"
    );
}
