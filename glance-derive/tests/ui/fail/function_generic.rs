use glance_sdk::prelude::*;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents<T>(of: T) -> GlanceData {
    drop(of);
    loop {}
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
