use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    #[glance(untested)]
    open: u32,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(open > 0))]
async fn incidents() -> GlanceData<Incidents> {
    loop {}
}

fn main() {}
