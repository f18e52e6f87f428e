use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
enum State {
    Calm,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents() -> GlanceData<State> {
    loop {}
}

fn main() {}
