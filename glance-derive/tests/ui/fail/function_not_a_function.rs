use glance_sdk::prelude::*;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
struct Incidents;

fn main() {}
