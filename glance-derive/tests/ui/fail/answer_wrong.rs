use glance_sdk::prelude::*;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents() -> Label {
    label!("<b>4</b> open")
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
