use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
struct Incidents(u32);

#[derive(Serialize, GlanceMetadata)]
struct Nothing;

#[derive(GlanceMetadata)]
union Either {
    open: u32,
    closed: u32,
}

fn main() {}
