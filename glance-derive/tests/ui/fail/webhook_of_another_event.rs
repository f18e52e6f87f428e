use glance_sdk::model::webhook::{RoomEnter, RoomMessage};
use glance_sdk::prelude::*;

#[webhook(event = RoomMessage)]
async fn said(_entered: WebhookRequest<RoomEnter>) {}

fn main() {
    let _ = AddOn::new("com.example", "Example").webhook::<said>();
}
