use glance_sdk::prelude::*;

const INCIDENTS: &str = "open incidents";

#[glance(key = INCIDENTS, name = "Incidents", icon = "/siren.svg")]
async fn incidents() -> GlanceData {
    GlanceData::new(label!("<b>4</b> open"))
}

fn main() {}
