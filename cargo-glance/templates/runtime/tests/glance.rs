//! Tests the glances of two rooms while one of them deploys.

use glance_host::Host;
use {{ crate }}::{add_on, deployment};

#[tokio::test]
async fn glance_shows_in_deploying_room() {
    let host = Host::start().await;
    let installed = host.install_everywhere(add_on()).await;
    let (ops, lobby) = (host.room("ops").await, host.room("lobby").await);
    let mut here = ops.viewer("member").await;
    let mut there = lobby.viewer("another").await;
    assert_eq!(here.settled().await.lines.len(), 1);

    let panel = host
        .panel_url(&ops.room, installed.installed(), "{{ name }}-panel")
        .await
        .unwrap();
    // The add-on runs on this machine, so the request needs no proxy.
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let press = |form: &'static [(&'static str, &'static str)]| {
        let http = http.clone();
        let panel = panel.clone();
        async move { http.post(panel).form(form).send().await.unwrap().status().as_u16() }
    };

    assert_eq!(press(&[("do", "begin"), ("version", "1.2.3")]).await, 200);
    let line = here.glance::<deployment>().await;
    assert_eq!(line.label_text(), "Deploying 1.2.3");
    assert_eq!(there.settled().await.lines.len(), 1);

    assert_eq!(press(&[("do", "begin"), ("version", "")]).await, 422);
    assert_eq!(press(&[("do", "end")]).await, 200);
    here.wait_for(|sidebar| sidebar.lines.len() == 1).await;
    // No deployment is running, and the host has no such glance.
    assert_eq!(press(&[("do", "end")]).await, 200);
}
