use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: u32,
    is_configured: bool,
    team: String,
}

const LIMIT: u32 = 4;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(LIMIT < open))]
async fn incidents() -> GlanceData<Incidents> {
    loop {}
}

fn main() {}
