use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    oldest: Option<u32>,
}

fn main() {}
