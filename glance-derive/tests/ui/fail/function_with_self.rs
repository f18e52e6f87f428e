use glance_sdk::prelude::*;

struct App;

impl App {
    #[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
    async fn incidents(&self) -> GlanceData {
        GlanceData::new(label!("<b>4</b> open"))
    }
}

fn main() {}
