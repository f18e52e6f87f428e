use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: Vec<u32>,
    by_team: Option<std::collections::HashMap<String, u32>>,
}

fn main() {}
