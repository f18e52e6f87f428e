use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
#[glance(rename_all = "camelCase")]
struct Incidents {
    #[glance(skip)]
    open: u32,
}

fn main() {}
