use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
#[serde(rename_all = "camel_case")]
struct Incidents {
    is_open: bool,
}

fn main() {}
