//! Tests the glance in a room.

use glance_host::Host;
use {{ crate }}::{Health, Monitor, add_on, {{ glance }}};

#[tokio::test]
async fn glance_shows_whether_service_responds() {
    let monitor = Monitor::new("db.example.com:5432");
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(add_on(monitor.clone())).await;
    let mut viewer = room.viewer("member").await;
    let line = viewer.glance::<{{ glance }}>().await;
    assert_eq!(line.label_text(), "Checking db.example.com:5432");

    let (installations, pusher) = (installed.installations(), installed.pusher());
    for (health, label) in [
        (Health::Down, "db.example.com:5432 does not respond"),
        (Health::Up, "db.example.com:5432 responds"),
    ] {
        monitor.record(health, installations, pusher).await.unwrap();
        viewer
            .wait_for(|sidebar| {
                let line = sidebar.line("{{ name }}");
                line.is_some_and(|line| line.label_text() == label)
            })
            .await;
    }
}
