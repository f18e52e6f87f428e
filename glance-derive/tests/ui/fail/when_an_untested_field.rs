use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    #[glance(untested)]
    days: u32,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(days > 0))]
async fn incidents() -> GlanceData<Incidents> {
    loop {}
}

fn main() {}
