use glance_sdk::prelude::*;

#[derive(GlanceMetadata)]
enum State {
    Calm,
}

fn main() {}
