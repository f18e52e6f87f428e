use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
enum State {
    Calm,
    OnFire { since: u32 },
    #[serde(untagged)]
    Other(String),
}

fn main() {}
