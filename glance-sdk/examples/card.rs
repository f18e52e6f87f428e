//! A card: a notification with a heading, a description and attributes, sent when a build ends.

use glance_sdk::axum::Json;
use glance_sdk::model::notification::{AttributeStyle, AttributeValue};
use glance_sdk::model::{Card, CardStyle, Notification, Scope};
use glance_sdk::prelude::*;

/// What the build server posts to `/builds`.
#[derive(serde::Deserialize)]
struct Build {
    number: u32,
    branch: String,
    passed: bool,
    url: String,
}

fn notification(build: &Build) -> Notification {
    let (word, style) = match build.passed {
        true => ("passed", AttributeStyle::LozengeSuccess),
        false => ("failed", AttributeStyle::LozengeError),
    };
    let title = format!("Build {} {word}", build.number);
    let card = Card::new(
        CardStyle::Application,
        format!("build-{}", build.number),
        &title,
    )
    .url(&build.url)
    .description(format!("On branch {}", build.branch))
    .attribute("Result", AttributeValue::from(word).style(style));
    // Clients that know no cards show the text.
    Notification::text(title).card(card)
}

/// A real add-on verifies the build server's signature here.
async fn built(installations: Installations, Json(build): Json<Build>) -> Result<(), Failure> {
    for installation in installations.list().await? {
        if let Some(room) = installation.room_id() {
            let client = installations.client(installation.oauth_id()).await?;
            client.room(room).notify(&notification(&build)).await?;
        }
    }
    Ok(())
}

fn add_on() -> AddOn {
    AddOn::new("com.example.builds", "Builds")
        .scopes([Scope::SendNotification])
        .route("/builds", post(built))
}

#[tokio::main]
async fn main() -> glance_sdk::Result<()> {
    let server = add_on().listen_from_env().await?;
    server.run(glance_sdk::addon::interrupted()).await
}

#[cfg(test)]
mod tests {
    use glance_host::Host;

    use super::*;

    #[tokio::test]
    async fn a_build_is_written_into_the_room() {
        let host = Host::start().await;
        let room = host.room("ops").await;
        let add_on = room.install(add_on()).await;
        let url = format!("{}/builds", add_on.base_url());
        let build = r#"{"number": 7, "branch": "main", "passed": false, "url": "https://ci.example.com/7"}"#;
        let post = glance_host::testing::http_client().post(url).body(build);
        let post = post.header("content-type", "application/json").send();
        assert_eq!(post.await.unwrap().status(), 200);
        let card = room.notification("Build 7 failed").await.card.unwrap();
        assert_eq!(card.url.as_deref(), Some("https://ci.example.com/7"));
        let attribute = &card.attributes.unwrap()[0];
        assert_eq!(attribute.value.style, Some(AttributeStyle::LozengeError));
    }
}
