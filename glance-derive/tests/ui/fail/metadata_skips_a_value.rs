use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    #[serde(skip_serializing_if = "String::is_empty")]
    team: String,
}

fn main() {}
