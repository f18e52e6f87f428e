use glance_sdk::prelude::*;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(open > 0))]
async fn incidents() -> GlanceData {
    loop {}
}

fn main() {}
