use glance_sdk::prelude::*;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", name = "Again")]
async fn incidents() -> GlanceData {
    GlanceData::new(label!("<b>4</b> open"))
}

fn main() {}
