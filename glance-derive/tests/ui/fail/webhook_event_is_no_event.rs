use glance_sdk::prelude::*;

struct Lunch;

#[webhook(event = Lunch)]
async fn lunch(_lunch: WebhookRequest<Lunch>) {}

fn main() {
    let _ = AddOn::new("com.example", "Example").webhook::<lunch>();
}
