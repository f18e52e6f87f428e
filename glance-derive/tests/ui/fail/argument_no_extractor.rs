use glance_sdk::prelude::*;

#[glance(key = "incidents", name = "Incidents", icon = "/siren.svg")]
async fn incidents(query: GlanceQuery, open: u32) -> GlanceData {
    GlanceData::new(label!("<b>{open}</b> in {}", query.room_id()))
}

fn main() {
    AddOn::new("com.example.incidents", "Incidents").glance::<incidents>();
}
