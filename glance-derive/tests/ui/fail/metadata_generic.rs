use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents<T> {
    open: T,
}

fn main() {}
