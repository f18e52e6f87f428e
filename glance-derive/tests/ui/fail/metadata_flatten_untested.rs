use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: u32,
    #[serde(flatten)]
    #[glance(untested)]
    by_team: std::collections::HashMap<String, u32>,
}

fn main() {}
