use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: u32,
    #[serde(flatten)]
    by_team: std::collections::HashMap<String, u32>,
    #[serde(flatten)]
    oldest: Option<serde_json::Value>,
    #[serde(flatten)]
    state: State,
}

#[derive(Serialize, GlanceMetadata)]
enum State {
    Calm,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(open > 0))]
async fn incidents() -> GlanceData<Incidents> {
    loop {}
}

fn main() {}
