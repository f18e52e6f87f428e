use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: u32,
    #[serde(skip)]
    days: u32,
    #[serde(skip_serializing)]
    oldest: Option<std::time::Instant>,
}

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(days > 0 && open > 0 && oldest.days == 4))]
async fn incidents() -> GlanceData<Incidents> {
    loop {}
}

fn main() {}
