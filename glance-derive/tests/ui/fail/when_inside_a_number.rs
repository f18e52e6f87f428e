use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: u32,
    is_configured: bool,
    team: String,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(open.today > 1))]
async fn incidents() -> GlanceData<Incidents> {
    loop {}
}

fn main() {}
