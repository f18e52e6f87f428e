use glance_sdk::model::webhook::RoomEnter;
use glance_sdk::prelude::*;

struct Settings;

#[webhook(event = RoomEnter)]
async fn entered(_entered: WebhookRequest<RoomEnter>, _settings: Settings) {}

fn main() {
    let _ = AddOn::new("com.example", "Example").webhook::<entered>();
}
