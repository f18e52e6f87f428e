use glance_sdk::prelude::*;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents(query: &GlanceQuery) -> GlanceData {
    GlanceData::new(label!("<b>4</b> open in {}", query.room_id()))
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
