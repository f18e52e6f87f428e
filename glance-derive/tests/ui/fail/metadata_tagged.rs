use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
#[serde(tag = "kind")]
struct Incidents {
    open: u32,
}

fn main() {}
