//! A slash command: the add-on answers "/sum 1 2 3" in the room.

use glance_sdk::model::webhook::RoomMessage;
use glance_sdk::model::{Color, Notification};
use glance_sdk::prelude::*;

/// The host calls this for messages that match the pattern, and writes the answer into the room.
#[webhook(event = RoomMessage, pattern = "^/sum ")]
async fn sum(said: WebhookRequest<RoomMessage>) -> Option<Notification> {
    let numbers = said.item().message.message.strip_prefix("/sum ")?;
    let numbers: Result<Vec<i64>, _> = numbers.split_whitespace().map(str::parse).collect();
    let sum = numbers.ok().and_then(|numbers| {
        let mut numbers = numbers.into_iter();
        numbers.try_fold(0_i64, i64::checked_add)
    });
    Some(match sum {
        Some(sum) => Notification::text(format!("The sum is {sum}.")).color(Color::Green),
        None => Notification::text("Write for example: /sum 1 2 3").color(Color::Red),
    })
}

fn add_on() -> AddOn {
    AddOn::new("com.example.sums", "Sums").webhook::<sum>()
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
    async fn the_room_reads_the_sum() {
        let host = Host::start().await;
        let room = host.room("ops").await;
        let _add_on = room.install(add_on()).await;
        room.says("ann", "/sum 1 2 39").await;
        assert_eq!(room.notification("The sum").await.message, "The sum is 42.");
        room.says("ann", "/sum one").await;
        let help = room.notification("Write for example").await;
        assert_eq!(help.color, Some(Color::Red));
    }
}
