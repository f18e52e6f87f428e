//! Tests the glance in a room.

use glance_host::Host;

#[tokio::test]
async fn glance_shows_count() {
    let host = Host::start().await;
    let room = host.room("demo").await;
    let add_on = room.install({{ crate }}::add_on()).await;
    let mut viewer = room.viewer("member").await;
    let line = viewer.glance::<{{ crate }}::{{ glance }}>().await;
    assert_eq!(line.label_text(), "0 counted");
    assert_eq!(line.lozenge(), Some(("success", "COUNTING")));

    let panel = host
        .panel_url(&room.room, add_on.installed(), "{{ name }}-panel")
        .await
        .unwrap();
    // The add-on runs on this machine, so the request needs no proxy.
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.post(panel).send().await.unwrap();
    assert!(answer.status().is_success());

    viewer
        .wait_for(|sidebar| {
            let line = sidebar.line("{{ name }}");
            line.is_some_and(|line| line.label_text() == "1 counted")
        })
        .await;
}
