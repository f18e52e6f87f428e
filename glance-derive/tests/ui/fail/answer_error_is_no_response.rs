use glance_sdk::prelude::*;

struct PagerDown;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents() -> Result<GlanceData, PagerDown> {
    Err(PagerDown)
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
