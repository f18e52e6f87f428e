use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<Option<u32>>,
}

fn main() {}
