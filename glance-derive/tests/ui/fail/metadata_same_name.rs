use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
struct Incidents {
    is_open: u32,
    #[serde(rename = "isOpen")]
    open: bool,
    #[glance(untested)]
    #[serde(rename = "isOpen")]
    teams: Vec<String>,
}

fn main() {}
