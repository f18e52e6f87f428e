use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    open: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_team: Option<std::collections::HashMap<String, u32>>,
}

fn main() {}
