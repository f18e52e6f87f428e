use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
#[serde(rename_all = "lowercase")]
enum State {
    OnFire,
    Onfire,
    #[serde(rename = "onfire")]
    Burning,
}

fn main() {}
