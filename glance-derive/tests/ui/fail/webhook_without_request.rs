use glance_sdk::model::webhook::RoomEnter;
use glance_sdk::prelude::*;

#[webhook(event = RoomEnter)]
async fn entered() {}

fn main() {
    let _ = AddOn::new("com.example", "Example").webhook::<entered>();
}
