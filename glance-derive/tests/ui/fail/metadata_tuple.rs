use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents(u32);

#[derive(Serialize, GlanceMetadata)]
enum Either {
    Open,
    Closed,
}

fn main() {}
