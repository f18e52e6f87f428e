//! What a person in the room sees.

use glance_host::Host;
use {{ crate }}::{Monitor, add_on, {{ glance }}};

#[tokio::test]
async fn the_line_shows_while_the_service_is_down() {
    let monitor = Monitor::new("db.example.com:5432");
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(monitor.clone())).await;
    let mut viewer = room.viewer("member").await;
    assert!(viewer.settled().await.lines.is_empty());

    let (installations, pusher) = (installed.installations(), installed.pusher());
    monitor.record(true, installations, pusher).await.unwrap();
    let line = viewer.glance::<{{ glance }}>().await;
    assert_eq!(line.label_text(), "db.example.com:5432 does not answer");

    monitor.record(false, installations, pusher).await.unwrap();
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}
