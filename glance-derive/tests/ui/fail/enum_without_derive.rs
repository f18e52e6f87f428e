use glance_sdk::prelude::*;

#[derive(Serialize)]
enum State {
    Calm,
}

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    state: State,
}

fn main() {}
