use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: u32,
    is_configured: bool,
    limit: u32,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(open > limit))]
async fn incidents() -> GlanceData<Incidents> {
    loop {}
}

fn main() {}
