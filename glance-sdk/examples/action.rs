//! An action in the menu of a message: it opens a panel that gets the message's id.

use glance_sdk::axum::extract::Query;
use glance_sdk::axum::response::Html;
use glance_sdk::label::Escaped;
use glance_sdk::model::{Action, ActionLocation, WebPanel};
use glance_sdk::prelude::*;

#[derive(serde::Deserialize)]
struct Message {
    message: String,
}

/// The host fills `{message.mid}` in the panel's address before it opens the panel.
async fn panel(_: SignedRequest, Query(query): Query<Message>) -> Html<String> {
    let message = Escaped(&query.message);
    Html(format!(
        "<!doctype html><title>Ticket</title><p>A ticket for message {message}"
    ))
}

fn add_on() -> AddOn {
    let panel_of_message = WebPanel::new("ticket", "Ticket", "?message={message.mid}");
    let action = Action::new(
        "make-ticket",
        "Make a ticket",
        ActionLocation::Message,
        "ticket",
    );
    AddOn::new("com.example.tickets", "Tickets")
        .page(panel_of_message, get(panel))
        .action(action)
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
    async fn the_panel_gets_the_message() {
        let host = Host::start().await;
        let room = host.room("ops").await;
        let add_on = room.install(add_on()).await;
        let url = host
            .panel_url(&room.room, add_on.installed(), "ticket")
            .await
            .unwrap();
        // What the host does when an action opens the panel.
        let url = url
            .replace("%7Bmessage.mid%7D", "%3Cm1%3E")
            .replace("{message.mid}", "%3Cm1%3E");
        let page = glance_host::testing::http_client()
            .get(url)
            .send()
            .await
            .unwrap();
        let page = page.text().await.unwrap();
        assert!(page.contains("for message &lt;m1&gt;"), "{page}");
    }
}
