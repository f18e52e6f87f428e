//! A host whose sidebars the sites in its arguments may show, with an add-on that issues viewer tokens,
//! until its standard input ends. It says where the sidebar is, and answers each line of its input with
//! one: `token` with a viewer token, `push LABEL` and `advance SECONDS` with nothing.

use std::io::BufRead;
use std::time::Duration;

use axum::http::header;
use axum::response::IntoResponse;
use glance_host::{Clock, Embed, Host};
use glance_sdk::model::Scope;
use glance_sdk::prelude::*;

#[glance(
    key = "builds",
    name = "Builds",
    icon = "/i.svg",
    target = "panel",
    audience = "room"
)]
async fn builds() -> GlanceData {
    GlanceData::new(label!("<b>2</b> broken builds")).lozenge(Lozenge::Error, "BROKEN")
}

async fn panel() -> impl IntoResponse {
    let html = [(header::CONTENT_TYPE, "text/html")];
    (html, "<!doctype html><title>Builds</title><p>The builds")
}

fn add_on() -> AddOn {
    let icon = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 2 2'><circle cx='1' cy='1' r='1'/></svg>";
    AddOn::new("com.example.builds", "Builds")
        .scopes([Scope::ViewerToken, Scope::ViewRoom])
        .glance::<builds>()
        .web_panel("panel", "Builds", get(panel))
        .asset("/i.svg", "image/svg+xml", icon)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let clock = Clock::standing_at(Clock::default().now());
        let embed = Embed::on(std::env::args().skip(1))?;
        let host = Host::builder().port(0).clock(clock.clone()).embed(embed);
        let host = host.start().await?;
        let room = host.room("ops").await;
        let installed = room.install(add_on()).await;
        let client = installed.client().await;
        println!("{}/embed/rooms/{}", host.base_url(), room.room.id);
        let (lines, mut read) = tokio::sync::mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let input = std::io::stdin().lock().lines();
            input
                .map_while(Result::ok)
                .all(|line| lines.send(line).is_ok())
        });
        while let Some(line) = read.recv().await {
            match line.split_once(' ') {
                None => {
                    let viewer = client.room(room.room.id).viewer_token().await?;
                    println!("{}", viewer.token.expose());
                }
                Some(("push", text)) => {
                    let data = GlanceData::new(label!("{text}"));
                    client.room(room.room.id).push::<builds>(data).await?;
                    println!();
                }
                Some((_, seconds)) => {
                    clock.advance(Duration::from_secs(seconds.parse()?));
                    println!();
                }
            }
        }
        host.shutdown().await;
        Ok(())
    })
}
