use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    #[serde(flatten)]
    oldest: Oldest,
}

#[derive(Serialize, GlanceMetadata)]
struct Oldest {
    days: u32,
}

fn main() {}
