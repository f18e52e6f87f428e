use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    #[serde(rename = "open.count")]
    open: u32,
}

fn main() {}
