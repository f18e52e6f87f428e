use glance_sdk::model::Notification;
use glance_sdk::model::webhook::RoomEnter;
use glance_sdk::prelude::*;

struct PagerDown;

#[webhook(event = RoomEnter)]
async fn entered(_entered: WebhookRequest<RoomEnter>) -> Result<Option<Notification>, PagerDown> {
    Err(PagerDown)
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").webhook::<entered>();
}
