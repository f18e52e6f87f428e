use glance_sdk::prelude::*;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents() -> impl Serialize {
    4
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
