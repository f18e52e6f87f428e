use glance_sdk::prelude::*;

#[glance(key = "open incidents", name = "", icon = "/siren.svg", target = "a/b")]
async fn incidents() -> GlanceData {
    GlanceData::new(label!("<b>4</b> open"))
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
