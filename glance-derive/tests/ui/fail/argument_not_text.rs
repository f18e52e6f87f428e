use glance_sdk::prelude::*;

#[glance(key = 2 + 2, name = 4, icon = "/siren.svg")]
async fn incidents() -> GlanceData {
    GlanceData::new(label!("<b>4</b> open"))
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
