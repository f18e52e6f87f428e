use glance_sdk::prelude::*;

#[derive(GlanceMetadata)]
struct Incidents {
    open: u32,
}

fn main() {}
