use glance_sdk::model::webhook::RoomEnter;
use glance_sdk::prelude::*;

#[webhook(event = RoomEnter, pattern = "^/build")]
async fn entered(_entered: WebhookRequest<RoomEnter>) {}

fn main() {
    let _ = AddOn::new("com.example", "Example").webhook::<entered>();
}
